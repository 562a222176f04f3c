import ArgumentParser
import NanoTS

struct CopyVerb: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "copy",
    abstract: "Copy a store, or a part of it, to a new file, while writers go on.",
    discussion: """
      The copy holds every stream up to the frame that was its last one when the copy began. It is checked, and gets its \
      name when it is whole. It is a store like any other, with as many blocks as it needs.

      Blocks that writers recycle before their turn are missed, and damaged frames are left out. Either is reported, the \
      copy has the rest, and the exit code is 1. Ctrl-C leaves no file behind.
      """
  )

  @OptionGroup var target: StoreArgument

  @Argument(help: "The file to make.")
  var destination: String

  @OptionGroup var range: RangeOptions

  @Option(
    name: .customLong("stream"),
    help: ArgumentHelp("Copy this stream; may be given more than once. Default: all.", valueName: "name"))
  var streams: [String] = []

  @Option(
    parsing: .unconditional, help: "Number of blocks of the copy, to record on in it. Default: as many as it uses.")
  var blocks: Int?

  @Option(
    help: ArgumentHelp(
      """
      Store the frames anew: none (as they are), lz4, or lz4hc, which is slow and smaller; with a chunk size if wanted \
      (lz4:4KiB). Needs room for the copy twice while it is made. Default: as they are stored.
      """, valueName: "method"),
    transform: CompressionArgument.init(parsing:))
  var compress: CompressionArgument?

  @Flag(help: "Replace the file if there is one already. What it holds is lost.")
  var replace = false

  func run() throws {
    StopSignal.install()
    let store = try target.open(.readOnly)
    let options = CopyOptions(
      streams: streams.isEmpty ? nil : try store.resolveStreams(streams), range: try range.range(in: store.timeUnit),
      blockCount: blocks, compression: compress?.method)
    let report = try copy(store, options)
    let output = StandardOutput()
    output.write(summary(of: report, store))
    try output.flush()
    say(report)
    if !report.isComplete { throw ExitCode(1) }
  }

  private func copy(_ store: Store, _ options: CopyOptions) throws -> CopyReport {
    try NewStoreWork.run(making: destination) { isToGoOn throws(NanoTSError) in
      try store.copy(to: destination, options, replacing: replace) { progress in
        isToGoOn { show(progress, on: $0) }
      }
    }
  }

  private func show(_ progress: CopyProgress, on line: StatusLine) {
    let share = progress.totalBlocks > 0 ? Double(progress.blocks) / Double(progress.totalBlocks) : 1
    line.show(
      line.bar(share), width: StatusLine.barWidth,
      [
        ("\(progress.phase.word) \(Int(share * 100))%", .bold),
        ("\(NumberText.grouped(progress.frames)) of \(NumberText.counted(progress.totalFrames, "frame"))", nil),
        (NumberText.size(progress.bytes), nil),
        (PrintableText.string(destination), .dim),
      ])
  }

  private func summary(of report: CopyReport, _ store: Store) -> String {
    "copied \(NumberText.counted(report.streams, "stream")), \(NumberText.counted(report.frames, "frame")), "
      + "\(NumberText.size(report.bytes)) to \(PrintableText.string(destination)): "
      + "\(NumberText.counted(report.blocks, "block")) of \(NumberText.size(UInt64(store.blockSize))), "
      + "\(NumberText.size(report.fileSize)) on disk\n"
  }

  private static let shownFindings = 20

  /// What is not in the copy.
  private func say(_ report: CopyReport) {
    for finding in report.findings.prefix(Self.shownFindings) {
      Diagnostics.say(PrintableText.string(finding.description))
    }
    if report.findings.count > Self.shownFindings {
      Diagnostics.say("… and more; 'nanots verify \(PrintableText.string(target.store))' lists all of it")
    }
    if report.damagedFrames > 0 {
      Diagnostics.say("\(NumberText.counted(report.damagedFrames, "frame")) left out: damaged")
    }
    if report.unprovenFrames > 0 {
      Diagnostics.say(
        "\(NumberText.counted(report.unprovenFrames, "frame")) left out that a power loss tore; no reader sees them")
    }
    if report.missedFrames > 0 {
      let frames = NumberText.counted(report.missedFrames, "frame")
      Diagnostics.say("\(frames) missed: recycled before they could be copied")
    }
  }
}

extension CopyProgress.Phase {
  fileprivate var word: String {
    switch self {
    case .copying: "copying"
    case .verifying: "checking"
    case .rewriting: "compressing"
    }
  }
}
