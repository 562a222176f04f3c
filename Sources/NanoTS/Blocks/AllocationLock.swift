import Synchronization

/// The lock under which blocks change hands, with the mark that tells the next holder of a holder that died.
///
/// The epoch is odd while lists are being changed. A holder killed in between leaves it odd, and whoever takes the
/// lock next rebuilds the lists from the block headers, which are the truth, before it does anything else.
struct AllocationLock {
  let file: StoreFile
  private let descriptor: FileDescriptor

  /// `descriptor` is the holder's own: two writers of one process exclude each other by having two. It holds no pin.
  init(_ file: StoreFile, through descriptor: FileDescriptor) {
    self.file = file
    self.descriptor = descriptor
  }

  /// Runs `body` with the lists whole and nobody else changing them. An error thrown by `body` leaves the mark set, so
  /// that the next holder rebuilds: `body` returns a value for every refusal that changed nothing.
  ///
  /// With `takingBlocks`, the bytes of all pins are taken in the same call if nothing is pinned and nobody else has
  /// the lock: then `body` need not look for pins at each block.
  func withLock<R>(
    takingBlocks: Bool = false, _ body: (BlockPool) throws(NanoTSError) -> R
  ) throws(NanoTSError) -> R {
    try file.allocationTurn.withLock { _ throws(NanoTSError) in try withFileLock(takingBlocks: takingBlocks, body) }
  }

  /// As `withLock`, for the writer of the stream in slot `slot`, through whose descriptor that stream's lock is held, and for
  /// changes that make no system call: without one, if nobody has the lock.
  func withLockAtOnce<R>(forWriterOf slot: Int, _ body: (BlockPool) -> R) throws(NanoTSError) -> R {
    guard file.takeHolder(forWriterOf: slot) else { return try withLock(body) }
    let value = changeIfWhole(body)
    file.giveBackHolder()
    do throws(NanoTSError) {
      try file.checkMapping()
    } catch {
      // The word was given back in memory that is not the file's any more. Without its stream's lock it is a dead writer's.
      try FileLock(file: descriptor, offset: StoreFile.LockOffset.stream(slot)).unlock()
      throw error
    }
    guard let value else { return try withLock(body) }
    return value
  }

  /// Nil, with nothing done, where a dead holder has left lists half changed: they are put right where others wait in turn.
  private func changeIfWhole<R>(_ body: (BlockPool) -> R) -> R? {
    let epoch = file.shared.allocationEpoch
    guard epoch.relaxed & 1 == 0 else { return nil }
    beginChange(epoch)
    defer { endChange(epoch) }
    return body(BlockPool(file: file))
  }

  private func beginChange(_ epoch: AtomicUInt64) {
    epoch.storeReleased(epoch.relaxed | 1)
    atomicMemoryFence(ordering: .releasing)
  }

  private func endChange(_ epoch: AtomicUInt64) { epoch.storeReleased(epoch.relaxed &+ 1) }

  private func withFileLock<R>(
    takingBlocks: Bool, _ body: (BlockPool) throws(NanoTSError) -> R
  ) throws(NanoTSError) -> R {
    let whole = FileLock(file: descriptor, offsets: StoreFile.LockOffset.pinsAndAllocation)
    let hasAll = takingBlocks ? try whole.tryLock() : false
    if !hasAll { try FileLock(file: descriptor, offset: StoreFile.LockOffset.allocation).lock() }
    let pool = BlockPool(file: file, pins: PinLocks(descriptor: descriptor, holdsAll: hasAll))
    let result: Result<R, NanoTSError>
    do throws(NanoTSError) {
      try file.takeHolder(through: descriptor)
      defer { file.giveBackHolder() }
      // With a page lost, all blocks look unused: nothing may be done by what they say.
      try file.checkMapping()
      // How far the file reaches is asked anew: others may have made it grow.
      _ = try file.blocksInFileUnderLock()
      let epoch = file.shared.allocationEpoch
      if epoch.relaxed & 1 == 1 { try pool.rebuild() }
      beginChange(epoch)
      let value = try body(pool)
      endChange(epoch)
      result = .success(value)
    } catch {
      result = .failure(error)
    }
    // With it go the bytes of the blocks whose life was ended. Of two errors, the first one tells why.
    do throws(NanoTSError) {
      try whole.unlock()
    } catch {
      _ = try result.get()
      throw error
    }
    try file.checkMapping()
    return try result.get()
  }
}
