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

  private func withFileLock<R>(
    takingBlocks: Bool, _ body: (BlockPool) throws(NanoTSError) -> R
  ) throws(NanoTSError) -> R {
    let whole = FileLock(file: descriptor, offsets: StoreFile.LockOffset.pinsAndAllocation)
    let hasAll = takingBlocks ? try whole.tryLock() : false
    if !hasAll { try FileLock(file: descriptor, offset: StoreFile.LockOffset.allocation).lock() }
    let pool = BlockPool(file: file, pins: PinLocks(descriptor: descriptor, holdsAll: hasAll))
    let result: Result<R, NanoTSError>
    do throws(NanoTSError) {
      // With a page lost, all blocks look unused: nothing may be done by what they say.
      try file.checkMapping()
      // How far the file reaches is asked anew: others may have made it grow.
      _ = try file.blocksInFile()
      let epoch = file.shared.allocationEpoch
      if epoch.relaxed & 1 == 1 { try pool.rebuild() }
      epoch.storeReleased(epoch.relaxed | 1)
      atomicMemoryFence(ordering: .releasing)
      let value = try body(pool)
      epoch.storeReleased(epoch.relaxed &+ 1)
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
