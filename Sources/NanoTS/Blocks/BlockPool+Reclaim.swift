/// Taking the oldest data for new data.
extension BlockPool {
  /// Takes the oldest sealed block of the whole store, by last timestamp, out of its stream. Nil when no block is
  /// sealed. Looks at the head of each stream's list and nowhere else. The writer of `taker` wants it, and holds that
  /// stream's lock through `descriptor`.
  func reclaimOldest(for taker: Int, through descriptor: FileDescriptor) throws(NanoTSError) -> Int? {
    guard let victim = try oldestSealed(for: taker, through: descriptor) else { return nil }
    let slot = file.slot(victim.slot)
    unlink(victim.block, from: slot)
    // Counts only while the stream has no sealed block, which it may come to at once: what is left may be an open block
    // without a frame.
    slot.floor = victim.last
    slot.reclaimedBlocks.storeRelaxed(slot.reclaimedBlocks.relaxed &+ 1)
    slot.reclaimedFrames.storeRelaxed(slot.reclaimedFrames.relaxed &+ UInt64(victim.count))
    return victim.block
  }

  private struct Candidate {
    let slot: Int
    let block: Int
    let last: FramePosition
    let count: UInt32
  }

  private func oldestSealed(for taker: Int, through descriptor: FileDescriptor) throws(NanoTSError) -> Candidate? {
    var oldest: Candidate?
    var abandoned: [Int] = []
    for index in 0..<file.usedSlots {
      let slot = file.slot(index)
      guard slot.identifier.relaxed != 0, let block = target(slot.head) else { continue }
      if let candidate = sealedCandidate(index, block) {
        if oldest.map({ candidate.last.timestamp < $0.last.timestamp }) ?? true { oldest = candidate }
      } else if index != taker {
        // The taker's own lock would be granted again to its own descriptor, and its live block taken for a dead one.
        abandoned.append(index)
      }
    }
    // An open block is a candidate too if its writer is dead and it may be older than the best sealed one.
    for index in abandoned {
      guard let block = target(file.slot(index).head),
        let values = file.header(block).values(), values.state == .open,
        oldest.map({ values.firstTimestamp < $0.last.timestamp }) ?? true,
        try recoverIfAbandoned(index, through: descriptor),
        let recovered = target(file.slot(index).head), let candidate = sealedCandidate(index, recovered)
      else { continue }
      if oldest.map({ candidate.last.timestamp < $0.last.timestamp }) ?? true { oldest = candidate }
    }
    return oldest
  }

  private func sealedCandidate(_ slot: Int, _ block: Int) -> Candidate? {
    guard let values = file.header(block).values(), values.state == .sealed else { return nil }
    return Candidate(
      slot: slot, block: block, last: FramePosition(timestamp: values.lastTimestamp, key: values.lastKey),
      count: values.commit.count)
  }

  /// The block that a writer had claimed when it died, if there is such a stream. The writer of `taker` wants it.
  func takeAbandonedSpare(for taker: Int, through descriptor: FileDescriptor) throws(NanoTSError) -> Int? {
    for index in 0..<file.usedSlots where index != taker && file.slot(index).spareBlock.relaxed != 0 {
      let slot = file.slot(index)
      let lock = FileLock(file: descriptor, offset: StoreFile.LockOffset.stream(index))
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
