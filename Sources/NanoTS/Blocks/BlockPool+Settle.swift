/// Making a store that lost power mid-way hold only what proves itself.
extension BlockPool {
  /// Checks every block whose frames are not known synced, and all of them when `checksAll`; cuts each stream to the
  /// contiguous frames that prove themselves; seals what was open. Every list is rebuilt first.
  /// O(bytes checked).
  ///
  /// A block that was synced and does not prove itself was being recycled: it and everything older in its stream go,
  /// except what is protected and proves itself: that was passed over. A block that was not synced keeps its whole prefix,
  /// and everything newer goes. A block missing between two others was taken or freed if every writer kept the order of
  /// syncs; with `checksAll` it may have been lost, and everything newer goes too, unless something of it was synced or the
  /// later block has word that it was taken. The same holds for the newest block of a store in which writers go on while
  /// the block before is being synced.
  ///
  /// Whatever comes before a block with a synced frame was synced too, whoever wrote it and whether its header says so: a
  /// writer that syncs begins with what earlier ones left. So nothing there was lost.
  func settle(checkingAll checksAll: Bool) throws(NanoTSError) {
    try rebuild()
    let keeping = Keeping(file)
    for index in 0..<file.usedSlots where file.slot(index).identifier.relaxed != 0 {
      settle(file.slot(index), keeping, checkingAll: checksAll)
      // A slot older than the rest may name a spare that has moved on, or that another slot names as well.
      releaseSpare(of: file.slot(index))
    }
  }

  /// Notes that every block that is left is on the disk, once the file was synced: when its stream loses power again, what
  /// is found instead of it was written over it.
  func noteSettled() throws(NanoTSError) {
    for block in 0..<(try file.blocksInFile()) {
      let header = file.header(block)
      guard let values = header.values(), values.state == .sealed else { continue }
      header.syncedCount.storeRelaxed(values.commit.count)
    }
  }

  private func settle(_ slot: StreamSlot, _ keeping: Keeping, checkingAll checksAll: Bool) {
    var kept: [(block: Int, isProtected: Bool)] = []
    // Nil where nothing need follow on it: at the start, and behind a block that was being recycled.
    var previous: BlockHeaderValues?
    let blocks = list(of: slot)
    let goesOnUnsynced = file.layout.blockCount >= StoreFile.fewestBlocksWithThread
    let lastSynced = blocks.lastIndex { file.header($0).syncedCount.relaxed > 0 } ?? -1
    for (index, block) in blocks.enumerated() {
      guard let values = file.header(block).values() else { continue }
      let count = Int(values.commit.count)
      let isSynced = values.state == .sealed && Int(values.syncedCount) == count
      let proven = provenFrames(of: block, values, checkingAll: checksAll || !isSynced)
      let whole = Int(proven.count)
      if checksAll && whole < (index < lastSynced ? count : min(count, Int(values.syncedCount))) {
        kept.removeAll { !$0.isProtected }
        previous = nil
        continue
      }
      let mayFollowLost = checksAll || (goesOnUnsynced && index == blocks.count - 1)
      if mayFollowLost, index > lastSynced, let previous, !followsOn(previous, block, values) { break }
      kept.append((block, values.state == .sealed && whole == count && keeping.isProtected(values)))
      previous = values
      // Frames may prove themselves in the staging area and not in their chunk: then the block has a chunk less.
      let isAsSealed = proven == values.commit && values.sealChecksum == values.computedSealChecksum
      if !isAsSealed || values.state == .open {
        // A block of which nothing proves itself may have another's preamble already, with the old frames still behind it.
        whole == 0 ? discardEmpty(block, values, in: slot) : seal(block, values, in: slot, trusting: whole)
        if whole < count { break }
      }
    }
    let staying = Set(kept.map(\.block))
    for block in blocks where !staying.contains(block) { drop(block, from: slot) }
    // Frames after the last one that is left were lost and not recycled: their times may come again.
    if let last = blocks.last, !staying.contains(last), target(slot.tail) != nil { slot.floor = nil }
    alignNextOrdinal(of: slot)
  }

  /// The next frame follows on the last one that is left: ordinals of frames that were lost are given again. The slot may
  /// have an older number, or a later one.
  private func alignNextOrdinal(of slot: StreamSlot) {
    guard let tail = target(slot.tail), let values = file.header(tail).values() else { return }
    slot.nextOrdinal.storeReleased(values.firstOrdinal &+ UInt64(values.commit.count))
  }

  private func list(of slot: StreamSlot) -> [Int] {
    var blocks: [Int] = []
    var next = target(slot.head)
    while let block = next, blocks.count < file.layout.blockCount {
      blocks.append(block)
      next = target(file.header(block).next)
    }
    return blocks
  }

  /// The frames of the block that prove themselves, counted from its first one; the seal's word is taken for a block
  /// that need not be checked.
  private func provenFrames(of block: Int, _ values: BlockHeaderValues, checkingAll: Bool) -> BlockCommit {
    guard checkingAll else { return values.commit }
    guard let body = BlockBody(file, block, values),
      let preamble = unsafe BlockPreamble(checking: body.bytes), preamble.generation == values.generation
    else { return BlockCommit(count: 0, payloadEnd: 0) }
    return body.proven(trusting: 0, coversPayload: file.checksPayloads)
  }

  /// True when no block is missing between the two, or those that are were taken: the later block knows from which
  /// ordinal on, and one that came back by the power loss begins behind that.
  private func followsOn(_ earlier: BlockHeaderValues, _ block: Int, _ values: BlockHeaderValues) -> Bool {
    let end = earlier.firstOrdinal &+ UInt64(earlier.commit.count)
    if end == values.firstOrdinal { return true }
    let gapStart = file.header(block).precedingEnd.relaxed
    return gapStart != 0 && gapStart <= end && end < values.firstOrdinal
  }

  private func drop(_ block: Int, from slot: StreamSlot) {
    // `seal` gives an empty block back by itself; such a block is in no list any more.
    guard let values = file.header(block).values(), values.holdsFrames else { return }
    free(block, from: slot)
  }
}
