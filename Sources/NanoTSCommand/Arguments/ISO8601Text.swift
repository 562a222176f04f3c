import FoundationEssentials

/// Reads ISO 8601 dates: `2026-01-31`, `2026-01-31T12:00`, `2026-01-31T12:00:00.123456789Z`, `…+02:00`, `…+02`. No zone is UTC. A
/// space may stand in place of the T, and before the zone.
///
/// Foundation does the calendar. The fraction and the zone are read here: its style knows milliseconds only, takes
/// February 30 for March 2 and does not mind what follows the date.
enum ISO8601Text {
  private static let style = Date.ISO8601FormatStyle()

  /// Seconds since 1970 and nanoseconds (0..<1,000,000,000) after them, or nil where `text` is no such date.
  static func instant(_ text: String) -> (seconds: Int64, nanoseconds: Int64)? {
    guard text.utf8.count <= 64, text.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) else { return nil }
    let mark: Character = text.contains("T") ? "T" : " "
    let parts = text.split(separator: mark, maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2 else { return wholeSecond("\(text)T00:00:00").map { ($0, 0) } }
    guard let (clock, zoneSeconds) = splitZone(parts[1]) else { return nil }
    let clockParts = clock.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
    guard let time = clockParts.first else { return nil }
    // Hours and minutes alone are a common short form.
    let seconds = time.utf8.count == 5 ? "\(time):00" : String(time)
    guard let second = wholeSecond("\(parts[0])T\(seconds)") else { return nil }
    guard clockParts.count == 2 else { return (second - zoneSeconds, 0) }
    guard time.utf8.count == 8, let nanoseconds = nanoseconds(clockParts[1]) else { return nil }
    return (second - zoneSeconds, nanoseconds)
  }

  /// A date that does not come back as it was written (the 30th of February, the 25th hour) is refused.
  private static func wholeSecond(_ text: String) -> Int64? {
    let canonical = text + "Z"
    guard let date = try? style.parse(canonical), style.format(date) == canonical else { return nil }
    return Int64(date.timeIntervalSince1970)
  }

  private static func nanoseconds(_ digits: Substring) -> Int64? {
    guard (1...9).contains(digits.utf8.count), digits.allSatisfy({ $0.isASCII && $0.isNumber }) else { return nil }
    return Int64(digits + String(repeating: "0", count: 9 - digits.utf8.count))
  }

  /// The clock time without its zone, and the zone's seconds east of UTC.
  private static func splitZone(_ text: Substring) -> (clock: Substring, seconds: Int64)? {
    if text.hasSuffix("Z") || text.hasSuffix("z") { return (withoutBlanks(text.dropLast()), 0) }
    guard let sign = text.lastIndex(where: { $0 == "+" || $0 == "-" }) else { return (text, 0) }
    let digits = text[text.index(after: sign)...].filter { $0 != ":" }
    guard let number = Int64(digits), number >= 0, [2, 4].contains(digits.utf8.count) else { return nil }
    let (hours, minutes) = digits.utf8.count == 2 ? (number, 0) : number.quotientAndRemainder(dividingBy: 100)
    guard hours < 24, minutes < 60 else { return nil }
    let seconds = hours * 3_600 + minutes * 60
    return (withoutBlanks(text[..<sign]), text[sign] == "-" ? -seconds : seconds)
  }

  /// A zone may stand apart.
  private static func withoutBlanks(_ clock: Substring) -> Substring {
    clock.last == " " ? clock.dropLast() : clock
  }
}
