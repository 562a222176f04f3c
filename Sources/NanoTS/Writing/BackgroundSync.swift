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
    /// The last block that was prepared, also when the writer has it.
    var lastPrepared: Int?
    /// True from a change of blocks on until its task has run.
    var isUnderway = false
    /// True when the writer had to wait for the last task.
    var isPressed = false
    var isSyncingByTime = false
    var hasEnded = false
    var failure: NanoTSError?
  }

  private let handover: BlockHandover
  private let thread: SyncThread
  private let descriptor: TaskDescriptor
  /// 0: not synced by time.
  private let intervalNanoseconds: UInt64
  private let state: ProcessLock<State>
  private let changes = WaitCounter()
  /// Everything that was appended before this moment of the monotonic clock is on the disk; 0 after a failure.
  private let covered: Atomic<UInt64>

  /// True when blocks are synced and prepared on the thread.
  let preparesBlocks: Bool

  /// Nil when the thread has nothing to do for such a writer. Throws `.ioFailure` or `.cannotOpen`.
  init?(
    _ handover: BlockHandover, _ thread: SyncThread, _ descriptor: TaskDescriptor
  ) throws(NanoTSError) {
    let file = handover.lease.file
    let interval = handover.durability.intervalMilliseconds.map { UInt64($0) * 1_000_000 } ?? 0
    let syncsBlocks = handover.durability == .onSeal || interval > 0
    preparesBlocks = syncsBlocks && file.layout.blockCount >= StoreFile.fewestBlocksWithThread
    guard preparesBlocks || interval > 0 else { return nil }
    self.handover = handover
    self.thread = thread
    self.descriptor = descriptor
    state = ProcessLock(State())
    intervalNanoseconds = interval
    covered = Atomic(MonotonicClock.now)
    try descriptor.open()
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

  /// The writer is about to go on in another block. Bound: blocks are prepared.
  func expectChange() {
    thread.expectTask()
    guard let prepared = state.withLock({ $0.prepared }) else { return }
    file.fetchForInstall(
      of: prepared, in: handover.lease.stream.slot, preambleByteCount: handover.payloadStart)
  }

  /// Waits until the earlier change of blocks is done with: the block before the open one is on the disk. Throws what
  /// failed on the thread.
  func finish() throws(NanoTSError) {
    try wait { state in
      if state.isUnderway { state.isPressed = true }
      return !state.isUnderway
    }
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
    try wait { _ in
      let covered = covered.load(ordering: .acquiring)
      // The promise holds when the append returns, not when it began: what was appended while it waited has aged, unless
      // all of it is on the disk.
      return now <= covered || MonotonicClock.now <= covered &+ intervalNanoseconds
    }
  }

  /// Nothing more is done for the writer, whose open block is sealed. After `finish`. A block that was prepared is free
  /// again. Throws what failed.
  func end() throws(NanoTSError) {
    state.withLock { $0.hasEnded = true }
    defer { thread.cancel(ObjectIdentifier(self)) }
    var failure: NanoTSError?
    let slot = handover.lease.slot
    if preparesBlocks, slot.spareBlock.relaxed != 0 {
      do throws(NanoTSError) {
        try handover.lease.allocation.withLock { pool throws(NanoTSError) in pool.releaseSpare(of: slot) }
      } catch {
        failure = error
      }
    }
    try wait { !$0.isSyncingByTime }
    if let failure { throw failure }
  }

  /// Runs `body` while no note of what is on the disk is made on the thread.
  fileprivate func holdingNotes<R>(_ body: () -> R) -> R { state.withLock { _ in body() } }

  private func wait(until isOver: (inout State) -> Bool) throws(NanoTSError) {
    while true {
      let seen = changes.value
      let (isDone, failure) = state.withLock { state in (isOver(&state), state.isUnderway ? nil : state.failure) }
      if let failure { throw failure }
      if isDone { return }
      changes.wait(while: seen)
    }
  }

  // MARK: On the thread

  /// Syncs the block that was left and prepares the next one: one sync for the body, and one for both headers.
  private func finishChange() {
    var prepared: Int?
    do throws(NanoTSError) {
      beginWritingSealed()
      let claimed = claimBlock()
      // While the disk writes a large block, so much can be done that it counts. Of a small one it counts for a writer that waits
      // for the disk; one that does not, and meets a page fault when the headers are synced, would meet a longer one.
      let isEarly = takePressure() || file.layout.blockSize > BackgroundSync.smallBlockByteCount
      var isReady = false
      if let claimed, isEarly { isReady = file.populatePages(keeping: claimed) }
      let sealed = try syncSealedBody()
      try handover.syncHeaders(sealed: sealed, claimed: claimed)
      state.withLock { $0.sealed = nil }
      if let claimed, !isReady { file.populatePages(of: claimed) }
      prepared = claimed
    } catch {
      fail(error)
    }
    state.withLock { state in
      state.prepared = prepared
      state.lastPrepared = prepared
      state.isUnderway = false
    }
    changes.increment()
  }

  private func takePressure() -> Bool {
    state.withLock { state in
      defer { state.isPressed = false }
      return state.isPressed
    }
  }

  /// The largest block whose pages take too little time to be made ready while the disk writes.
  private static let smallBlockByteCount = 2 << 20

  private func fail(_ error: NanoTSError) {
    state.withLock { $0.failure = $0.failure ?? error }
    covered.store(0, ordering: .releasing)
    changes.increment()
  }

  private func beginWritingSealed() {
    guard let sealed = state.withLock({ $0.sealed }) else { return }
    // A sync takes the pages' dirty marks from the table, which stops the writer's processor for each: less without them.
    file.dropPages(of: sealed.block)
    // The kernel writes back large folios whole. Where one has the end of this block and the beginning of the open one, its
    // pages are write-protected when it begins, and the writer would meet a fault at each.
    file.beginWriteBack(of: sealed.block)
    keepOpenBlockReady(beside: sealed)
  }

  /// The block whose header is to be synced now, if there is one. After `beginWritingSealed`.
  private func syncSealedBody() throws(NanoTSError) -> WrittenBlock? {
    guard let sealed = state.withLock({ $0.sealed }) else { return nil }
    guard try syncBody(sealed) else { return nil }
    keepOpenBlockReady(beside: sealed)
    return sealed
  }

  /// Only what was ready: of another block, it would bring all pages from the disk, and have them written back.
  private func keepOpenBlockReady(beside sealed: WrittenBlock) {
    let open = state.withLock { state in state.open?.block == state.lastPrepared ? state.open?.block : nil }
    if let open { file.keepPagesReady(of: open, besideWritten: sealed.block) }
  }

  private func syncSealed() throws(NanoTSError) {
    beginWritingSealed()
    try handover.syncHeaders(sealed: try syncSealedBody(), claimed: nil)
    state.withLock { $0.sealed = nil }
  }

  private func syncOpen(_ life: WrittenBlock) throws(NanoTSError) {
    if try syncBody(life) { try file.syncHeader(life.block) }
  }

  /// Syncs the body, then notes how much of it is on the disk, for the header to say. False, with nothing to be synced,
  /// once the block has another life.
  private func syncBody(_ life: WrittenBlock) throws(NanoTSError) -> Bool {
    let header = file.header(life.block)
    guard let values = header.values(), values.generation == life.generation,
      values.commit.count > values.syncedCount
    else {
      // A page that the disk did not give is all zeros, which is another life as well.
      try file.checkMapping()
      return false
    }
    try file.syncBody(life.block, 0..<file.layout.blockSize)
    if try !note(values, of: life.block) {
      // What was staged is in a chunk by now, and the sync may have found neither. Chunks do not change.
      try file.syncBody(life.block, 0..<file.layout.blockSize)
      _ = try note(values, of: life.block, inChunks: true)
    }
    return true
  }

  /// Notes that the frames which `values` counts are on the disk. False, with nothing noted, where they may not be: a chunk
  /// was made since, and the staging area written over.
  private func note(_ values: BlockHeaderValues, of block: Int, inChunks: Bool = false) throws(NanoTSError) -> Bool {
    let header = file.header(block)
    // Under the lock, so that another life does not get the note of this one.
    return try descriptor.using { descriptor throws(NanoTSError) in
      try AllocationLock(file, through: descriptor).withLock { _ throws(NanoTSError) in
        guard header.isStill(values.generation) else { return true }
        return holdingNotes {
          let isStaged = values.bodyLayout.kind == BodyLayout.chunked && !inChunks
          let chunkCount = BlockCommit(word: header.commit.acquired).chunkCount
          guard !isStaged || chunkCount == values.commit.chunkCount else { return false }
          header.syncedCount.raise(to: values.commit.count)
          return true
        }
      }
    }
  }

  /// Claims the block that will be needed next. Nil when there is none, or something fails: then the writer looks by
  /// itself, and meets what is in the way. The end of the block's earlier life is not on the disk yet.
  private func claimBlock() -> Int? {
    guard mayPrepareBlock, state.withLock({ $0.failure == nil }) else { return nil }
    let claimed = try? descriptor.using { descriptor throws(NanoTSError) in
      try handover.claim(under: AllocationLock(file, through: descriptor), through: descriptor)
    }
    return claimed ?? nil
  }

  /// A block that is ready holds no frames. A stream with a maximum would have one block less all the time, and one with a
  /// minimum would have it counted as kept. So few of the store's blocks wait, whatever the number of writers; the file of
  /// a growable store may have too few of them yet.
  private var mayPrepareBlock: Bool {
    let available = Int(file.shared.availableBlocks.relaxed)
    let quota = Keeping(file).quota(of: handover.lease.stream.slot)
    guard available >= StoreFile.fewestBlocksWithThread, quota.maximumBlocks == 0, quota.minimumBlocks == 0 else {
      return false
    }
    let limit = available / BackgroundSync.blocksForEachPrepared
    let used = file.usedSlots
    return used <= limit || (0..<used).count { file.slot($0).spareBlock.relaxed != 0 } < limit
  }

  /// Of so many blocks of the store, one at most waits to be written.
  private static let blocksForEachPrepared = 32

  // MARK: By time

  /// Half the interval: what is appended just after a sync began is on the disk when the next one is done, and so within
  /// the interval as long as a sync takes less than the other half.
  private func scheduleSync(after began: UInt64) throws(NanoTSError) {
    try thread.submit(at: began + intervalNanoseconds / 2, for: ObjectIdentifier(self)) { [weak self] in
      self?.syncByTime()
    }
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
      if let open { try syncOpen(open) }
      covered.store(began, ordering: .releasing)
      try scheduleSync(after: began)
    } catch {
      fail(error)
    }
    state.withLock { $0.isSyncingByTime = false }
    changes.increment()
  }
}

extension Optional where Wrapped == BackgroundSync {
  /// Runs `body` while no other thread notes what of the block is on the disk.
  func withNotes<R>(_ body: () -> R) -> R { map { $0.holdingNotes(body) } ?? body() }
}
