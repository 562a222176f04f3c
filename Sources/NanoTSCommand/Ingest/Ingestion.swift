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
  private let makeSink: (_ metadata: String) -> any FrameSink
  private var sink: (any FrameSink)?
  private var fields: FieldColumns?
  private var columns: [String] = []
  private var timeFormat = TimeFormat.s
  private var record: [UInt8] = []

  private(set) var rows: UInt64 = 0
  private(set) var refused: UInt64 = 0

  /// Reasons are said for so many rows.
  private static let mostReasons = 10

  init(
    _ plan: IngestPlan, unit: TimeUnit, isStrict: Bool, sink: @escaping (_ metadata: String) -> any FrameSink
  ) {
    (self.plan, self.unit, self.isStrict, makeSink) = (plan, unit, isStrict, sink)
  }

  var stored: UInt64 { sink?.stored ?? 0 }
  var streams: [String] { sink?.streams ?? [] }

  /// Takes the rows of one input. `isToGoOn` is asked now and then, and ends it by false.
  func take(_ source: any RowSource, from path: String, isToGoOn: () -> Bool) throws {
    let rows = try SampledRows(source)
    let stream = plan.stream ?? Self.baseName(path)
    try prepare(rows, path)
    let time = try index(of: plan.timeColumn ?? rows.columns[0], "--time-column")
    let key = try plan.keyColumn.map { try index(of: $0, "--key-column") }
    let name = try plan.streamColumn.map { try index(of: $0, "--stream-column") }
    var row = Row()
    while true {
      do {
        guard try rows.next(&row) else { return }
        self.rows += 1
        let cell = row.cells[time]
        guard let timestamp = timeFormat.timestamp(cell, in: unit) else {
          throw RowRefusal(
            line: row.line,
            reason: "'\(cell.shown)' is no time as \(timeFormat.rawValue); --time-format takes another")
        }
        let streamName = name.map { row.cells[$0].text } ?? stream
        let keyValue = try key.map { try self.key(row.cells[$0], row.line) } ?? 0
        try unsafe record.withUnsafeMutableBytes { record in
          try unsafe fields!.store(row, into: record)
          try unsafe sink!.append(
            UnsafeRawBufferPointer(record), to: streamName, at: timestamp, key: keyValue, line: row.line)
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
      throw refusal.failure(in: "the input")
    }
  }

  private func refuse(_ refusal: RowRefusal, _ path: String) throws {
    let text = "\(PrintableText.string(path)), line \(refusal.line): \(refusal.reason)"
    guard !isStrict else { throw CommandFailure("\(text); nothing was stored") }
    refused += 1
    if refused <= UInt64(Self.mostReasons) { Diagnostics.say(text) }
    if refused == UInt64(Self.mostReasons) + 1 {
      Diagnostics.say("more lines are refused; their number comes at the end")
    }
  }

  private func key(_ cell: Cell, _ line: Int) throws -> Int64 {
    guard let key = NumberCell.integer(cell, as: Int64.self) else {
      throw RowRefusal(line: line, reason: "its key '\(cell.shown)' is no whole number")
    }
    return key
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
        throw CommandFailure("\(PrintableText.string(path)) has other columns than the input before it")
      }
      return
    }
    columns = rows.columns
    let taken = [plan.timeColumn ?? columns[0], plan.keyColumn, plan.streamColumn].compactMap(\.self)
    for name in plan.types.keys.sorted() + plan.units.keys.sorted() { _ = try index(of: name, "--types or --units") }
    let time = try index(of: plan.timeColumn ?? columns[0], "--time-column")
    timeFormat = plan.timeFormat ?? guessTime(rows, time)
    let chosen = columns.indices.filter { !taken.contains(columns[$0]) }
    guard !chosen.isEmpty else {
      throw CommandFailure("\(PrintableText.string(path)) has no column besides those of time, key and stream")
    }
    fields = try FieldColumns(
      chosen.map { (index: $0, name: columns[$0], type: plan.types[columns[$0]] ?? guess(rows, $0)) }, units: plan.units
    )
    record = Array(repeating: 0, count: fields!.layout.byteCount)
    sink = makeSink(fields!.layout.metadata)
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
