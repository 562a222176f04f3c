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
    let file = try ExportFile(output, replacing: replace)
    let store = try target.open(.snapshot)
    file.buffer += Array(ReportPage(try ReportContents(store, target.store, streams: streams)).text.utf8)
    try file.finish()
  }
}
