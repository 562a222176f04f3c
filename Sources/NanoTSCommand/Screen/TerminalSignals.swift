import Glibc
import Synchronization

/// What a program that has taken over a terminal must hear of, as bytes of a pipe, so that one poll() waits for signals
/// and keys together and none comes between a look and a sleep.
enum TerminalSignals {
  enum Event: Equatable {
    /// Ctrl-C, a request to end, or the terminal has gone.
    case end
    case resized
    /// Ctrl-Z: the terminal is to be given back before `suspend()`.
    case suspend
    case resumed
  }

  private static let heard: [Int32] = [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH, SIGTSTP, SIGCONT]
  /// The pipe's end that the handler writes to.
  private static let inlet = Atomic<Int32>(-1)

  /// Starts to listen. Gives the descriptor that has something to read when a signal has come.
  static func install() throws -> Int32 {
    var ends: [Int32] = [-1, -1]
    // pipe() writes two descriptors, and there is room for two.
    guard unsafe ends.withUnsafeMutableBufferPointer({ unsafe pipe($0.baseAddress) }) == 0 else {
      throw CommandFailure.system("cannot make a pipe")
    }
    // A full pipe must stop neither the handler nor the reader: what is in it says enough.
    for end in ends { _ = fcntl(end, F_SETFL, O_NONBLOCK) }
    inlet.store(ends[1], ordering: .relaxed)
    var signals = sigset_t()
    unsafe sigemptyset(&signals)
    for signal in heard {
      listen(to: signal)
      unsafe sigaddset(&signals, signal)
    }
    // Whoever started the command may have had them blocked, and a blocked signal is inherited as such.
    unsafe pthread_sigmask(SIG_UNBLOCK, &signals, nil)
    return ends[0]
  }

  private static func listen(to signal: Int32) {
    var action = sigaction()
    unsafe action.__sigaction_handler.sa_handler = { number in
      let before = errno
      var byte = UInt8(truncatingIfNeeded: number)
      // One byte is read from where it lies; write() may be called in a handler.
      _ = unsafe write(TerminalSignals.inlet.load(ordering: .relaxed), &byte, 1)
      errno = before
    }
    unsafe sigaction(signal, &action, nil)
  }

  /// What has come since the last call.
  static func events(from outlet: Int32) -> [Event] {
    var bytes = [UInt8](repeating: 0, count: 64)
    // The buffer is written by read() during the call only, and its count goes along with it.
    let count = unsafe bytes.withUnsafeMutableBytes { unsafe read(outlet, $0.baseAddress, $0.count) }
    return bytes.prefix(max(0, count)).map { byte in
      switch Int32(byte) {
      case SIGWINCH: .resized
      case SIGTSTP: .suspend
      case SIGCONT: .resumed
      default: .end
      }
    }
  }

  /// Stops this process, as Ctrl-Z would have done, until it is continued.
  static func suspend() {
    _ = signal(SIGTSTP, SIG_DFL)
    raise(SIGTSTP)
    listen(to: SIGTSTP)
  }
}
