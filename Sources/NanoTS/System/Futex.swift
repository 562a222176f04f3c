internal import CNanoTS

/// Waiting on a word in a mapping that several processes share, and waking those who do (futex(2)).
///
/// Waiters give a set of bits; a wake names bits too, and reaches those whose sets meet it. None of this can fail in a
/// way that matters: a waiter looks again after each return, whatever the reason.
enum Futex {
  static let allBits = UInt32.max

  /// Sleeps while `word` is `expected`, at most until `deadline` of the monotonic clock. May return early.
  static func wait(_ word: AtomicUInt32, while expected: UInt32, bits: UInt32, until deadline: UInt64) {
    _ = unsafe nts_futex_wait(word.address, expected, bits, deadline)
  }

  static func wake(_ word: AtomicUInt32, bits: UInt32 = allBits) { _ = unsafe nts_futex_wake(word.address, bits) }
}

/// A full barrier in other processes, paid by the one who asks for it: what lets a writer look for waiters after each
/// commit with a plain load (membarrier(2), the asymmetric fence of Dice, Huang and Yang, "Asymmetric Dekker
/// synchronization", 2001).
enum ProcessBarrier {
  /// True when this process takes part: it registers at the first use. A process that cannot must fence by itself.
  static let isRegistered = nts_barrier_register() == 0

  /// True when this process can ask the others for a barrier.
  static let isAvailable = nts_barrier_is_available() == 1

  /// After this, each thread of a registered process sees every store made here before, or what it had stored before is
  /// seen here. False when the system refuses.
  static func synchronize() -> Bool { nts_barrier_everywhere() == 0 }
}
