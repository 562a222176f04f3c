/// What a new store takes over from the one whose frames it gets.
struct StoreShape {
  var blockSize: Int
  var streamCapacity: Int
  var timeUnit: UInt8
  var checksPayloads: Bool
  var pinsHold: Bool
  var compression: Compression
}

extension StoreFile {
  var shape: StoreShape {
    StoreShape(
      blockSize: layout.blockSize, streamCapacity: layout.streamCapacity, timeUnit: timeUnit,
      checksPayloads: checksPayloads, pinsHold: pinsHold, compression: compression)
  }
}

/// The file that a copy is written to, under its temporary name.
///
/// Until `complete` it has no file header and is no store. Nobody else knows of it, so what is written is not ordered.
final class CopyTarget {
  let descriptor: FileDescriptor
  private(set) var file: StoreFile
  /// Blocks from this index on hold nothing yet.
  private(set) var usedBlocks = 0
  private let mayGrow: Bool
  private let leastBlocks: Int
  private var syncedBlocks = 0
  private let encoder: ChunkEncoder

  /// Written back after so many bytes: a copy must not fill the page cache with pages that the writers' syncs then wait
  /// for.
  private static let syncIntervalByteCount = 32 << 20

  /// Makes the file at `path` with room for `blocks` blocks, for the frames of `source`. If it may grow, it has in the
  /// end as many blocks as it uses, but at least `leastBlocks`. Throws as creating a store does.
  init(
    _ path: String, _ shape: StoreShape, of source: FileDescriptor, blocks: Int, mayGrow: Bool, leastBlocks: Int = 1,
    effort: LZ4Compressor.Effort = .fast
  ) throws(NanoTSError) {
    let layout = try StoreLayout(
      blockSize: shape.blockSize, blockCount: blocks, streamCapacity: shape.streamCapacity)
    descriptor = try StoreCreation.create(path)
    try descriptor.limitPermissions(to: source)
    try descriptor.reserve(0..<layout.fileSize(blocks: blocks))
    let header = CopyTarget.header(StoreUUID(high: Entropy.next(), low: Entropy.next()), layout, shape)
    let mapped = try MappedFile(mapping: descriptor, byteCount: layout.fileSize(blocks: blocks), writable: true)
    file = StoreFile(mapped: mapped, layout: layout, header: header)
    self.mayGrow = mayGrow
    encoder = ChunkEncoder(effort)
    self.leastBlocks = leastBlocks
  }

  private static func header(_ uuid: StoreUUID, _ layout: StoreLayout, _ shape: StoreShape) -> FileHeader {
    FileHeader(
      uuid: uuid, layout: layout, initialBlockCount: layout.blockCount, timeUnit: shape.timeUnit,
      payloadChecksums: shape.checksPayloads, writeIncompatibleFeatures: shape.pinsHold ? FileHeader.pinsHold : 0,
      compression: shape.compression)
  }

  // MARK: Blocks

  /// Begins a block with the given header and preamble, in which the caller appends frames and then calls `end`.
  ///
  /// Throws `.invalidBlockCount` when the number of blocks was given and all are used. Pointers into blocks that were
  /// begun before are void.
  func begin(
    _ values: BlockHeaderValues, _ preamble: BlockPreamble, precedingEnd: UInt64
  ) throws(NanoTSError) -> BlockAppender {
    if usedBlocks == file.layout.blockCount { try makeRoom() }
    let block = usedBlocks
    usedBlocks += 1
    let header = file.header(block)
    header.generation.storeRelaxed(Generation.ending(values.generation))
    unsafe preamble.write(to: file.body(block))
    header.writeIdentity(values)
    header.precedingEnd.storeRelaxed(precedingEnd)
    header.state.storeRelaxed(BlockState.open.rawValue)
    header.generation.storeReleased(values.generation)
    return BlockAppender(
      file: file, block: block, values: values, payloadStart: preamble.byteCount, encoder: encoder)
  }

  /// Seals the block. The whole file is synced before anybody sees it.
  func end(_ appender: inout BlockAppender) {
    appender.commit()
    appender.endChunks()
    appender.seal()
    appender.header.syncedCount.storeRelaxed(UInt32(truncatingIfNeeded: appender.count))
  }

  /// Takes back the blocks from `block` on.
  func discard(from block: Int) {
    for index in block..<usedBlocks { file.clear(index) }
    usedBlocks = min(usedBlocks, block)
  }

  /// Writes back what was copied since the last time, once it is enough. No block is begun and not ended.
  func syncNowAndThen() throws(NanoTSError) {
    guard (usedBlocks - syncedBlocks) * file.layout.blockSize >= CopyTarget.syncIntervalByteCount else { return }
    let start = file.layout.fileSize(blocks: syncedBlocks)
    try file.mapped.sync(start..<file.layout.fileSize(blocks: usedBlocks))
    syncedBlocks = usedBlocks
  }

  // MARK: Size

  private func makeRoom() throws(NanoTSError) {
    let count = file.layout.blockCount
    guard mayGrow else {
      throw NanoTSError(
        .invalidBlockCount,
        "\(count) blocks are too few: damaged frames make the copy need more; give it more, or leave the number open")
    }
    try resize(to: min(count + max(count / 4, 8), StoreLayout.maximumBlockCount))
  }

  /// Gives the file room for `blocks` blocks. The table of block headers grows or shrinks with it, and where that moves
  /// the place at which blocks begin, the blocks are moved: O(bytes) then.
  private func resize(to blocks: Int) throws(NanoTSError) {
    let old = file.layout
    let layout = try StoreLayout(blockSize: old.blockSize, blockCount: blocks, streamCapacity: old.streamCapacity)
    guard layout != old else { return }
    let (oldEnd, newEnd) = (old.fileSize(blocks: old.blockCount), layout.fileSize(blocks: blocks))
    if newEnd > oldEnd { try descriptor.reserve(oldEnd..<newEnd) }
    let mapped = try MappedFile(mapping: descriptor, byteCount: max(oldEnd, newEnd), writable: true)
    if layout.dataOffset != old.dataOffset {
      mapped.move(old.dataOffset..<old.fileSize(blocks: usedBlocks), to: layout.dataOffset)
      // What was a block before may be a part of the table now.
      if layout.dataOffset > old.dataOffset { mapped.clear(old.dataOffset..<layout.dataOffset) }
    }
    let header = CopyTarget.header(file.uuid, layout, file.shape)
    file = StoreFile(mapped: mapped, layout: layout, header: header)
    if newEnd < oldEnd { try descriptor.setSize(newEnd) }
  }

  // MARK: The end

  /// Makes the file a store with these streams, and syncs it. O(blocks · log blocks).
  func complete(_ streams: [CopiedStream]) throws(NanoTSError) {
    if mayGrow { try resize(to: max(usedBlocks, leastBlocks)) }
    for (index, stream) in streams.enumerated() { stream.writeIdentity(to: file.slot(index)) }
    let shared = file.shared
    shared.usedStreamSlots.storeRelaxed(UInt32(streams.count))
    // The headers say it all; lists and counters are made from them as after a crash.
    try BlockPool(file: file).rebuild()
    // Minimums that this store cannot keep would only keep its streams from each other's blocks.
    let minimums = streams.reduce(0) { $0 + Int($1.plan.terms.quota.minimumBlocks) }
    for (index, stream) in streams.enumerated() {
      stream.writeCounters(to: file.slot(index))
      stream.writeTerms(to: file.slot(index), keepingMinimum: minimums <= file.layout.blockCount)
    }
    shared.bootID = Machine.bootID()
    shared.closedCleanly.storeRelaxed(1)
    let header = CopyTarget.header(file.uuid, file.layout, file.shape)
    unsafe header.write(to: UnsafeMutableRawBufferPointer(start: file.mapped.base, count: FileHeader.byteCount))
    try descriptor.sync()
  }
}
