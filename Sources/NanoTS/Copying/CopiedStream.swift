/// What has been copied of one stream so far, and what its slot in the copy will say.
struct CopiedStream {
  let plan: CopyPlan.Stream
  /// Blocks of the source that were recycled before they were copied, and the frames wanted of them.
  var missedBlocks: UInt64 = 0
  var missedFrames: UInt64 = 0
  /// True when frames that nobody vouches for were left out at the end: they give their ordinals back.
  var endsEarly = false

  /// The sequence of its last block in the copy.
  private var lastSequence: UInt64?
  private var presentSequence: UInt64 = 0
  /// The ordinal after its last frame in the copy.
  private var end: UInt64 = 0
  /// How far sequence numbers in the copy are ahead of those in the source.
  private var shift: UInt64 = 0

  /// What is said in the copy of how frames are stored; nil: nothing.
  private let compression: Compression?

  init(_ plan: CopyPlan.Stream) {
    self.plan = plan
    compression = plan.compression
  }

  init(_ plan: CopyPlan.Stream, compression: Compression) {
    self.plan = plan
    self.compression = compression
  }

  /// False for an ordinal that the copy has already.
  func isAhead(_ ordinal: UInt64) -> Bool { lastSequence == nil || ordinal >= end }

  /// The sequence in the copy of a block, or a part of one, that begins with frame `ordinal` and has `sequence` in the
  /// source: the same, unless frames were left out before it. Where an ordinal is missing, readers expect that a
  /// sequence number is missing too.
  mutating func beginBlock(sequence: UInt64, ordinal: UInt64) -> UInt64 {
    presentSequence = sequence &+ shift
    endsEarly = false
    guard let lastSequence else { return presentSequence }
    let least = lastSequence &+ (ordinal == end ? 1 : 2)
    if presentSequence < least {
      shift &+= least &- presentSequence
      presentSequence = least
    }
    return presentSequence
  }

  /// The sequence of a block that is next in the copy, whatever blocks its frames were in, and begins with frame `ordinal`.
  /// The first one has `first`.
  mutating func beginNextBlock(ordinal: UInt64, notBefore first: UInt64) -> UInt64 {
    presentSequence = lastSequence.map { $0 &+ (ordinal == end ? 1 : 2) } ?? first
    return presentSequence
  }

  /// Where frames are missing before `ordinal`, the first of them; 0 where none is.
  func gapStart(before ordinal: UInt64) -> UInt64 { lastSequence == nil || ordinal == end ? 0 : end }

  /// The block begun last holds the frames up to `end`.
  mutating func endBlock(at end: UInt64) {
    lastSequence = presentSequence
    self.end = end
  }

  // MARK: The slot

  /// Writes name and identity.
  func writeIdentity(to slot: StreamSlot) {
    slot.version.beginChange()
    slot.writeIdentity(identifier: plan.stream.identifier, name: plan.stream.name)
    slot.version.endChange()
  }

  /// Writes quota and protected ranges, and how frames are stored.
  func writeTerms(to slot: StreamSlot, keepingMinimum: Bool) {
    if let compression { slot.setCompression(compression) }
    var terms = plan.terms
    if !keepingMinimum { terms.quota.minimumBlocks = 0 }
    slot.writeTerms(terms)
  }

  /// Writes what the block headers do not tell, over what was made from them.
  func writeCounters(to slot: StreamSlot) {
    if let lastSequence {
      let nextOrdinal = endsEarly ? end : max(end, plan.nextOrdinal)
      slot.nextOrdinal.storeRelaxed(nextOrdinal)
      slot.nextSequence.storeRelaxed(lastSequence &+ (nextOrdinal == end ? 1 : 2))
    } else {
      slot.nextOrdinal.storeRelaxed(plan.nextOrdinal)
      slot.nextSequence.storeRelaxed(plan.nextSequence)
    }
    slot.nextSegment.storeRelaxed(max(plan.nextSegment, slot.nextSegment.relaxed))
    slot.floor = lastSequence == nil ? plan.floor : nil
    slot.reclaimedBlocks.storeRelaxed(plan.reclaimedBlocks &+ missedBlocks)
    slot.reclaimedFrames.storeRelaxed(plan.reclaimedFrames &+ missedFrames)
  }
}
