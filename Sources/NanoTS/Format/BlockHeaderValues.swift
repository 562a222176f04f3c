/// A block header's fields as values, taken together under its seqlock.
struct BlockHeaderValues {
  var generation: UInt64
  var commit: BlockCommit
  var state: BlockState
  var bodyLayout: BodyLayout
  var streamIdentifier: UInt64
  var sequence: UInt64
  var segment: UInt64
  var streamSlot: UInt32
  var identityChecksum: UInt32
  var firstOrdinal: UInt64
  var firstTimestamp: Int64
  var firstKey: Int64
  var lastTimestamp: Int64
  var lastKey: Int64
  var syncedCount: UInt32
  var uniformLength: UInt32
  var sealChecksum: UInt32
  var payloadBytes: UInt32

  /// The checksum that the identity fields should carry.
  var computedIdentityChecksum: UInt32 {
    var checksum = Checksum()
    checksum.add(generation)
    checksum.add(streamIdentifier)
    checksum.add(sequence)
    checksum.add(segment)
    checksum.add(firstOrdinal)
    checksum.add(UInt64(bodyLayout.word) | UInt64(streamSlot) << 32)
    return checksum.value
  }

  /// The checksum that the fields written at the seal should carry.
  var computedSealChecksum: UInt32 {
    var checksum = Checksum()
    checksum.add(generation)
    checksum.add(commit.word)
    checksum.add(firstTimestamp)
    checksum.add(firstKey)
    checksum.add(lastTimestamp)
    checksum.add(lastKey)
    checksum.add(UInt64(payloadBytes))
    return checksum.value
  }

  /// True for a block that belongs to a stream.
  var holdsFrames: Bool { state == .open || state == .sealed }
}

extension BlockHeader {
  /// The header's fields as one life of the block has them, or nil while a handover is going on or when the state is
  /// none that exists. Reads each field once. O(1), never waits.
  func values() -> BlockHeaderValues? {
    let before = generation.acquired
    guard !Generation.isOdd(before), let values = unguardedValues(generation: before), isStill(before) else {
      return nil
    }
    return values
  }

  /// The same with no check of the seqlock, for the holder of the locks that keep it from moving.
  @inline(__always)
  func unguardedValues(generation: UInt64) -> BlockHeaderValues? {
    // The state is read first and with acquire: `sealed` is stored after the fields that it vouches for.
    guard let state = BlockState(rawValue: state.acquired) else { return nil }
    return BlockHeaderValues(
      generation: generation,
      commit: BlockCommit(word: commit.acquired),
      state: state,
      bodyLayout: BodyLayout(word: bodyLayout.relaxed),
      streamIdentifier: streamIdentifier.relaxed,
      sequence: sequence.relaxed,
      segment: segment.relaxed,
      streamSlot: streamSlot.relaxed,
      identityChecksum: identityChecksum.relaxed,
      firstOrdinal: firstOrdinal.relaxed,
      firstTimestamp: Int64(bitPattern: firstTimestamp.relaxed),
      firstKey: Int64(bitPattern: firstKey.relaxed),
      lastTimestamp: Int64(bitPattern: lastTimestamp.relaxed),
      lastKey: Int64(bitPattern: lastKey.relaxed),
      syncedCount: syncedCount.relaxed,
      uniformLength: uniformLength.relaxed,
      sealChecksum: sealChecksum.relaxed,
      payloadBytes: payloadBytes.relaxed)
  }

  /// Writes the fields of a new life. The generation is odd and the writer of `values` holds the block.
  func writeIdentity(_ values: BlockHeaderValues) {
    commit.storeRelaxed(values.commit.word)
    bodyLayout.storeRelaxed(values.bodyLayout.word)
    streamIdentifier.storeRelaxed(values.streamIdentifier)
    sequence.storeRelaxed(values.sequence)
    segment.storeRelaxed(values.segment)
    streamSlot.storeRelaxed(values.streamSlot)
    identityChecksum.storeRelaxed(values.computedIdentityChecksum)
    firstOrdinal.storeRelaxed(values.firstOrdinal)
    firstTimestamp.storeRelaxed(UInt64(bitPattern: values.firstTimestamp))
    firstKey.storeRelaxed(UInt64(bitPattern: values.firstKey))
    lastTimestamp.storeRelaxed(0)
    lastKey.storeRelaxed(0)
    syncedCount.storeRelaxed(0)
    uniformLength.storeRelaxed(values.uniformLength)
    sealChecksum.storeRelaxed(0)
    payloadBytes.storeRelaxed(0)
    precedingEnd.storeRelaxed(0)
  }

  /// Writes the fields of the seal, then the state that vouches for them. The caller holds the stream's lock.
  func writeSeal(_ values: BlockHeaderValues) {
    precondition(values.state == .sealed)
    lastTimestamp.storeRelaxed(UInt64(bitPattern: values.lastTimestamp))
    lastKey.storeRelaxed(UInt64(bitPattern: values.lastKey))
    payloadBytes.storeRelaxed(values.payloadBytes)
    sealChecksum.storeRelaxed(values.computedSealChecksum)
    state.storeReleased(BlockState.sealed.rawValue)
  }
}
