import ArgumentParser
import NanoTS

struct InfoVerb: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "info",
    abstract: "Show a store: its size, how full it is, the time it covers, its streams and a picture of its blocks."
  )

  @OptionGroup var target: StoreArgument
  @OptionGroup var display: DisplayOptions

  func run() throws {
    let store = try target.open(.snapshot)
    let statistics = try store.statistics()
    let blocks = try store.blocks()
    let output = StandardOutput()
    if display.json {
      var times = TimeText(unit: store.timeUnit, isRaw: false)
      output.write(try JSONDocument.text(StoreRecord(path: store.path, statistics, blocks, &times)))
    } else {
      output.write(text(of: statistics, blocks, on: .standardOutput))
    }
    try output.flush()
  }

  private func text(of statistics: StoreStatistics, _ blocks: [BlockDescription], on terminal: Terminal) -> String {
    var times = TimeText(unit: statistics.timeUnit, isRaw: display.rawTimes)
    var text = Style.bold.apply(to: PrintableText.string(target.store), on: terminal) + "\n"
    for (label, value) in facts(of: statistics, &times) {
      let padding = String(repeating: " ", count: max(0, 10 - label.count))
      text += "  \(Style.dim.apply(to: label, on: terminal))\(padding)\(value)\n"
    }
    if !statistics.streams.isEmpty {
      text += "\n" + StreamsVerb.table(of: statistics.streams, &times).text(on: terminal)
    }
    let picture = BlockPicture(of: blocks.map { .init(state: $0.state, stream: $0.stream) }, on: terminal)
    return text + "\n" + picture.text(on: terminal)
  }

  private func facts(of statistics: StoreStatistics, _ times: inout TimeText) -> [(label: String, value: String)] {
    let growth = statistics.isGrowable ? ", grows as needed" : ""
    let checksums = statistics.checksums ? "with checksums" : "without checksums"
    let streams = "\(NumberText.grouped(statistics.streams.count)) of \(NumberText.grouped(statistics.streamCapacity))"
    let kept = keptFact(of: statistics).map { [("kept", $0)] } ?? []
    return [
      ("size", "\(NumberText.size(statistics.fileSize)) on disk\(growth)"),
      ("format", "version \(statistics.formatVersion), times in \(statistics.timeUnit.plural), \(checksums)"),
      ("blocks", blocksFact(of: statistics)),
      ("streams", streams),
      ("frames", framesFact(of: statistics)),
      ("time", timeFact(of: statistics, &times)),
    ] + kept
  }

  /// What may not be used again as yet; nil when there is nothing to say.
  private func keptFact(of statistics: StoreStatistics) -> String? {
    var parts: [String] = []
    if statistics.protectedBlocks > 0 {
      parts.append("\(NumberText.counted(statistics.protectedBlocks, "block")) protected")
    }
    if statistics.pinnedBlocks > 0 { parts.append("\(NumberText.counted(statistics.pinnedBlocks, "block")) pinned") }
    if statistics.pinPolicy == .hold { parts.append("pins hold") }
    return parts.isEmpty ? nil : parts.joined(separator: ", ")
  }

  private func blocksFact(of statistics: StoreStatistics) -> String {
    let used = statistics.openBlocks + statistics.sealedBlocks
    let most = NumberText.grouped(statistics.blockCount)
    let count = statistics.isGrowable ? "\(NumberText.grouped(statistics.availableBlocks)) of at most \(most)" : most
    return "\(count), \(NumberText.size(UInt64(statistics.blockSize))) each, "
      + "\(NumberText.percent(used, of: statistics.blockCount)) in use: \(NumberText.grouped(statistics.sealedBlocks)) "
      + "sealed, \(NumberText.grouped(statistics.openBlocks)) open, \(NumberText.grouped(statistics.freeBlocks)) free"
  }

  private func framesFact(of statistics: StoreStatistics) -> String {
    let held = "\(NumberText.grouped(statistics.frames)), \(NumberText.size(statistics.bytes))"
    guard statistics.reclaimedBlocks > 0 else { return held }
    return held + "; \(NumberText.grouped(statistics.reclaimedFrames)) older ones made room "
      + "(\(NumberText.counted(statistics.reclaimedBlocks, "block")) reclaimed)"
  }

  private func timeFact(of statistics: StoreStatistics, _ times: inout TimeText) -> String {
    guard let first = statistics.first, let last = statistics.last else { return "–" }
    let seconds = (Double(last) - Double(first)) / Double(statistics.timeUnit.unitsPerSecond)
    return "\(times.string(first)) to \(times.string(last)), \(SpanText.string(seconds: seconds))"
  }
}

/// A store as `--json` shows it. Times are in the store's unit; those whose name ends in `Time` are dates.
private struct StoreRecord: Encodable {
  struct BlockRecord: Encodable {
    let index: Int
    let state: String
    @Nullable var stream: String?
    let frames: Int
    let usedBytes: Int
    @Nullable var first: Int64?
    @Nullable var last: Int64?
    let isPinned: Bool
    let isProtected: Bool
  }

  let path: String
  let fileSize: UInt64
  let formatVersion: UInt32
  let timeUnit: String
  let checksums: Bool
  let isGrowable: Bool
  let blockSize: Int
  let blockCount: Int
  let freeBlocks: Int
  let openBlocks: Int
  let sealedBlocks: Int
  let streamCapacity: Int
  let pinnedBlocks: Int
  let protectedBlocks: Int
  let pinsHold: Bool
  let frames: UInt64
  let bytes: UInt64
  let reclaimedBlocks: UInt64
  let reclaimedFrames: UInt64
  @Nullable var first: Int64?
  @Nullable var last: Int64?
  @Nullable var firstTime: String?
  @Nullable var lastTime: String?
  let streams: [StreamRecord]
  let blocks: [BlockRecord]

  init(path: String, _ statistics: StoreStatistics, _ blocks: [BlockDescription], _ times: inout TimeText) {
    self.path = path
    fileSize = statistics.fileSize
    formatVersion = statistics.formatVersion
    timeUnit = statistics.timeUnit.symbol
    checksums = statistics.checksums
    isGrowable = statistics.isGrowable
    blockSize = statistics.blockSize
    blockCount = statistics.blockCount
    freeBlocks = statistics.freeBlocks
    openBlocks = statistics.openBlocks
    sealedBlocks = statistics.sealedBlocks
    streamCapacity = statistics.streamCapacity
    pinnedBlocks = statistics.pinnedBlocks
    protectedBlocks = statistics.protectedBlocks
    pinsHold = statistics.pinPolicy == .hold
    frames = statistics.frames
    bytes = statistics.bytes
    reclaimedBlocks = statistics.reclaimedBlocks
    reclaimedFrames = statistics.reclaimedFrames
    first = statistics.first
    last = statistics.last
    firstTime = statistics.first.map { times.string($0) }
    lastTime = statistics.last.map { times.string($0) }
    streams = statistics.streams.map { StreamRecord($0, &times) }
    self.blocks = blocks.map {
      BlockRecord(
        index: $0.index, state: $0.state.word, stream: $0.stream, frames: $0.frames, usedBytes: $0.usedBytes,
        first: $0.firstTimestamp, last: $0.lastTimestamp, isPinned: $0.isPinned, isProtected: $0.isProtected)
    }
  }
}

extension BlockDescription.State {
  fileprivate var word: String {
    switch self {
    case .free: "free"
    case .open: "open"
    case .sealed: "sealed"
    }
  }
}
