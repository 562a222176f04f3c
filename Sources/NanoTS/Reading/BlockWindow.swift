/// What a cursor keeps of the block that it stands in, so that a step needs nothing else.
///
/// Of a plain block every frame is within reach: entries below `count` lie inside the block, above `payloadEnd`, which is
/// inside it too; both were taken from the file together and checked when the window was opened or refreshed. Of a chunked
/// block those frames are that a `ChunkLoader` has brought, and lie in its memory.
@usableFromInline
@safe
struct BlockWindow {
  let header: BlockHeader
  let generation: UInt64
  @usableFromInline let entrySize: Int
  /// From one entry to the next: minus the entry size, because entries grow down.
  @usableFromInline let entryStride: Int
  @usableFromInline let isKeyed: Bool
  @usableFromInline let firstOrdinal: UInt64
  @usableFromInline let segment: UInt64
  @usableFromInline let sequence: UInt64
  /// Frames in the block.
  var count: Int

  // MARK: Where the frames within reach lie

  /// The first slot within reach, and the one behind the last.
  var firstReady = 0
  var readyEnd = 0
  /// What offsets in entries count from.
  @usableFromInline var start: UnsafeRawPointer
  /// The entry of slot i begins (i + 1) × entrySize before it: one past the block's last byte in a plain block, and in
  /// memory as far behind the first entry there as the slots before it would take.
  @usableFromInline var indexTop: UnsafeRawPointer
  /// Bound: payloads with offsets from `payloadsFrom` to here are readable.
  @usableFromInline var payloadEnd: Int
  /// What a frame asks whether its bytes are still there: the block's generation, or the memory's.
  @usableFromInline var life: BlockHeader
  @usableFromInline var lifeGeneration: UInt64

  /// Why a whole block cannot be read.
  enum Fault: Equatable {
    case none
    case unknownLayout
    case impossibleCommit
    /// The header says of another block, or of another place in the stream, what it says.
    case damagedIdentity
    /// It could not be read: the file ends before it, or the system's error.
    case unreadable(Int32)
  }

  /// Which of a block's frames there are.
  enum Proof {
    /// Those that the commit word counts.
    case none
    /// Of these, the ones that prove themselves by checksum, from the first on: whoever wrote the block has died.
    case counted
    /// All that prove themselves, from the first on: the power was lost, and the commit word may be older than they are.
    case found
  }

  private(set) var fault: Fault
  let block: Int
  let layout: BodyLayout
  /// Nil for a plain block.
  let chunks: ChunkedLayout?
  /// The chunks that the window knows of, in a chunked block.
  private(set) var chunkCount = 0
  /// The commit word by which this is known.
  private var seen: BlockCommit?
  let proof: Proof
  let coversPayload: Bool
  /// The whole block.
  let bytes: UnsafeRawBufferPointer

  /// A window on a life of the block `index`. Nil when it is over.
  ///
  /// A block that cannot be read opens with no frames and a `fault`. With `verifiesIdentity`, stream, ordinals and segment
  /// must match the header's checksum: those of frames do not cover them. O(1), or O(block) where frames prove themselves.
  init?(
    _ file: StoreFile, _ index: Int, _ place: BlockPlace, _ values: BlockHeaderValues, failure: Int32? = nil,
    verifiesIdentity: Bool = false, proof: Proof
  ) {
    let size = unsafe place.bytes.count
    let isKnown = values.bodyLayout.isKnown(blockSize: size)
    let nothing = BlockCommit(count: 0, payloadEnd: UInt32(BlockPreamble.fixedByteCount))
    self.init(
      file, index, place, values, nothing, isKnown ? .none : .unknownLayout,
      isKnown ? values.bodyLayout.chunks(blockSize: size) : nil, proof)
    if let failure { fault = .unreadable(failure) }
    if verifiesIdentity, values.identityChecksum != values.computedIdentityChecksum { fault = .damagedIdentity }
    guard refresh() else { return nil }
  }

  /// The window that the other initializer makes of nearly every block, in a third of the time. Bound: the block
  /// `isSimple`, and nothing of it is to be proved.
  @inline(__always)
  init(simple place: BlockPlace, _ file: StoreFile, _ index: Int, _ values: BlockHeaderValues) {
    self.init(file, index, place, values, values.commit, .none, nil, .none)
  }

  /// True for a plain block with a commit word that can be right.
  @inline(__always)
  static func isSimple(_ values: BlockHeaderValues, blockSize: Int) -> Bool {
    let layout = values.bodyLayout
    return layout.isKnownPlain
      && BlockBody.isPossible(values.commit, entrySize: Int(layout.entrySize), blockSize: blockSize)
  }

  @inline(__always)
  private init(
    _ file: StoreFile, _ index: Int, _ place: BlockPlace, _ values: BlockHeaderValues, _ commit: BlockCommit,
    _ fault: Fault, _ chunks: ChunkedLayout?, _ proof: Proof
  ) {
    block = index
    header = place.header
    unsafe bytes = unsafe place.bytes
    generation = values.generation
    self.fault = fault
    entrySize = fault == .none ? Int(values.bodyLayout.entrySize) : IndexEntry.byteCount
    entryStride = -entrySize
    isKeyed = entrySize == IndexEntry.keyedByteCount
    firstOrdinal = values.firstOrdinal
    segment = values.segment
    sequence = values.sequence
    layout = values.bodyLayout
    self.chunks = chunks
    coversPayload = file.checksPayloads
    self.proof = proof
    count = Int(commit.count)
    readyEnd = count
    unsafe start = bytes.baseAddress!
    unsafe indexTop = unsafe start + bytes.count
    payloadEnd = Int(commit.payloadEnd)
    life = place.life
    lifeGeneration = place.lifeGeneration
  }

  /// Takes in frames committed since. False when the block's life is over. A commit word that cannot be right, in a
  /// damaged file, brings no frames and is noted in `fault`.
  mutating func refresh() -> Bool {
    let commit = BlockCommit(word: header.commit.acquired)
    guard header.isStill(generation) else { return false }
    guard fault == .none else { return true }
    return chunks == nil ? refreshPlain(commit) : refreshChunked(commit)
  }

  private mutating func refreshPlain(_ commit: BlockCommit) -> Bool {
    guard Int(commit.count) != count || Int(commit.payloadEnd) != payloadEnd else { return true }
    guard BlockBody.isPossible(commit, entrySize: entrySize, blockSize: unsafe bytes.count), Int(commit.count) >= count
    else {
      fault = .impossibleCommit
      return true
    }
    var whole = Int(commit.count)
    if proof != .none {
      whole = body(commit)!.wholePrefix(trusting: count, coversPayload: coversPayload)
      guard header.isStill(generation) else { return false }
    }
    count = whole
    readyEnd = whole
    payloadEnd = Int(commit.payloadEnd)
    return true
  }

  private mutating func refreshChunked(_ given: BlockCommit) -> Bool {
    guard given != seen else { return true }
    guard let index = index(given) else {
      fault = .impossibleCommit
      return true
    }
    var commit = given
    if proof != .none {
      // What a writer that died had not committed is not there before the next one takes it up: others do not see it.
      let isCounted = proof == .counted || header.state.acquired == BlockState.sealed.rawValue
      commit = BlockBody(index, nil, coversPayload: coversPayload, isSealed: isCounted)
        .proven(trusting: 0, coversPayload: coversPayload)
      guard header.isStill(generation) else { return false }
    }
    guard Int(commit.count) >= count else {
      fault = .impossibleCommit
      return true
    }
    seen = given
    (count, chunkCount) = (Int(commit.count), Int(commit.chunkCount))
    return true
  }

  private func body(_ commit: BlockCommit) -> BlockBody? {
    unsafe BlockBody(bytes, generation: generation, layout: layout, commit: commit)
  }

  /// The body of a plain block, as far as the window knows it.
  var body: BlockBody {
    body(BlockCommit(count: UInt32(count), payloadEnd: UInt32(payloadEnd)))!
  }

  // MARK: Chunks

  /// The chunks as the window knows them, or as `commit` counts them; nil where that is impossible.
  private func index(_ commit: BlockCommit) -> ChunkIndex? {
    guard let chunks else { return nil }
    return unsafe ChunkIndex(bytes, generation: generation, chunks, isKeyed: isKeyed, commit)
  }

  /// The chunks of a chunked block.
  var index: ChunkIndex? { index(BlockCommit(count: UInt32(count), chunkCount: UInt32(chunkCount))) }

  /// True when no chunk was made since the window was refreshed: what was read of the staging area before was there.
  var isUpToDate: Bool { header.commit.isStillChunked(Int(seen?.chunkCount ?? 0)) }

  /// Brings the frame at `slot` within reach. Bound: the block is chunked, and `slot` is below `count`. O(bytes of a chunk).
  mutating func load(
    _ slot: Int, _ extent: ChunkLoader.Extent, through loader: ChunkLoader
  ) -> ChunkLoader.Outcome {
    guard !(slot >= firstReady && slot < readyEnd) else { return .loaded }
    for _ in 0..<Cursor.attempts {
      guard let index else { return .damaged(slot..<count) }
      let outcome = loader.load(slot, index, header, seen: Int(seen?.chunkCount ?? 0), extent)
      switch outcome {
      case .changed:
        (firstReady, readyEnd) = (0, 0)
        guard refresh() else { return .over }
        guard fault == .none else { return .damaged(slot..<max(count, slot + 1)) }
      case .loaded:
        show(loader.part!)
        return .loaded
      case .over, .damaged:
        (firstReady, readyEnd) = (0, 0)
        return outcome
      }
    }
    // More chunks than a writer makes meanwhile: the file is being damaged.
    return .damaged(slot..<(slot + 1))
  }

  /// Nothing is within reach until it is loaded.
  mutating func forgetLoaded() { (firstReady, readyEnd) = (0, 0) }

  private mutating func show(_ part: ChunkLoader.Part) {
    (firstReady, readyEnd) = (part.ready.lowerBound, part.ready.upperBound)
    unsafe start = unsafe part.start
    unsafe indexTop = unsafe part.indexTop + part.firstSlot * entrySize
    payloadEnd = part.payloadEnd
    life = part.life
    lifeGeneration = part.lifeGeneration
  }

  // MARK: Frames

  /// The ordinal of the frame at `slot`.
  func ordinal(_ slot: Int) -> UInt64 { firstOrdinal &+ UInt64(slot) }

  /// The entry of the frame at `slot`. Bound: the slot is within reach.
  @inlinable @inline(__always)
  func entry(_ slot: Int) -> IndexEntry {
    unsafe IndexEntry(at: indexTop + (slot &+ 1) &* entryStride, keyed: isKeyed)
  }

  /// The frame at `slot`, or nil when the life of its bytes is over or the entry points outside the payloads.
  /// Bound: the slot is within reach.
  @inlinable @inline(__always)
  func frame(_ slot: Int) -> Frame? {
    let entry = entry(slot)
    guard entry.liesWithin(BlockWindow.payloadsFrom, payloadEnd), life.isStill(lifeGeneration) else { return nil }
    return unsafe Frame(
      entry, ordinal: firstOrdinal &+ UInt64(bitPattern: Int64(slot)), segment: segment, blockSequence: sequence,
      blockStart: start, header: life, generation: lifeGeneration)
  }

  /// The first slot from `slot` on that is within reach and whose frame is after `timestamp`, or the end of those within
  /// reach. O(log frames).
  func lowerBound(after timestamp: Int64, from slot: Int) -> Int {
    unsafe EntrySearch(indexTop, entrySize: entrySize, slot..<max(slot, readyEnd))
      .lowerBound(FramePosition(timestamp: timestamp + 1, key: .min))
  }

  /// No payload begins before the end of the preamble's fixed part.
  @inlinable @inline(__always)
  static var payloadsFrom: Int { 96 }
}
