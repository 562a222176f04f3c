/// What the streams were promised, as it stands when a block is looked for. Read once, under the allocation lock.
struct Keeping {
  private let file: StoreFile
  private var terms: [Int: StreamTerms] = [:]

  /// O(streams): one load for each that was promised nothing.
  init(_ file: StoreFile) {
    self.file = file
    for index in 0..<file.usedSlots {
      let slot = file.slot(index)
      guard slot.terms.relaxed != 0, slot.identifier.relaxed != 0 else { continue }
      terms[index] = slot.readTerms()
    }
  }

  func quota(of index: Int) -> StreamTerms.Quota {
    terms.isEmpty ? StreamTerms.Quota() : terms[index]?.quota ?? StreamTerms.Quota()
  }

  /// True when some time from the block's first frame to its last one is protected.
  func isProtected(_ values: BlockHeaderValues) -> Bool {
    guard !terms.isEmpty, let protected = terms[Int(values.streamSlot)]?.protected else { return false }
    return protected.overlaps(values.firstTimestamp, values.lastTimestamp)
  }

  /// Blocks that the stream has, with the one that its writer is about to use.
  func blocks(of index: Int) -> Int {
    let slot = file.slot(index)
    return Int(slot.blockCount.relaxed) + (BlockPool(file: file).claimedSpare(of: slot) == nil ? 0 : 1)
  }

  /// True when other streams must leave the stream what it has.
  func isAtMinimum(_ index: Int) -> Bool {
    let minimum = Int(quota(of: index).minimumBlocks)
    return minimum > 0 && blocks(of: index) <= minimum
  }

  /// Blocks that streams other than `taker` lack to have their minimum. O(streams with terms).
  func reserved(for taker: Int) -> Int {
    var sum = 0
    for (index, terms) in terms where index != taker && terms.quota.minimumBlocks > 0 {
      sum += max(0, Int(terms.quota.minimumBlocks) - blocks(of: index))
    }
    return sum
  }
}
