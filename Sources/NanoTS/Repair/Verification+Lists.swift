internal import Synchronization

// Whether the lists and counters agree with the block headers, which are the truth.

extension Verification {
  /// Checks the lists, unless a writer changes them at the same time: then they say nothing, and after three tries they
  /// are left. A holder of the allocation lock that died leaves them to the next one; that is no damage either.
  mutating func checkLists() throws(NanoTSError) {
    let epoch = file.shared.allocationEpoch
    for _ in 0..<3 {
      let before = epoch.acquired
      guard before & 1 == 0 else { continue }
      var found = Verification(file: file)
      found.names = names
      // Of a suspect store the counters say nothing: they may be older than the blocks.
      let isTrusted = file.trustsCounters.load(ordering: .relaxed)
      if isTrusted { try found.checkFile() }
      found.checkIdentities()
      var listed: [UInt64: Int] = [:]
      for index in 0..<file.usedSlots {
        let count = try found.checkList(of: index)
        listed[file.slot(index).identifier.relaxed] = count
      }
      let free = found.checkFreeList()
      if isTrusted { try found.checkBelonging(listed: listed, free: free) }
      guard epoch.isStill(before) else { continue }
      report.findings += found.report.findings
      return
    }
  }

  /// Checks the stream's list; the number of blocks in it, or nil for one that does not lead to its end.
  private mutating func checkList(of index: Int) throws(NanoTSError) -> Int? {
    let slot = file.slot(index)
    let identifier = slot.identifier.relaxed
    guard identifier != 0 else { return nil }
    let name = names[identifier]
    let pool = BlockPool(file: file)
    var (count, previous) = (0, Int?.none)
    var last: BlockHeaderValues?
    var next = pool.target(slot.head)
    while let block = next {
      guard count < file.layout.blockCount else {
        add(.list, "the list of blocks runs in a circle", stream: name, block: block)
        return nil
      }
      let header = file.header(block)
      guard let values = header.values(), values.holdsFrames, values.streamIdentifier == identifier else {
        add(.list, "the list of blocks leads to a block that is not the stream's", stream: name, block: block)
        return nil
      }
      if pool.target(header.previous) != previous || last.map({ $0.sequence >= values.sequence }) ?? false {
        add(.list, "the block is not behind its neighbour in the list", stream: name, block: block)
        return nil
      }
      if let last { checkNeighbours(last, values, block, name) }
      if last?.state == .open {
        add(.list, "the block is open and is not the stream's last", stream: name, block: previous)
      }
      (count, previous, last) = (count + 1, block, values)
      next = pool.target(header.next)
    }
    if count != Int(slot.blockCount.relaxed) || previous != pool.target(slot.tail) {
      add(
        .list, "the list has \(count) blocks and the stream table says \(slot.blockCount.relaxed), or its end differs",
        stream: name)
    }
    if let last { try checkCounters(of: index, name, last) }
    return count == Int(slot.blockCount.relaxed) ? count : nil
  }

  /// The slot's counters against the stream's last block.
  private mutating func checkCounters(of index: Int, _ name: String?, _ last: BlockHeaderValues) throws(NanoTSError) {
    let slot = file.slot(index)
    let nextSequence = slot.nextSequence.relaxed
    if nextSequence <= last.sequence {
      add(
        .list, "the next block would have sequence \(nextSequence), and the last one has \(last.sequence)",
        stream: name)
    }
    for (what, number) in [
      ("block", nextSequence), ("segment", slot.nextSegment.relaxed), ("frame", slot.nextOrdinal.relaxed),
    ] where number > StreamSlot.highestNumber {
      add(.list, "the number of the next \(what) would be \(number): no stream comes so far", stream: name)
    }
    if slot.nextSegment.relaxed <= last.segment {
      add(
        .list, "the next segment would be \(slot.nextSegment.relaxed), and the last block is of \(last.segment)",
        stream: name)
    }
    // A live writer seals without the allocation lock; and where the last blocks were freed, nothing tells the ordinal.
    let lock = FileLock(file: file.mapped.descriptor, offset: StoreFile.LockOffset.stream(index))
    guard nextSequence == last.sequence &+ 1, try !lock.isHeldByAnother() else { return }
    let end = last.firstOrdinal &+ UInt64(last.commit.count)
    let nextOrdinal = slot.nextOrdinal.relaxed
    // A writer killed while it sealed leaves either of the two with an open block.
    if nextOrdinal != end, last.state == .sealed || nextOrdinal != last.firstOrdinal {
      add(
        .list, "the next frame would have ordinal \(slot.nextOrdinal.relaxed), and the sealed ones end at \(end)",
        stream: name)
    }
  }

  /// Checks the free list; the number of blocks in it, or nil for one that does not lead to its end.
  private mutating func checkFreeList() -> Int? {
    let pool = BlockPool(file: file)
    var count = 0
    var next = pool.target(file.shared.freeListHead)
    while let block = next, count <= file.layout.blockCount {
      guard file.header(block).values()?.state == .free else {
        add(.list, "the free list leads to a block that is not free", block: block)
        return nil
      }
      count += 1
      next = pool.target(file.header(block).next)
    }
    if count != Int(file.shared.freeListCount.relaxed) {
      add(.list, "the free list has \(count) blocks and its counter says \(file.shared.freeListCount.relaxed)")
      return nil
    }
    return count
  }
}
