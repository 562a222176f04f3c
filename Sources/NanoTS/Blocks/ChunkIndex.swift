/// The chunks of one life of a block, with every number in their index held to its bounds as it is read.
///
/// Nothing read through it is valid unless the block's generation is the same afterwards.
@safe
struct ChunkIndex {
  let bytes: UnsafeRawBufferPointer
  let generation: UInt64
  let layout: ChunkedLayout
  let isKeyed: Bool
  let count: Int
  let chunkCount: Int

  /// Nil when the numbers of frames and chunks cannot both be right in such a block. Bound: `bytes` is the whole block.
  init?(
    _ bytes: UnsafeRawBufferPointer, generation: UInt64, _ layout: ChunkedLayout, isKeyed: Bool, _ commit: BlockCommit
  ) {
    guard bytes.count == layout.blockSize, ChunkIndex.isPossible(commit, layout, isKeyed: isKeyed) else { return nil }
    unsafe self.bytes = unsafe bytes
    self.generation = generation
    self.layout = layout
    self.isKeyed = isKeyed
    count = Int(commit.count)
    chunkCount = Int(commit.chunkCount)
  }

  /// True when a body of this layout can have so many frames in so many chunks.
  static func isPossible(_ commit: BlockCommit, _ layout: ChunkedLayout, isKeyed: Bool) -> Bool {
    commit.chunkCount <= layout.mostChunks && commit.chunkCount <= commit.count
      && commit.count <= mostFrames(layout, isKeyed: isKeyed, chunkCount: Int(commit.chunkCount))
  }

  /// No body with so many chunks has more frames: what is in a chunk was in the staging area.
  static func mostFrames(_ layout: ChunkedLayout, isKeyed: Bool, chunkCount: Int) -> UInt32 {
    let staged = layout.stagingByteCount / (isKeyed ? IndexEntry.keyedByteCount : IndexEntry.byteCount)
    return UInt32(min((chunkCount + 1) * staged, Int(UInt32.max)))
  }

  var entrySize: Int { isKeyed ? IndexEntry.keyedByteCount : IndexEntry.byteCount }

  /// The entry of a chunk as it stands in the index. Bound: as many entries as were counted lie behind the preamble.
  private func entry(_ chunk: Int) -> ChunkEntry {
    precondition(chunk >= 0 && chunk < layout.mostChunks)
    return unsafe ChunkEntry(at: bytes.baseAddress! + offset(of: chunk))
  }

  /// Where in the block the entry of a chunk begins.
  func offset(of chunk: Int) -> Int { layout.stagingStart - (chunk + 1) * ChunkEntry.byteCount }

  /// The first frame's slot of a chunk, as the index says.
  func firstSlot(_ chunk: Int) -> Int { Int(entry(chunk).firstSlot) }

  /// The first slot in the staging area.
  var stagedStart: Int {
    guard chunkCount > 0 else { return 0 }
    let last = entry(chunkCount - 1)
    return min(count, Int(last.firstSlot) + Int(last.frameCount))
  }

  /// The chunk's entry and its stored bytes; nil when they cannot be where it says.
  func chunk(_ index: Int) -> (entry: ChunkEntry, stored: UnsafeRawBufferPointer)? {
    let entry = entry(index)
    let (start, length) = (Int(entry.offset), Int(entry.storedLength))
    guard start >= BlockPreamble.fixedByteCount, start % 8 == 0, start + length <= layout.stagingStart,
      entry.frameCount > 0, Int(entry.frameCount) <= max(mostStaged, 1)
    else { return nil }
    return unsafe (entry, UnsafeRawBufferPointer(rebasing: bytes[start..<(start + length)]))
  }

  /// The chunk that has the frame at `slot`, if a chunk has it. O(log chunks).
  func chunk(of slot: Int) -> Int? {
    guard slot < stagedStart else { return nil }
    return last { self.firstSlot($0) <= slot }
  }

  /// The last chunk whose first frame is before `position`. O(log chunks).
  func chunk(startingBefore position: FramePosition) -> Int? { last { self.entry($0).first < position } }

  private func last(_ isBefore: (Int) -> Bool) -> Int? {
    var (low, high) = (0, chunkCount)
    while low < high {
      let middle = (low + high) / 2
      if isBefore(middle) { low = middle + 1 } else { high = middle }
    }
    return low == 0 ? nil : low - 1
  }

  /// The slots that the index leaves to the chunk: to the next one's, or to the staging area.
  func slots(of chunk: Int) -> Range<Int> {
    let end = chunk + 1 < chunkCount ? min(firstSlot(chunk + 1), count) : stagedStart
    let start = min(firstSlot(chunk), end)
    return start..<end
  }

  // MARK: Proof

  /// No block that a writer made has more frames in chunks: they can be counted in 32 bits, with those of one more and of the
  /// staging area.
  private static let mostInChunks = 1 << 31

  /// True when the chunk, the `index`th of the block, proves itself with `stored`. O(stored.count).
  func proves(_ entry: ChunkEntry, _ stored: UnsafeRawBufferPointer) -> Bool {
    unsafe entry.computedChecksum(generation: generation, stored: stored) == entry.checksum
  }

  /// How many frames, and in how many chunks, prove themselves, from the first on and in order: also beyond what the commit
  /// word counts, which after a power loss may be older than what it counts. No more than `most` chunks, if that is given.
  /// O(bytes of the block).
  func proven(coversPayload: Bool, upTo most: Int? = nil) -> BlockCommit {
    var (frames, chunks, end) = (0, 0, 0)
    var previous: FramePosition?
    while chunks < most ?? layout.mostChunks, frames < ChunkIndex.mostInChunks,
      let (entry, stored) = unsafe chunk(chunks),
      Int(entry.firstSlot) == frames, Int(entry.offset) >= end,
      unsafe proves(entry, stored), previous.map({ $0 < entry.first }) ?? true
    {
      frames += Int(entry.frameCount)
      chunks += 1
      // Chunks follow each other: no byte is in two of them.
      end = Int(entry.offset) + stored.count
      previous = entry.first
    }
    // The last frame of a chunk is not known without unpacking it; what follows on a chunk that proves itself was checked
    // by the writer.
    return BlockCommit(
      count: UInt32(frames + provenStaged(behind: chunks, coversPayload: coversPayload)), chunkCount: UInt32(chunks))
  }

  /// How many frames of the staging area prove themselves, if `chunks` chunks come before them. O(bytes).
  func provenStaged(behind chunks: Int, coversPayload: Bool) -> Int {
    let checksum = FrameChecksum(generation: generation, behindChunks: chunks)
    var previous: FramePosition?
    var (found, end) = (0, 0)
    while found < mostStaged {
      let entry = stagedEntry(found)
      end = max(end, Int(entry.offset) + entry.length)
      // No payload lies where an entry is.
      guard let payload = unsafe stagedPayload(of: entry), end <= layout.blockSize - (found + 1) * entrySize,
        previous.map({ $0 < entry.position }) ?? true
      else { break }
      let covered = unsafe coversPayload ? payload : UnsafeRawBufferPointer(start: nil, count: 0)
      guard unsafe checksum.value(of: entry, payload: covered) == entry.checksum else { break }
      previous = entry.position
      found += 1
    }
    return found
  }

  // MARK: Staging area

  /// The bytes that its frames take, with their index entries. O(1).
  var stagedByteCount: Int {
    let frames = min(count - stagedStart, mostStaged)
    guard frames > 0 else { return 0 }
    let end = Int(stagedEntry(frames - 1).paddedEnd)
    return min(max(end - layout.stagingStart, 0), layout.stagingByteCount) + frames * entrySize
  }

  var mostStaged: Int { layout.stagingByteCount / entrySize }

  /// The entry of the staging area's frame `index`. Bound: it lies in the staging area.
  func stagedEntry(_ index: Int) -> IndexEntry {
    precondition(index >= 0 && index < mostStaged)
    return unsafe IndexEntry(at: bytes.baseAddress! + (bytes.count - (index + 1) * entrySize), keyed: isKeyed)
  }

  /// The payload that `entry` names, or nil when it does not lie among the payloads of the staging area.
  func stagedPayload(of entry: IndexEntry) -> UnsafeRawBufferPointer? {
    guard entry.liesWithin(layout.stagingStart, layout.payloadTop), entry.offset & 7 == 0 else { return nil }
    let start = Int(entry.offset)
    return unsafe UnsafeRawBufferPointer(rebasing: bytes[start..<(start + entry.length)])
  }
}
