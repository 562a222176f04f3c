import ArgumentParser
import Glibc
import NanoTS
import NanoTSRecords

struct IngestVerb: ParsableCommand {
  enum Format: String, CaseIterable, ExpressibleByArgument {
    case csv, jsonl
  }

  enum OutOfOrder: String, CaseIterable, ExpressibleByArgument {
    case refuse, clamp, sort
  }

  static let configuration = CommandConfiguration(
    commandName: "ingest",
    abstract: "Take CSV or JSON Lines into streams of records, from files or stdin.",
    discussion: """
      A row becomes a frame: one column is its time, the others are the fields of its record. The layout of the record is \
      kept in the segment's metadata, so that 'cat', 'export' and other programs know the fields. Types are told by the first \
      1,000 rows (whole numbers i64 or u64, other numbers f64, true and false bool, anything else, and strings of JSON, text) \
      unless --types says them; an empty cell of an f64 is NaN.

      A row that cannot be taken is reported with its line and the reason; the rest goes on, and the exit code is 1. With \
      --strict the first such row ends it and nothing is stored. --strict and --out-of-order sort hold all rows in memory until \
      the last one was read.

      The store is made if there is none, with room for all of it. In a store that is there, or is made with --blocks, the \
      oldest blocks make room once it is full, and how many frames that took is said.

      A CSV file that 'export' wrote is known by its first columns (time, stream, key, flags) unless an option names one.
      """
  )

  @OptionGroup var target: StoreArgument

  @Argument(help: "The files, of the same columns. None, or -, for stdin.", completion: .file())
  var files: [String] = []

  @Option(help: "The stream. Default: the file's name without its ending.")
  var stream: String?

  @Option(help: "The column that names the stream of each row.")
  var streamColumn: String?

  @Option(help: "The column of the time. Default: the first one.")
  var timeColumn: String?

  @Option(
    help:
      "What the time is: s, ms, us or ns (numbers, with decimals), or iso8601. Default: as the first row looks, s or iso8601."
  )
  var timeFormat: TimeFormat?

  @Option(help: "The column of the frames' key.")
  var keyColumn: String?

  @Option(
    parsing: .upToNextOption,
    help: "Types of columns: name=i8 … i64, u8 … u64, f32, f64, bool, or text:16 for 16 bytes.")
  var types: [String] = []

  @Option(parsing: .upToNextOption, help: "Units of columns: name=unit.")
  var units: [String] = []

  @Option(help: "csv or jsonl. Default: by the file's ending, else csv.")
  var format: Format?

  @Option(help: "What stands between the cells of CSV. (default: a comma; 'tab' for a tab)")
  var delimiter = ","

  @Option(
    help: """
      Rows whose time is not after the one before: refuse them; clamp, store them a unit after it; or sort all rows by time, \
      where equal times get keys in the order of their lines.
      """)
  var outOfOrder = OutOfOrder.refuse

  @Flag(help: "Store nothing unless every row can be taken.")
  var strict = false

  @Option(
    help: "What timestamps count, where the store is made: ns, us, ms or s. (default: ns)",
    transform: TimeUnit.init(parsing:))
  var unit = TimeUnit.nanoseconds

  @Option(help: "Size of a block, where the store is made. (default: 1MiB)", transform: SizeArgument.init(parsing:))
  var blockSize = SizeArgument(bytes: StoreOptions().blockSize)

  @Option(
    help: "Number of blocks, where the store is made; when they are full, the oldest is used again. Default: enough.")
  var blocks: Int?

  @OptionGroup var storing: CompressionOption

  func validate() throws {
    guard delimiter == "tab" || delimiter.utf8.count == 1, delimiter != "\"", delimiter != "\n" else {
      throw ValidationError("--delimiter is one byte, or 'tab'.")
    }
    if stream != nil, streamColumn != nil { throw ValidationError("--stream and --stream-column exclude each other.") }
    if inputs == ["-"], stream == nil, streamColumn == nil {
      throw ValidationError("stdin has no name: --stream or --stream-column says where the rows go.")
    }
    if strict, outOfOrder == .clamp { throw ValidationError("--strict and --out-of-order clamp exclude each other.") }
  }

  private var inputs: [String] { files.isEmpty ? ["-"] : files }

  func run() throws {
    StopSignal.install()
    let existing = unsafe access(target.store, F_OK) == 0 ? try target.open(.readWrite) : nil
    let target = TargetStore(
      existing: existing, path: target.store,
      options: StoreOptions(blockSize: blockSize.bytes, timeUnit: unit), blocks: blocks,
      compression: storing.compression, input: inputSize)
    let ingestion = Ingestion(try plan(), unit: target.unit, isStrict: strict) { record in
      let sink = StoreSink(target, record, clamps: outOfOrder == .clamp)
      return strict || outOfOrder == .sort ? HeldSink(sink, target, sorts: outOfOrder == .sort) : sink
    }
    let progress = IngestProgress(inputs)
    defer { progress.finish() }
    do {
      for path in inputs where !StopSignal.isRequested {
        let source = try source(path)
        try ingestion.take(source, from: path) {
          progress.show(ingestion, used: source.bytesUsed)
          return !StopSignal.isRequested
        }
        progress.next(after: source.bytesUsed)
      }
    } catch is InputStopped {
      // What was taken before is kept, as where it was noticed between two rows.
    }
    if StopSignal.isRequested, strict || outOfOrder == .sort {
      Diagnostics.say("stopped; nothing was stored")
      throw ExitCode(StopSignal.exitCode)
    }
    try ingestion.finish()
    progress.finish()
    try say(ingestion)
  }

  private func plan() throws -> IngestPlan {
    var plan = IngestPlan(
      stream: stream, streamColumn: streamColumn, timeColumn: timeColumn, timeFormat: timeFormat, keyColumn: keyColumn)
    for (name, text) in try pairs(types, "--types", "name=f32") {
      let parts = text.split(separator: ":", maxSplits: 1)
      guard
        let type = FieldType(name: String(parts.first ?? ""), byteCount: parts.count == 2 ? Int(parts[1]) ?? 0 : nil)
      else {
        throw CommandFailure(
          "--types: '\(PrintableText.string(text))' of '\(PrintableText.string(name))' is no type; "
            + "types are i8 to i64, u8 to u64, f32, f64, bool and text:16 for 16 bytes")
      }
      plan.types[name] = type
    }
    for (name, text) in try pairs(units, "--units", "name=g") { plan.units[name] = text }
    return plan
  }

  private func pairs(_ texts: [String], _ option: String, _ example: String) throws -> [(String, String)] {
    try texts.map { text in
      guard let equals = text.lastIndex(of: "=") else {
        throw CommandFailure("\(option): '\(PrintableText.string(text))' is not of the form \(example)")
      }
      return (String(text[..<equals]), String(text[text.index(after: equals)...]))
    }
  }

  private func source(_ path: String) throws -> any RowSource {
    do {
      return try openSource(path)
    } catch let refusal as RowRefusal {
      // The first line, without which no other means anything.
      throw refusal.failure(in: path)
    }
  }

  private func openSource(_ path: String) throws -> any RowSource {
    let input = try InputBytes(path: path)
    guard !isJSON(path) else { return try JSONRows(input) }
    return try CSVRows(input, delimiter: delimiter == "tab" ? UInt8(ascii: "\t") : delimiter.utf8.first!)
  }

  private func isJSON(_ path: String) -> Bool {
    format.map { $0 == .jsonl } ?? (path.hasSuffix(".jsonl") || path.hasSuffix(".ndjson"))
  }

  private var inputSize: InputSize {
    let lengths = inputs.map { FileLength.of($0) }
    return InputSize(
      byteCount: lengths.reduce(0) { $0 + Int($1 ?? Self.stdinBytes) }, isCounted: !lengths.contains(nil),
      count: inputs.count, isJSON: inputs.contains(where: isJSON))
  }

  /// What is assumed of an input that has no length.
  private static let stdinBytes: Int64 = 1 << 30

  private func say(_ ingestion: Ingestion) throws {
    let output = StandardOutput()
    let clamped = ingestion.clamped > 0 ? ", \(NumberText.counted(ingestion.clamped, "time")) clamped" : ""
    let refused = ingestion.refused > 0 ? ", \(NumberText.counted(ingestion.refused, "row")) refused" : ""
    let names = ingestion.streams.prefix(4).map { PrintableText.string($0) }.joined(separator: ", ")
    let more = ingestion.streams.count > 4 ? ", …" : ""
    output.write(
      "ingested \(NumberText.counted(ingestion.stored, "row")) into \(NumberText.counted(ingestion.streams.count, "stream"))"
        + (names.isEmpty ? "" : " (\(names)\(more))") + clamped + refused + "\n")
    try output.flush()
    if ingestion.recycled > 0 {
      Diagnostics.say(
        "the store is full: \(NumberText.counted(ingestion.recycled, "older frame")) made room; a store of more blocks keeps "
          + "them")
    }
    if ingestion.outOfOrder > 0 {
      Diagnostics.say(
        "\(NumberText.counted(ingestion.outOfOrder, "row")) came after later ones: '--out-of-order sort', or 'clamp', takes "
          + "such rows, into a stream that has none of the others yet")
    }
    if StopSignal.isRequested {
      Diagnostics.say("stopped before the end of the input")
      throw ExitCode(StopSignal.exitCode)
    }
    if ingestion.refused > 0 { throw ExitCode(1) }
  }
}

/// How long files are.
enum FileLength {
  /// Nil for stdin, and for what has no length.
  static func of(_ path: String) -> Int64? {
    var status = stat()
    guard path != "-", unsafe stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
    return Int64(status.st_size)
  }
}

/// The line that shows how an ingestion goes: how much of the files is read, rows a second, and the time that is left.
final class IngestProgress {
  private let line = StatusLine(on: .standardOutput)
  private let total: Int64?
  private let began = SampleClock.now()
  private var before: UInt64 = 0

  init(_ paths: [String]) {
    let lengths = paths.map { FileLength.of($0) }
    total = lengths.contains(nil) ? nil : lengths.reduce(0) { $0 + ($1 ?? 0) }
  }

  /// The next file begins, after one of `bytes`.
  func next(after bytes: UInt64) { before += bytes }

  func show(_ ingestion: Ingestion, used: UInt64) {
    guard line.isDue else { return }
    let elapsed = Double(SampleClock.now() - began) / 1e9
    let share = total.map { $0 > 0 ? min(1, Double(before + used) / Double($0)) : 1 }
    let left = share.map { $0 > 0.001 ? "\(NumberText.decimal(elapsed / $0 - elapsed, places: 0)) s left" : "" } ?? ""
    line.show(
      share.map(line.bar) ?? line.mark, width: share == nil ? 2 : StatusLine.barWidth,
      [
        ("\(NumberText.grouped(ingestion.rows)) rows", nil),
        ("\(NumberText.grouped(UInt64(Double(ingestion.rows) / max(elapsed, 0.001)))) rows/s", .bold),
        (NumberText.size(before + used), nil), (left, nil),
        ("\(NumberText.grouped(ingestion.refused)) refused", ingestion.refused > 0 ? .bad : .dim),
      ])
  }

  func finish() { line.finish() }
}
