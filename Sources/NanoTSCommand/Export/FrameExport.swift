import NanoTS
import NanoTSRecords

/// One format to export frames in.
protocol FrameExport {
  /// Takes a frame of stream number `stream`.
  mutating func append(_ frame: Frame, of stream: Int) throws

  /// All frames were taken; what is left is written to the file.
  mutating func finish() throws

  /// Frames that the format has no place for: payloads that are shorter than their layout says, in a table of fields alone.
  var framesLeftOut: UInt64 { get }
}

extension FrameExport {
  var framesLeftOut: UInt64 { 0 }
}

/// What is exported, as all formats need to know it.
struct ExportContents {
  let streams: [String]
  let unit: TimeUnit
  /// Of each stream, what the segments in the range hold, or all of them where there are none in it; nil for bytes.
  let contents: [[StreamContent?]]

  init(_ store: Store, _ streams: [String], _ range: ClosedRange<Int64>) throws {
    self.streams = streams
    unit = store.timeUnit
    contents = try streams.map { name in
      let segments = try store.segments(of: name, in: range)
      // Without a frame there is still a table, of the columns that the stream has.
      return try (segments.isEmpty ? store.segments(of: name) : segments).map { StreamContent(metadata: $0.metadata) }
    }
  }

  /// The layouts of a stream, each once.
  func layouts(of stream: Int) -> [RecordLayout] {
    var layouts: [RecordLayout] = []
    for case .record(let layout) in contents[stream] where !layouts.contains(layout) { layouts.append(layout) }
    return layouts
  }
}

/// JSON Lines: what `cat --json` prints.
struct JSONLinesExport: FrameExport {
  private let file: ExportFile
  private var line: FrameLine

  init(_ file: ExportFile, _ contents: ExportContents) {
    self.file = file
    line = FrameLine(
      .json(isHex: false), streams: contents.streams, times: TimeText(unit: contents.unit, isRaw: false))
  }

  mutating func append(_ frame: Frame, of stream: Int) throws {
    try line.append(frame, of: stream, to: &file.buffer)
    try file.flushIfFull()
  }

  mutating func finish() throws {}
}

/// Comma-separated values: the time, the stream if there are several, key and flags, then a column for each field of the
/// records, or `data`.
///
/// A field that a segment does not have, and NaN, is an empty cell. Payloads without a layout are in `data`, as text where they
/// are text, else as hexadecimal digits after 0x.
struct CSVExport: FrameExport {
  private let file: ExportFile
  private let streams: [[UInt8]]
  private var times: TimeText
  private var layouts: [SegmentLayout]
  private let columns: [String: Int]
  private let hasData: Bool
  /// The cells of a row, by column.
  private var cells: [[UInt8]]
  private(set) var framesLeftOut: UInt64 = 0

  /// Columns of the table's own: a field of such a name has `fields.` before it.
  private static let ownColumns = ["time", "stream", "key", "flags", "data"]

  init(_ file: ExportFile, _ contents: ExportContents, rawTimes: Bool) {
    self.file = file
    streams = contents.streams.count > 1 ? contents.streams.map { Self.cell(Array($0.utf8)) } : []
    times = TimeText(unit: contents.unit, isRaw: rawTimes)
    layouts = contents.streams.map { _ in SegmentLayout() }
    var names: [String] = []
    var columns: [String: Int] = [:]
    for stream in contents.streams.indices {
      for field in contents.layouts(of: stream).flatMap(\.fields) where columns[field.name] == nil {
        columns[field.name] = names.count
        names.append(Self.ownColumns.contains(field.name) ? "fields.\(field.name)" : field.name)
      }
    }
    hasData = contents.contents.contains { segments in
      segments.contains { if case .record = $0 { false } else { true } }
    }
    self.columns = columns
    cells = Array(repeating: [], count: names.count)
    let head = ["time"] + (streams.isEmpty ? [] : ["stream"]) + ["key", "flags"] + names + (hasData ? ["data"] : [])
    file.buffer.append(contentsOf: head.map { Self.cell(Array($0.utf8)) }.joined(separator: [UInt8(ascii: ",")]))
    file.buffer.append(contentsOf: "\n".utf8)
  }

  mutating func append(_ frame: Frame, of stream: Int) throws {
    let payload = try frame.copyBytes()
    let fields = try layouts[stream].reader(for: frame)?.fields(of: payload)
    guard fields != nil || hasData else {
      framesLeftOut += 1
      return
    }
    times.append(frame.timestamp, to: &file.buffer)
    if !streams.isEmpty {
      file.buffer.append(UInt8(ascii: ","))
      file.buffer.append(contentsOf: streams[stream])
    }
    file.buffer.append(contentsOf: ",\(frame.key),\(frame.flags)".utf8)
    appendFields(fields)
    if hasData {
      file.buffer.append(UInt8(ascii: ","))
      if fields == nil { file.buffer.append(contentsOf: Self.data(payload)) }
    }
    file.buffer.append(UInt8(ascii: "\n"))
    try file.flushIfFull()
  }

  mutating func finish() throws {}

  private mutating func appendFields(_ fields: PayloadText.Fields?) {
    for index in cells.indices { cells[index].removeAll(keepingCapacity: true) }
    for field in fields ?? [] {
      guard let column = columns[field.name] else { continue }
      switch field.value {
      case .real(let value) where value.isNaN: break
      case .single(let value) where value.isNaN: break
      case .text(let text): cells[column] = Self.cell(Array(text.utf8))
      default: PayloadText.append(field.value, to: &cells[column])
      }
    }
    for cell in cells {
      file.buffer.append(UInt8(ascii: ","))
      file.buffer.append(contentsOf: cell)
    }
  }

  private static func data(_ payload: [UInt8]) -> [UInt8] {
    guard (try? UTF8Span(validating: payload.span)) == nil else { return cell(payload) }
    var digits = Array("0x".utf8)
    PrintableText.appendHex(payload, to: &digits)
    return digits
  }

  /// In quotes where it must be.
  private static func cell(_ bytes: [UInt8]) -> [UInt8] {
    let marks: [UInt8] = [UInt8(ascii: ","), UInt8(ascii: "\""), UInt8(ascii: "\n"), UInt8(ascii: "\r")]
    guard bytes.contains(where: { marks.contains($0) }) else { return bytes }
    let quote = UInt8(ascii: "\"")
    return [quote] + bytes.flatMap { $0 == quote ? [quote, quote] : [$0] } + [quote]
  }
}
