import Glibc
import NanoTS
import NanoTSRecords

/// What is wanted of the rows.
struct IngestPlan {
  var stream: String?
  var streamColumn: String?
  var timeColumn: String?
  var timeFormat: TimeFormat?
  var keyColumn: String?
  var types: [String: FieldType] = [:]
  var units: [String: String] = [:]
}

/// Takes rows into frames: finds the columns, tells the types, and counts what cannot be taken.
final class Ingestion {
  private let plan: IngestPlan
  private let unit: TimeUnit
  private let isStrict: Bool
  private let makeSink: (RecordShape) -> any FrameSink
  private var sink: (any FrameSink)?
  private var fields: FieldColumns?
  private var columns: [String] = []
  private var timeFormat = TimeFormat.s
  private var record: [UInt8] = []

  private(set) var rows: UInt64 = 0
  private(set) var refused: UInt64 = 0
  /// Of these, for their time alone.
  private(set) var outOfOrder: UInt64 = 0

  /// Reasons are said for so many rows.
  private static let mostReasons = 10

  init(
    _ plan: IngestPlan, unit: TimeUnit, isStrict: Bool, sink: @escaping (RecordShape) -> any FrameSink
  ) {
    (self.plan, self.unit, self.isStrict, makeSink) = (plan, unit, isStrict, sink)
  }

  var stored: UInt64 { sink?.stored ?? 0 }
  var clamped: UInt64 { sink?.clamped ?? 0 }
  var recycled: UInt64 { sink?.recycled ?? 0 }
  var streams: [String] { sink?.streams ?? [] }

  /// Takes the rows of one input. `isToGoOn` is asked now and then, and ends it by false.
  func take(_ source: any RowSource, from path: String, isToGoOn: () -> Bool) throws {
    let rows = try SampledRows(source)
    let stream = plan.stream ?? Self.baseName(path)
    try prepare(rows, path)
    let time = try index(of: plan.timeColumn ?? rows.columns[0], "--time-column")
    let key = try special.key.map { try index(of: $0, "--key-column") }
    let flags = try special.flags.map { try index(of: $0, "flags") }
    let name = try special.stream.map { try index(of: $0, "--stream-column") }
    if name == nil, let refusal = StreamName.refusal(of: stream) {
      throw CommandFailure("\(PrintableText.string(path)): \(refusal); --stream says which it is")
    }
    var row = Row()
    while true {
      do {
        guard try rows.next(&row) else { return }
        self.rows += 1
        let cell = row.cells[time]
        guard let timestamp = timeFormat.timestamp(cell, in: unit) else {
          throw RowRefusal(
            line: row.line,
            reason:
              "'\(cell.shown)' is no time in the format \(timeFormat.rawValue); --time-format says which it is: s, ms, us, ns or "
              + "iso8601")
        }
        let streamName = name.map { row.cells[$0].text } ?? stream
        if name != nil, let refusal = StreamName.refusal(of: streamName) {
          throw RowRefusal(line: row.line, reason: refusal)
        }
        let keyValue = try key.map { try whole(row.cells[$0], "key", row.line, as: Int64.self) } ?? 0
        let flagBits = try flags.map { try whole(row.cells[$0], "flags", row.line, as: UInt32.self) } ?? 0
        try unsafe record.withUnsafeMutableBytes { record in
          try unsafe fields!.store(row, into: record)
          try unsafe sink!.append(
            UnsafeRawBufferPointer(record), to: streamName, at: timestamp, key: keyValue, flags: flagBits,
            line: row.line)
        }
      } catch let refusal as RowRefusal {
        try refuse(refusal, path)
      }
      if self.rows & 0xFFF == 0, !isToGoOn() { return }
    }
  }

  /// What was held is stored now. A row of it that cannot be stored ends it.
  func finish() throws {
    do {
      try sink?.finish()
    } catch let refusal as RowRefusal {
      throw CommandFailure(refusal.failure(in: "the input").message + "; nothing was stored")
    }
  }

  private func refuse(_ refusal: RowRefusal, _ path: String) throws {
    let text = "\(PrintableText.string(path)), line \(refusal.line): \(refusal.reason)"
    guard !isStrict else { throw CommandFailure("\(text); nothing was stored") }
    refused += 1
    if refusal.isOutOfOrder { outOfOrder += 1 }
    if refused <= UInt64(Self.mostReasons) { Diagnostics.say(text) }
    if refused == UInt64(Self.mostReasons) + 1 {
      Diagnostics.say("more lines are refused; their number comes at the end")
    }
  }

  private func whole<T: FixedWidthInteger>(_ cell: Cell, _ what: String, _ line: Int, as type: T.Type) throws -> T {
    guard let number = NumberCell.whole(cell, as: type) else {
      throw RowRefusal(
        line: line, reason: "its \(what) '\(cell.shown)' is no whole number from \(T.min) to \(T.max)")
    }
    return number
  }

  /// The columns that are no fields, besides the time. What `export` writes begins with them by these names: such a file is
  /// known by its first columns, unless something is said.
  private var special: (key: String?, flags: String?, stream: String?) {
    let isSaid = plan.timeColumn != nil || plan.keyColumn != nil || plan.streamColumn != nil
    if !isSaid, columns.starts(with: ["time", "key", "flags"]) { return ("key", "flags", nil) }
    if !isSaid, columns.starts(with: ["time", "stream", "key", "flags"]) {
      return ("key", "flags", plan.stream == nil ? "stream" : nil)
    }
    return (plan.keyColumn, nil, plan.streamColumn)
  }

  private func index(of column: String, _ option: String) throws -> Int {
    guard let index = columns.firstIndex(of: column) else {
      throw CommandFailure(
        "\(option): there is no column '\(PrintableText.string(column))'; there are "
          + columns.map { PrintableText.string($0) }.joined(separator: ", "))
    }
    return index
  }

  /// By the first input: what the columns are. Later ones must have the same.
  private func prepare(_ rows: SampledRows, _ path: String) throws {
    guard fields == nil else {
      guard rows.columns == columns else {
        throw CommandFailure(
          "\(PrintableText.string(path)) has other columns than the input before it; ingest it by itself")
      }
      return
    }
    columns = rows.columns
    let special = special
    let taken = [plan.timeColumn ?? columns[0], special.key, special.flags, special.stream].compactMap(\.self)
    for name in plan.types.keys.sorted() + plan.units.keys.sorted() {
      _ = try index(of: name, "--types or --units")
      guard !taken.contains(name) else {
        throw CommandFailure(
          "--types or --units: '\(PrintableText.string(name))' is the column of the time, the key, the flags or the stream, "
            + "which is no field and has neither; leave it out")
      }
    }
    let time = try index(of: plan.timeColumn ?? columns[0], "--time-column")
    timeFormat = plan.timeFormat ?? guessTime(rows, time)
    let chosen = columns.indices.filter { !taken.contains(columns[$0]) }
    guard !chosen.isEmpty else {
      throw CommandFailure(
        "\(PrintableText.string(path)) has no column besides those of time, key and stream; --delimiter says "
          + "what stands between columns")
    }
    fields = try FieldColumns(
      chosen.map { (index: $0, name: columns[$0], type: plan.types[columns[$0]] ?? guess(rows, $0)) }, units: plan.units
    )
    record = Array(repeating: 0, count: fields!.layout.byteCount)
    sink = makeSink(
      RecordShape(
        metadata: fields!.layout.metadata, byteCount: fields!.layout.byteCount, columnCount: columns.count))
  }

  private func guess(_ rows: SampledRows, _ column: Int) -> FieldType {
    var guess = ColumnGuess()
    rows.forEachSample(of: column) { guess.look(at: $0) }
    return guess.type
  }

  private func guessTime(_ rows: SampledRows, _ column: Int) -> TimeFormat {
    var format: TimeFormat?
    rows.forEachSample(of: column) { cell in
      if format == nil, !cell.isEmpty { format = TimeFormat.inferred(from: cell) }
    }
    return format ?? .s
  }

  /// A file's name without its folder and ending.
  private static func baseName(_ path: String) -> String {
    let file = path.split(separator: "/").last.map(String.init) ?? path
    guard let point = file.lastIndex(of: "."), point > file.startIndex else { return file }
    return String(file[..<point])
  }
}
