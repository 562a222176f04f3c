/// What the stream table of a damaged store still proves.
struct DamagedSlots {
  /// One stream, as its slot has it.
  struct Slot {
    let index: Int
    let identifier: UInt64
    let name: [UInt8]
    /// Quota and protected ranges; nil when they do not match their checksum.
    let terms: StreamTerms?
    /// What was said of how frames are stored.
    let compression: Compression?
    let nextOrdinal: UInt64
    let nextSequence: UInt64
    let nextSegment: UInt64
    let floor: FramePosition?
    let reclaimedBlocks: UInt64
    let reclaimedFrames: UInt64
  }

  /// By identifier.
  private(set) var slots: [UInt64: Slot] = [:]
  /// Slots that name a stream and do not prove it.
  private(set) var damagedSlots = 0
  /// What emptied slots keep of their streams: by name, the checksums over identifier and name.
  private var removed: [[UInt8]: [UInt32]] = [:]

  private static let chunkSlotCount = 128

  /// Reads up to `capacity` slots, of which none lies behind `end`. Where the header does not say that there is a stream
  /// table, a slot must prove itself by its name's hash as well. O(capacity).
  init(_ file: DamagedFile, capacity: Int, before end: Int, headerIsRight: Bool) {
    let room = max(0, min(end, file.byteCount) - DamagedLayout.slotsOffset) / StreamSlot.byteCount
    let chunk = PrivateBytes(count: DamagedSlots.chunkSlotCount * StreamSlot.byteCount)
    for first in stride(from: 0, to: min(capacity, room), by: DamagedSlots.chunkSlotCount) {
      let count = min(DamagedSlots.chunkSlotCount, min(capacity, room) - first)
      file.read(
        count * StreamSlot.byteCount, at: DamagedLayout.slotsOffset + first * StreamSlot.byteCount, into: chunk)
      for index in 0..<count {
        let slot = unsafe StreamSlot(base: chunk.bytes.baseAddress! + index * StreamSlot.byteCount)
        add(slot, first + index, needsHash: !headerIsRight)
      }
    }
  }

  private mutating func add(_ slot: StreamSlot, _ index: Int, needsHash: Bool) {
    let identifier = slot.identifier.relaxed
    guard identifier != 0 else {
      if slot.version.relaxed != 0, slot.nameHash.relaxed == 0, let remains = slot.readRemains() {
        removed[remains.name, default: []].append(remains.checksum)
      }
      return
    }
    guard slot.version.relaxed & 1 == 0, let name = slot.readName(identifier: identifier),
      !needsHash || slot.nameHash.relaxed == StreamSlot.hash(of: name)
    else {
      damagedSlots += 1
      return
    }
    // Two slots with one identifier are damage; the first has the blocks.
    guard slots[identifier] == nil else { return }
    slots[identifier] = Slot(
      index: index, identifier: identifier, name: name, terms: slot.readTerms(), compression: slot.compression,
      nextOrdinal: slot.nextOrdinal.relaxed, nextSequence: slot.nextSequence.relaxed,
      nextSegment: slot.nextSegment.relaxed, floor: slot.floor, reclaimedBlocks: slot.reclaimedBlocks.relaxed,
      reclaimedFrames: slot.reclaimedFrames.relaxed)
  }

  /// True when an emptied slot proves that the stream was freed.
  func proveRemoval(of identifier: UInt64, _ name: [UInt8]) -> Bool {
    guard let checksums = removed[name], slots[identifier] == nil else { return false }
    return checksums.contains(StreamSlot.checksum(identifier: identifier, name: name))
  }
}
