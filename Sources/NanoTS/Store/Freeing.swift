/// What `free`, or a change of a stream's quota, took out of the store.
public struct FreedBlocks: Sendable {
  /// Blocks that are free now.
  public let blocks: Int
  /// Frames that were in them.
  public let frames: UInt64
  /// Blocks that were to go and stay because their time, or a part of it, is protected.
  public let protectedBlocks: Int
  /// Blocks that were to go and stay because they are pinned, in a store where pins hold.
  public let pinnedBlocks: Int

  init(blocks: Int = 0, frames: UInt64 = 0, protectedBlocks: Int = 0, pinnedBlocks: Int = 0) {
    self.blocks = blocks
    self.frames = frames
    self.protectedBlocks = protectedBlocks
    self.pinnedBlocks = pinnedBlocks
  }
}

extension Store {
  /// Frees the sealed blocks of `stream` whose frames all lie in `range`, both ends included. Other blocks stay whole,
  /// and so do protected ones, and pinned ones where pins hold (``StoreOptions/pins``): the result says how many.
  ///
  /// This is also the cure for a frame that a wrong clock stamped in the far future, after which the stream takes no
  /// earlier timestamp: close the writer, free the range from that block's first frame to the far one, and open the
  /// writer again. The other frames of that block go too.
  ///
  /// Throws `.readOnly`, `.closed`, `.invalidName` or `.ioFailure`. An unknown stream has nothing to free. O(blocks of
  /// the stream). Readers on a freed block are told as if it had been recycled.
  @discardableResult
  public func free(_ stream: String, in range: ClosedRange<Int64>) throws(NanoTSError) -> FreedBlocks {
    let name = try StreamTable.checkedName(stream)
    return try changing { (pool, _) throws(NanoTSError) in
      guard let found = StreamTable(file: file).find(name) else { return FreedBlocks() }
      let slot = file.slot(found.slot)
      let freed = try release(in: slot, pool) { values in
        values.state == .sealed && values.firstTimestamp >= range.lowerBound
          && values.lastTimestamp <= range.upperBound
      }
      let isEmptied = slot.blockCount.relaxed == 0 && freed.blocks > 0
      if let floor = slot.floor, range.contains(floor.timestamp) || isEmptied { slot.floor = nil }
      return freed
    }
  }

  /// Frees every block of `stream` and the stream itself, with its quota; its name can be used afresh, from any
  /// timestamp on.
  ///
  /// Throws `.streamBusy` while a writer has the stream, `.protected` while it has a protected range or, where pins
  /// hold, a pinned block, `.readOnly`, `.closed`, `.invalidName` or `.ioFailure`. O(blocks of the stream).
  @discardableResult
  public func free(stream: String) throws(NanoTSError) -> FreedBlocks {
    let name = try StreamTable.checkedName(stream)
    let result = try changing { (pool, descriptor) throws(NanoTSError) -> Result<FreedBlocks, NanoTSError> in
      guard let found = StreamTable(file: file).find(name) else { return .success(FreedBlocks()) }
      let slot = file.slot(found.slot)
      if let range = slot.readTerms()?.protected.ranges.first { return .failure(isProtected(stream, range)) }
      let lock = FileLock(file: descriptor, offset: StoreFile.LockOffset.stream(found.slot))
      guard try lock.tryLock() else { return .failure(StreamLease.busy(file, found)) }
      let pinned = try pinnedBlocks(of: slot, pool)
      guard pinned == 0 else {
        try lock.unlock()
        return .failure(isPinned(stream, pinned))
      }
      let freed = try release(in: slot, pool) { _ in true }
      if let spare = pool.claimedSpare(of: slot) {
        slot.spareBlock.storeRelaxed(0)
        pool.release(spare)
      }
      StreamTable(file: file).remove(found)
      try lock.unlock()
      return .success(freed)
    }
    return try result.get()
  }

  private func isProtected(_ stream: String, _ range: ClosedRange<Int64>) -> NanoTSError {
    NanoTSError(
      .protected,
      "the stream '\(stream)' of \(path) cannot be freed: its range from \(range.lowerBound) to \(range.upperBound) is "
        + "protected; release the protection first")
  }

  private func isPinned(_ stream: String, _ blocks: Int) -> NanoTSError {
    NanoTSError(
      .protected,
      "the stream '\(stream)' of \(path) cannot be freed: readers have pinned \(blocks) of its blocks, and in this store "
        + "pins hold; let the readers release them first")
  }

  /// Runs `change` under the allocation lock, through a description of its own, and syncs what it changed.
  private func changing<R>(
    _ change: (BlockPool, FileDescriptor) throws(NanoTSError) -> R
  ) throws(NanoTSError) -> R {
    let (result, _) = try locked(change)
    try file.mapped.syncAll()
    return result
  }

  /// Runs `change` under the allocation lock, through a description of its own.
  func locked<R>(
    _ change: (BlockPool, FileDescriptor) throws(NanoTSError) -> R
  ) throws(NanoTSError) -> (R, FileDescriptor) {
    let session = try writableSession()
    let result = try session.beginningChanges { () throws(NanoTSError) in
      try session.willChange(durably: true)
      let descriptor = try FileDescriptor(reopening: file.mapped.descriptor, .readWrite)
      let lock = AllocationLock(file, through: descriptor)
      return (
        try lock.withLock(takingBlocks: true) { pool throws(NanoTSError) in try change(pool, descriptor) }, descriptor
      )
    }
    try session.changerEnded()
    return result
  }

  /// Runs `body` for each block of the stream, oldest first; it may take the block out of the list.
  private func forEachBlock(
    of slot: StreamSlot, _ pool: BlockPool, _ body: (Int, BlockHeaderValues) throws(NanoTSError) -> Void
  ) throws(NanoTSError) {
    var next = pool.target(slot.head)
    var steps = 0
    while let block = next, steps < file.layout.blockCount {
      let header = file.header(block)
      next = pool.target(header.next)
      steps += 1
      guard let values = header.values(), values.holdsFrames else { continue }
      try body(block, values)
    }
  }

  /// How many blocks of the stream keep it from being freed: those pinned, where pins hold. The others' pins are taken.
  private func pinnedBlocks(of slot: StreamSlot, _ pool: BlockPool) throws(NanoTSError) -> Int {
    guard file.pinsHold else { return 0 }
    var count = 0
    try forEachBlock(of: slot, pool) { (_, values) throws(NanoTSError) in
      if try !pool.takesPin(of: values) { count += 1 }
    }
    return count
  }

  private func release(
    in slot: StreamSlot, _ pool: BlockPool, where isChosen: (BlockHeaderValues) -> Bool
  ) throws(NanoTSError) -> FreedBlocks {
    var (blocks, protectedBlocks, pinnedBlocks) = (0, 0, 0)
    var frames: UInt64 = 0
    let keeping = Keeping(file)
    try forEachBlock(of: slot, pool) { (block, values) throws(NanoTSError) in
      guard isChosen(values) else { return }
      if values.state == .sealed, keeping.isProtected(values) {
        protectedBlocks += 1
      } else if file.pinsHold, try !pool.takesPin(of: values) {
        pinnedBlocks += 1
      } else {
        pool.free(block, from: slot)
        blocks += 1
        frames += UInt64(values.commit.count)
      }
    }
    return FreedBlocks(blocks: blocks, frames: frames, protectedBlocks: protectedBlocks, pinnedBlocks: pinnedBlocks)
  }
}
