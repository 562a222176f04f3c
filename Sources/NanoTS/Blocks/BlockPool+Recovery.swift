/// Putting right what a dead writer left open.
extension BlockPool {
  /// Seals the block that a dead writer left open at the end of the stream, cut at the first frame that does not prove
  /// itself. A block with no whole frame is given back. The caller holds the stream's lock and the allocation lock.
  /// O(bytes of the block not known synced).
  func recoverOpenBlock(of slot: StreamSlot) {
    guard let tail = target(slot.tail), let values = file.header(tail).values(), values.state == .open else { return }
    seal(tail, values, in: slot, trusting: Int(values.syncedCount))
  }

  /// Seals `block`, trusting its first `trusted` frames and checking the rest.
  func seal(_ block: Int, _ values: BlockHeaderValues, in slot: StreamSlot, trusting trusted: Int) {
    var sealed = values
    let found = BlockBody(file, block, values, isHeld: true)
    if let found { sealed.commit = found.proven(trusting: trusted, coversPayload: file.checksPayloads) }
    guard found != nil, sealed.commit.count > 0, let body = BlockBody(file, block, sealed, isHeld: true) else {
      discardEmpty(block, values, in: slot)
      return
    }
    let whole = body.count
    let lastEntry = body.entry(whole - 1)
    sealed.state = .sealed
    sealed.lastTimestamp = lastEntry.timestamp
    sealed.lastKey = lastEntry.key
    let first = body.entry(0)
    sealed.firstTimestamp = first.timestamp
    sealed.firstKey = first.key
    sealed.payloadBytes = UInt32(truncatingIfNeeded: body.payloadByteCount(of: whole))
    let header = file.header(block)
    header.firstTimestamp.storeRelaxed(UInt64(bitPattern: first.timestamp))
    header.firstKey.storeRelaxed(UInt64(bitPattern: first.key))
    let isUniform = (1..<max(1, whole)).allSatisfy { body.entry($0).length == first.length }
    header.uniformLength.storeRelaxed(isUniform ? UInt32(first.length) : BlockHeader.mixedLengths)
    header.commit.storeReleased(sealed.commit.word)
    header.writeSeal(sealed)
    slot.nextOrdinal.storeReleased(max(slot.nextOrdinal.relaxed, values.firstOrdinal &+ UInt64(whole)))
  }

  /// The newest blocks of the stream up to one that was synced: what writers left that did not sync, failed to, or died.
  /// Those before it were synced by then, because a writer that syncs begins with these. O(such blocks).
  func unsyncedEnd(of slot: StreamSlot) -> [(block: Int, values: BlockHeaderValues)] {
    var unsynced: [(block: Int, values: BlockHeaderValues)] = []
    var next = target(slot.tail)
    while let block = next, unsynced.count < file.layout.blockCount {
      let header = file.header(block)
      guard let values = header.values(), values.state == .sealed, values.syncedCount != values.commit.count else {
        break
      }
      unsynced.append((block, values))
      next = target(header.previous)
    }
    return unsynced
  }

  /// Gives back a block in which no frame was ever acknowledged, or is left, with its sequence number: no gap shows.
  func discardEmpty(_ block: Int, _ values: BlockHeaderValues, in slot: StreamSlot) {
    unlink(block, from: slot)
    if slot.nextSequence.relaxed == values.sequence &+ 1 { slot.nextSequence.storeReleased(values.sequence) }
    release(block)
    // Last: readers that knew the number must look again, and find what was changed above.
    slot.removals.storeReleased(slot.removals.relaxed &+ 1)
  }
}

extension IndexEntry {
  /// Offset of the first byte after the padded payload.
  var paddedEnd: UInt32 { offset &+ UInt32(length.roundedUp(to: 8)) }
}
