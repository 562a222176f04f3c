import ArgumentParser
import NanoTS

struct ExportVerb: ParsableCommand {
  enum Format: String, CaseIterable, ExpressibleByArgument {
    case csv, jsonl, mcap
  }

  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Write streams to a CSV, JSON Lines or MCAP file.",
    discussion: """
      Several streams are merged by time. Fields of records are columns of CSV, fields of JSON, and what a channel's schema \
      says in MCAP. Only blocks that have frames of the range are read, and they are pinned meanwhile: a recorder that goes on \
      takes others.

      The file gets its name when it is whole. Parquet and Arrow: 'python -m nanots.export', from the Python package.
      """
  )

  @OptionGroup var target: StoreArgument

  @Argument(help: "The streams. Default: all.")
  var streams: [String] = []

  @Option(name: [.short, .customLong("output")], help: "The file; - for stdout.")
  var output: String

  @Option(help: "csv, jsonl or mcap. Default: by the file's ending.")
  var format: Format?

  @OptionGroup var range: RangeOptions

  @Flag(help: "Times in CSV as numbers in the store's unit, not as dates.")
  var rawTimes = false

  @Flag(help: "Replace the file if there is one already.")
  var replace = false

  func run() throws {
    StopSignal.install()
    DescriptorLimit.raise()
    let format = try format ?? byEnding()
    let store = try target.open(.readOnly)
    let range = try range.range(in: store.timeUnit)
    let names = try store.resolveStreams(streams)
    let pins = try names.map { try store.pin($0, in: range) }
    defer { for pin in pins { pin.release() } }
    let contents = try ExportContents(store, names, range)
    let file = try ExportFile(output, replacing: replace, from: target.store)
    let export: any FrameExport =
      switch format {
      case .csv: CSVExport(file, contents, rawTimes: rawTimes)
      case .jsonl: JSONLinesExport(file, contents)
      case .mcap: try MCAPExport(file, contents)
      }
    let (written, missed) = try write(export, names, store, range, isSilent: output == "-")
    try file.finish()
    let summary =
      "exported \(NumberText.counted(written, "frame")) of \(NumberText.counted(names.count, "stream")), "
      + "\(NumberText.size(file.written))"
    if output != "-" {
      let out = StandardOutput()
      out.write(summary + "\n")
      try out.flush()
    }
    guard missed > 0 else { return }
    Diagnostics.say(
      "\(NumberText.counted(missed, "frame")) not in it: recycled before they could be read, damaged, or left out")
    throw ExitCode(1)
  }

  private func byEnding() throws -> Format {
    if let ending = output.split(separator: ".").last, let format = Format(rawValue: ending.lowercased()) {
      return format
    }
    throw CommandFailure(
      "'\(PrintableText.string(output))' ends with none of .csv, .jsonl and .mcap; "
        + ([".parquet", ".arrow", ".feather"].contains { output.hasSuffix($0) }
          ? "such files are written by 'python -m nanots.export'" : "--format says which it is"))
  }

  private func write(
    _ export: any FrameExport, _ names: [String], _ store: Store, _ range: ClosedRange<Int64>, isSilent: Bool
  ) throws -> (written: UInt64, missed: UInt64) {
    var export = export
    let sources = try names.map { try VerifiedFrames(store, $0, in: range) }
    var merger = FrameMerger(sources.map { AnyIterator($0) }, isReversed: false)
    let line = StatusLine(on: .standardOutput)
    defer { line.finish() }
    var (written, unreadable): (UInt64, UInt64) = (0, 0)
    let total = try names.reduce(UInt64(0)) { $0 + (try store.frameCount(of: $1, in: range)) }
    while let (frame, stream) = merger.next() {
      do throws(any Error) {
        try export.append(frame, of: stream)
        written += 1
      } catch let error as NanoTSError where [.overwritten, .corrupt].contains(error.code) {
        unreadable += 1
      }
      if written & 0xFFF == 0 {
        if !isSilent, line.isDue { show(line, written, total) }
        guard !StopSignal.isRequested else {
          Diagnostics.say("stopped; nothing was written to \(PrintableText.string(output))")
          throw ExitCode(StopSignal.exitCode)
        }
      }
    }
    for source in sources {
      if let failure = source.failure { throw failure }
    }
    try export.finish()
    if export.framesLeftOut > 0 {
      Diagnostics.say(
        "\(NumberText.counted(export.framesLeftOut, "frame")) left out: shorter than their layout says, and a table of fields has "
          + "no place for them; jsonl has")
    }
    return (written - export.framesLeftOut, sources.reduce(unreadable + export.framesLeftOut) { $0 + $1.missed })
  }

  private func show(_ line: StatusLine, _ written: UInt64, _ total: UInt64) {
    let share = total > 0 ? min(1, Double(written) / Double(total)) : 1
    line.show(
      line.bar(share), width: StatusLine.barWidth,
      [
        ("\(NumberText.grouped(written)) of \(NumberText.grouped(total)) frames", nil),
        (PrintableText.string(output), .dim),
      ])
  }
}
