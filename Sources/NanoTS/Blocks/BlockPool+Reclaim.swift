/// Who wants a block, and what is to be respected: a writer, which holds its stream's lock through `descriptor`.
struct Claimant {
  /// The stream's slot.
  let index: Int
  /// Whether it may take what others, or it itself, have stored.
  let reclaims: Bool
  let descriptor: FileDescriptor
  let keeping: Keeping

  func isAtMaximum(_ file: StoreFile) -> Bool {
    let maximum = Int(keeping.quota(of: index).maximumBlocks)
    return maximum > 0 && Int(file.slot(index).blockCount.relaxed) >= maximum
  }

  func isBelowMinimum(_ file: StoreFile) -> Bool {
    Int(file.slot(index).blockCount.relaxed) < Int(keeping.quota(of: index).minimumBlocks)
  }
}

/// Taking the oldest data for new data.
extension BlockPool {
  /// Takes the oldest sealed block that may be taken, by last timestamp, out of its stream. Nil when there is none.
  ///
  /// Never taken are protected blocks, and those of other streams that have no more than their minimum. Pinned blocks
  /// are taken when there are no others, unless in this store pins hold. A stream that has its maximum takes its own
  /// blocks, one that is below its minimum those of others first.
  ///
  /// O(streams), and for each pin that is met O(streams + blocks passed over).
  func reclaim(for claimant: Claimant) throws(NanoTSError) -> Int? {
    // Pins come and go meanwhile: what looked pinned all round is looked at once more before one gives way.
    for isLastLook in [false, true] {
      var pinnedThrough: [Int: UInt64] = [:]
      var oldestPinned: Victim?
      for scope in scopes(of: claimant) {
        while let victim = try oldest(in: scope, claimant, pinnedThrough) {
          if try takesPin(of: victim.values) { return take(victim) }
          oldestPinned = oldestPinned ?? victim
          pinnedThrough[victim.slot] = try pins?.end(of: victim.values)
        }
      }
      guard let oldestPinned else { return nil }
      if isLastLook, !file.pinsHold { return take(oldestPinned) }
    }
    return nil
  }

  private enum Scope {
    case all
    case own
    case others
  }

  /// Whose blocks are looked at, in turn.
  private func scopes(of claimant: Claimant) -> [Scope] {
    if claimant.isAtMaximum(file) { return [.own] }
    return claimant.isBelowMinimum(file) ? [.others, .own] : [.all]
  }

  private struct Victim {
    let slot: Int
    let block: Int
    let values: BlockHeaderValues

    var last: Int64 { values.lastTimestamp }
  }

  private func take(_ victim: Victim) -> Int {
    recycle(victim.block, victim.values, from: file.slot(victim.slot))
    return victim.block
  }

  /// Takes a sealed block out of its stream for new data: counts it and ends its life. A kill in between counts frames
  /// that are still there; the other way round some would be missing that nobody counted.
  func recycle(_ block: Int, _ values: BlockHeaderValues, from slot: StreamSlot) {
    // Time goes on from here also where an older block stays behind, or an open one without a frame.
    let last = FramePosition(timestamp: values.lastTimestamp, key: values.lastKey)
    slot.floor = slot.floor.map { max($0, last) } ?? last
    slot.reclaimedBlocks.storeRelaxed(slot.reclaimedBlocks.relaxed &+ 1)
    slot.reclaimedFrames.storeRelaxed(slot.reclaimedFrames.relaxed &+ UInt64(values.commit.count))
    endLife(of: block, in: slot)
  }

  /// The oldest block in `scope` that is neither protected nor, as far as is known, pinned. Of each stream only the
  /// first such block is looked at: a stream's list is in order of time.
  private func oldest(
    in scope: Scope, _ claimant: Claimant, _ pinnedThrough: [Int: UInt64]
  ) throws(NanoTSError) -> Victim? {
    var oldest: Victim?
    var open: [(slot: Int, values: BlockHeaderValues)] = []
    for index in 0..<file.usedSlots where isInScope(index, scope, claimant) {
      guard let (block, values) = firstLoose(index, claimant.keeping, pinnedThrough[index]) else { continue }
      if values.state == .sealed {
        if oldest.map({ values.lastTimestamp < $0.last }) ?? true {
          oldest = Victim(slot: index, block: block, values: values)
        }
      } else if index != claimant.index {
        // The claimant's own lock would be granted again to its own descriptor, and its live block taken for a dead one.
        open.append((index, values))
      }
    }
    // An open block is a candidate too if its writer is dead and it may be older than the best sealed one.
    for (index, values) in open where oldest.map({ values.firstTimestamp < $0.last }) ?? true {
      guard try recoverIfAbandoned(index, through: claimant.descriptor),
        let (block, values) = firstLoose(index, claimant.keeping, pinnedThrough[index]), values.state == .sealed
      else { continue }
      if oldest.map({ values.lastTimestamp < $0.last }) ?? true {
        oldest = Victim(slot: index, block: block, values: values)
      }
    }
    return oldest
  }

  private func isInScope(_ index: Int, _ scope: Scope, _ claimant: Claimant) -> Bool {
    guard file.slot(index).identifier.relaxed != 0 else { return false }
    let isOwn = index == claimant.index
    switch scope {
    case .all: return isOwn || !claimant.keeping.isAtMinimum(index)
    case .own: return isOwn
    case .others: return !isOwn && !claimant.keeping.isAtMinimum(index)
    }
  }

  /// The stream's first block behind the pinned ones that is not protected; an open one, which is the last, counts.
  private func firstLoose(
    _ index: Int, _ keeping: Keeping, _ pinnedThrough: UInt64?
  ) -> (block: Int, values: BlockHeaderValues)? {
    var next = target(file.slot(index).head)
    var steps = 0
    while let block = next, steps < file.layout.blockCount {
      let header = file.header(block)
      guard let values = header.values() else { return nil }
      if values.state == .open { return (block, values) }
      guard values.state == .sealed else { return nil }
      if pinnedThrough.map({ values.sequence > $0 }) ?? true, !keeping.isProtected(values) { return (block, values) }
      next = target(header.next)
      steps += 1
    }
    return nil
  }

  /// The block that a writer had claimed when it died, if there is such a stream and it has more than its minimum.
  func takeAbandonedSpare(for claimant: Claimant) throws(NanoTSError) -> Int? {
    for index in 0..<file.usedSlots where index != claimant.index && file.slot(index).spareBlock.relaxed != 0 {
      let slot = file.slot(index)
      guard !claimant.keeping.isAtMinimum(index) else { continue }
      let lock = FileLock(file: claimant.descriptor, offset: StoreFile.LockOffset.stream(index))
      guard try lock.tryLock() else { continue }
      let spare = claimedSpare(of: slot)
      slot.spareBlock.storeRelaxed(0)
      try lock.unlock()
      if let spare { return spare }
    }
    return nil
  }

  /// Recovers the open block of stream `index` if nobody writes the stream; false if somebody does.
  func recoverIfAbandoned(_ index: Int, through descriptor: FileDescriptor) throws(NanoTSError) -> Bool {
    let lock = FileLock(file: descriptor, offset: StoreFile.LockOffset.stream(index))
    guard try lock.tryLock() else { return false }
    recoverOpenBlock(of: file.slot(index))
    try lock.unlock()
    return true
  }
}
