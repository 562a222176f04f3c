/// What one writer session left in a stream.
public struct Segment: Sendable {
  /// From 0 in each stream.
  public let number: UInt64
  /// What the session's writer was opened with.
  public let metadata: String
  /// Timestamp of the first frame left.
  public let firstTimestamp: Int64
  /// Timestamp of the last frame.
  public let lastTimestamp: Int64
  /// Frames left.
  public let frames: UInt64
  /// Blocks left.
  public let blocks: Int
  /// True while its last block is open.
  public let isOpen: Bool
}

/// A part of a segment in which no block is missing.
public struct ContiguousRun: Sendable {
  /// The number of the segment.
  public let segment: UInt64
  /// Timestamp of its first frame.
  public let firstTimestamp: Int64
  /// Timestamp of its last frame.
  public let lastTimestamp: Int64
  /// Frames in it.
  public let frames: UInt64
}

extension Store {
  /// The names of the streams, sorted; with a range, of those that have a frame in it.
  ///
  /// Throws `.closed`, and with a range what a cursor throws. O(streams), and with a range O(streams · log frames).
  public func streams(in range: ClosedRange<Int64>? = nil) throws(NanoTSError) -> [String] {
    try answering { () throws(NanoTSError) in try names(in: range) }
  }

  private func names(in range: ClosedRange<Int64>?) throws(NanoTSError) -> [String] {
    var names: [String] = []
    for stream in StreamTable(file: file).all() {
      let name = String(decoding: stream.name, as: UTF8.self)
      if let range {
        var cursor = Cursor(self, stream.name, CursorOptions())
        guard let frame = try cursor.seek(to: range.lowerBound), frame.timestamp <= range.upperBound else { continue }
      }
      names.append(name)
    }
    return names.sorted()
  }

  /// The segments of `stream` with frames in blocks that overlap `range`, oldest first.
  ///
  /// Throws `.invalidName`, `.closed`, `.corrupt` (a damaged preamble) or `.ioFailure`. O(blocks of the stream).
  public func segments(
    of stream: String, in range: ClosedRange<Int64> = Int64.min...Int64.max
  ) throws(NanoTSError) -> [Segment] {
    try answering { () throws(NanoTSError) in try allSegments(of: stream, range) }
  }

  private func allSegments(of stream: String, _ range: ClosedRange<Int64>) throws(NanoTSError) -> [Segment] {
    var segments: [Segment] = []
    for blocks in try group(stream, range, where: { $0.segment == $1.segment }) {
      guard let first = blocks.first, let last = blocks.last, let metadata = try metadata(of: last) else { continue }
      segments.append(
        Segment(
          number: first.segment, metadata: metadata, firstTimestamp: first.first, lastTimestamp: last.last,
          frames: blocks.reduce(0) { $0 + UInt64($1.frames) }, blocks: blocks.count, isOpen: last.isOpen))
    }
    return segments
  }

  /// The contiguous runs of `stream` in blocks that overlap `range`, oldest first: between two of one segment, blocks
  /// are missing. Throws as `segments`. O(blocks of the stream).
  public func contiguousRuns(
    of stream: String, in range: ClosedRange<Int64> = Int64.min...Int64.max
  ) throws(NanoTSError) -> [ContiguousRun] {
    try answering { () throws(NanoTSError) in
      try group(stream, range) {
        $0.segment == $1.segment && $0.firstOrdinal &+ UInt64($0.frames) == $1.firstOrdinal
      }
    }
    .map { blocks in
      ContiguousRun(
        segment: blocks[0].segment, firstTimestamp: blocks[0].first, lastTimestamp: blocks[blocks.count - 1].last,
        frames: blocks.reduce(0) { $0 + UInt64($1.frames) })
    }
  }

  /// The stream's blocks that overlap `range`, cut into groups wherever `belongs` does not hold between neighbours.
  private func group(
    _ stream: String, _ range: ClosedRange<Int64>, where belongs: (StreamSurvey.Block, StreamSurvey.Block) -> Bool
  ) throws(NanoTSError) -> [[StreamSurvey.Block]] {
    guard let found = StreamTable(file: file).find(try StreamTable.checkedName(stream)) else { return [] }
    var groups: [[StreamSurvey.Block]] = []
    for block in try StreamSurvey(self, found).blocks
    where block.last >= range.lowerBound && block.first <= range.upperBound {
      if let last = groups.last?.last, belongs(last, block) {
        groups[groups.count - 1].append(block)
      } else {
        groups.append([block])
      }
    }
    return groups
  }

  /// The segment metadata that a block carries; nil when the block was recycled meanwhile.
  private func metadata(of block: StreamSurvey.Block) throws(NanoTSError) -> String? {
    guard let stored = try file.readStored(block.block, generation: block.generation, .preamble) else { return nil }
    let preamble = withExtendedLifetime(stored.image) { unsafe BlockPreamble(checking: stored.bytes) }
    guard stored.header.isStill(block.generation) else { return nil }
    guard let preamble, preamble.generation == block.generation else {
      throw NanoTSError(
        .corrupt, "the preamble of block \(block.block) in \(path) is damaged; run 'nanots verify' for all of it")
    }
    return String(decoding: preamble.metadata, as: UTF8.self)
  }
}
