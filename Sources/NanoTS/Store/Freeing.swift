/// What `free` took out of the store.
public struct FreedBlocks: Sendable {
  /// Blocks that are free now.
  public let blocks: Int
  /// Frames that were in them.
  public let frames: UInt64
}

extension Store {
  /// Frees the sealed blocks of `stream` whose frames all lie in `range`, both ends included. Other blocks stay whole.
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
      guard let found = StreamTable(file: file).find(name) else { return FreedBlocks(blocks: 0, frames: 0) }
      let slot = file.slot(found.slot)
      let freed = release(in: slot, pool) { values in
        values.state == .sealed && values.firstTimestamp >= range.lowerBound
          && values.lastTimestamp <= range.upperBound
      }
      if slot.blockCount.relaxed == 0, let floor = slot.floor, range.contains(floor.timestamp) || freed.blocks > 0 {
        slot.floor = nil
      }
      return freed
    }
  }

  /// Frees every block of `stream` and the stream itself; its name can be used afresh, from any timestamp on.
  ///
  /// Throws `.streamBusy` while a writer has the stream, `.readOnly`, `.closed`, `.invalidName` or `.ioFailure`.
  /// O(blocks of the stream).
  @discardableResult
  public func free(stream: String) throws(NanoTSError) -> FreedBlocks {
    let name = try StreamTable.checkedName(stream)
    let result = try changing { (pool, descriptor) throws(NanoTSError) -> Result<FreedBlocks, NanoTSError> in
      guard let found = StreamTable(file: file).find(name) else {
        return .success(FreedBlocks(blocks: 0, frames: 0))
      }
      let lock = FileLock(file: descriptor, offset: StoreFile.LockOffset.stream(found.slot))
      guard try lock.tryLock() else { return .failure(StreamLease.busy(file, found)) }
      let slot = file.slot(found.slot)
      let freed = release(in: slot, pool) { _ in true }
      if let spare = pool.target(slot.spareBlock) {
        slot.spareBlock.storeRelaxed(0)
        pool.release(spare)
      }
      StreamTable(file: file).remove(found)
      try lock.unlock()
      return .success(freed)
    }
    return try result.get()
  }

  /// Runs `change` under the allocation lock, through a description of its own, and syncs what it changed.
  private func changing<R>(
    _ change: (BlockPool, FileDescriptor) throws(NanoTSError) -> R
  ) throws(NanoTSError) -> R {
    try writableSession().willChange(durably: true)
    let descriptor = try FileDescriptor(reopening: file.mapped.descriptor, .readWrite)
    let result = try AllocationLock(file, through: descriptor).withLock { pool throws(NanoTSError) in
      try change(pool, descriptor)
    }
    try descriptor.sync()
    return result
  }

  private func release(
    in slot: StreamSlot, _ pool: BlockPool, where isChosen: (BlockHeaderValues) -> Bool
  ) -> FreedBlocks {
    var blocks = 0
    var frames: UInt64 = 0
    var next = pool.target(slot.head)
    var steps = 0
    while let block = next, steps < file.layout.blockCount {
      let header = file.header(block)
      next = pool.target(header.next)
      steps += 1
      guard let values = header.values(), values.holdsFrames, isChosen(values) else { continue }
      pool.unlink(block, from: slot)
      pool.release(block)
      blocks += 1
      frames += UInt64(values.commit.count)
    }
    return FreedBlocks(blocks: blocks, frames: frames)
  }
}
