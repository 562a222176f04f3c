import Glibc
import Synchronization

/// Ctrl-C and SIGTERM as a wish to end in good order. A second one ends the process at once.
enum StopSignal {
  private static let received = Atomic<Int32>(0)

  static var isRequested: Bool { received.load(ordering: .relaxed) != 0 }

  /// The exit code that a shell gives to a program which the signal ended.
  static var exitCode: Int32 { 128 + received.load(ordering: .relaxed) }

  static func install() {
    // A global is made at its first use, which may take a lock: not in a signal handler, so it happens here.
    received.store(0, ordering: .relaxed)
    var action = sigaction()
    unsafe action.__sigaction_handler.sa_handler = { StopSignal.received.store($0, ordering: .relaxed) }
    action.sa_flags = Int32(bitPattern: UInt32(SA_RESETHAND))
    var signals = sigset_t()
    unsafe sigemptyset(&signals)
    for signal in [SIGINT, SIGTERM] {
      unsafe sigaction(signal, &action, nil)
      unsafe sigaddset(&signals, signal)
    }
    // Whoever started the command may have had them blocked (libdispatch does on its threads), and a blocked signal is
    // inherited as such.
    unsafe pthread_sigmask(SIG_UNBLOCK, &signals, nil)
  }
}
