import Synchronization

/// The follower's half of following: sleeping until a stream may have new frames.
///
/// Each round is `prepare`, a look for frames, `sleep`. In that order no commit is missed: it is seen by the look, or its
/// writer sees the follower's bit and wakes it.
///
/// A wake costs the writer a few microseconds, so followers ask for a bounded number of them: `wakesPerWindow` in each
/// window of 2^18 ns for a bit. One that finds them used up sleeps to the window's end and looks by itself, as a reader
/// does that may not write the mapping or has no `ProcessBarrier`.
struct CommitWait {
  private static let windowShift: UInt64 = 18
  private static let wakesPerWindow: UInt64 = 3
  private static let shortestPoll: UInt64 = 200_000
  private static let longestPoll: UInt64 = 20_000_000
  /// A sleeper looks by itself after so long: what a writer that was killed between commit and wake owes it.
  static let longestSleep: UInt64 = 500_000_000
  /// Waited for, and never asked of a writer, by those who wait for a stream that does not exist.
  private static let unknownStreamBit: UInt32 = 1 << 31

  /// Where the wakes are asked for; nil for one who polls.
  private let shared: SharedState?
  /// Keeps the mapping that `shared` is in.
  private let file: StoreFile
  private let longestSleep: UInt64
  private var pollInterval = shortestPoll

  /// True when a sleep ends by a wake; false when it looks again and again.
  static func isWoken(_ file: StoreFile) -> Bool { file.wakeable != nil && ProcessBarrier.isAvailable }

  init(_ file: StoreFile, longestSleep: UInt64 = CommitWait.longestSleep) {
    self.file = file
    shared = CommitWait.isWoken(file) ? file.wakeable : nil
    self.longestSleep = longestSleep
  }

  /// How to sleep after the look.
  enum Ticket {
    case untilWoken(word: AtomicUInt32, value: UInt32, bits: UInt32)
    case until(UInt64)
  }

  /// Begins a round for the streams in `slots`; nil stands for a stream that does not exist yet.
  mutating func prepare(_ slots: some Sequence<Int?>) -> Ticket {
    let now = MonotonicClock.now
    guard let shared else {
      defer { pollInterval = min(pollInterval * 2, CommitWait.longestPoll) }
      return .until(now + pollInterval)
    }
    // Before the bits are set and the look is made: a wake after this moment changes the word, and the sleep ends at once.
    let (word, value) = (shared.wakeWord, shared.wakeWord.acquired)
    var wanted: UInt32 = 0
    var waited: UInt32 = 0
    for slot in slots {
      wanted |= slot.map(CommitSignal.bit(ofSlot:)) ?? 0
      waited |= slot.map(CommitSignal.bit(ofSlot:)) ?? CommitWait.unknownStreamBit
    }
    guard wanted != 0 else { return .untilWoken(word: word, value: value, bits: waited) }
    let window = now >> CommitWait.windowShift
    guard takeWakes(wanted, of: shared, in: window) else { return .until((window + 1) << CommitWait.windowShift) }
    shared.wantedWakes.formUnion(wanted)
    guard ProcessBarrier.synchronize() else { return .until(now + CommitWait.shortestPoll) }
    return .untilWoken(word: word, value: value, bits: waited)
  }

  func sleep(_ ticket: Ticket, until deadline: Deadline) {
    switch ticket {
    case .untilWoken(let word, let value, let bits):
      let (end, isNever) = MonotonicClock.now.addingReportingOverflow(longestSleep)
      let time = isNever ? deadline.time : min(end, deadline.time)
      Futex.wait(word, while: value, bits: bits, until: time)
    case .until(let time):
      MonotonicClock.sleep(until: min(time, deadline.time))
    }
  }

  /// Takes a wake of each bit's budget for the present window; false when one has none left. The budgets only spread
  /// cost: whatever a file says there, a follower is woken or looks by itself.
  private func takeWakes(_ bits: UInt32, of shared: SharedState, in window: UInt64) -> Bool {
    var left = bits
    while left != 0 {
      let budget = shared.wakeBudget(left.trailingZeroBitCount)
      let value = budget.relaxed
      let isSameWindow = value >> 8 == window & (.max >> 8)
      let used = isSameWindow ? value & 0xFF : 0
      guard used < CommitWait.wakesPerWindow else { return false }
      if budget.exchange(value, for: window << 8 | (used + 1)) { left &= left &- 1 }
    }
    return true
  }
}

/// Ends a wait from another thread.
final class WaitInterrupt: Sendable {
  private let file: StoreFile
  private let flag = Atomic<Bool>(false)

  init(_ file: StoreFile) { self.file = file }

  var isRaised: Bool { flag.load(ordering: .acquiring) }

  /// Ends the waits that look at this interrupt; one that polls notices within its interval.
  func raise() {
    flag.store(true, ordering: .releasing)
    if CommitWait.isWoken(file) { CommitSignal.wakeAll(file) }
  }
}
