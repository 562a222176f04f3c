import ArgumentParser
import Glibc
import NanoTS

/// A point in time as it is written on the command line. What it means as a timestamp depends on the store's unit and,
/// for spans before now, on the clock, so it is worked out when the store is open.
struct TimeArgument: Equatable {
  private enum Point: Equatable {
    /// A timestamp in the store's unit.
    case raw(Int64)
    case instant(seconds: Int64, nanoseconds: Int64)
    case beforeNow(nanoseconds: Int64)
  }

  /// As it was typed, for messages.
  let text: String
  private let point: Point

  init(parsing text: String) throws {
    self.text = text
    if let timestamp = Int64(text) {
      point = .raw(timestamp)
    } else if text == "now" {
      point = .beforeNow(nanoseconds: 0)
    } else if text.hasPrefix("-"), let span = try? DurationArgument(parsing: String(text.dropFirst())) {
      point = .beforeNow(nanoseconds: span.nanoseconds)
    } else if let instant = ISO8601Text.instant(text) {
      point = .instant(seconds: instant.seconds, nanoseconds: instant.nanoseconds)
    } else {
      throw ValidationError(
        "a time is a whole number in the store's unit, an ISO 8601 date such as 2026-01-31T12:00:00.5Z, 'now', or a "
          + "span before now such as -5m.")
    }
  }

  /// The timestamp in `unit`, rounded down to it.
  func timestamp(in unit: TimeUnit, now: WallClock.Reading) throws -> Int64 {
    switch point {
    case .raw(let timestamp):
      return timestamp
    case .instant(let seconds, let nanoseconds):
      return try convert(seconds, nanoseconds, to: unit)
    case .beforeNow(let span):
      var (seconds, nanoseconds) = span.quotientAndRemainder(dividingBy: 1_000_000_000)
      seconds = now.seconds - seconds
      nanoseconds = now.nanoseconds - nanoseconds
      if nanoseconds < 0 {
        seconds -= 1
        nanoseconds += 1_000_000_000
      }
      return try convert(seconds, nanoseconds, to: unit)
    }
  }

  private func convert(_ seconds: Int64, _ nanoseconds: Int64, to unit: TimeUnit) throws -> Int64 {
    guard let timestamp = WallClock.Reading(seconds: seconds, nanoseconds: nanoseconds).timestamp(in: unit) else {
      throw CommandFailure("the time \(text) is outside what a store that counts in \(unit.plural) can hold")
    }
    return timestamp
  }
}

/// The machine's calendar clock, read with all its digits.
enum WallClock {
  struct Reading: Equatable {
    let seconds: Int64
    /// 0 to 999,999,999 after `seconds`.
    let nanoseconds: Int64

    /// The timestamp in `unit`, rounded down, or nil where it does not fit.
    func timestamp(in unit: TimeUnit) -> Int64? {
      // In 128 bits: the oldest timestamps begin in a second whose own start no longer fits.
      let perSecond = unit.unitsPerSecond
      let exact = Int128(seconds) * Int128(perSecond) + Int128(nanoseconds / (1_000_000_000 / perSecond))
      return Int64(exactly: exact)
    }
  }

  static func now() -> Reading {
    var time = timespec()
    unsafe clock_gettime(CLOCK_REALTIME, &time)
    return Reading(seconds: Int64(time.tv_sec), nanoseconds: Int64(time.tv_nsec))
  }

  /// The present as a timestamp. It fits every unit until the year 2262; a clock beyond that is cut.
  static func timestamp(in unit: TimeUnit) -> Int64 {
    now().timestamp(in: unit) ?? .max
  }
}
