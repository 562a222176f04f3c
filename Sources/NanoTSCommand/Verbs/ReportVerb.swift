import ArgumentParser
import NanoTS

struct ReportVerb: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report",
    abstract: "Write a page about a store, for a browser: when each stream was recorded, its gaps, rates and fields.",
    discussion: """
      The page is one HTML file that needs no other: the timeline of the streams with their gaps, rates, sizes and compression, \
      small plots of the fields, the map of the blocks, and all damage that is found; every checksum is computed for it. It \
      shows one moment; a recorder goes on meanwhile.
      """
  )

  @OptionGroup var target: StoreArgument

  @Argument(help: "The streams to show apart. Default: all, up to \(ReportContents.mostStreams).")
  var streams: [String] = []

  @Option(name: [.short, .customLong("output")], help: "The file; - for stdout.")
  var output: String

  @Flag(help: "Replace the file if there is one already.")
  var replace = false

  func run() throws {
    try ExportFile.check(output, replacing: replace, from: target.store)
    let store = try target.open(.snapshot)
    let page = ReportPage(try ReportContents(store, target.store, streams: streams)).text
    // Only now: whoever ends it while it reads leaves no file behind.
    let file = try ExportFile(output, replacing: replace, from: target.store)
    file.buffer += Array(page.utf8)
    try file.finish()
    try file.sayWhatWasWritten()
  }
}
