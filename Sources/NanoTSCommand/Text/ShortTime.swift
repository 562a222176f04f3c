import NanoTS

/// Times as `TimeText` has them, without the zeros at the end of a second's fraction: `--from` and `--to` take them too.
struct ShortTime {
  private var times: TimeText
  private let dropsFraction: Bool

  /// `range`: what the times are the ends of. Across ten minutes and more they are to the second.
  init(_ unit: TimeUnit, across range: ClosedRange<Int64>? = nil) {
    times = TimeText(unit: unit, isRaw: false)
    dropsFraction =
      range.map { UInt64(bitPattern: $0.upperBound &- $0.lowerBound) / UInt64(unit.unitsPerSecond) >= 600 } ?? false
  }

  mutating func string(_ timestamp: Int64) -> String {
    let text = times.string(timestamp)
    guard text.hasSuffix("Z"), text.contains(".") else { return text }
    guard !dropsFraction else { return text.prefix { $0 != "." } + "Z" }
    let digits = text.dropLast().reversed().drop { $0 == "0" }.drop { $0 == "." }
    return String(digits.reversed()) + "Z"
  }

  mutating func string(_ timestamp: Int64?) -> String { timestamp.map { string($0) } ?? "–" }

  /// How long something takes, also where it is less than a millisecond.
  static func span(seconds: Double) -> String {
    switch seconds {
    case ..<1e-6: "\(NumberText.decimal(seconds * 1e9, places: 0)) ns"
    case ..<1e-3: "\(NumberText.decimal(seconds * 1e6, places: 1)) µs"
    case ..<1: "\(NumberText.decimal(seconds * 1e3, places: 1)) ms"
    default: SpanText.string(seconds: seconds)
    }
  }
}
