// Whether each block is somebody's, and whether the words that stand alone are ones that a writer leaves. Called while no
// writer changes lists.

extension Verification {
  // MARK: The file

  /// The file's length and the words of SharedState.
  mutating func checkFile() throws(NanoTSError) {
    let (size, most) = (try file.mapped.descriptor.size(), file.layout.fileSize(blocks: file.layout.blockCount))
    if size > UInt64(most) {
      add(.file, "the file has \(size - UInt64(most)) bytes behind its last block, which ends at byte \(most)")
    }
    let shared = file.shared
    let inFile = try file.blocksInFile()
    if Int(shared.availableBlocks.relaxed) != inFile {
      add(
        .file, "the counter of available blocks says \(shared.availableBlocks.relaxed); the file has room for \(inFile)"
      )
    }
    if Int(shared.freshBlocks.relaxed) > inFile {
      add(.file, "the counter of used blocks says \(shared.freshBlocks.relaxed); the file has room for \(inFile)")
    }
    if Int(shared.usedStreamSlots.relaxed) > file.layout.streamCapacity {
      add(
        .file,
        "the counter of used stream slots says \(shared.usedStreamSlots.relaxed) of \(file.layout.streamCapacity)")
    }
    for (name, value) in [
      ("closed cleanly", shared.closedCleanly.relaxed), ("unordered reuse", shared.unorderedReuse.relaxed),
    ] where value > 1 {
      add(.file, "the word '\(name)' is \(value) and neither 0 nor 1")
    }
  }

  // MARK: Slots

  /// What two slots must not share, and what stands alone in a slot.
  mutating func checkIdentities() {
    var identifiers: [UInt64: Int] = [:]
    // By their bytes: strings that Swift takes for the same are names of two streams.
    var streams: [[UInt8]: Int] = [:]
    for index in 0..<file.layout.streamCapacity {
      let slot = file.slot(index)
      let identifier = slot.identifier.relaxed
      if index >= file.usedSlots {
        guard identifier != 0 || slot.version.relaxed != 0 else { continue }
        add(.stream, "stream table entry \(index) is in use and the counter of used entries says \(file.usedSlots)")
        return
      }
      if slot.version.relaxed & 1 == 1 { add(.stream, "stream table entry \(index) was left half written") }
      guard identifier != 0 else { continue }
      let bytes = slot.readName(identifier: identifier).map { Array($0) }
      let name = bytes.map { String(decoding: $0, as: UTF8.self) }
      if let other = identifiers.updateValue(index, forKey: identifier) {
        add(.stream, "stream table entries \(other) and \(index) have the same identifier", stream: name)
      }
      if let bytes, let other = streams.updateValue(index, forKey: bytes) {
        add(.stream, "stream table entries \(other) and \(index) have the same name", stream: name)
      }
      if slot.hasFloor.relaxed > 1 {
        add(
          .stream, "stream table entry \(index): 'has floor' is \(slot.hasFloor.relaxed) and neither 0 nor 1",
          stream: name)
      }
      if slot.spareBlock.relaxed != 0, BlockPool(file: file).claimedSpare(of: slot) == nil {
        add(.list, "the stream's spare is link \(slot.spareBlock.relaxed), which is no claimed block", stream: name)
      }
    }
  }

  // MARK: Blocks

  /// Each block is free and in the free list, somebody's spare, in its stream's list, or was never used. `listed`: the
  /// lengths of the streams' lists, by identifier, and `free` that of the free list, where they lead to their ends.
  mutating func checkBelonging(listed: [UInt64: Int], free: Int?) throws(NanoTSError) {
    let pool = BlockPool(file: file)
    let spares = Set((0..<file.usedSlots).compactMap { pool.claimedSpare(of: file.slot($0)) })
    let fresh = Int(file.shared.freshBlocks.relaxed)
    var (freeBlocks, owned) = (0, [UInt64: Int]())
    for block in 0..<(try file.blocksInFile()) {
      let header = file.header(block)
      if block >= fresh {
        // Its generation may count lives of a growth that was taken back.
        guard header.state.relaxed != BlockState.unused.rawValue else { continue }
        add(.list, "the block is in use and the counter of used blocks says \(fresh)", block: block)
        return
      }
      guard let values = header.values() else {
        if Generation.isOdd(header.generation.relaxed), !spares.contains(block) {
          add(.list, "the block is between two lives and is nobody's spare", block: block)
        }
        continue
      }
      switch values.state {
      case .free: freeBlocks += 1
      case .open, .sealed: owned[values.streamIdentifier, default: 0] += 1
      case .claimed: add(.list, "the block is claimed and its generation is even", block: block)
      case .unused:
        add(.list, "the block was never used and the counter of used blocks says \(fresh)", block: block)
      }
    }
    if let free, free != freeBlocks {
      add(.list, "\(freeBlocks) blocks are free and the free list has \(free)")
    }
    for (identifier, count) in listed where count != owned[identifier, default: 0] {
      add(
        .list, "\(owned[identifier, default: 0]) blocks are the stream's and its list has \(count)",
        stream: names[identifier])
    }
  }

  /// What must hold of two blocks that follow on each other in a stream's list.
  mutating func checkNeighbours(
    _ earlier: BlockHeaderValues, _ later: BlockHeaderValues, _ block: Int, _ name: String?
  ) {
    let end = earlier.firstOrdinal &+ UInt64(earlier.commit.count)
    if later.firstOrdinal < end {
      add(
        .list, "the block begins with frame \(later.firstOrdinal), which the one before it has too", stream: name,
        block: block)
    } else if later.firstOrdinal > end, later.sequence == earlier.sequence &+ 1 {
      add(
        .list,
        "the block begins with frame \(later.firstOrdinal), the one before it ends at \(end), and no block is "
          + "missing between them", stream: name, block: block)
    }
    if later.segment < earlier.segment {
      add(
        .list, "the block is of segment \(later.segment), and the one before it of \(earlier.segment)", stream: name,
        block: block)
    }
    guard earlier.state == .sealed, later.commit.count > 0 else { return }
    let last = FramePosition(timestamp: earlier.lastTimestamp, key: earlier.lastKey)
    let first = FramePosition(timestamp: later.firstTimestamp, key: later.firstKey)
    if !(last < first) {
      add(
        .list,
        "the block begins at time \(first.timestamp), key \(first.key), which is not after the end of the one "
          + "before it at \(last.timestamp), \(last.key)", stream: name, block: block)
    }
  }
}
