import ArgumentParser
import FoundationEssentials
import NanoTS

/// Timestamps as people read them: ISO 8601 in UTC with as many digits as the store's unit has, or the raw numbers.
struct TimeText {
  let unit: TimeUnit
  let isRaw: Bool

  /// The last second formatted. Frames that follow each other mostly share it, and the calendar is the dear part.
  private var cachedSecond: Int64?
  private var cachedText: [UInt8] = []

  /// Years 1 to 9999. Beyond them a date would have no fixed width, and the raw number says more.
  private static let calendarSeconds: ClosedRange<Int64> = -62_135_596_800...253_402_300_799
  private static let style = Date.ISO8601FormatStyle()

  init(unit: TimeUnit, isRaw: Bool) {
    self.unit = unit
    self.isRaw = isRaw
  }

  mutating func append(_ timestamp: Int64, to line: inout [UInt8]) {
    let perSecond = unit.unitsPerSecond
    var (second, rest) = timestamp.quotientAndRemainder(dividingBy: perSecond)
    if rest < 0 {
      second -= 1
      rest += perSecond
    }
    guard !isRaw, Self.calendarSeconds.contains(second) else {
      line.append(contentsOf: String(timestamp).utf8)
      return
    }
    if second != cachedSecond {
      // Every whole second of the calendar range is exact as a Double. The final Z comes after the fraction.
      cachedText = Array(Self.style.format(Date(timeIntervalSince1970: Double(second))).utf8.dropLast())
      cachedSecond = second
    }
    line.append(contentsOf: cachedText)
    appendFraction(rest, to: &line)
    line.append(UInt8(ascii: "Z"))
  }

  mutating func string(_ timestamp: Int64) -> String {
    var line: [UInt8] = []
    append(timestamp, to: &line)
    return String(decoding: line, as: UTF8.self)
  }

  mutating func string(_ timestamp: Int64?) -> String {
    timestamp.map { string($0) } ?? "–"
  }

  private func appendFraction(_ rest: Int64, to line: inout [UInt8]) {
    var divisor = unit.unitsPerSecond / 10
    guard divisor > 0 else { return }
    line.append(UInt8(ascii: "."))
    while divisor > 0 {
      line.append(UInt8(ascii: "0") + UInt8(rest / divisor % 10))
      divisor /= 10
    }
  }
}

extension TimeUnit {
  /// How the command writes and reads the unit.
  var symbol: String {
    switch self {
    case .nanoseconds: "ns"
    case .microseconds: "us"
    case .milliseconds: "ms"
    case .seconds: "s"
    }
  }

  /// The plain word for tables and messages.
  var plural: String {
    switch self {
    case .nanoseconds: "nanoseconds"
    case .microseconds: "microseconds"
    case .milliseconds: "milliseconds"
    case .seconds: "seconds"
    }
  }

  private static let all: [TimeUnit] = [.nanoseconds, .microseconds, .milliseconds, .seconds]

  init(parsing text: String) throws {
    guard let unit = Self.all.first(where: { $0.symbol == text }) else {
      throw ValidationError("a unit of time is ns, us, ms or s.")
    }
    self = unit
  }
}
