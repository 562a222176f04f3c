/// A block header as it was read from a damaged file, at rest.
struct StoredHeader {
  let generation: UInt64
  /// The fields; nil when the state is none that exists.
  let values: BlockHeaderValues?
  let precedingEnd: UInt64
  /// Every byte is zero: the block was never used, or the header was overwritten.
  let isZero: Bool

  /// Bound: `bytes` holds a whole header at `offset`, a multiple of 8.
  init(_ bytes: PrivateBytes, at offset: Int) {
    precondition(offset >= 0 && offset <= bytes.count - BlockHeader.byteCount && offset % 8 == 0)
    let header = unsafe BlockHeader(base: bytes.bytes.baseAddress! + offset)
    generation = header.generation.relaxed
    values = header.unguardedValues(generation: generation)
    precedingEnd = header.precedingEnd.relaxed
    isZero = bytes.isZero(offset..<(offset + BlockHeader.byteCount))
  }

  /// True when the header proves that the block belongs to a stream, and to which.
  var isRight: Bool {
    guard let values, values.holdsFrames, Generation.isLife(generation), values.streamIdentifier != 0 else {
      return false
    }
    return values.identityChecksum == values.computedIdentityChecksum
      && [values.sequence, values.segment, values.firstOrdinal].allSatisfy { $0 <= DamagedFile.highestNumber }
  }

  /// True when the header also proves how many frames there are and of which times.
  var hasRightSeal: Bool {
    guard let values, isRight, values.state == .sealed else { return false }
    return values.sealChecksum == values.computedSealChecksum
  }

  /// True for a block that nobody has, as far as such a header can tell: it carries no checksum.
  var saysUnowned: Bool {
    guard let values else { return false }
    return values.state == .free || values.state == .claimed
  }

  /// True when the header proves that the life `preamble` tells of has ended: its identity is that life's, under a
  /// generation that has moved on. A single damaged bit never looks like this, as the block's state moves on as well; but
  /// for the moment between the two, in which the allocation epoch is odd.
  func provesEnd(of preamble: BlockPreamble, epochIsOdd: Bool) -> Bool {
    guard var earlier = values else { return false }
    earlier.generation = preamble.generation
    guard earlier.identityChecksum == earlier.computedIdentityChecksum,
      earlier.streamIdentifier == preamble.streamIdentifier, earlier.sequence == preamble.sequence
    else { return false }
    let isBetweenLives = generation == Generation.ending(preamble.generation)
    if earlier.holdsFrames { return isBetweenLives && epochIsOdd }
    return isBetweenLives || Generation.life(generation) > Generation.life(preamble.generation)
  }
}
