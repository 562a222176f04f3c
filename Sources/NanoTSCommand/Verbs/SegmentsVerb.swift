import ArgumentParser
import NanoTS

struct SegmentsVerb: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "segments",
    abstract: "List the segments of streams: what each writer appended, with its metadata."
  )

  @OptionGroup var target: StoreArgument

  @Argument(help: "The streams. Default: all.")
  var streams: [String] = []

  @OptionGroup var range: RangeOptions
  @OptionGroup var display: DisplayOptions

  func run() throws {
    let store = try target.open(.snapshot)
    let range = try range.range(in: store.timeUnit)
    let segments = try store.resolveStreams(streams).flatMap { name in
      try store.segments(of: name, in: range).map { (name, $0) }
    }
    let output = StandardOutput()
    if display.json {
      var times = TimeText(unit: store.timeUnit, isRaw: false)
      output.write(try JSONDocument.text(segments.map { SegmentRecord(stream: $0, $1, &times) }))
    } else {
      var times = TimeText(unit: store.timeUnit, isRaw: display.rawTimes)
      output.write(table(of: segments, &times).text(on: .standardOutput))
    }
    try output.flush()
  }

  private func table(of segments: [(stream: String, segment: Segment)], _ times: inout TimeText) -> Table {
    var table = Table(
      [
        .left("stream"), .right("segment"), .right("frames"), .right("blocks"), .left("first"), .left("last"),
        .left("state"), .left("metadata"),
      ], cutsLastColumn: true)
    for (stream, segment) in segments {
      table.add([
        PrintableText.string(stream), "\(segment.number)", NumberText.grouped(segment.frames),
        NumberText.grouped(segment.blocks), times.string(segment.firstTimestamp), times.string(segment.lastTimestamp),
        segment.isOpen ? "open" : "closed", PrintableText.string(segment.metadata),
      ])
    }
    return table
  }
}

/// A segment as `--json` shows it. Times are in the store's unit; those whose name ends in `Time` are dates.
private struct SegmentRecord: Encodable {
  let stream: String
  let segment: UInt64
  let frames: UInt64
  let blocks: Int
  let first: Int64
  let last: Int64
  let firstTime: String
  let lastTime: String
  let isOpen: Bool
  let metadata: String

  init(stream: String, _ segment: Segment, _ times: inout TimeText) {
    self.stream = stream
    self.segment = segment.number
    frames = segment.frames
    blocks = segment.blocks
    first = segment.firstTimestamp
    last = segment.lastTimestamp
    firstTime = times.string(segment.firstTimestamp)
    lastTime = times.string(segment.lastTimestamp)
    isOpen = segment.isOpen
    metadata = segment.metadata
  }
}
