import ArgumentParser
import NanoTS

struct RecoverVerb: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "recover",
    abstract: "Save what is left of a damaged store into a new one.",
    discussion: """
      Every block that proves itself by its checksums is taken, also where the file's header, its stream table or its \
      block table is overwritten or cut off. The damaged file is only read. The new store is checked, gets its name when \
      it is whole, and is a store like any other: recording can go on in it. Ctrl-C leaves no file behind.

      The exit code is 0 where nothing is missing, 3 where something is or may be, and 1 where nothing could be saved.
      """
  )

  @Argument(help: "The damaged file.")
  var damaged: String

  @Option(name: .shortAndLong, help: ArgumentHelp("The store to make.", valueName: "file"))
  var output: String

  @Option(help: "At least so many blocks for the new store. Default: as the damaged one.")
  var blocks: Int?

  @Flag(help: "Replace the file if there is one already. What it holds is lost.")
  var replace = false

  @Flag(help: "Print JSON in place of tables.")
  var json = false

  static let lossExitCode: Int32 = 3

  func run() throws {
    StopSignal.install()
    let report = try recover()
    let standardOutput = StandardOutput()
    standardOutput.write(json ? try JSONDocument.text(RecoveryRecord(report)) : text(of: report))
    try standardOutput.flush()
    if !json { for note in report.notes { Diagnostics.say(PrintableText.string(note)) } }
    if !report.isWhole { throw ExitCode(Self.lossExitCode) }
  }

  private func recover() throws -> RecoveryReport {
    try NewStoreWork.run(making: output) { isToGoOn throws(NanoTSError) in
      try Store.recover(damaged, to: output, RecoveryOptions(replacing: replace, blockCount: blocks)) { progress in
        isToGoOn { show(progress, on: $0) }
      }
    }
  }

  private func show(_ progress: RecoveryProgress, on line: StatusLine) {
    let share = progress.total > 0 ? min(1, Double(progress.done) / Double(progress.total)) : 1
    let phase =
      switch progress.phase {
      case .searching: "searching"
      case .surveying: "looking"
      case .copying: "recovering"
      case .verifying: "checking"
      }
    line.show(
      line.bar(share), width: StatusLine.barWidth,
      [
        ("\(phase) \(Int(share * 100))%", .bold), (NumberText.counted(progress.frames, "frame"), nil),
        (PrintableText.string(output), .dim),
      ])
  }

  // MARK: Tables

  private func text(of report: RecoveryReport) -> String {
    var times = TimeText(unit: report.timeUnit, isRaw: false)
    var streams = Table([
      .left("stream"), .right("frames"), .right("size"), .left("from"), .left("to"), .left("lost"),
    ])
    for stream in report.streams {
      streams.add([
        PrintableText.string(stream.name), NumberText.grouped(stream.frames), NumberText.size(stream.bytes),
        times.string(stream.firstTimestamp), times.string(stream.lastTimestamp), lost(of: stream),
      ])
    }
    var text = report.streams.isEmpty ? "" : streams.text(on: .standardOutput)
    if !report.losses.isEmpty { text += "\n" + losses(of: report, &times) }
    return text + verdict(on: report)
  }

  private func lost(of stream: RecoveryReport.Stream) -> String {
    if stream.lostFrames > 0 { return NumberText.counted(stream.lostFrames, "frame") }
    return stream.losses > 0 ? "perhaps" : "–"
  }

  private func losses(of report: RecoveryReport, _ times: inout TimeText) -> String {
    var table = Table([
      .left("missing in"), .right("block"), .right("frames"), .left("from"), .left("to"), .left("why"),
    ])
    for loss in report.losses {
      table.add([
        loss.stream.map { PrintableText.string($0) } ?? "–",
        loss.block.map { "\($0)" } ?? loss.offset.map { "byte \($0)" } ?? "–",
        loss.ordinals.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)–\($0.upperBound)" } ?? "–",
        times.string(loss.from), times.string(loss.to), PrintableText.string(loss.reason),
      ])
    }
    let more = report.lossCount - report.losses.count
    return table.text(on: .standardOutput) + (more > 0 ? "… and \(NumberText.grouped(more)) more\n" : "") + "\n"
  }

  private func verdict(on report: RecoveryReport) -> String {
    let style: Style = report.isWhole ? .good : .bad
    let what = report.isWhole ? "whole" : "with losses"
    return "\(style.apply(to: what, on: .standardOutput)): recovered "
      + "\(NumberText.counted(report.streams.count, "stream")), \(NumberText.counted(report.frames, "frame")), "
      + "\(NumberText.size(report.bytes)) to \(PrintableText.string(output)): "
      + "\(NumberText.counted(report.blocks, "block")) of \(NumberText.size(UInt64(report.blockSize))), "
      + "\(NumberText.size(report.fileSize)) on disk\n"
  }
}

/// The report as `--json` shows it.
private struct RecoveryRecord: Encodable {
  struct StreamRecord: Encodable {
    let name: String
    let blocks: Int
    let frames: UInt64
    let bytes: UInt64
    @Nullable var firstTimestamp: Int64?
    @Nullable var lastTimestamp: Int64?
    let losses: Int
    let lostFrames: UInt64
  }

  struct LossRecord: Encodable {
    @Nullable var stream: String?
    @Nullable var block: Int?
    @Nullable var offset: UInt64?
    @Nullable var firstOrdinal: UInt64?
    @Nullable var lastOrdinal: UInt64?
    @Nullable var from: Int64?
    @Nullable var to: Int64?
    let reason: String
  }

  let isWhole: Bool
  let unit: String
  let frames: UInt64
  let bytes: UInt64
  let blocks: Int
  let blockSize: Int
  let fileSize: UInt64
  let checksPayloads: Bool
  let streams: [StreamRecord]
  let losses: [LossRecord]
  let lossCount: Int
  let notes: [String]

  init(_ report: RecoveryReport) {
    isWhole = report.isWhole
    unit = report.timeUnit.symbol
    frames = report.frames
    bytes = report.bytes
    blocks = report.blocks
    blockSize = report.blockSize
    fileSize = report.fileSize
    checksPayloads = report.checksPayloads
    streams = report.streams.map {
      StreamRecord(
        name: $0.name, blocks: $0.blocks, frames: $0.frames, bytes: $0.bytes, firstTimestamp: $0.firstTimestamp,
        lastTimestamp: $0.lastTimestamp, losses: $0.losses, lostFrames: $0.lostFrames)
    }
    losses = report.losses.map {
      LossRecord(
        stream: $0.stream, block: $0.block, offset: $0.offset, firstOrdinal: $0.ordinals?.lowerBound,
        lastOrdinal: $0.ordinals?.upperBound, from: $0.from, to: $0.to, reason: $0.reason)
    }
    lossCount = report.lossCount
    notes = report.notes
  }
}
