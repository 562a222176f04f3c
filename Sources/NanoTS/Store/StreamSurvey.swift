/// A stream's blocks as they are at one moment, for questions that concern all of them.
struct StreamSurvey {
  /// One block with at least one frame.
  struct Block {
    let block: Int
    let generation: UInt64
    let sequence: UInt64
    let segment: UInt64
    let firstOrdinal: UInt64
    let frames: Int
    let first: Int64
    let last: Int64
    let payloadBytes: UInt64
    let isOpen: Bool
  }

  /// In order. Blocks recycled while the survey was taken are not in it.
  let blocks: [Block]

  /// O(blocks of the stream), and O(frames) in its open block.
  init(_ store: Store, _ stream: StreamTable.Stream) throws(NanoTSError) {
    let directory = try store.directories.directory(of: stream.identifier, slot: stream.slot)
    var blocks: [Block] = []
    blocks.reserveCapacity(directory.count)
    for index in 0..<directory.count {
      if let block = StreamSurvey.look(store, directory[index]) { blocks.append(block) }
    }
    self.blocks = blocks
  }

  /// Only the blocks with frames in `range`. O(log blocks + blocks in the range).
  init(_ store: Store, _ stream: StreamTable.Stream, in range: ClosedRange<Int64>) throws(NanoTSError) {
    let directory = try store.directories.directory(of: stream.identifier, slot: stream.slot)
    var blocks: [Block] = []
    var index = directory.lastBlock(startingAtOrBefore: FramePosition(timestamp: range.lowerBound, key: .min))
    while index < directory.count {
      defer { index += 1 }
      // By the block itself: a directory may know it from before its first frame.
      guard let block = StreamSurvey.look(store, directory[index]) else { continue }
      if block.first > range.upperBound { break }
      if block.last >= range.lowerBound { blocks.append(block) }
    }
    self.blocks = blocks
  }

  private static func look(_ store: Store, _ entry: DirectoryEntry) -> Block? {
    let (file, block) = (store.file, Int(entry.block))
    let header = file.header(block)
    guard var values = header.values(), values.generation == entry.generation, values.holdsFrames,
      var body = BlockBody(file, block, values)
    else { return nil }
    if store.isSuspect {
      values.commit = body.proven(trusting: 0, coversPayload: file.checksPayloads)
      guard let whole = BlockBody(file, block, values) else { return nil }
      body = whole
    }
    // A sealed block's header says it all; of an open one, and where frames must prove themselves, the body does.
    let mustCount = values.state == .open || store.isSuspect
    let frames = body.count
    guard frames > 0 else { return nil }
    let first = mustCount ? body.entry(0).timestamp : values.firstTimestamp
    let last = mustCount ? body.last!.timestamp : values.lastTimestamp
    let bytes = mustCount ? body.payloadByteCount(of: frames) : UInt64(values.payloadBytes)
    guard header.isStill(values.generation) else { return nil }
    return Block(
      block: Int(entry.block), generation: values.generation, sequence: values.sequence, segment: values.segment,
      firstOrdinal: values.firstOrdinal, frames: frames, first: first, last: last, payloadBytes: bytes,
      isOpen: values.state == .open)
  }
}
