/// Making a store that lost power mid-way hold only what proves itself.
extension BlockPool {
  /// Checks every block whose frames are not known synced, and all of them when `checksAll`; cuts each stream to the
  /// contiguous frames that prove themselves; seals what was open. Every list is rebuilt first.
  /// O(bytes checked).
  ///
  /// A block that claims to be synced and does not prove itself was being recycled: it and everything older in its
  /// stream go. A block that was not synced keeps its whole prefix, and everything newer goes. A block missing between
  /// two others was freed if every writer kept the order of syncs; with `checksAll` it may have been lost, and
  /// everything newer goes too.
  func settle(checkingAll checksAll: Bool) throws(NanoTSError) {
    try rebuild()
    for index in 0..<file.usedSlots where file.slot(index).identifier.relaxed != 0 {
      settle(file.slot(index), checkingAll: checksAll)
      releaseSpare(of: file.slot(index))
    }
  }

  private func settle(_ slot: StreamSlot, checkingAll checksAll: Bool) {
    var keepFrom = 0
    var keepTo = 0
    let blocks = list(of: slot)
    for (place, block) in blocks.enumerated() {
      guard let values = file.header(block).values() else { continue }
      let count = Int(values.commit.count)
      let isSynced = values.state == .sealed && Int(values.syncedCount) == count
      let whole = wholeFrames(of: block, values, checkingAll: checksAll || !isSynced)
      let followsOn = !checksAll || place == keepFrom || followsOn(blocks[place - 1], values)
      if isSynced && whole < count {
        keepFrom = place + 1
        keepTo = place + 1
        continue
      }
      guard followsOn else { break }
      keepTo = place + 1
      if whole < count || values.state == .open || values.sealChecksum != values.computedSealChecksum {
        seal(block, values, in: slot, trusting: whole)
        if whole < count { break }
      }
    }
    for (place, block) in blocks.enumerated() where place < keepFrom || place >= keepTo { drop(block, from: slot) }
    alignNextOrdinal(of: slot)
  }

  /// Frames that were cut give their ordinals back, so that those of two neighbouring blocks stay without a gap.
  private func alignNextOrdinal(of slot: StreamSlot) {
    guard let tail = target(slot.tail), let values = file.header(tail).values(),
      slot.nextSequence.relaxed == values.sequence &+ 1
    else { return }
    slot.nextOrdinal.storeReleased(values.firstOrdinal &+ UInt64(values.commit.count))
  }

  /// A slot older than the rest may name a spare that has moved on, or that another slot names as well.
  private func releaseSpare(of slot: StreamSlot) {
    let spare = claimedSpare(of: slot)
    slot.spareBlock.storeRelaxed(0)
    if let spare { release(spare) }
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
  private func wholeFrames(of block: Int, _ values: BlockHeaderValues, checkingAll: Bool) -> Int {
    guard checkingAll else { return Int(values.commit.count) }
    guard let body = BlockBody(file, block, values),
      let preamble = unsafe BlockPreamble(checking: body.bytes), preamble.generation == values.generation
    else { return 0 }
    return body.wholePrefix(trusting: 0, coversPayload: file.checksPayloads)
  }

  private func followsOn(_ earlier: Int, _ values: BlockHeaderValues) -> Bool {
    guard let before = file.header(earlier).values() else { return false }
    return before.firstOrdinal &+ UInt64(before.commit.count) == values.firstOrdinal
  }

  private func drop(_ block: Int, from slot: StreamSlot) {
    // `seal` gives an empty block back by itself; such a block is in no list any more.
    guard let values = file.header(block).values(), values.holdsFrames else { return }
    unlink(block, from: slot)
    release(block)
  }
}
