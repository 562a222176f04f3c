/// The frames of a chunked body for those who go through all of them: each looks as if it were in a plain one.
///
/// One thread at a time. Frames of a chunk that cannot be read have no payload, and do not prove themselves.
final class ChunkedFrames {
  private var index: ChunkIndex
  /// Nil where nobody changes the block meanwhile.
  private let header: BlockHeader?
  private let coversPayload: Bool
  private let loader = ChunkLoader(FrameMemoryPool())
  private var damaged: Range<Int>?

  init(_ index: ChunkIndex, _ header: BlockHeader?, coversPayload: Bool) {
    self.index = index
    self.header = header
    self.coversPayload = coversPayload
  }

  /// The entry of the frame at `slot`, with its payload's place in memory and a checksum to match. Valid, like the payload,
  /// until a frame of another chunk is asked for. O(bytes of a chunk) at its first frame.
  func entry(_ slot: Int) -> IndexEntry {
    if let part = loader.part, slot >= part.firstSlot, slot < part.firstSlot + part.count { return part.entry(slot) }
    return load(slot) ? loader.part!.entry(slot) : substitute(slot)
  }

  /// The slots from `slot` on that cannot be read, as far as they belong together; nil when the frame can be.
  func unreadable(at slot: Int) -> Range<Int>? {
    if let part = loader.part, slot >= part.firstSlot, slot < part.firstSlot + part.count { return nil }
    guard !load(slot) else { return nil }
    guard let damaged, damaged.contains(slot) else { return slot..<(slot + 1) }
    return slot..<damaged.upperBound
  }

  func payload(of entry: IndexEntry) -> UnsafeRawBufferPointer? { unsafe loader.part?.payload(of: entry) }

  private func load(_ slot: Int) -> Bool {
    if let damaged, damaged.contains(slot) { return false }
    while true {
      switch loader.load(slot, index, header, seen: index.chunkCount, .all) {
      case .loaded:
        loader.makePlain(index, coversPayload: coversPayload)
        return true
      case .over:
        return false
      case .damaged(let slots):
        damaged = slots
        return false
      case .changed:
        guard let header, let newer = index.with(BlockCommit(word: header.commit.acquired)) else { return false }
        index = newer
      }
    }
  }

  /// For a frame that cannot be read: where it may be in time, and nothing else.
  private func substitute(_ slot: Int) -> IndexEntry {
    let first = index.chunk(of: slot).flatMap { unsafe index.chunk($0)?.entry.first }
    return IndexEntry(
      timestamp: first?.timestamp ?? 0, key: first?.key ?? 0, offset: 0, lengthAndMarks: 0, checksum: 0, flags: 0)
  }

  /// The position of the last of `count` frames. O(log chunks) where it is in the staging area.
  func lastPosition(of count: Int) -> FramePosition {
    let staged = index.stagedStart
    guard count == index.count, count > staged, count - staged <= index.mostStaged else {
      return entry(count - 1).position
    }
    let position = index.stagedEntry(count - 1 - staged).position
    guard let header, header.commit.isStillChunked(index.chunkCount) == false else { return position }
    return entry(count - 1).position
  }

  /// The position of the last frame of a chunk; nil when the chunk cannot be read. O(bytes of the chunk).
  func last(of chunk: Int) -> FramePosition? {
    guard let found = unsafe index.chunk(chunk), let first = loader.load(chunk: chunk, of: index) else { return nil }
    return first.entry(Int(unsafe found.entry.firstSlot) + Int(unsafe found.entry.frameCount) - 1).position
  }

  /// What proves itself from the first frame on; of a sealed body not more than its seal counts. O(bytes of the block).
  func proven(isSealed: Bool) -> BlockCommit {
    let found = index.proven(coversPayload: coversPayload, upTo: isSealed ? index.chunkCount : nil)
    guard isSealed, found.count > index.count else { return found }
    return BlockCommit(count: UInt32(index.count), chunkCount: found.chunkCount)
  }
}

extension ChunkIndex {
  /// The same with another commit word; nil when that is impossible.
  func with(_ commit: BlockCommit) -> ChunkIndex? {
    unsafe ChunkIndex(bytes, generation: generation, layout, isKeyed: isKeyed, commit)
  }
}

extension AtomicUInt64 {
  /// As `isStill`, for the chunks that a commit word counts.
  func isStillChunked(_ chunkCount: Int) -> Bool {
    fenceBeforeLoad()
    return Int(BlockCommit(word: relaxed).chunkCount) == chunkCount
  }
}
