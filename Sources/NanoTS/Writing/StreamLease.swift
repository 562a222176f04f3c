/// The exclusive right to write one stream: the kernel's lock, held through this lease's own file description.
///
/// The lock goes when the lease does, also when the process is killed. Through its descriptor only the stream's writer
/// takes locks.
final class StreamLease: Sendable {
  let file: StoreFile
  let stream: StreamTable.Stream
  let descriptor: FileDescriptor
  let allocation: AllocationLock
  /// Where the stream ended when the lease was taken.
  let end: End

  /// What a writer goes on from.
  struct End {
    /// The position that the next frame must exceed: that of the stream's last frame, also where that one was recycled
    /// and an older block was kept.
    let last: FramePosition?
    /// True when the stream's newest block has room for keys in its index.
    let isKeyed: Bool
  }

  var slot: StreamSlot { file.slot(stream.slot) }

  /// Finds or makes the stream called `name` and takes its lock; recovers what a dead writer left open. With
  /// `durable`, a stream just made is synced before it is used, and so is what earlier writers of it left unsynced: after
  /// a power loss a frame behind a lost one is lost as well.
  ///
  /// Throws `.streamBusy` with the holder's process id, `.tooManyStreams`, or `.ioFailure`.
  init(_ file: StoreFile, _ name: [UInt8], durable: Bool) throws(NanoTSError) {
    self.file = file
    let descriptor = try FileDescriptor(reopening: file.mapped.descriptor, .readWrite)
    let allocation = AllocationLock(file, through: descriptor)
    // Under the allocation lock a taken stream lock means a writer: others take it only while they hold the former.
    let found = try allocation.withLock { pool throws(NanoTSError) -> Result<Found, NanoTSError> in
      guard let stream = StreamTable(file: file).findOrCreate(name) else {
        return .failure(StreamLease.tableFull(file, name))
      }
      let lock = FileLock(file: descriptor, offset: StoreFile.LockOffset.stream(stream.slot))
      guard try lock.tryLock() else { return .failure(StreamLease.busy(file, stream)) }
      if let damage = StreamLease.damagedNumbers(file, stream) {
        try lock.unlock()
        return .failure(damage)
      }
      file.slot(stream.slot).writerProcess.storeRelaxed(UInt32(bitPattern: Machine.processID))
      pool.recoverOpenBlock(of: file.slot(stream.slot))
      let slot = file.slot(stream.slot)
      let unsynced = durable ? pool.unsyncedEnd(of: slot) : []
      return .success(Found(stream: stream, end: StreamLease.end(of: slot, pool), unsynced: unsynced))
    }
    let taken = try found.get()
    (stream, end) = (taken.stream, taken.end)
    self.descriptor = descriptor
    self.allocation = allocation
    guard durable else { return }
    // The oldest first: what comes before a block with a synced frame counts as synced.
    for (block, values) in taken.unsynced.reversed() { try syncLeft(block, values) }
    try file.syncSlot(stream.slot)
  }

  /// Makes a block that an earlier writer left unsynced survive power loss, and notes it: unnoted, a block that is found to be
  /// overwritten after a power loss counts as never written, and everything behind it as lost.
  private func syncLeft(_ block: Int, _ values: BlockHeaderValues) throws(NanoTSError) {
    try file.syncAgain(block)
    let header = file.header(block)
    // Under the lock, so that another life does not get the note of this one.
    try allocation.withLock { _ in
      if header.isStill(values.generation) { header.syncedCount.raise(to: values.commit.count) }
    }
    try file.syncHeader(block)
  }

  // A writer that could not be made never released it. Closing alone is not enough: see FileLock.
  deinit { try? unlock() }

  private struct Found {
    let stream: StreamTable.Stream
    let end: End
    let unsynced: [(block: Int, values: BlockHeaderValues)]
  }

  /// Gives the stream up before the lease goes. Idempotent.
  func release() throws(NanoTSError) {
    slot.writerProcess.storeRelaxed(0)
    try unlock()
    try file.checkMapping()
  }

  /// With every other lock of this description: one that could not be given back when it should have been.
  private func unlock() throws(NanoTSError) {
    try FileLock(file: descriptor, offsets: 0...UInt64(Int64.max - 1)).unlock()
  }

  static func tableFull(_ file: StoreFile, _ name: [UInt8]) -> NanoTSError {
    NanoTSError(
      .tooManyStreams,
      "the stream '\(String(decoding: name, as: UTF8.self))' cannot be made: the store \(file.path) has all of its "
        + "\(file.layout.streamCapacity) streams; free one, or create a store with a larger stream capacity")
  }

  static func busy(_ file: StoreFile, _ stream: StreamTable.Stream) -> NanoTSError {
    let holder = file.slot(stream.slot).writerProcess.relaxed
    return NanoTSError(
      .streamBusy,
      "the stream '\(String(decoding: stream.name, as: UTF8.self))' of \(file.path) has a writer already, in process "
        + "\(holder); a stream has one writer at a time: close that one or take another stream")
  }

  /// What would be written with such numbers could not be told from damage, or they would begin again from 0.
  private static func damagedNumbers(_ file: StoreFile, _ stream: StreamTable.Stream) -> NanoTSError? {
    let slot = file.slot(stream.slot)
    let highest = max(slot.nextSequence.relaxed, slot.nextSegment.relaxed, slot.nextOrdinal.relaxed)
    guard highest > StreamSlot.highestNumber else { return nil }
    return NanoTSError(
      .corrupt,
      "the stream '\(String(decoding: stream.name, as: UTF8.self))' of \(file.path) cannot be written: its slot says that "
        + "the next block, segment or frame has the number \(highest), and no stream comes so far; recover the store with "
        + "'nanots recover'")
  }

  /// The end of a stream that nobody writes. Under the allocation lock: without it, the last block may be recycled between
  /// two loads, and be another stream's.
  private static func end(of slot: StreamSlot, _ pool: BlockPool) -> End {
    let floor = slot.floor
    guard let tail = pool.target(slot.tail), let values = pool.file.header(tail).values() else {
      return End(last: floor, isKeyed: false)
    }
    let isKeyed = Int(values.bodyLayout.entrySize) == IndexEntry.keyedByteCount
    guard values.state == .sealed else { return End(last: floor, isKeyed: isKeyed) }
    let last = FramePosition(timestamp: values.lastTimestamp, key: values.lastKey)
    return End(last: floor.map { max($0, last) } ?? last, isKeyed: isKeyed)
  }
}
