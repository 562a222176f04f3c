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
    guard let power else {
      guard let (seconds, nanoseconds) = Self.instant(cell) else { return nil }
      return WallClock.Reading(seconds: seconds, nanoseconds: nanoseconds).timestamp(in: unit)
    }
    return NumberCell.scaled(cell, by: unit.decimalPower - power)
  }

  /// What the first rows look like. Whether the store's unit reaches so far is another question.
  static func inferred(from cell: Cell) -> TimeFormat {
    instant(cell) != nil ? .iso8601 : .s
  }

  /// Seconds since 1970 and nanoseconds after them: `YYYY-MM-DD`, behind it, after a T or a space, `HH:MM` or `HH:MM:SS` with
  /// an optional fraction, and behind that a zone. Digits where a date has them are read here, in a hundredth of the time that
  /// a date parser takes.
  private static func instant(_ cell: Cell) -> (seconds: Int64, nanoseconds: Int64)? {
    guard cell.count >= 10, cell[4] == UInt8(ascii: "-"), cell[7] == UInt8(ascii: "-"), let year = number(cell, 0, 4),
      let month = number(cell, 5, 2), let day = number(cell, 8, 2), (1...12).contains(month), day >= 1,
      day <= daysOfMonth(month, of: year)
    else { return nil }
    let midnight = daysSince1970(year, month, day) * 86_400
    if cell.count == 10 { return (midnight, 0) }
    guard cell.count >= 16, cell[10] == UInt8(ascii: " ") || cell[10] | 0x20 == UInt8(ascii: "t"),
      cell[13] == UInt8(ascii: ":"), let hour = number(cell, 11, 2), let minute = number(cell, 14, 2), hour < 24,
      minute < 60
    else { return nil }
    var (second, nanoseconds, end) = (Int64(0), Int64(0), 16)
    if end < cell.count, cell[end] == UInt8(ascii: ":") {
      guard let value = number(cell, end + 1, 2), value < 60 else { return nil }
      second = value
      end += 3
      if end < cell.count, cell[end] == UInt8(ascii: ".") {
        guard let (value, digits) = fraction(cell, from: end + 1) else { return nil }
        nanoseconds = value
        end += 1 + digits
      }
    }
    guard let zoneSeconds = zone(cell, from: end) else { return nil }
    return (midnight + hour * 3_600 + minute * 60 + second - zoneSeconds, nanoseconds)
  }

  /// The number of `count` digits from `start` on; nil where there are not so many.
  private static func number(_ cell: Cell, _ start: Int, _ count: Int) -> Int64? {
    guard start + count <= cell.count else { return nil }
    var value: Int64 = 0
    for index in start..<(start + count) {
      let digit = cell[index] &- UInt8(ascii: "0")
      guard digit < 10 else { return nil }
      value = value * 10 + Int64(digit)
    }
    return value
  }

  /// The digits from `start` on as nanoseconds, and how many they are: from one to nine.
  private static func fraction(_ cell: Cell, from start: Int) -> (nanoseconds: Int64, digits: Int)? {
    let digits = cell[start...].prefix { $0 &- UInt8(ascii: "0") < 10 }.count
    guard (1...9).contains(digits), let value = number(cell, start, digits) else { return nil }
    return ((0..<(9 - digits)).reduce(value) { value, _ in value * 10 }, digits)
  }

  /// Seconds east of UTC: nothing or Z, which are UTC, +02, +0200 or +02:00, where a space may stand before.
  private static func zone(_ cell: Cell, from start: Int) -> Int64? {
    var start = start
    if start == cell.count { return 0 }
    if cell[start] == UInt8(ascii: " ") { start += 1 }
    guard start < cell.count else { return nil }
    let sign = cell[start]
    if sign | 0x20 == UInt8(ascii: "z") { return start + 1 == cell.count ? 0 : nil }
    guard sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-"), let hours = number(cell, start + 1, 2), hours < 24
    else { return nil }
    var (minutes, end) = (Int64(0), start + 3)
    if end < cell.count {
      if cell[end] == UInt8(ascii: ":") { end += 1 }
      guard let value = number(cell, end, 2), value < 60, end + 2 == cell.count else { return nil }
      minutes = value
    }
    let seconds = hours * 3_600 + minutes * 60
    return sign == UInt8(ascii: "-") ? -seconds : seconds
  }

  private static func daysOfMonth(_ month: Int64, of year: Int64) -> Int64 {
    switch month {
    case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
  }

  /// Days from civil (Hinnant, "chrono-compatible low-level date algorithms", 2013): years begin with March, so that the day
  /// that comes and goes is a year's last. Eras are of 400 years and begin in March of the year 0, before which is one more.
  private static func daysSince1970(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
    let year = month <= 2 ? year - 1 : year
    let era = (year >= 0 ? year : year - 399) / 400
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
