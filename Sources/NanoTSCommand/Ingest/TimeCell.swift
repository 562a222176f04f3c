import ArgumentParser
import NanoTS

/// How a column says the time.
enum TimeFormat: String, CaseIterable, ExpressibleByArgument {
  /// A number of seconds, milliseconds and so on; since 1970, or since whatever the recording counts from.
  case s, ms, us, ns
  /// A date with a time: 2026-01-31T12:00:00.5Z, 2026-01-31 12:00:00, or a date alone. UTC where no zone is said.
  case iso8601

  /// Seconds are 10 to the power of this.
  private var power: Int? {
    switch self {
    case .s: 0
    case .ms: 3
    case .us: 6
    case .ns: 9
    case .iso8601: nil
    }
  }

  /// The timestamp that `cell` says, in `unit`, rounded down to it; nil where it says none.
  func timestamp(_ cell: Cell, in unit: TimeUnit) -> Int64? {
    guard let power else { return Self.date(cell, in: unit) }
    return NumberCell.scaled(cell, by: unit.decimalPower - power)
  }

  /// What the first rows look like.
  static func inferred(from cell: Cell) -> TimeFormat {
    date(cell, in: .nanoseconds) != nil && cell.contains(UInt8(ascii: "-")) ? .iso8601 : .s
  }

  /// Digits where a date has them are read here, in a hundredth of the time that a date parser takes. Whatever is no plain
  /// date is asked of `ISO8601Text`.
  private static func date(_ cell: Cell, in unit: TimeUnit) -> Int64? {
    if let (seconds, nanoseconds) = plainDate(cell) { return convert(seconds, nanoseconds, unit) }
    guard let (seconds, nanoseconds) = ISO8601Text.instant(cell.text) else { return nil }
    return convert(seconds, nanoseconds, unit)
  }

  private static func convert(_ seconds: Int64, _ nanoseconds: Int64, _ unit: TimeUnit) -> Int64? {
    WallClock.Reading(seconds: seconds, nanoseconds: nanoseconds).timestamp(in: unit)
  }

  /// `YYYY-MM-DD HH:MM:SS`, with a T or a space, an optional fraction and an optional Z.
  private static func plainDate(_ cell: Cell) -> (Int64, Int64)? {
    func number(_ start: Int, _ count: Int) -> Int64? {
      var value: Int64 = 0
      for index in start..<(start + count) {
        // Bound: the caller has looked at the length.
        let digit = cell[index] &- UInt8(ascii: "0")
        guard digit < 10 else { return nil }
        value = value * 10 + Int64(digit)
      }
      return value
    }
    guard cell.count >= 19, cell[4] == UInt8(ascii: "-"), cell[7] == UInt8(ascii: "-"),
      cell[10] == UInt8(ascii: " ") || cell[10] == UInt8(ascii: "T"), cell[13] == UInt8(ascii: ":"),
      cell[16] == UInt8(ascii: ":"), let year = number(0, 4), let month = number(5, 2), let day = number(8, 2),
      let hour = number(11, 2), let minute = number(14, 2), let second = number(17, 2), (1...12).contains(month),
      day >= 1, day <= daysOfMonth(month, of: year), hour < 24, minute < 60, second < 60
    else { return nil }
    var end = cell.count
    if cell[end - 1] == UInt8(ascii: "Z") { end -= 1 }
    var nanoseconds: Int64 = 0
    if end > 19 {
      guard cell[19] == UInt8(ascii: "."), (1...9).contains(end - 20), let fraction = number(20, end - 20) else {
        return nil
      }
      nanoseconds = (0..<(9 - (end - 20))).reduce(fraction) { value, _ in value * 10 }
    }
    return (daysSince1970(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second, nanoseconds)
  }

  private static func daysOfMonth(_ month: Int64, of year: Int64) -> Int64 {
    switch month {
    case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
  }

  /// Days from civil (Hinnant, "chrono-compatible low-level date algorithms", 2013): years begin with March, so that the day
  /// that comes and goes is a year's last.
  private static func daysSince1970(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
    let year = month <= 2 ? year - 1 : year
    let era = year / 400
    let yearOfEra = year - era * 400
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
  }
}

extension TimeUnit {
  /// A second is 10 to the power of this.
  var decimalPower: Int {
    switch self {
    case .nanoseconds: 9
    case .microseconds: 6
    case .milliseconds: 3
    case .seconds: 0
    }
  }
}
