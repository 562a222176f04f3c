/// Making the lists anew from the block headers.
extension BlockPool {
  private struct Member {
    let block: Int
    let sequence: UInt64
    let frames: UInt32
  }

  /// Rebuilds the free list, the streams' lists and the counters from the block headers and the slots' identities.
  /// Needed after a holder of the allocation lock died, and after power loss. O(blocks · log blocks).
  ///
  /// Whatever a dead holder was doing, each header says what its block is: odd means that nothing of it is anybody's;
  /// even and of a live stream means that it is that stream's, at the place that its sequence gives.
  func rebuild() throws(NanoTSError) {
    let shared = file.shared
    // Whoever called the store clean held the lock, so on the disk the epoch is odd, and the next opening comes here. If
    // power is lost then, half of the new lists may be there, and the store must not count as clean.
    if shared.closedCleanly.relaxed == 1 {
      shared.closedCleanly.storeRelaxed(0)
      try file.syncShared()
    }
    let inFile = try file.blocksInFileUnderLock()
    shared.availableBlocks.storeRelaxed(UInt32(inFile))
    shared.usedStreamSlots.storeRelaxed(UInt32(lastUsedSlot() + 1))
    repairSlots()
    // Read once: a damaged counter may be another one at the next look.
    let usedSlots = file.usedSlots
    var members: [[Member]] = Array(repeating: [], count: usedSlots)
    var free: [Int] = []
    let spares = Set((0..<usedSlots).compactMap { claimedSpare(of: file.slot($0)) })
    var fresh = inFile
    while fresh > 0, isUnused(fresh - 1) { fresh -= 1 }
    for block in 0..<fresh {
      if let (slot, member) = owner(of: block), slot < usedSlots {
        members[slot].append(member)
      } else if !spares.contains(block) {
        free.append(block)
      }
    }
    shared.freshBlocks.storeRelaxed(UInt32(fresh))
    shared.freeListHead.storeRelaxed(0)
    shared.freeListCount.storeRelaxed(0)
    for index in members.indices { relink(&members[index], file.slot(index), &free) }
    for block in free.reversed() { release(block) }
  }

  private func isUnused(_ block: Int) -> Bool {
    let header = file.header(block)
    return header.generation.relaxed == 0 && header.state.relaxed == BlockState.unused.rawValue
  }

  private func lastUsedSlot() -> Int {
    var index = file.layout.streamCapacity - 1
    while index >= 0, file.slot(index).identifier.relaxed == 0, file.slot(index).version.relaxed == 0 { index -= 1 }
    return index
  }

  /// A slot caught half-made is emptied: its name was never published, so nobody has a block in it. One whose name was
  /// damaged later keeps its identifier, so that its blocks stay its own.
  private func repairSlots() {
    for index in 0..<file.usedSlots {
      let slot = file.slot(index)
      if slot.version.relaxed & 1 == 1 {
        slot.version.beginChange()
        slot.identifier.storeRelaxed(0)
        slot.version.endChange()
      }
      if slot.identifier.relaxed == 0 { slot.spareBlock.storeRelaxed(0) }
      if claimedSpare(of: slot) == nil { slot.spareBlock.storeRelaxed(0) }
    }
  }

  /// The stream slot that `block` belongs to and its place there, or nil when it is nobody's.
  private func owner(of block: Int) -> (slot: Int, member: Member)? {
    guard let values = file.header(block).values(), values.holdsFrames,
      values.identityChecksum == values.computedIdentityChecksum, Int(values.streamSlot) < file.usedSlots,
      values.streamIdentifier != 0,
      file.slot(Int(values.streamSlot)).identifier.relaxed == values.streamIdentifier
    else { return nil }
    return (
      Int(values.streamSlot), Member(block: block, sequence: values.sequence, frames: values.commit.count)
    )
  }

  private func relink(_ members: inout [Member], _ slot: StreamSlot, _ free: inout [Int]) {
    members.sort { ($0.sequence, $1.frames) < ($1.sequence, $0.frames) }
    slot.head.storeRelaxed(BlockPool.link(members.first?.block))
    var count: UInt32 = 0
    var previous: Member?
    for member in members {
      if let previous, previous.sequence == member.sequence {
        // Two lives cannot have one place; after damage or power loss the one with more frames stays.
        free.append(member.block)
        continue
      }
      let header = file.header(member.block)
      header.previous.storeRelaxed(BlockPool.link(previous?.block))
      header.next.storeRelaxed(0)
      if let previous { file.header(previous.block).next.storeRelaxed(BlockPool.link(member.block)) }
      count += 1
      previous = member
    }
    // Once, when it is right, and after the links: readers walk back from it at any time, and take what they do not come
    // to for gone.
    slot.tail.storeReleased(BlockPool.link(previous?.block))
    slot.blockCount.storeRelaxed(count)
    if let previous, let values = file.header(previous.block).values() {
      slot.nextSequence.storeReleased(max(slot.nextSequence.relaxed, values.sequence &+ 1))
      slot.nextSegment.storeRelaxed(max(slot.nextSegment.relaxed, values.segment &+ 1))
      if values.state == .sealed {
        let end = values.firstOrdinal &+ UInt64(values.commit.count)
        slot.nextOrdinal.storeRelaxed(max(slot.nextOrdinal.relaxed, end))
      }
    }
    slot.removals.storeReleased(slot.removals.relaxed &+ 1)
  }
}
