import ArgumentParser
import NanoTS
import NanoTSRecords

struct PlotVerb: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plot",
    abstract: "Draw fields over time, in the terminal or as an SVG file.",
    discussion: """
      Each column shows the least and the greatest value of its span of time, so that no peak is lost, however many frames \
      there are. Where nothing was recorded, nothing is drawn. Streams that 'record' or 'ingest' wrote have fields; 'segments' \
      lists them.
      """
  )

  @OptionGroup var target: StoreArgument

  @Argument(help: "The stream.")
  var stream: String

  @Argument(help: "The fields. Default: the first four that are numbers.")
  var fields: [String] = []

  @OptionGroup var range: RangeOptions

  @Option(help: "Columns of text, or of an SVG file's points. Default: the terminal's, or 900.")
  var width: Int?

  @Option(help: "Lines of text for each field.")
  var height = 10

  @Option(help: "Write an SVG file in place of text; - for stdout.")
  var svg: String?

  @Flag(help: "Replace the file if there is one already.")
  var replace = false

  func validate() throws {
    if let width, !(20...10_000).contains(width) { throw ValidationError("--width is 20 to 10000.") }
    guard (2...200).contains(height) else { throw ValidationError("--height is 2 to 200.") }
  }

  private static let mostFields = 4
  /// Columns that labels take beside a plot of text.
  private static let labelWidth = 14

  func run() throws {
    let store = try target.open(.readOnly)
    let name = try store.resolveStreams([stream])[0]
    let (range, chosen) = try choose(store, name)
    let terminal = Terminal.standardOutput
    let columns = svg != nil ? width ?? 900 : 2 * max(10, (width ?? terminal.columns) - Self.labelWidth)
    let curves = try chosen.map { try FieldCurve(store, name, $0, range, columns: columns) }.filter { $0.count > 0 }
    guard !curves.isEmpty else {
      throw CommandFailure(
        "stream '\(PrintableText.string(name))' has no numbers in this range: its values are all NaN")
    }
    try show(curves, store.timeUnit, terminal)
    let missed = curves.map(\.missedFrames).max() ?? 0
    guard missed > 0 else { return }
    Diagnostics.say("\(NumberText.counted(missed, "frame")) missed: recycled or damaged before they could be read")
    throw ExitCode(1)
  }

  private func show(_ curves: [FieldCurve], _ unit: TimeUnit, _ terminal: Terminal) throws {
    guard let svg else {
      let output = StandardOutput()
      output.write(curves.map { BraillePlot($0, rows: height).text(on: terminal, unit: unit) }.joined(separator: "\n"))
      return try output.flush()
    }
    let file = try ExportFile(svg, replacing: replace, from: target.store)
    file.buffer += Array(SVGPlot(curves, unit: unit).text.utf8)
    try file.finish()
    try file.sayWhatWasWritten()
  }

  /// The times that there are in the range, and the fields to draw.
  private func choose(_ store: Store, _ name: String) throws -> (ClosedRange<Int64>, [RecordField]) {
    let asked = try range.range(in: store.timeUnit)
    guard let numbers = try store.plottedFields(of: name, in: asked) else {
      let isEmpty = try store.segments(of: name, in: asked).isEmpty
      let reason = isEmpty ? "has no frames in this range" : "says nothing of fields in its metadata"
      throw CommandFailure("stream '\(PrintableText.string(name))' \(reason)")
    }
    guard let times = try store.times(of: name, in: asked) else {
      throw CommandFailure("stream '\(PrintableText.string(name))' has no frames in this range")
    }
    guard !fields.isEmpty else { return (times, Array(numbers.prefix(Self.mostFields))) }
    let chosen = try fields.map { field in
      guard let found = numbers.first(where: { $0.name == field }) else {
        let names = numbers.prefix(12).map { PrintableText.string($0.name) }.joined(separator: ", ")
        throw CommandFailure(
          "stream '\(PrintableText.string(name))' has no number called '\(PrintableText.string(field))'; it has \(names)"
        )
      }
      return found
    }
    return (times, chosen)
  }
}
