import Glibc

/// Deadlines at equal distances, kept by the monotonic clock: what makes one sample late does not shift the others.
struct SampleClock {
  struct Tick {
    /// How many periods after the start this deadline lies.
    let number: Int64
    /// More than one period passed between the deadline and now. The deadlines missed meanwhile are not made up for.
    let isLate: Bool

    /// The one that is taken before the clock starts.
    static let first = Tick(number: 0, isLate: false)
  }

  /// A signal that comes just before a sleep does not wake it, so no sleep is longer than this.
  private static let longestSleep: Int64 = 100_000_000

  private let start: Int64
  private let period: Double
  private let end: Int64?
  private var nextNumber = Tick.first.number + 1

  /// `rate` deadlines a second, the first one period from now, until `duration` nanoseconds have passed or for ever.
  init(rate: Double, duration: Int64?) {
    start = Self.now()
    period = 1e9 / rate
    let start = self.start
    end = duration.map { start.addingReportingOverflow($0) }.map { $0.overflow ? .max : $0.partialValue }
  }

  var elapsedSeconds: Double { Double(Self.now() - start) / 1e9 }

  /// Waits for the next deadline. Nil when the time is over or `isStopped`; `whileWaiting` runs now and then.
  mutating func next(isStopped: () -> Bool, whileWaiting: (_ elapsedSeconds: Double) -> Void) -> Tick? {
    let deadline = start + Int64(Double(nextNumber) * period)
    if let end, deadline >= end {
      _ = wait(until: end, isStopped, whileWaiting)
      return nil
    }
    guard let now = wait(until: deadline, isStopped, whileWaiting) else { return nil }
    let periodsLate = Double(now - deadline) / period
    let tick = Tick(number: nextNumber, isLate: periodsLate > 1)
    nextNumber += 1 + Int64(periodsLate)
    return tick
  }

  /// The time at which it came to be `deadline`, or nil when stopped before.
  private func wait(until deadline: Int64, _ isStopped: () -> Bool, _ whileWaiting: (_ elapsedSeconds: Double) -> Void)
    -> Int64?
  {
    while !isStopped() {
      let now = Self.now()
      if now >= deadline { return now }
      if deadline - now > Self.longestSleep { whileWaiting(elapsedSeconds) }
      Self.sleep(until: min(deadline, now + Self.longestSleep))
    }
    return nil
  }

  private static func sleep(until deadline: Int64) {
    let (seconds, nanoseconds) = deadline.quotientAndRemainder(dividingBy: 1_000_000_000)
    var time = timespec(tv_sec: Int(seconds), tv_nsec: Int(nanoseconds))
    // An interruption ends the sleep early; the caller looks at the clock anyway.
    _ = unsafe clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, nil)
  }

  static func now() -> Int64 {
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }
}
