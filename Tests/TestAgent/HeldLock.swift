import Glibc
import Synchronization

/// The allocation lock of a store, taken as a writer takes it that is about to be killed, with the mark that lists are being
/// changed. By hand and by number, as Format.md and Protocols.md have them.
enum HeldLock {
  struct Failed: Error {
    let step: String
    let systemError: Int32
  }

  /// How a holder comes to it.
  enum Way {
    /// The kernel's lock and the word.
    case inTurn
    /// The word alone, as the writer of the stream in that slot.
    case atOnce(slot: UInt32)
  }

  /// F_OFD_SETLKW of Linux, which Glibc declares for C programs with _GNU_SOURCE only.
  private static let setOpenFileDescriptionLockAndWait: Int32 = 38
  private static let allocation: Int64 = 1 << 62
  private static let firstStream = allocation + 4096
  private static let sharedStart: off_t = 4096
  private static let holderOffset = 32

  /// What it takes stays taken until the process dies.
  static func take(_ path: String, _ way: Way) throws {
    let descriptor = unsafe open(path, O_RDWR)
    guard let shared = unsafe mmap(nil, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, sharedStart),
      unsafe shared != MAP_FAILED
    else { throw Failed(step: "map the words of \(path)", systemError: errno) }
    let epoch = unsafe shared.assumingMemoryBound(to: Atomic<UInt64>.self)
    let holder = unsafe (shared + holderOffset).assumingMemoryBound(to: Atomic<UInt64>.self)
    try lock(descriptor, allocation, F_WRLCK)
    let number: UInt32
    switch way {
    case .inTurn: number = .max
    case .atOnce(let slot):
      number = slot + 1
      try lock(descriptor, firstStream + Int64(slot), F_WRLCK)
    }
    let word = UInt64(~number) << 32 | UInt64(number)
    // A writer may have it at the moment.
    while unsafe !holder.pointee.compareExchange(expected: 0, desired: word, ordering: .acquiringAndReleasing).exchanged
    {
      usleep(10)
    }
    unsafe epoch.pointee.store(epoch.pointee.load(ordering: .relaxed) | 1, ordering: .releasing)
    if case .atOnce = way { try lock(descriptor, allocation, F_UNLCK) }
  }

  private static func lock(_ descriptor: Int32, _ start: Int64, _ type: Int32) throws {
    var lock = flock()
    lock.l_type = Int16(type)
    lock.l_start = off_t(start)
    lock.l_len = 1
    guard unsafe fcntl(descriptor, setOpenFileDescriptionLockAndWait, &lock) == 0 else {
      throw Failed(step: "lock byte \(start)", systemError: errno)
    }
  }
}
