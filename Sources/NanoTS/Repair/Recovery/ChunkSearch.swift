/// Finds the frames of one life of a chunked block that prove themselves, whatever is damaged around them.
///
/// Each chunk is judged by itself: its checksum covers its place in the block and the slots that it has. Frames of the
/// staging area count when the chunk before them is right, which says where they come in.
struct ChunkSearch: FoundFrames {
  private let index: ChunkIndex
  private let frames: ChunkedFrames
  private let result: FrameSearch.Result

  /// How many index entries that prove nothing are passed over, where no seal says how many there are.
  private static let mostStrays = 256

  /// Looks through `body`, the whole block, which is changed: index entries that prove nothing are made ones of no frames.
  /// At most `limit` slots. O(bytes of the block).
  init?(_ body: PrivateBytes, _ life: LiveBlock, coversPayload: Bool, after previous: FramePosition?, limit: Int?) {
    let bytes = unsafe UnsafeRawBufferPointer(body.bytes)
    guard let layout = life.bodyLayout.chunks(blockSize: bytes.count) else { return nil }
    let sealed = life.sealedCount.flatMap { _ in life.header?.commit }
    let most = sealed.map { Int($0.chunkCount) } ?? layout.mostChunks
    let isKeyed = life.bodyLayout.isKeyed
    let chunkCount = min(most, layout.mostChunks)
    let everything = BlockCommit(
      count: ChunkIndex.mostFrames(layout, isKeyed: isKeyed, chunkCount: chunkCount), chunkCount: UInt32(chunkCount))
    guard
      let all = unsafe ChunkIndex(
        bytes, generation: life.generation, layout, isKeyed: isKeyed, everything)
    else { return nil }
    var found = FrameSearch.Result(last: previous)
    let slots = sealed.map { Int($0.count) } ?? limit ?? Int(Int32.max)
    let (chunks, lastRight) = ChunkSearch.findChunks(in: all, body, &found, upTo: slots, isSealed: sealed != nil)
    let end = found.runs.last?.upperBound ?? 0
    let staged = ChunkSearch.findStaged(
      in: all, behind: chunks, isLastRight: chunks == lastRight, life, upTo: slots, coversPayload: coversPayload, &found
    )
    found.end = max(life.sealedCount ?? min(life.claimedCount, slots), found.runs.last?.upperBound ?? 0)
    var commit = BlockCommit(count: UInt32(staged?.upperBound ?? end), chunkCount: UInt32(lastRight))
    if let staged, lastRight < chunks {
      // The staging area begins behind the last chunk, whatever that was.
      ChunkSearch.write(none: chunks - 1, end..<staged.lowerBound, in: all, body)
      commit = BlockCommit(count: UInt32(staged.upperBound), chunkCount: UInt32(chunks))
    }
    guard let index = all.with(commit) else { return nil }
    self.index = index
    frames = ChunkedFrames(index, nil, coversPayload: coversPayload)
    result = found
  }

  /// The slots of the frames in the staging area that prove themselves, if it is known which they are: by the chunk before
  /// them or, in a sealed block, by the position of the last one.
  private static func findStaged(
    in all: ChunkIndex, behind chunks: Int, isLastRight: Bool, _ life: LiveBlock, upTo slots: Int, coversPayload: Bool,
    _ found: inout FrameSearch.Result
  ) -> Range<Int>? {
    let end = found.runs.last?.upperBound ?? 0
    var count = all.provenStaged(behind: chunks, coversPayload: coversPayload)
    var start = end
    if isLastRight {
      count = min(count, slots - end)
    } else if count > 0, life.sealedCount != nil, let values = life.header,
      all.stagedEntry(count - 1).position == FramePosition(timestamp: values.lastTimestamp, key: values.lastKey)
    {
      start = slots - count
    } else {
      return nil
    }
    guard count > 0, start >= end, found.last.map({ $0 < all.stagedEntry(0).position }) ?? true else { return nil }
    found.add(start..<(start + count), endingAt: all.stagedEntry(count - 1).position)
    return start..<(start + count)
  }

  /// Makes the index entry of a chunk one that proves nothing, and has these slots.
  private static func write(none chunk: Int, _ slots: Range<Int>, in all: ChunkIndex, _ body: PrivateBytes) {
    let none = ChunkEntry(
      first: FramePosition(timestamp: 0, key: 0), firstSlot: UInt32(slots.lowerBound), frameCount: UInt32(slots.count),
      rawLength: 0, payloadBytes: 0, filter: 0)
    unsafe none.write(to: body.bytes.baseAddress! + all.offset(of: chunk))
  }

  /// The chunks that prove themselves. Returns how many index entries there are, and how many up to the last that is right.
  private static func findChunks(
    in all: ChunkIndex, _ body: PrivateBytes, _ found: inout FrameSearch.Result, upTo slots: Int, isSealed: Bool
  ) -> (count: Int, lastRight: Int) {
    var (count, end, storedEnd) = (0, 0, 0)
    // Index entries that prove nothing, and the slots that come before them; how many of them lie below one that does.
    var strays: [(chunk: Int, slot: Int)] = []
    var within = 0
    let frames = ChunkedFrames(all, nil, coversPayload: true)
    for chunk in 0..<all.chunkCount {
      if let (entry, stored) = unsafe all.chunk(chunk), Int(entry.firstSlot) >= end,
        Int(entry.offset) >= storedEnd,
        Int(entry.firstSlot) + Int(entry.frameCount) <= slots, unsafe all.proves(entry, stored),
        found.last.map({ $0 < entry.first }) ?? true, let last = frames.last(of: chunk)
      {
        end = Int(entry.firstSlot) + Int(entry.frameCount)
        storedEnd = Int(entry.offset) + stored.count
        found.add(Int(entry.firstSlot)..<end, endingAt: last)
        (count, within) = (chunk + 1, strays.count)
        continue
      }
      strays.append((chunk, end))
      if !isSealed, strays.count - within > mostStrays { break }
    }
    // Behind the last entry that counts lie chunks, and not entries.
    let known = isSealed ? all.chunkCount : count
    for stray in strays where stray.chunk < known { write(none: stray.chunk, stray.slot..<stray.slot, in: all, body) }
    return (known, count)
  }

  func run() -> FrameSearch.Result { result }

  func entry(_ slot: Int) -> IndexEntry { frames.entry(slot) }

  func payload(of entry: IndexEntry) -> UnsafeRawBufferPointer? { unsafe frames.payload(of: entry) }
}
