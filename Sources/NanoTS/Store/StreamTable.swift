/// Finding and making streams by name.
struct StreamTable {
  let file: StoreFile

  /// A stream as found in the table.
  struct Stream: Equatable {
    let slot: Int
    let identifier: UInt64
    let name: [UInt8]
  }

  /// The UTF-8 bytes of `name`. Throws `.invalidName` when it is empty, too long, or holds a NUL byte.
  static func checkedName(_ name: String) throws(NanoTSError) -> [UInt8] {
    let bytes = Array(name.utf8)
    guard !bytes.isEmpty else { throw NanoTSError(.invalidName, "a stream's name must not be empty") }
    guard bytes.count <= StreamSlot.maximumNameByteCount else {
      throw NanoTSError(
        .invalidName,
        "the stream name '\(name.prefix(40))…' has \(bytes.count) bytes of UTF-8; at most "
          + "\(StreamSlot.maximumNameByteCount) fit")
    }
    guard !bytes.contains(0) else {
      throw NanoTSError(.invalidName, "the stream name '\(name)' holds a NUL byte")
    }
    return bytes
  }

  /// The stream in slot `index`, or nil for an empty slot or one that is being changed. Takes no lock.
  func stream(at index: Int) -> Stream? {
    let slot = file.slot(index)
    let version = slot.version.acquired
    let identifier = slot.identifier.relaxed
    guard version & 1 == 0, identifier != 0, let name = slot.readName(identifier: identifier),
      slot.version.isStill(version)
    else { return nil }
    return Stream(slot: index, identifier: identifier, name: name)
  }

  /// The stream called `name`, or nil. O(slots in use), by hash.
  func find(_ name: [UInt8]) -> Stream? {
    let hash = StreamSlot.hash(of: name)
    for index in 0..<file.usedSlots where file.slot(index).nameHash.relaxed == hash {
      if let stream = stream(at: index), stream.name == name { return stream }
    }
    return nil
  }

  /// Every stream, in table order. O(slots in use).
  func all() -> [Stream] { (0..<file.usedSlots).compactMap { stream(at: $0) } }

  /// The name of the stream that a block belongs to, for one made after the table was looked at.
  func name(of block: BlockHeaderValues) -> String? {
    guard Int(block.streamSlot) < file.usedSlots, let stream = stream(at: Int(block.streamSlot)),
      stream.identifier == block.streamIdentifier
    else { return nil }
    return String(decoding: stream.name, as: UTF8.self)
  }

  /// Finds or makes the stream. The caller holds the allocation lock. Nil when the table is full.
  func findOrCreate(_ name: [UInt8]) -> Stream? {
    if let found = find(name) { return found }
    let used = file.usedSlots
    let emptied = (0..<used).first { file.slot($0).identifier.relaxed == 0 }
    let index = emptied ?? used
    guard index < file.layout.streamCapacity else { return nil }
    let slot = file.slot(index)
    let identifier = Entropy.nextNonZero()
    slot.version.beginChange()
    resetLists(of: slot)
    slot.writeIdentity(identifier: identifier, name: name)
    slot.version.endChange()
    if index == used { file.shared.usedStreamSlots.storeReleased(UInt32(used + 1)) }
    CommitSignal.wakeAll(file)
    return Stream(slot: index, identifier: identifier, name: name)
  }

  private func resetLists(of slot: StreamSlot) {
    for field in [slot.writerProcess, slot.spareBlock, slot.hasFloor, slot.head, slot.tail, slot.blockCount] {
      field.storeRelaxed(0)
    }
    for field in [
      slot.nextSequence, slot.nextOrdinal, slot.nextSegment, slot.reclaimedBlocks, slot.reclaimedFrames, slot.terms,
      slot.compressionField,
    ] {
      field.storeRelaxed(0)
    }
    slot.removals.storeRelaxed(slot.removals.relaxed &+ 1)
  }

  /// Empties the slot, so that the name can be used afresh. The caller holds the allocation lock and the stream's lock,
  /// and released its blocks.
  func remove(_ stream: Stream) {
    let slot = file.slot(stream.slot)
    slot.version.beginChange()
    slot.identifier.storeRelaxed(0)
    slot.nameHash.storeRelaxed(0)
    slot.version.endChange()
  }
}
