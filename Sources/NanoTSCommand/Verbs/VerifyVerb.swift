import ArgumentParser
import NanoTS

struct VerifyVerb: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Check every checksum and every link of a store.",
    discussion: "The exit code is 0 where all is well and 1 where something is damaged."
  )

  @OptionGroup var target: StoreArgument

  @Flag(help: "Print JSON in place of a table.")
  var json = false

  func run() throws {
    let store = try open()
    let report = try StoreCheck(of: store, at: target.store)
    let output = StandardOutput()
    output.write(json ? try JSONDocument.text(ReportRecord(report)) : text(of: report, on: .standardOutput))
    try output.flush()
    if !report.isClean { throw ExitCode(1) }
  }

  /// A file that cannot be opened may still hold blocks that prove themselves: then the error says what saves them.
  private func open() throws -> Store {
    do throws(NanoTSError) {
      return try Store(at: target.store, .snapshot)
    } catch {
      guard [.notAStore, .corrupt, .truncated].contains(error.code) else { throw error }
      let blocks = (try? Store.recoverableBlocks(in: target.store)) ?? 0
      guard blocks > 0 else { throw error }
      throw CommandFailure(
        "\(PrintableText.string(error.message)); \(NumberText.counted(blocks, "block")) in it can be saved by "
          + "'nanots recover \(PrintableText.string(target.store)) -o FILE'")
    }
  }

  private func text(of report: StoreCheck, on terminal: Terminal) -> String {
    let checked =
      "\(NumberText.counted(report.checkedBlocks, "block")) and \(NumberText.counted(report.checkedFrames, "frame")) checked"
    guard !report.isClean else { return "\(Style.good.apply(to: "clean", on: terminal)): \(checked)\n" }
    var table = Table([.left("stream"), .right("block"), .right("frame"), .left("damage"), .left("what is wrong")])
    for finding in report.findings {
      table.add([
        finding.stream.map { PrintableText.string($0) } ?? "–", finding.block.map { "\($0)" } ?? "–",
        finding.ordinal.map { "\($0)" } ?? "–", finding.kind.rawValue, PrintableText.string(finding.message),
      ])
    }
    let verdict = Style.bad.apply(to: "damaged", on: terminal)
    return table.text(on: terminal)
      + "\(verdict): \(NumberText.counted(report.findings.count, "finding")), \(checked)\n"
  }
}

/// The report as `--json` shows it.
private struct ReportRecord: Encodable {
  struct FindingRecord: Encodable {
    let kind: String
    @Nullable var stream: String?
    @Nullable var block: Int?
    @Nullable var ordinal: UInt64?
    let message: String
  }

  let isClean: Bool
  let checkedBlocks: Int
  let checkedFrames: UInt64
  let findings: [FindingRecord]

  init(_ report: StoreCheck) {
    isClean = report.isClean
    checkedBlocks = report.checkedBlocks
    checkedFrames = report.checkedFrames
    findings = report.findings.map {
      FindingRecord(
        kind: $0.kind.rawValue, stream: $0.stream, block: $0.block, ordinal: $0.ordinal, message: $0.message)
    }
  }
}
