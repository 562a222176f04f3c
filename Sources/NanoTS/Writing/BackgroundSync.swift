import Synchronization

/// What the store's thread does for one writer: it syncs the block that was sealed and prepares the one that will be
/// needed; for a writer that syncs by time, it syncs the open block again and again.
///
/// The writer waits for it where going on would break what it promises: at its next change of blocks until the earlier
/// one is on the disk, and in an append once what is not has become as old as the interval allows. Tasks of one store run
/// one after the other. All functions but the tasks are called by the writer.
final class BackgroundSync: Sendable {
  private struct State {
    /// Sealed, and not known to be on the disk.
    var sealed: WrittenBlock?
    /// What the writer appends to.
    var open: WrittenBlock?
    /// Claimed for the writer, with its pages ready.
    var prepared: Int?
    /// True from a change of blocks on until its task has run.
    var isUnderway = false
    var isSyncingByTime = false
    var hasEnded = false
    var failure: NanoTSError?
    /// What the thread takes locks through: through the writer's descriptor it would get those that the writer has.
    var descriptor: FileDescriptor?
  }

  private let handover: BlockHandover
  private let thread: SyncThread
  /// 0: not synced by time.
  private let intervalNanoseconds: UInt64
  private let state: ProcessLock<State>
  private let changes = WaitCounter()
  /// Everything that was appended before this moment of the monotonic clock is on the disk; 0 after a failure.
  private let covered: Atomic<UInt64>

  /// True when blocks are synced and prepared on the thread.
  let preparesBlocks: Bool

  /// Nil when the thread has nothing to do for such a writer. Throws `.ioFailure` or `.cannotOpen`.
  init?(_ handover: BlockHandover, _ thread: SyncThread) throws(NanoTSError) {
    let file = handover.lease.file
    let interval = handover.durability.intervalMilliseconds.map { UInt64($0) * 1_000_000 } ?? 0
    let syncsBlocks = handover.durability == .onSeal || interval > 0
    preparesBlocks = syncsBlocks && file.layout.blockCount >= StoreFile.fewestBlocksWithThread
    guard preparesBlocks || interval > 0 else { return nil }
    self.handover = handover
    self.thread = thread
    state = ProcessLock(State(descriptor: try FileDescriptor(reopening: file.mapped.descriptor, .readWrite)))
    intervalNanoseconds = interval
    covered = Atomic(MonotonicClock.now)
    if interval > 0 { try scheduleSync(after: MonotonicClock.now) }
  }

  private var file: StoreFile { handover.lease.file }

  // MARK: For the writer

  /// The writer goes on in `open`; `sealed` is to be synced if blocks are synced on the thread.
  func changed(from sealed: WrittenBlock?, to open: WrittenBlock) {
    state.withLock { state in
      state.open = open
      guard preparesBlocks else { return }
      state.sealed = sealed
      state.isUnderway = true
    }
    guard preparesBlocks else { return }
    do throws(NanoTSError) {
      try thread.submit { self.finishChange() }
    } catch {
      // Without a thread, here.
      finishChange()
    }
  }

  /// Waits until the earlier change of blocks is done with: the block before the open one is on the disk. Throws what
  /// failed on the thread.
  func finish() throws(NanoTSError) {
    try wait { !$0.isUnderway }
  }

  /// The block that is ready for the writer, if there is one.
  func takePrepared() -> Int? {
    state.withLock { state in
      defer { state.prepared = nil }
      return state.prepared
    }
  }

  /// Waits while something is not on the disk that was appended longer ago than the interval. Throws what failed.
  @inline(__always)
  func keepPace() throws(NanoTSError) {
    let now = MonotonicClock.now
    if now > covered.load(ordering: .acquiring) &+ intervalNanoseconds { try waitUntilCovered(at: now) }
  }

  @inline(never)
  private func waitUntilCovered(at now: UInt64) throws(NanoTSError) {
    try wait { _ in now <= covered.load(ordering: .acquiring) &+ intervalNanoseconds }
  }

  /// Nothing more is done for the writer, whose open block is sealed. After `finish`. A block that was prepared is free
  /// again. Throws what failed.
  func end() throws(NanoTSError) {
    state.withLock { $0.hasEnded = true }
    let slot = handover.lease.slot
    if preparesBlocks, slot.spareBlock.relaxed != 0 {
      try handover.lease.allocation.withLock { pool throws(NanoTSError) in pool.releaseSpare(of: slot) }
    }
    try wait { !$0.isSyncingByTime }
  }

  private func wait(until isOver: (State) -> Bool) throws(NanoTSError) {
    while true {
      let seen = changes.value
      let (isDone, failure) = state.withLock { state in (isOver(state), state.isUnderway ? nil : state.failure) }
      if let failure { throw failure }
      if isDone { return }
      changes.wait(while: seen)
    }
  }

  // MARK: On the thread

  /// Syncs the block that was left and prepares the next one.
  private func finishChange() {
    do throws(NanoTSError) {
      try syncSealed()
    } catch {
      fail(error)
    }
    let prepared = prepareBlock()
    state.withLock { state in
      state.prepared = prepared
      state.isUnderway = false
    }
    changes.increment()
  }

  private func fail(_ error: NanoTSError) {
    state.withLock { $0.failure = $0.failure ?? error }
    covered.store(0, ordering: .releasing)
    changes.increment()
  }

  private func syncSealed() throws(NanoTSError) {
    guard let sealed = state.withLock({ $0.sealed }) else { return }
    // A sync takes the pages' dirty marks from the table, which stops the writer's processor for each: less without them.
    file.dropPages(of: sealed.block)
    try sync(sealed)
    state.withLock { $0.sealed = nil }
  }

  /// Body, then the note of how much of it is on the disk, then the header. Nothing, once the block has another life.
  private func sync(_ life: WrittenBlock) throws(NanoTSError) {
    let header = file.header(life.block)
    guard let values = header.values(), values.generation == life.generation,
      values.commit.count > values.syncedCount
    else { return }
    try file.syncBody(life.block, 0..<file.layout.blockSize)
    // Under the lock, so that another life does not get the note of this one.
    try locking { lock, _ throws(NanoTSError) in
      try lock.withLock { _ throws(NanoTSError) in
        if header.isStill(life.generation) { header.syncedCount.raise(to: values.commit.count) }
      }
    }
    try file.syncHeader(life.block)
  }

  /// Runs `body` with the thread's own allocation lock and descriptor. After an error the descriptor is closed, and with
  /// it goes a lock that could not be given back, which the writer would wait for.
  private func locking<R>(
    _ body: (AllocationLock, FileDescriptor) throws(NanoTSError) -> R
  ) throws(NanoTSError) -> R {
    let kept = state.withLock { state in
      defer { state.descriptor = nil }
      return state.descriptor
    }
    var descriptor = kept
    if descriptor == nil { descriptor = try FileDescriptor(reopening: file.mapped.descriptor, .readWrite) }
    let result = try body(AllocationLock(file, through: descriptor!), descriptor!)
    state.withLock { $0.descriptor = descriptor }
    return result
  }

  /// Claims the block that will be needed next, with the end of its earlier life on the disk and its pages ready. Nil
  /// when there is none, or something fails: then the writer looks by itself, and meets what is in the way.
  private func prepareBlock() -> Int? {
    // At its maximum, a stream would hold a block less all the time. A growable store may have few blocks yet.
    let hasMaximum = Keeping(file).quota(of: handover.lease.stream.slot).maximumBlocks > 0
    let isLarge = file.shared.availableBlocks.relaxed >= StoreFile.fewestBlocksWithThread
    guard !hasMaximum, isLarge, state.withLock({ $0.failure == nil }) else { return nil }
    do throws(NanoTSError) {
      let claimed = try locking { lock, descriptor throws(NanoTSError) in
        try handover.claim(under: lock, through: descriptor)
      }
      guard let block = claimed else { return nil }
      try file.syncHeader(block)
      file.populatePages(of: block)
      return block
    } catch {
      return nil
    }
  }

  // MARK: By time

  /// Half the interval: what is appended just after a sync began is on the disk when the next one is done, and so within
  /// the interval as long as a sync takes less than the other half.
  private func scheduleSync(after began: UInt64) throws(NanoTSError) {
    try thread.submit(at: began + intervalNanoseconds / 2) { [weak self] in self?.syncByTime() }
  }

  private func syncByTime() {
    let began = MonotonicClock.now
    let open = state.withLock { state -> WrittenBlock?? in
      guard !state.hasEnded, state.failure == nil else { return nil }
      state.isSyncingByTime = true
      return state.open
    }
    guard let open else { return }
    do throws(NanoTSError) {
      // What was appended before `began` is in these two, or was synced before: the writer waits for the one before them.
      try syncSealed()
      if let open { try sync(open) }
      covered.store(began, ordering: .releasing)
      try scheduleSync(after: began)
    } catch {
      fail(error)
    }
    state.withLock { $0.isSyncingByTime = false }
    changes.increment()
  }
}
