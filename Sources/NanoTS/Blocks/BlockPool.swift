/// Hands blocks from one life to the next. Every function needs the allocation lock.
///
/// The store's blocks are in one of five places: never used (index at or past `freshBlocks`), on the free list, held as
/// a stream's spare, or in a stream's list, which runs from its oldest block (head) to its newest (tail). A handover
/// has two steps. `claim` ends the earlier life (generation odd) and makes the block the stream's spare; `install`
/// begins the new one. Between them the writer may make the end of the earlier life durable, outside the lock.
struct BlockPool {
  let file: StoreFile
  /// Nil without the allocation lock, for those who only follow links.
  var pins: PinLocks? = nil

  private var shared: SharedState { file.shared }

  /// Takes the byte that stands for the block among the pins, so that its life can end; false when it is pinned.
  func takesPin(of values: BlockHeaderValues) throws(NanoTSError) -> Bool { try pins?.take(values) ?? true }

  // MARK: Links

  /// The block that a link names, or nil for none. A link past the file's blocks is damage and reads as none.
  func target(_ link: AtomicUInt32) -> Int? {
    let value = Int(link.relaxed)
    return value >= 1 && value <= Int(shared.availableBlocks.relaxed) && file.holds(value - 1) ? value - 1 : nil
  }

  static func link(_ block: Int?) -> UInt32 { block.map { UInt32($0 + 1) } ?? 0 }

  /// True when the stream's list is empty or leads to its newest block. A link that does not is damage, and what is appended to
  /// it would be all that is left of the list.
  func hasWholeEnd(_ slot: StreamSlot) -> Bool { slot.tail.relaxed == 0 || target(slot.tail) != nil }

  /// Appends `block` to the stream's list. Bound: it has a whole end.
  private func append(_ block: Int, to slot: StreamSlot) {
    let header = file.header(block)
    let tail = target(slot.tail)
    header.previous.storeRelaxed(BlockPool.link(tail))
    header.next.storeRelaxed(0)
    if let tail { file.header(tail).next.storeRelaxed(BlockPool.link(block)) }
    if tail == nil { slot.head.storeRelaxed(BlockPool.link(block)) }
    // With release: a reader may come to the block by it before it sees the next sequence, and walks on by `previous`. A
    // link of the block's earlier life there, most often none, would hide live blocks from it.
    slot.tail.storeReleased(BlockPool.link(block))
    slot.blockCount.storeRelaxed(slot.blockCount.relaxed &+ 1)
  }

  /// Ends the life of `block` and takes it out of its stream.
  ///
  /// In this order: a reader that does not find the block any more tells its frames as gone, so it must not come back
  /// when this process dies, and the next holder of the lock puts back whatever still lives. O(1).
  func endLife(of block: Int, in slot: StreamSlot) {
    let isFromWithin = noteGap(at: block)
    file.header(block).generation.beginChange()
    unlink(block, from: slot)
    // Last: readers that looked before that would keep the block, and look again.
    if isFromWithin { slot.removals.storeReleased(slot.removals.relaxed &+ 1) }
  }

  /// Leaves word in the block behind `block` that those between it and the one before were taken, so that after power
  /// loss they are not taken for lost. False, with nothing to note, for the stream's first block.
  private func noteGap(at block: Int) -> Bool {
    let header = file.header(block)
    guard let previous = target(header.previous) else { return false }
    if let next = target(header.next) {
      let earlier = file.header(previous)
      let count = UInt64(BlockCommit(word: earlier.commit.relaxed).count)
      file.header(next).precedingEnd.storeRelaxed(earlier.firstOrdinal.relaxed &+ count)
    }
    return true
  }

  /// Takes `block` out of the stream's list. O(1).
  func unlink(_ block: Int, from slot: StreamSlot) {
    let header = file.header(block)
    let previous = target(header.previous)
    let next = target(header.next)
    if let previous {
      file.header(previous).next.storeRelaxed(BlockPool.link(next))
    } else {
      slot.head.storeRelaxed(BlockPool.link(next))
    }
    if let next {
      file.header(next).previous.storeRelaxed(BlockPool.link(previous))
    } else {
      slot.tail.storeReleased(BlockPool.link(previous))
    }
    slot.blockCount.storeRelaxed(slot.blockCount.relaxed &- 1)
  }

  /// Takes `block` out of its stream and puts it on the free list.
  func free(_ block: Int, from slot: StreamSlot) {
    endLife(of: block, in: slot)
    release(block)
  }

  // MARK: Free list

  /// Ends the life of `block`, which is in no list any more, and puts it on the free list.
  func release(_ block: Int) {
    let header = file.header(block)
    header.generation.beginChange()
    header.state.storeRelaxed(BlockState.free.rawValue)
    header.next.storeRelaxed(shared.freeListHead.relaxed)
    header.previous.storeRelaxed(0)
    header.generation.storeReleased(Generation.following(header.generation.relaxed, random: Entropy.next()))
    shared.freeListHead.storeRelaxed(BlockPool.link(block))
    shared.freeListCount.storeRelaxed(shared.freeListCount.relaxed &+ 1)
  }

  func popFree() -> Int? {
    guard let block = target(shared.freeListHead) else { return nil }
    shared.freeListHead.storeRelaxed(file.header(block).next.relaxed)
    shared.freeListCount.storeRelaxed(shared.freeListCount.relaxed &- 1)
    return block
  }

  func takeFresh() -> Int? {
    let fresh = shared.freshBlocks.relaxed
    guard fresh < shared.availableBlocks.relaxed, file.holds(Int(fresh)) else { return nil }
    shared.freshBlocks.storeRelaxed(fresh + 1)
    return Int(fresh)
  }

  /// A block that is nobody's, free or never used. When the one found is somebody's after all, list or counter are
  /// damaged: they are made anew rather than live data overwritten.
  private func takeUnowned() throws(NanoTSError) -> Int? {
    guard let block = popFree() ?? takeFresh() else { return nil }
    let header = file.header(block)
    let state = header.state.relaxed
    let isUnowned = state == BlockState.free.rawValue || state == BlockState.unused.rawValue
    if isUnowned, !Generation.isOdd(header.generation.relaxed) { return block }
    try rebuild()
    return popFree() ?? takeFresh()
  }

  /// The stream's spare, if the block that its slot names is one.
  func claimedSpare(of slot: StreamSlot) -> Int? {
    guard let spare = target(slot.spareBlock) else { return nil }
    let header = file.header(spare)
    let isClaimed =
      header.state.relaxed == BlockState.claimed.rawValue && Generation.isOdd(header.generation.relaxed)
    return isClaimed ? spare : nil
  }

  /// Frees the stream's spare, if it has one.
  func releaseSpare(of slot: StreamSlot) {
    let spare = claimedSpare(of: slot)
    slot.spareBlock.storeRelaxed(0)
    if let spare { release(spare) }
  }

  // MARK: Handover

  /// Finds a block for the stream in slot `index` and ends its earlier life: the stream's spare, or what `find` gives.
  /// Nil when none is left that may be taken. First, what the stream's quota has outgrown is released, a few blocks
  /// each time. O(streams), whatever the number of blocks, and O(blocks that are passed over) where some are kept.
  func claim(for index: Int, reclaiming: Bool, through descriptor: FileDescriptor) throws(NanoTSError) -> Int? {
    let slot = file.slot(index)
    if let spare = claimedSpare(of: slot) {
      // Stored again: when the sync of it failed, the kernel would write its page no more before the page is changed.
      file.header(spare).generation.storeReleased(file.header(spare).generation.relaxed)
      return spare
    }
    let claimant = Claimant(index: index, reclaims: reclaiming, descriptor: descriptor, keeping: Keeping(file))
    try releaseOutgrown(by: claimant, atMost: BlockPool.releasedAtOnce)
    guard let block = try find(for: claimant) else { return nil }
    let header = file.header(block)
    header.generation.beginChange()
    header.state.storeRelaxed(BlockState.claimed.rawValue)
    slot.spareBlock.storeReleased(BlockPool.link(block))
    return block
  }

  /// How many blocks that the quota has outgrown a change of blocks releases: more than one, so that it catches up.
  private static let releasedAtOnce = 8

  /// A block for the claimant: a free one, a never used one, one by growing the file, the spare of a dead writer, or
  /// the oldest sealed one that may be taken.
  private func find(for claimant: Claimant) throws(NanoTSError) -> Int? {
    if mayTakeUnowned(claimant) {
      if let block = try takeUnowned() { return block }
      if try grow(), let block = takeFresh() { return block }
    }
    if !claimant.isAtMaximum(file), let spare = try takeAbandonedSpare(for: claimant) { return spare }
    guard claimant.reclaims else { return nil }
    if let block = try reclaim(for: claimant) { return block }
    // Looking for the oldest may have given back a block in which a dead writer stored nothing.
    return mayTakeUnowned(claimant) ? popFree() : nil
  }

  /// True unless the claimant has its maximum, or what nobody has is kept for streams below their minimum.
  private func mayTakeUnowned(_ claimant: Claimant) -> Bool {
    guard !claimant.isAtMaximum(file) else { return false }
    let reserved = claimant.keeping.reserved(for: claimant.index)
    return reserved == 0 || unownedBlocks > reserved
  }

  /// Blocks that are nobody's, in a growable store with those that it may still come to have.
  var unownedBlocks: Int {
    let most = file.isGrowable ? file.layout.blockCount : Int(shared.availableBlocks.relaxed)
    return Int(shared.freeListCount.relaxed) + max(0, most - Int(shared.freshBlocks.relaxed))
  }

  /// True when the next claim is likely to take somebody's block. Asked without the lock.
  static func isFull(_ file: StoreFile) -> Bool {
    let shared = file.shared
    let available = shared.availableBlocks.relaxed
    return shared.freeListHead.relaxed == 0 && shared.freshBlocks.relaxed >= available
      && Int(available) >= file.layout.blockCount
  }

  /// Begins the new life of the stream's spare block: header, preamble, even generation, then the place in the
  /// stream's list that makes readers find it.
  func install(_ block: Int, in slot: StreamSlot, _ values: BlockHeaderValues, preamble: BlockPreamble) {
    let header = file.header(block)
    unsafe preamble.write(to: file.body(block))
    header.writeIdentity(values)
    header.state.storeRelaxed(BlockState.open.rawValue)
    header.generation.storeReleased(values.generation)
    append(block, to: slot)
    slot.spareBlock.storeRelaxed(0)
    slot.nextSequence.storeReleased(values.sequence &+ 1)
  }

  /// The generation of the claimed block's next life, with the random bits of `salt`.
  func nextGeneration(of block: Int, salt: UInt64) -> UInt64 {
    Generation.following(file.header(block).generation.relaxed, random: salt)
  }

  // MARK: Growth

  /// Gives a growable store more blocks: as many as it has, at most 1 GiB of them at a time, up to its cap. False when
  /// it may not grow, or the disk has no room: then the store goes on within what it has.
  private func grow() throws(NanoTSError) -> Bool {
    let available = Int(shared.availableBlocks.relaxed)
    let layout = file.layout
    guard file.isGrowable, available < layout.blockCount else { return false }
    let step = max(1, min(available, (1 << 30) / layout.blockSize))
    let target = min(available + step, layout.blockCount)
    let descriptor = file.mapped.descriptor
    let sizeBefore = try descriptor.size()
    // Of a file that was cut, or whose growth power loss took back, the table still has blocks: their frames must not come
    // back as zeros.
    for block in available..<target { forget(block) }
    do throws(NanoTSError) {
      try descriptor.reserve(layout.fileSize(blocks: available)..<layout.fileSize(blocks: target))
    } catch  where error.code == .outOfSpace {
      try descriptor.setSize(Int(sizeBefore))
      return false
    }
    _ = try file.blocksInFileUnderLock()
    shared.availableBlocks.storeReleased(UInt32(target))
    return true
  }

  /// Makes the header of a block that the file does not reach that of one that was never used.
  private func forget(_ block: Int) {
    let header = file.header(block)
    let isUnused = header.state.relaxed == BlockState.unused.rawValue
    if isUnused, !Generation.isOdd(header.generation.relaxed) { return }
    // Not generation 0: it would begin its numbers again.
    header.generation.beginChange()
    header.state.storeRelaxed(BlockState.unused.rawValue)
    header.generation.storeReleased(Generation.following(header.generation.relaxed, random: Entropy.next()))
  }
}
