/// Stores the frames of a store anew, in other blocks: compressed, or as they are.
///
/// The store is a copy that nobody else knows of: all its blocks are sealed, and every frame of it was checked.
struct Rewriting {
  private let source: Store
  private let plan: CopyPlan
  private let compression: CopyCompression
  private let chunks: ChunkedLayout?
  private let target: CopyTarget
  private var appender: BlockAppender?
  private var preamble: BlockPreamble?
  private var report: CopyReport

  /// `report`: what is known of the copy so far.
  init(
    _ source: Store, as compression: CopyCompression, to temporary: String, blockCount: Int?, _ report: CopyReport
  ) throws(NanoTSError) {
    self.source = source
    self.compression = compression
    self.report = report
    chunks = try compression.streamCompression.layout(blockSize: source.blockSize)
    plan = try CopyPlan(source, CopyOptions())
    var shape = source.file.shape
    shape.compression = compression.streamCompression
    target = try CopyTarget(
      temporary, shape, of: source.file.mapped.descriptor, blocks: blockCount ?? 1, mayGrow: blockCount == nil,
      effort: compression.effort)
  }

  /// Rewrites every stream; `tell` is called with the blocks of the source that are done. Throws `.invalidBlockCount` when
  /// the blocks asked for are too few. O(bytes).
  mutating func run(_ tell: (_ blocks: Int) throws(NanoTSError) -> Void) throws(NanoTSError) -> CopyReport {
    var streams = plan.streams.map { CopiedStream($0, compression: compression.streamCompression) }
    var done = 0
    try tell(0)
    for index in streams.indices {
      for planned in plan.blocks where Int(planned.stream) == index {
        try rewrite(planned, of: &streams[index], index)
        done += 1
        try tell(done)
      }
      end(&streams[index])
      try target.syncNowAndThen()
    }
    try target.complete(streams)
    try target.verify(frames: report.frames, of: source.path) { (_) throws(NanoTSError) in }
    report.blocks = target.usedBlocks
    report.fileSize = try target.descriptor.size()
    return report
  }

  private mutating func rewrite(
    _ planned: CopyPlan.Block, of stream: inout CopiedStream, _ index: Int
  ) throws(NanoTSError) {
    let block = Int(planned.block)
    guard let values = source.file.header(block).values(),
      let body = BlockBody(source.file, block, values, isHeld: true),
      let found = unsafe BlockPreamble(checking: body.bytes)
    else { return }
    let follows = appender.map { $0.firstOrdinal &+ UInt64($0.count) == values.firstOrdinal } ?? false
    if !follows || preamble?.segment != found.segment || preamble?.bodyLayout.isKeyed != values.bodyLayout.isKeyed {
      end(&stream)
    }
    for slot in 0..<body.count {
      let entry = body.entry(slot)
      guard let payload = unsafe body.payload(of: entry) else { continue }
      var place = unsafe appender?.placeTurning(byteCount: payload.count, key: entry.key)
      if unsafe place == nil {
        end(&stream)
        try begin(found, values, slot, entry, of: &stream, index)
        unsafe place = appender!.placeTurning(byteCount: payload.count, key: entry.key)
      }
      guard let place = unsafe place else {
        throw NanoTSError(
          .frameTooLarge,
          "frame \(values.firstOrdinal &+ UInt64(slot)) of \(payload.count) bytes fills a block, and a compressed block holds "
            + "less in one frame; copy the store as it is")
      }
      unsafe appender!.copy(payload.baseAddress, payload.count, to: place)
      unsafe appender!.addEntry(
        place, payload.count,
        FrameStamp(timestamp: entry.timestamp, key: entry.key, flags: entry.flags, isClamped: entry.isClamped))
    }
  }

  private mutating func begin(
    _ found: BlockPreamble, _ values: BlockHeaderValues, _ slot: Int, _ first: IndexEntry,
    of stream: inout CopiedStream, _ index: Int
  ) throws(NanoTSError) {
    try target.syncNowAndThen()
    let ordinal = values.firstOrdinal &+ UInt64(slot)
    let keyed = values.bodyLayout.isKeyed
    var header = values
    header.generation = Generation.following(0, random: Entropy.next())
    header.state = .open
    header.bodyLayout = chunks.map { .chunked($0, keyed: keyed) } ?? .plain(keyed: keyed)
    header.streamSlot = UInt32(index)
    let gapStart = stream.gapStart(before: ordinal)
    header.sequence = stream.beginNextBlock(ordinal: ordinal, notBefore: values.sequence)
    header.firstOrdinal = ordinal
    (header.firstTimestamp, header.firstKey) = (first.timestamp, first.key)
    header.uniformLength = BlockHeader.noLength
    header.commit = .empty(header.bodyLayout, payloadStart: found.byteCount)
    var text = found
    text.generation = header.generation
    text.bodyLayout = header.bodyLayout
    text.uuid = target.file.uuid
    text.sequence = header.sequence
    text.firstOrdinal = ordinal
    preamble = text
    appender = try target.begin(header, text, precedingEnd: gapStart)
  }

  private mutating func end(_ stream: inout CopiedStream) {
    guard var part = appender else { return }
    appender = nil
    target.end(&part)
    stream.endBlock(at: part.firstOrdinal &+ UInt64(part.count))
  }
}
