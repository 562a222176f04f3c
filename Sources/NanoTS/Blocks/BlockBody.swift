/// The body of one life of a block: finds entries and payloads, with every bound checked against `count` and
/// `payloadEnd`, which were taken from the file once and held to the block's size. Frames of a chunked body look as those
/// of a plain one do.
///
/// Nothing read through it is valid unless the block's generation is the same afterwards. One thread at a time.
@safe
struct BlockBody {
  let bytes: UnsafeRawBufferPointer
  let generation: UInt64
  let entrySize: Int
  let count: Int
  /// Of a plain body.
  let payloadEnd: Int
  /// Nil for a plain body.
  private let chunked: ChunkedFrames?
  private let isSealed: Bool
  /// What `bytes` lie in, in a snapshot.
  private var image: BlockImage?

  /// A plain body. Nil when the layout is another, or count and payload end cannot both be right in a block of this size.
  init?(_ bytes: UnsafeRawBufferPointer, generation: UInt64, layout: BodyLayout, commit: BlockCommit) {
    guard layout.kind == BodyLayout.plain, layout.isKnown(blockSize: bytes.count) else { return nil }
    let entrySize = Int(layout.entrySize)
    guard BlockBody.isPossible(commit, entrySize: entrySize, blockSize: bytes.count) else { return nil }
    unsafe self.bytes = unsafe bytes
    self.generation = generation
    self.entrySize = entrySize
    payloadEnd = Int(commit.payloadEnd)
    count = Int(commit.count)
    chunked = nil
    isSealed = false
  }

  /// True when a plain body in a block of this size can have so many frames, and payloads up to there.
  @inline(__always)
  static func isPossible(_ commit: BlockCommit, entrySize: Int, blockSize: Int) -> Bool {
    let payloadEnd = Int(commit.payloadEnd)
    return payloadEnd >= BlockPreamble.fixedByteCount && payloadEnd <= blockSize
      && Int(commit.count) * entrySize <= blockSize - payloadEnd
  }

  /// True when the layout is known and a block of the file can have so many frames. O(1), with no look into the block.
  static func isPossible(_ values: BlockHeaderValues, in file: StoreFile) -> Bool {
    let (layout, blockSize) = (values.bodyLayout, file.layout.blockSize)
    guard layout.isKnown(blockSize: blockSize) else { return false }
    guard let chunks = layout.chunks(blockSize: blockSize) else {
      return isPossible(values.commit, entrySize: Int(layout.entrySize), blockSize: blockSize)
    }
    return ChunkIndex.isPossible(values.commit, chunks, isKeyed: layout.isKeyed)
  }

  /// A chunked body; `header` is the block's, where it may change meanwhile.
  init(_ index: ChunkIndex, _ header: BlockHeader?, coversPayload: Bool, isSealed: Bool) {
    unsafe bytes = unsafe index.bytes
    generation = index.generation
    entrySize = index.entrySize
    count = index.count
    payloadEnd = 0
    chunked = ChunkedFrames(index, header, coversPayload: coversPayload)
    self.isSealed = isSealed
  }

  /// Of a block in the mapping. Nil when the layout is unknown or the commit word cannot be right. `isHeld`: nobody changes
  /// the block.
  init?(_ file: StoreFile, _ index: Int, _ values: BlockHeaderValues, isHeld: Bool = false) {
    unsafe self.init(
      UnsafeRawBufferPointer(file.body(index)), values, isHeld ? nil : file.header(index),
      coversPayload: file.checksPayloads)
  }

  /// Of a block as a reader has it; nil as above. `values` may count other frames than the header does.
  init?(_ file: StoreFile, _ stored: StoredBlock, _ values: BlockHeaderValues) {
    unsafe self.init(stored.bytes, values, stored.header, coversPayload: file.checksPayloads)
    image = stored.image
  }

  private init?(
    _ bytes: UnsafeRawBufferPointer, _ values: BlockHeaderValues, _ header: BlockHeader?, coversPayload: Bool
  ) {
    let layout = values.bodyLayout
    guard layout.isKnown(blockSize: bytes.count), let chunks = layout.chunks(blockSize: bytes.count) else {
      unsafe self.init(bytes, generation: values.generation, layout: layout, commit: values.commit)
      return
    }
    guard
      let found = unsafe ChunkIndex(
        bytes, generation: values.generation, chunks, isKeyed: layout.isKeyed, values.commit)
    else { return nil }
    self.init(found, header, coversPayload: coversPayload, isSealed: values.state == .sealed)
  }

  var isKeyed: Bool { entrySize == IndexEntry.keyedByteCount }

  /// The entry of the frame at `slot`. Bound: `slot` is below `count`, so the entry lies above `payloadEnd`.
  func entry(_ slot: Int) -> IndexEntry {
    precondition(slot >= 0 && slot < count)
    if let chunked { return chunked.entry(slot) }
    return unsafe IndexEntry(at: bytes.baseAddress! + (bytes.count - (slot + 1) * entrySize), keyed: isKeyed)
  }

  /// The payload that `entry` names, or nil when it does not lie among the payloads. In a chunked body, of the entry asked
  /// for last.
  func payload(of entry: IndexEntry) -> UnsafeRawBufferPointer? {
    if let chunked { return unsafe chunked.payload(of: entry) }
    guard entry.liesWithin(BlockPreamble.fixedByteCount, payloadEnd), entry.offset & 7 == 0 else { return nil }
    let start = Int(entry.offset)
    return unsafe UnsafeRawBufferPointer(rebasing: bytes[start..<(start + entry.length)])
  }

  /// The slots of a chunk that cannot be read, if the frame at `slot` is in one.
  func unreadable(at slot: Int) -> Range<Int>? { chunked?.unreadable(at: slot) }

  /// The position of the last frame; nil without one.
  var last: FramePosition? {
    guard count > 0 else { return nil }
    return chunked?.lastPosition(of: count) ?? entry(count - 1).position
  }

  /// True where padding behind payloads, and their order, are the writer's: in a plain body.
  var isPlain: Bool { chunked == nil }

  /// True when the frame at `slot` proves itself by its checksum. O(payload).
  func isWhole(_ slot: Int, _ checksum: FrameChecksum, coversPayload: Bool) -> Bool {
    let entry = entry(slot)
    guard let payload = unsafe payload(of: entry) else { return false }
    let covered = unsafe coversPayload ? payload : UnsafeRawBufferPointer(start: nil, count: 0)
    return unsafe checksum.value(of: entry, payload: covered) == entry.checksum
  }

  /// The number of frames from the first on that are whole and in order, taking the first `trusted` of a plain body as they
  /// are. Of a chunked one that is open it may be more than `count`: `proven` has the rest. O(payload bytes of the rest).
  func wholePrefix(trusting trusted: Int, coversPayload: Bool) -> Int {
    if let chunked { return Int(chunked.proven(isSealed: isSealed).count) }
    let checksum = FrameChecksum(generation: generation)
    var slot = min(trusted, count)
    var previous = slot > 0 ? entry(slot - 1).position : nil
    while slot < count {
      guard isWhole(slot, checksum, coversPayload: coversPayload) else { return slot }
      let position = entry(slot).position
      if let previous, !(previous < position) { return slot }
      previous = position
      slot += 1
    }
    return slot
  }

  /// The same as a commit word, with which the block would hold these frames.
  func proven(trusting trusted: Int, coversPayload: Bool) -> BlockCommit {
    if let chunked { return chunked.proven(isSealed: isSealed) }
    let whole = wholePrefix(trusting: trusted, coversPayload: coversPayload)
    let end = whole == count ? UInt32(payloadEnd) : whole == 0 ? 0 : entry(whole - 1).paddedEnd
    return BlockCommit(count: UInt32(whole), payloadEnd: end)
  }

  /// The sum of the payload lengths of the first `frames` frames. O(frames).
  func payloadByteCount(of frames: Int) -> UInt64 {
    var sum: UInt64 = 0
    for slot in 0..<min(frames, count) { sum += UInt64(entry(slot).length) }
    return sum
  }
}

extension IndexEntry {
  var position: FramePosition { FramePosition(timestamp: timestamp, key: key) }
}

extension BlockPreamble {
  /// True when the preamble says what the block's header says.
  func belongs(to values: BlockHeaderValues, in file: StoreFile) -> Bool {
    generation == values.generation && uuid == file.uuid && streamIdentifier == values.streamIdentifier
      && sequence == values.sequence && segment == values.segment && firstOrdinal == values.firstOrdinal
      && bodyLayout == values.bodyLayout && Int(blockSize) == file.layout.blockSize
  }
}

extension StoreFile {
  /// The timestamp of the block's last frame, as its header or, while it is open, its index says; nil without a frame.
  /// Throws as `readStored`.
  func lastTimestamp(of block: Int, _ values: BlockHeaderValues) throws(NanoTSError) -> Int64? {
    guard values.state != .sealed else { return values.lastTimestamp }
    guard let stored = try readStored(block, generation: values.generation, .entries) else { return nil }
    return BlockBody(self, stored, stored.values)?.last?.timestamp
  }
}
