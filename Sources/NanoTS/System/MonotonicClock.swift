internal import CNanoTS

/// Nanoseconds since some moment that all processes of the machine agree on. Never goes back.
enum MonotonicClock {
  static var now: UInt64 { nts_monotonic_time() }

  /// Sleeps until then, or until a signal.
  static func sleep(until time: UInt64) { nts_sleep_until(time) }
}

/// The end of a wait.
struct Deadline {
  /// In nanoseconds of the monotonic clock. Times past the kernel's range would be refused: 292 years are enough.
  let time: UInt64

  static let never = Deadline(time: UInt64(Int64.max))

  private init(time: UInt64) { self.time = time }

  /// So many milliseconds from now; with `Int.max`, never. Throws `.invalidArgument` for a negative number.
  init(milliseconds: Int) throws(NanoTSError) {
    guard milliseconds >= 0 else {
      throw NanoTSError(
        .invalidArgument,
        "a wait of \(milliseconds) milliseconds is negative; give 0 to look once, Int.max for no limit")
    }
    let (nanoseconds, isTooLong) = UInt64(milliseconds).multipliedReportingOverflow(by: 1_000_000)
    let (time, isTooLate) = MonotonicClock.now.addingReportingOverflow(nanoseconds)
    self.time = isTooLong || isTooLate ? Deadline.never.time : min(time, Deadline.never.time)
  }

  var isOver: Bool { MonotonicClock.now >= time }
}
