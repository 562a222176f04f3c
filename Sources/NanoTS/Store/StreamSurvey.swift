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
      if let block = try StreamSurvey.look(store, directory[index]) { blocks.append(block) }
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
      guard let block = try StreamSurvey.look(store, directory[index]) else { continue }
      if block.first > range.upperBound { break }
      if block.last >= range.lowerBound { blocks.append(block) }
    }
    self.blocks = blocks
  }

  private static func look(_ store: Store, _ entry: DirectoryEntry) throws(NanoTSError) -> Block? {
    guard let values = store.file.header(Int(entry.block)).values(), values.generation == entry.generation,
      values.holdsFrames
    else { return nil }
    // A sealed block's header says it all; of an open one, and where frames must prove themselves, the body does.
    guard values.state == .open || store.isSuspect else {
      guard BlockBody.isPossible(values, in: store.file), values.commit.count > 0 else { return nil }
      return Block(
        Int(entry.block), values, frames: Int(values.commit.count), values.firstTimestamp, values.lastTimestamp,
        payloadBytes: UInt64(values.payloadBytes))
    }
    return try count(store, entry)
  }

  private static func count(_ store: Store, _ entry: DirectoryEntry) throws(NanoTSError) -> Block? {
    let file = store.file
    guard
      let stored = try file.readStored(
        Int(entry.block), generation: entry.generation, store.isSuspect ? .all : .entries),
      var body = BlockBody(file, stored, stored.values)
    else { return nil }
    if store.isSuspect {
      var values = stored.values
      values.commit = body.proven(trusting: 0, coversPayload: file.checksPayloads)
      guard let whole = BlockBody(file, stored, values) else { return nil }
      body = whole
    }
    guard body.count > 0 else { return nil }
    let block = Block(
      Int(entry.block), stored.values, frames: body.count, body.entry(0).timestamp, body.last!.timestamp,
      payloadBytes: body.payloadByteCount(of: body.count))
    return stored.header.isStill(entry.generation) ? block : nil
  }
}

extension StreamSurvey.Block {
  init(
    _ block: Int, _ values: BlockHeaderValues, frames: Int, _ first: Int64, _ last: Int64, payloadBytes: UInt64
  ) {
    self.init(
      block: block, generation: values.generation, sequence: values.sequence, segment: values.segment,
      firstOrdinal: values.firstOrdinal, frames: frames, first: first, last: last, payloadBytes: payloadBytes,
      isOpen: values.state == .open)
  }
}
