/// Reads blocks of a damaged store whole, one at a time, and finds their frames.
final class BlockSalvage {
  private let inspector: BlockInspector
  /// The block that was read last.
  private let body: PrivateBytes

  init(_ inspector: BlockInspector) {
    self.inspector = inspector
    body = PrivateBytes(count: inspector.layout.blockSize)
  }

  /// A block in memory, with the frames that prove themselves. Valid until the next one is read.
  struct Found {
    let live: LiveBlock
    /// Nil where it does not prove itself.
    let preamble: BlockPreamble?
    let frames: any FoundFrames
    let result: FrameSearch.Result
  }

  /// Reads block `index` and finds the frames of the life `generation` that are after `previous`; nil when the block has
  /// another life by now, as in a store that is written meanwhile. O(bytes of the block).
  func find(
    _ index: Int, life generation: UInt64, after previous: FramePosition? = nil, limit: Int? = nil
  ) -> Found? {
    let (life, preamble) = inspector.look(at: index)
    guard case .alive(let live) = life, live.generation == generation,
      live.bodyLayout.isKnown(blockSize: inspector.layout.blockSize)
    else { return nil }
    let layout = inspector.layout
    inspector.file.read(body.count, at: layout.offset(of: index), into: body)
    if live.bodyLayout.kind == BodyLayout.chunked {
      return find(inChunksOf: live, preamble, after: previous, limit: limit)
    }
    let own = preamble?.generation == generation ? preamble : nil
    let start = own.map { BlockPreamble.byteCount(name: $0.name.count, metadata: $0.metadata.count) }
    var search = FrameSearch(
      body, filled: inspector.file.byteCount - layout.offset(of: index), live,
      payloadStart: start ?? BlockPreamble.fixedByteCount,
      coversPayload: layout.checksPayloads)
    let result = search.run(after: previous, limit: live.sealedCount == nil ? limit : nil)
    return Found(live: live, preamble: own, frames: search, result: result)
  }

  private func find(
    inChunksOf live: LiveBlock, _ preamble: BlockPreamble?, after previous: FramePosition?, limit: Int?
  ) -> Found? {
    let search = ChunkSearch(
      body, live, coversPayload: inspector.layout.checksPayloads, after: previous,
      limit: live.sealedCount == nil ? limit : nil)
    guard let search else { return nil }
    return Found(
      live: live, preamble: preamble?.generation == live.generation ? preamble : nil, frames: search,
      result: search.run())
  }
}

/// Writes the frames found in one block of a damaged store into the new one.
struct SalvagedBlock {
  /// The stream with what was written of this block.
  private(set) var stream: CopiedStream
  private(set) var frames: UInt64 = 0
  private(set) var bytes: UInt64 = 0
  private(set) var first: Int64?
  private(set) var last: Int64?

  private let found: BlockSalvage.Found
  private let preamble: BlockPreamble
  private let target: CopyTarget
  private let streamIndex: Int
  private var appender: BlockAppender?

  /// A block with many damaged places becomes at most so many of the new store.
  static let maximumParts = 64

  init(
    _ found: BlockSalvage.Found, of stream: CopiedStream, _ streamIndex: Int, metadata: [UInt8], to target: CopyTarget
  ) {
    self.stream = stream
    self.found = found
    self.target = target
    self.streamIndex = streamIndex
    let live = found.live
    preamble = BlockPreamble(
      generation: live.generation, uuid: target.file.uuid, streamIdentifier: stream.plan.stream.identifier,
      sequence: live.sequence, segment: live.segment, firstOrdinal: live.firstOrdinal,
      blockSize: UInt32(target.file.layout.blockSize), bodyLayout: live.bodyLayout, timeUnit: target.file.timeUnit,
      payloadChecksums: target.file.checksPayloads ? 1 : 0, name: stream.plan.stream.name, metadata: metadata)
  }

  /// Writes the frames of `run`, slots of the block, up to one that cannot be read, and seals what it writes; the slot after
  /// the last one written. O(bytes).
  mutating func write(_ run: Range<Int>) throws(NanoTSError) -> Int {
    var end = run.lowerBound
    for slot in run {
      let entry = found.frames.entry(slot)
      guard let payload = unsafe found.frames.payload(of: entry) else { break }
      var place = unsafe appender?.placeTurning(byteCount: payload.count, key: entry.key)
      if unsafe place == nil {
        // The first frame, or a name longer than the damaged block's that left no room for the last ones.
        endPart()
        try beginPart(slot, entry)
        unsafe place = appender?.placeTurning(byteCount: payload.count, key: entry.key)
      }
      guard let place = unsafe place else { break }
      unsafe appender!.copy(payload.baseAddress, payload.count, to: place)
      unsafe appender!.addEntry(
        place, payload.count,
        FrameStamp(timestamp: entry.timestamp, key: entry.key, flags: entry.flags, isClamped: entry.isClamped))
      if first == nil { first = entry.timestamp }
      last = entry.timestamp
      end = slot + 1
    }
    endPart()
    return end
  }

  private mutating func beginPart(_ slot: Int, _ first: IndexEntry) throws(NanoTSError) {
    let live = found.live
    let ordinal = live.firstOrdinal + UInt64(slot)
    var text = preamble
    text.sequence = stream.beginBlock(sequence: live.sequence, ordinal: ordinal)
    text.firstOrdinal = ordinal
    let header = BlockHeaderValues(
      generation: live.generation, commit: .empty(live.bodyLayout, payloadStart: text.byteCount), state: .open,
      bodyLayout: live.bodyLayout, streamIdentifier: text.streamIdentifier, sequence: text.sequence,
      segment: live.segment, streamSlot: UInt32(streamIndex), identityChecksum: 0, firstOrdinal: ordinal,
      firstTimestamp: first.timestamp, firstKey: first.key, lastTimestamp: 0, lastKey: 0, syncedCount: 0,
      uniformLength: BlockHeader.noLength, sealChecksum: 0, payloadBytes: 0)
    appender = try target.begin(header, text, precedingEnd: stream.gapStart(before: ordinal))
  }

  private mutating func endPart() {
    guard var part = appender else { return }
    appender = nil
    guard part.count > 0 else {
      target.discard(from: part.block)
      return
    }
    target.end(&part)
    stream.endBlock(at: part.firstOrdinal &+ UInt64(part.count))
    frames += UInt64(part.count)
    bytes += UInt64(part.payloadBytes)
  }
}
