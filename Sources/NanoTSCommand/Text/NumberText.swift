/// Numbers and sizes as people read them.
enum NumberText {
  /// `1234567` as `1,234,567`.
  static func grouped(_ value: some BinaryInteger) -> String {
    let digits = String(value.magnitude)
    var text = value < 0 ? "-" : ""
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index).isMultiple(of: 3) { text.append(",") }
      text.append(digit)
    }
    return text
  }

  /// `value` with `places` digits behind the point, rounded, grouped. Beyond Int64 there is nothing to group.
  static func decimal(_ value: Double, places: Int) -> String {
    var scale: Int64 = 1
    for _ in 0..<places { scale *= 10 }
    let scaled = (value.magnitude * Double(scale)).rounded()
    guard scaled < 9e18 else { return "\(value)" }
    let (whole, fraction) = Int64(scaled).quotientAndRemainder(dividingBy: scale)
    let sign = value < 0 && scaled > 0 ? "-" : ""
    guard places > 0 else { return sign + grouped(whole) }
    let digits = String(fraction)
    return sign + grouped(whole) + "." + String(repeating: "0", count: places - digits.count) + digits
  }

  private static let sizeUnits = ["KiB", "MiB", "GiB", "TiB", "PiB"]

  /// Bytes in the largest binary unit that leaves at least 1: whole numbers stay whole, others get one digit.
  static func size(_ bytes: UInt64) -> String {
    guard bytes >= 1_024 else { return "\(grouped(bytes)) B" }
    var divisor: UInt64 = 1_024
    var unit = 0
    while unit < sizeUnits.count - 1, bytes / divisor >= 1_024 {
      divisor *= 1_024
      unit += 1
    }
    let isWhole = bytes.isMultiple(of: divisor)
    let number = isWhole ? grouped(bytes / divisor) : decimal(Double(bytes) / Double(divisor), places: 1)
    return "\(number) \(sizeUnits[unit])"
  }

  /// `count` with its noun: `1 frame`, `2 frames`.
  static func counted(_ count: some BinaryInteger, _ noun: String) -> String {
    "\(grouped(count)) \(noun)\(count == 1 ? "" : "s")"
  }

  /// A share of a whole in percent, of which only nothing is 0 and only all is 100.
  static func percent(_ part: Int, of whole: Int) -> String {
    guard whole > 0, part > 0 else { return "0%" }
    guard part < whole else { return "100%" }
    return "\(min(99, max(1, Int((Double(part) / Double(whole) * 100).rounded()))))%"
  }
}

/// How long something took or covers, in the two largest units that matter: `3 d 4 h`, `2 min 5 s`, `1.250 s`.
enum SpanText {
  /// The units above the second, largest first, and how many seconds each has.
  private static let units: [(name: String, seconds: Int64)] = [("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)]

  static func string(seconds: Double) -> String {
    guard seconds < 9e15 else { return "\(seconds) s" }
    guard seconds >= 60 else { return "\(NumberText.decimal(seconds, places: 3)) s" }
    let whole = Int64(seconds)
    let largest = units.firstIndex { whole >= $0.seconds } ?? units.count - 1
    let (count, rest) = whole.quotientAndRemainder(dividingBy: units[largest].seconds)
    let next = units[min(largest + 1, units.count - 1)]
    return "\(NumberText.grouped(count)) \(units[largest].name) \(rest / next.seconds) \(next.name)"
  }

  /// The same in one unit, for narrow columns: `3.2 ms`, `12.3 s`, `47 min`, `9 d`.
  static func short(seconds: Double) -> String {
    let size = seconds.magnitude
    guard size < 9e15 else { return "\(seconds) s" }
    if size < 0.9995 { return "\(NumberText.decimal(seconds * 1e3, places: size < 0.01 ? 1 : 0)) ms" }
    if size < 59.95 { return "\(NumberText.decimal(seconds, places: 1)) s" }
    let whole = Int64(size)
    let unit = units.dropLast().first { whole >= 2 * $0.seconds } ?? units[units.count - 1]
    return "\(seconds < 0 ? "-" : "")\(NumberText.grouped(whole / unit.seconds)) \(unit.name)"
  }
}
