/// Moving a writer from one block to the next.
///
/// In the order that both a kill and a power loss demand: a block is claimed, which ends its earlier life; the block
/// written so far is synced, if the policy says so, and sealed; the header that vouches for it and the one that ends a
/// life are synced; and only then does the new life begin to overwrite the body. Where `BackgroundSync` prepares blocks,
/// the first and the last of these steps were made before, and the second comes after.
struct BlockHandover {
  let lease: StreamLease
  let durability: Durability
  let autoReclaim: Bool
  let metadata: [UInt8]
  /// Nil for plain blocks.
  let chunks: ChunkedLayout?

  private var file: StoreFile { lease.file }
  private var slot: StreamSlot { lease.slot }

  /// Bytes from a block's start to its first payload.
  var payloadStart: Int { BlockPreamble.byteCount(name: lease.stream.name.count, metadata: metadata.count) }

  /// The largest payload that this session can store.
  func maximumFrameByteCount(keyed: Bool) -> Int {
    BlockAppender.capacity(
      blockSize: file.layout.blockSize, payloadStart: payloadStart, layout: bodyLayout(keyed: keyed))
  }

  private func bodyLayout(keyed: Bool) -> BodyLayout {
    chunks.map { .chunked($0, keyed: keyed) } ?? .plain(keyed: keyed)
  }

  /// Claims a block for the stream, or returns nil when none may be taken. What readers see of the stream is unchanged.
  /// Before the block is installed its header must be synced, unless nothing is.
  func claim() throws(NanoTSError) -> Int? { try claim(under: lease.allocation, through: lease.descriptor) }

  /// The same by another thread than the writer's, with a lock and a descriptor of its own.
  func claim(under lock: AllocationLock, through descriptor: FileDescriptor) throws(NanoTSError) -> Int? {
    let takesBlocks = autoReclaim && BlockPool.isFull(file)
    return try lock.withLock(takingBlocks: takesBlocks) { pool throws(NanoTSError) in
      try pool.claim(for: lease.stream.slot, reclaiming: autoReclaim, through: descriptor)
    }
  }

  /// Makes `block`, the first of a session, which no thread has made ready, so. The header that ends its earlier life was
  /// synced: what it holds may be overwritten. Larger ones than 4 MiB, which take a millisecond, are left to the page faults.
  func prepareFirst(_ block: Int) {
    if file.layout.blockSize <= 4 << 20 { file.populatePages(of: block) }
  }

  /// Why `claim` gave nothing, as it looks now. O(blocks).
  func noFreeBlocks() throws(NanoTSError) -> NanoTSError {
    let obstacles = try Obstacles(file, lease.stream.slot, reclaims: autoReclaim)
    return NanoTSError(
      .noFreeBlocks,
      "no block of the \(file.layout.blockCount) in \(file.path) is free: \(obstacles.description)")
  }

  /// Begins the life of `block`, claimed before, as the stream's newest.
  func install(
    _ block: Int, segment: UInt64, firstOrdinal: UInt64, first: FramePosition, keyed: Bool, _ encoder: ChunkEncoder?,
    announcesEnd: Bool = false
  ) throws(NanoTSError) -> BlockAppender {
    let salt = Entropy.next()
    let layout = bodyLayout(keyed: keyed)
    func begin(_ pool: BlockPool) -> BlockAppender {
      let values = BlockHeaderValues(
        generation: pool.nextGeneration(of: block, salt: salt),
        commit: .empty(layout, payloadStart: payloadStart), state: .open, bodyLayout: layout,
        streamIdentifier: lease.stream.identifier,
        sequence: slot.nextSequence.relaxed, segment: segment, streamSlot: UInt32(lease.stream.slot),
        identityChecksum: 0, firstOrdinal: firstOrdinal, firstTimestamp: first.timestamp, firstKey: first.key,
        lastTimestamp: 0, lastKey: 0, syncedCount: 0, uniformLength: BlockHeader.noLength,
        sealChecksum: 0, payloadBytes: 0)
      pool.install(block, in: slot, values, preamble: preamble(values))
      if slot.nextSegment.relaxed == segment { slot.nextSegment.storeRelaxed(segment &+ 1) }
      return BlockAppender(
        file: file, block: block, values: values, payloadStart: payloadStart, encoder: encoder,
        announcesEnd: announcesEnd)
    }
    let begun = try lease.allocation.withLockAtOnce(forWriterOf: lease.stream.slot) { pool in
      pool.hasWholeEnd(slot) ? begin(pool) : nil
    }
    if let begun { return begun }
    return try lease.allocation.withLock { pool throws(NanoTSError) in
      try pool.rebuild()
      return begin(pool)
    }
  }

  private func preamble(_ values: BlockHeaderValues) -> BlockPreamble {
    BlockPreamble(
      generation: values.generation, uuid: file.uuid, streamIdentifier: values.streamIdentifier,
      sequence: values.sequence, segment: values.segment, firstOrdinal: values.firstOrdinal,
      blockSize: UInt32(file.layout.blockSize), bodyLayout: values.bodyLayout, timeUnit: file.timeUnit,
      payloadChecksums: file.checksPayloads ? 1 : 0, name: lease.stream.name, metadata: metadata)
  }

  /// Ends the writing of the block that `appender` has; `syncing` its frames before. Returns what was sealed, whose header
  /// is not synced yet: nil when no frame was appended, and the block was given back.
  ///
  /// Not syncing is also for a writer of which a sync has failed: the kernel may report the next one as done without
  /// having written what the failed one lost, and the block must not count as synced.
  func seal(
    _ appender: inout BlockAppender, _ background: BackgroundSync?, syncing: Bool
  ) throws(NanoTSError) -> WrittenBlock? {
    guard appender.count > 0 else {
      try lease.allocation.withLock { pool throws(NanoTSError) in pool.recoverOpenBlock(of: slot) }
      return nil
    }
    if appender.hasLastChunk, appender.encodeStaged() != nil { _ = turnUnpromised(&appender, background) }
    // Before the seal: a kill between the two leaves an open block, which is recovered, and not a sealed one behind
    // which ordinals would be used again.
    slot.nextOrdinal.storeReleased(appender.firstOrdinal &+ UInt64(appender.count))
    let life = appender.life
    guard syncing else {
      appender.seal()
      return life
    }
    // Sealed, the block may be taken by another writer at once: what is noted as synced is noted before.
    let result: Result<Void, NanoTSError>
    do throws(NanoTSError) {
      result = .success(try syncFrames(&appender))
    } catch {
      result = .failure(error)
    }
    appender.seal()
    try result.get()
    return life
  }

  /// Makes the headers survive power loss of the block that was sealed, if there is one, and of the one that was claimed.
  func syncHeaders(sealed: WrittenBlock?, claimed: Int?) throws(NanoTSError) {
    guard let first = sealed?.block ?? claimed else { return }
    try file.syncHeaders(first, claimed ?? first)
  }

  /// Makes every committed frame of the open block survive power loss: payloads and entries first, then the header that
  /// vouches for them.
  func sync(_ appender: inout BlockAppender) throws(NanoTSError) {
    try syncFrames(&appender)
    try file.syncHeader(appender.block)
  }

  /// Payloads and entries, with the gap between them, of which nothing needs to be written; then they count as synced.
  private func syncFrames(_ appender: inout BlockAppender) throws(NanoTSError) {
    guard appender.count > appender.syncedCount else { return }
    try file.syncBody(appender.block, appender.unsyncedRange)
    appender.noteSynced()
  }

  /// Shows the chunk made of the staged frames if none of these counts as synced; false, with nothing changed, if one does.
  private func turnUnpromised(_ appender: inout BlockAppender, _ background: BackgroundSync?) -> Bool {
    background.withNotes {
      guard Int(appender.header.syncedCount.acquired) <= appender.count - appender.stagedCount else { return false }
      appender.turnStaging()
      return true
    }
  }

  /// Makes a chunk of what is staged; false, with nothing changed, when the block has no room for it.
  ///
  /// What counts as synced in the staging area was promised: it is not written over before its chunk is on the disk too. The
  /// header need not be: whoever opens the store after a power loss finds chunks by their checksums.
  func turnStaging(_ appender: inout BlockAppender, _ background: BackgroundSync?) throws(NanoTSError) -> Bool {
    guard let written = appender.encodeStaged() else { return false }
    guard !turnUnpromised(&appender, background) else { return true }
    try file.syncBody(appender.block, written)
    appender.turnStaging()
    return true
  }

  /// Makes every committed frame survive power loss in one call for all threads that ask at the same time. After a power
  /// loss, those not noted as synced are checked, so that header and body may go together; the note of the earlier ones
  /// goes with the next frame.
  func syncTogether(_ appender: inout BlockAppender) throws(NanoTSError) {
    let isFirst = appender.syncedCount == 0
    try file.syncTogether()
    appender.noteSynced()
    // By the first note, the blocks before count as synced.
    if isFirst { try file.syncHeader(appender.block) }
  }

  /// Makes everything written to the file survive power loss.
  func syncFile() throws(NanoTSError) { try file.mapped.syncAll() }
}
