import ArgumentParser
import NanoTS

struct StreamsVerb: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "streams", abstract: "List the streams of a store.")

  @OptionGroup var target: StoreArgument
  @OptionGroup var display: DisplayOptions

  func run() throws {
    let store = try target.open(.snapshot)
    let streams = try store.statistics().streams
    let output = StandardOutput()
    if display.json {
      var times = TimeText(unit: store.timeUnit, isRaw: false)
      output.write(try JSONDocument.text(streams.map { StreamRecord($0, &times) }))
    } else {
      var times = TimeText(unit: store.timeUnit, isRaw: display.rawTimes)
      output.write(Self.table(of: streams, &times).text(on: .standardOutput))
    }
    try output.flush()
  }

  static func table(of streams: [StreamStatistics], _ times: inout TimeText) -> Table {
    let columns: [Table.Column] = [
      .left("stream"), .right("frames"), .right("bytes"), .right("blocks"), .right("segments"), .left("first"),
      .left("last"),
    ]
    // What is kept, and who writes, is worth a column while something is, and somebody does.
    var extras: [(column: Table.Column, cells: [String])] = []
    if streams.contains(where: { $0.storage.chunks > 0 || $0.compression != .off }) {
      extras.append((.right("stored"), streams.map { NumberText.size($0.storage.storedBytes) }))
      extras.append(
        (.right("ratio"), streams.map { $0.storage.ratio.map { NumberText.decimal($0, places: 2) } ?? "–" }))
      extras.append((.left("filters"), streams.map { orDash(filters(of: $0)) }))
    }
    if streams.contains(where: { $0.pinnedBlocks > 0 }) {
      extras.append((.right("pinned"), streams.map { NumberText.grouped($0.pinnedBlocks) }))
    }
    if streams.contains(where: { $0.quota != StreamQuota() }) {
      extras.append((.left("quota"), streams.map { orDash(QuotaText.string($0.quota, times.unit)) }))
    }
    if streams.contains(where: { !$0.protectedRanges.isEmpty }) {
      extras.append((.left("protected"), streams.map { orDash(protection(of: $0, &times)) }))
    }
    if streams.contains(where: \.isWritten) { extras.append((.left("writer"), streams.map(writer(of:)))) }
    var table = Table(columns + extras.map(\.column))
    for (index, stream) in streams.enumerated() {
      let cells = [
        PrintableText.string(stream.name), NumberText.grouped(stream.frames), NumberText.size(stream.bytes),
        NumberText.grouped(stream.blocks), NumberText.grouped(stream.segments), times.string(stream.first),
        times.string(stream.last),
      ]
      table.add(cells + extras.map { $0.cells[index] })
    }
    return table
  }

  /// How many chunks have which filter.
  private static func filters(of stream: StreamStatistics) -> String {
    stream.storage.filters.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
      .map { "\($0.key) \(NumberText.grouped($0.value))" }.joined(separator: ", ")
  }

  private static func orDash(_ text: String) -> String { text.isEmpty ? "–" : text }

  private static func protection(of stream: StreamStatistics, _ times: inout TimeText) -> String {
    guard !stream.protectedRanges.isEmpty else { return "" }
    let ranges = stream.protectedRanges.map { RangeText.string($0, &times) }
    return "\(NumberText.counted(stream.protectedBlocks, "block")): \(ranges.joined(separator: "; "))"
  }

  private static func writer(of stream: StreamStatistics) -> String {
    guard stream.isWritten else { return "–" }
    return stream.writerProcessID.map { "process \($0)" } ?? "yes"
  }
}

/// A stream as `--json` shows it. Times are in the store's unit; those whose name ends in `Time` are dates.
struct StreamRecord: Encodable {
  let name: String
  let frames: UInt64
  let bytes: UInt64
  let blocks: Int
  let segments: Int
  @Nullable var first: Int64?
  @Nullable var last: Int64?
  @Nullable var firstTime: String?
  @Nullable var lastTime: String?
  let reclaimedBlocks: UInt64
  let reclaimedFrames: UInt64
  let isWritten: Bool
  @Nullable var writerProcessID: Int32?
  let quota: QuotaRecord
  let protectedRanges: [RangeRecord]
  let protectedBlocks: Int
  let pinnedBlocks: Int
  let compression: String
  let rawBytes: UInt64
  let storedBytes: UInt64
  @Nullable var ratio: Double?
  let filters: [String: Int]

  init(_ stream: StreamStatistics, _ times: inout TimeText) {
    name = stream.name
    frames = stream.frames
    bytes = stream.bytes
    blocks = stream.blocks
    segments = stream.segments
    first = stream.first
    last = stream.last
    firstTime = stream.first.map { times.string($0) }
    lastTime = stream.last.map { times.string($0) }
    reclaimedBlocks = stream.reclaimedBlocks
    reclaimedFrames = stream.reclaimedFrames
    isWritten = stream.isWritten
    writerProcessID = stream.writerProcessID
    quota = QuotaRecord(stream.quota)
    protectedRanges = stream.protectedRanges.map(RangeRecord.init)
    protectedBlocks = stream.protectedBlocks
    pinnedBlocks = stream.pinnedBlocks
    compression = stream.compression == .off ? "none" : "lz4"
    rawBytes = stream.storage.rawBytes
    storedBytes = stream.storage.storedBytes
    ratio = stream.storage.ratio
    filters = stream.storage.filters
  }
}
