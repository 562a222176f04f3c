@testable import NanoTS

/// The fields that an edit may change, by structure: offset and size.
enum FieldTable {
  typealias Field = (offset: Int, size: Int)

  static let fileHeader: [Field] = {
    typealias O = FileHeader.Offset
    return [
      (O.version, 4), (O.incompatible, 8), (O.writeIncompatible, 8), (O.compatible, 8), (O.uuid, 8), (O.blockSize, 8),
      (O.blockCount, 8), (O.initialBlockCount, 8), (O.streamCapacity, 4), (O.timeUnit, 1), (O.payloadChecksums, 1),
      (O.streamTable, 8), (O.blockTable, 8), (O.data, 8),
    ]
  }()

  static let shared: [Field] = {
    typealias O = SharedState.Offset
    return [
      (O.allocationEpoch, 8), (O.freshBlocks, 4), (O.freeListHead, 4), (O.availableBlocks, 4), (O.freeListCount, 4),
      (O.usedStreamSlots, 4), (O.allocationHolder, 8), (O.wantedWakes, 4), (O.wakeWord, 4), (O.bootID, 8),
      (O.closedCleanly, 4), (O.unorderedReuse, 4), (O.wakeBudgets, 8),
    ]
  }()

  static let slot: [Field] = {
    typealias O = StreamSlot.Offset
    return [
      (O.version, 8), (O.identifier, 8), (O.nameHash, 8), (O.nameLength, 2), (O.writerProcess, 4), (O.spareBlock, 4),
      (O.floorTimestamp, 8), (O.floorKey, 8), (O.hasFloor, 4), (O.nextSequence, 8), (O.head, 4), (O.tail, 4),
      (O.blockCount, 4), (O.removals, 4), (O.nextOrdinal, 8), (O.nextSegment, 8), (O.reclaimedBlocks, 8),
      (O.reclaimedFrames, 8), (O.terms, 8), (O.compression, 8), (O.termEntries, 8), (O.name, 8),
    ]
  }()

  static let blockHeader: [Field] = {
    typealias O = BlockHeader.Offset
    return [
      (O.generation, 8), (O.commit, 8), (O.commit, 4), (O.next, 4), (O.previous, 4), (O.state, 4), (O.bodyLayout, 4),
      (O.streamIdentifier, 8), (O.sequence, 8), (O.segment, 8), (O.streamSlot, 4), (O.firstOrdinal, 8),
      (O.firstTimestamp, 8), (O.firstKey, 8), (O.lastTimestamp, 8), (O.lastKey, 8), (O.syncedCount, 4),
      (O.uniformLength, 4), (O.payloadBytes, 4), (O.precedingEnd, 8),
    ]
  }()

  static let preamble: [Field] = {
    typealias O = BlockPreamble.Offset
    return [
      (O.magic, 8), (O.generation, 8), (O.uuid, 8), (O.streamIdentifier, 8), (O.sequence, 8), (O.segment, 8),
      (O.firstOrdinal, 8), (O.blockSize, 4), (O.layoutKind, 1), (O.entrySize, 1), (O.timeUnit, 1),
      (O.payloadChecksums, 1), (O.nameLength, 4), (O.metadataLength, 4), (O.chunkUnits, 2), (O.text, 8),
    ]
  }()
}
