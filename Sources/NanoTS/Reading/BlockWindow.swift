/// What a cursor keeps of the block that it stands in, so that a step needs nothing else.
///
/// Bound: entries below `count` lie inside the block, above `payloadEnd`, which is inside it too; both were taken from
/// the file together and checked when the window was opened or refreshed.
@usableFromInline
@safe
struct BlockWindow {
  @usableFromInline let header: BlockHeader
  @usableFromInline let generation: UInt64
  @usableFromInline let start: UnsafeRawPointer
  /// One past the block's last byte: entry i begins (i + 1) × entrySize before it.
  @usableFromInline let indexTop: UnsafeRawPointer
  @usableFromInline let entrySize: Int
  /// From one entry to the next: minus the entry size, because entries grow down.
  @usableFromInline let entryStride: Int
  @usableFromInline let isKeyed: Bool
  @usableFromInline let firstOrdinal: UInt64
  @usableFromInline let segment: UInt64
  @usableFromInline let sequence: UInt64
  @usableFromInline var count: Int
  @usableFromInline var payloadEnd: Int

  /// Why a whole block cannot be read.
  enum Fault {
    case none
    case unknownLayout
    case impossibleCommit
    /// The header says of another block, or of another place in the stream, what it says.
    case damagedIdentity
  }

  private(set) var fault: Fault
  let block: Int
  let layout: BodyLayout
  let mustProve: Bool
  let coversPayload: Bool
  let blockSize: Int

  /// A window on the life of `entry`'s block, or nil when that life is over or the header is impossible.
  ///
  /// A block that cannot be read opens with no frames and a `fault`. With `mustProve`, only the frames that prove
  /// themselves by checksum are counted. With `verifiesIdentity`, stream, ordinals and segment must match the header's
  /// checksum: those of frames do not cover them. O(1), or O(block) with `mustProve`.
  init?(
    _ file: StoreFile, _ entry: DirectoryEntry, verifiesIdentity: Bool = false,
    mustProve: (BlockHeaderValues) throws(NanoTSError) -> Bool
  ) throws(NanoTSError) {
    block = Int(entry.block)
    header = file.header(block)
    guard let values = header.values(), values.generation == entry.generation, values.holdsFrames else { return nil }
    let bytes = unsafe UnsafeRawBufferPointer(file.body(block))
    generation = values.generation
    unsafe start = bytes.baseAddress!
    unsafe indexTop = unsafe start + bytes.count
    fault = values.bodyLayout.isKnown ? .none : .unknownLayout
    if verifiesIdentity, values.identityChecksum != values.computedIdentityChecksum { fault = .damagedIdentity }
    entrySize = values.bodyLayout.isKnown ? Int(values.bodyLayout.entrySize) : IndexEntry.byteCount
    entryStride = -entrySize
    isKeyed = entrySize == IndexEntry.keyedByteCount
    firstOrdinal = values.firstOrdinal
    segment = values.segment
    sequence = values.sequence
    layout = values.bodyLayout
    blockSize = bytes.count
    coversPayload = file.checksPayloads
    self.mustProve = try mustProve(values)
    count = 0
    payloadEnd = BlockPreamble.fixedByteCount
    guard refresh() else { return nil }
  }

  /// Takes in frames committed since. False when the block's life is over. A commit word that cannot be right, in a
  /// damaged file, brings no frames and is noted in `fault`.
  mutating func refresh() -> Bool {
    let commit = BlockCommit(word: header.commit.acquired)
    guard header.isStill(generation) else { return false }
    guard fault == .none, Int(commit.count) != count || Int(commit.payloadEnd) != payloadEnd else { return true }
    guard let body = body(commit), body.count >= count else {
      fault = .impossibleCommit
      return true
    }
    let whole = mustProve ? body.wholePrefix(trusting: count, coversPayload: coversPayload) : body.count
    guard header.isStill(generation) else { return false }
    count = whole
    payloadEnd = body.payloadEnd
    return true
  }

  private func body(_ commit: BlockCommit) -> BlockBody? {
    unsafe BlockBody(
      UnsafeRawBufferPointer(start: start, count: blockSize), generation: generation, layout: layout, commit: commit)
  }

  /// The block's body as far as the window knows it.
  var body: BlockBody {
    body(BlockCommit(count: UInt32(count), payloadEnd: UInt32(payloadEnd)))!
  }

  /// The ordinal of the frame at `slot`.
  func ordinal(_ slot: Int) -> UInt64 { firstOrdinal &+ UInt64(slot) }

  /// The frame at `slot`, or nil when the block's life is over or the entry points outside the payloads.
  /// Bound: `slot` is below `count`.
  @inlinable @inline(__always)
  func frame(_ slot: Int) -> Frame? {
    let entry = unsafe IndexEntry(at: indexTop + (slot &+ 1) &* entryStride, keyed: isKeyed)
    guard entry.liesWithin(BlockWindow.payloadsFrom, payloadEnd), header.isStill(generation) else { return nil }
    return unsafe Frame(
      entry, ordinal: firstOrdinal &+ UInt64(bitPattern: Int64(slot)), segment: segment, blockSequence: sequence,
      blockStart: start,
      header: header, generation: generation)
  }

  /// No payload begins before the end of the preamble's fixed part.
  @inlinable @inline(__always)
  static var payloadsFrom: Int { 96 }
}
