import Synchronization

/// The lock under which blocks change hands, with the mark that tells the next holder of a holder that died.
///
/// The epoch is odd while lists are being changed. A holder killed in between leaves it odd, and whoever takes the
/// lock next rebuilds the lists from the block headers, which are the truth, before it does anything else.
struct AllocationLock {
  let file: StoreFile
  private let lock: FileLock

  /// `descriptor` is the holder's own: two writers of one process exclude each other by having two.
  init(_ file: StoreFile, through descriptor: FileDescriptor) {
    self.file = file
    lock = FileLock(file: descriptor, offset: StoreFile.LockOffset.allocation)
  }

  /// Runs `body` with the lists whole and nobody else changing them. An error thrown by `body` leaves the mark set, so
  /// that the next holder rebuilds: `body` returns a value for every refusal that changed nothing.
  func withLock<R>(_ body: (BlockPool) throws(NanoTSError) -> R) throws(NanoTSError) -> R {
    try lock.lock()
    let pool = BlockPool(file: file)
    let result: Result<R, NanoTSError>
    do throws(NanoTSError) {
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
    try lock.unlock()
    return try result.get()
  }
}
