import FuzzKit
import NanoTS
import NanoTSRecords

/// One input of this fuzzer: which text it is, and the text. It is read as the command reads it, and what was read is
/// written again where the command writes such text.
enum TextRun {
  static func run(_ input: inout FuzzInput) {
    let kind = input.choice(12)
    let unit = input.element(of: [TimeUnit.nanoseconds, .microseconds, .milliseconds, .seconds])
    let bytes = Array(input.rest())
    let text = String(decoding: bytes, as: UTF8.self)
    switch kind {
    case 0: size(text)
    case 1: duration(text, unit)
    case 2: time(text, unit)
    case 3: date(text)
    case 4: timedLine(bytes, unit)
    case 5: layout(text)
    case 6: print(bytes, unit)
    case 7: _ = try? TimeUnit(parsing: text)
    case 8: machine([.cpu, .interrupts], bytes)
    case 9: machine([.memory, .network], bytes)
    case 10: machine([.load, .disk], bytes)
    default: numbers(bytes, unit)
    }
  }

  // MARK: Arguments

  private static func size(_ text: String) {
    guard let size = try? SizeArgument(parsing: text) else { return }
    let again = try? SizeArgument(parsing: size.description)
    precondition(again == size, "\(size) is read as \(again as Any)")
    _ = NumberText.size(UInt64(size.bytes))
  }

  private static func duration(_ text: String, _ unit: TimeUnit) {
    guard let span = try? DurationArgument(parsing: text) else { return }
    precondition(span.nanoseconds >= 0)
    _ = SpanText.string(seconds: Double(span.nanoseconds) / 1e9)
    _ = SpanText.short(seconds: Double(span.nanoseconds) / 1e9)
  }

  private static func time(_ text: String, _ unit: TimeUnit) {
    guard let time = try? TimeArgument(parsing: text) else { return }
    let now = WallClock.Reading(seconds: 1_700_000_000, nanoseconds: 123_456_789)
    guard let timestamp = try? time.timestamp(in: unit, now: now) else { return }
    print(timestamp, unit)
  }

  /// A date that was read is printed as the same moment, to the digits that the unit has.
  private static func date(_ text: String) {
    guard let (seconds, nanoseconds) = ISO8601Text.instant(text) else { return }
    precondition((0..<1_000_000_000).contains(nanoseconds))
    print(seconds, .seconds)
  }

  /// A timestamp as a date, where it is one of the calendar's, is read as itself.
  private static func print(_ timestamp: Int64, _ unit: TimeUnit) {
    var times = TimeText(unit: unit, isRaw: false)
    let printed = times.string(timestamp)
    guard let read = try? TimeArgument(parsing: printed) else { fatalError("'\(printed)' is not read") }
    let now = WallClock.Reading(seconds: 0, nanoseconds: 0)
    let again = try? read.timestamp(in: unit, now: now)
    precondition(again == timestamp, "\(timestamp) is printed as \(printed) and read as \(again as Any)")
  }

  private static func timedLine(_ bytes: [UInt8], _ unit: TimeUnit) {
    guard let line = try? TimedLine(bytes) else { return }
    precondition(line.payload.count < bytes.count)
    time(line.time.text, unit)
  }

  // MARK: Payloads

  /// The layout in a segment's metadata, as JSON; then it is used on records of several lengths.
  private static func layout(_ text: String) {
    guard let reader = FieldReader(metadata: text) else { return }
    for length in [0, 8, 64, 400] {
      let record = [UInt8](repeating: 0xFF, count: length)
      var line: [UInt8] = []
      PayloadText.append(record, reader.fields(of: record), to: &line)
    }
    _ = reader.layout.metadata
  }

  private static func print(_ bytes: [UInt8], _ unit: TimeUnit) {
    var line: [UInt8] = []
    PayloadText.append(bytes, nil, to: &line)
    let isSafe = !line.contains { $0 < 0x20 && $0 != UInt8(ascii: "\t") || $0 == 0x7F }
    precondition(isSafe, "a control character is printed")
    line.removeAll()
    JSONText.append(bytes, to: &line)
    precondition(!line.contains { $0 < 0x20 }, "a control character is in the JSON")
  }

  private static func numbers(_ bytes: [UInt8], _ unit: TimeUnit) {
    let bits = bytes.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    print(Int64(bitPattern: bits), unit)
    let number = Double(bitPattern: bits)
    _ = NumberText.size(bits)
    _ = NumberText.grouped(Int64(bitPattern: bits))
    guard number.isFinite else { return }
    _ = NumberText.decimal(number, places: Int(bits % 4))
    _ = SpanText.string(seconds: number)
    _ = SpanText.short(seconds: number)
  }

  // MARK: The machine

  /// The first half of the text is what the file holds when a recording begins, the second what it holds later.
  private static func machine(_ streams: [MachineStream], _ bytes: [UInt8]) {
    let stream = streams[Int(bytes.first ?? 0) % streams.count]
    let texts = bytes.dropFirst().split(separator: 0, maxSplits: 1).map { Array($0) }
    guard let first = texts.first, let reading = stream.reading(of: first.span) else { return }
    var words = [UInt64](repeating: 0, count: reading.wordCount)
    // What a /proc file holds has the shape that was made for it, unless a line has too few numbers.
    _ = reading.fill(&words, from: first.span)
    for later in texts.dropFirst() { _ = reading.fill(&words, from: later.span) }
    let layout = LayoutDocument(
      source: stream.path, rateHz: 1, ticksPerSecond: stream.ticksPerSecond, layout: reading.layout)
    // The names in it may be anything, also twice the same, which makes it no layout; it is a document all the same.
    precondition(LayoutDocument(metadata: layout.metadata) == layout, "a layout is not read: \(layout.metadata)")
  }
}
