//  BlockImage: one life of a block, read into memory of the process.
//
//     0  what its frames ask whether they are still there, as of FrameMemory
//   128  the block's header
//   256  the block

/// See above. Goes back to the pool, for others, when the last reference goes; frames in it find out.
@safe
final class BlockImage {
  private let pool: FrameMemoryPool
  private let memory: FrameMemory
  private let blockSize: Int

  private static let headerOffset = FrameMemory.payloadStart
  private static let bodyOffset = headerOffset + BlockHeader.byteCount

  init(_ pool: FrameMemoryPool, blockSize: Int) {
    self.pool = pool
    self.blockSize = blockSize
    memory = pool.take(BlockImage.bodyOffset + blockSize)
    memory.beginChange()
    header.generation.storeRelaxed(0)
    header.generation.fenceAfterStore()
  }

  deinit { pool.giveBack(memory) }

  var life: BlockHeader { memory.life }

  var header: BlockHeader { unsafe BlockHeader(base: memory.base + BlockImage.headerOffset) }

  /// Bound: the memory was taken with room for the block behind `bodyOffset`.
  private var body: UnsafeMutableRawBufferPointer {
    unsafe UnsafeMutableRawBufferPointer(start: memory.base + BlockImage.bodyOffset, count: blockSize)
  }

  var bytes: UnsafeRawBufferPointer { unsafe UnsafeRawBufferPointer(body) }

  /// Reads a part of the life `values` of block `index`, and returns what its header is to say: of the snapshot's frames all,
  /// and those of one chunk more if they have come into chunks since. Nil when the life is over. Throws
  /// `.ioFailure` or `.truncated`.
  func fill(
    from file: StoreFile, _ index: Int, _ values: BlockHeaderValues, _ part: BlockPart
  ) throws(NanoTSError) -> BlockHeaderValues? {
    var found = values
    defer {
      take(header: file.header(index), found)
      unsafe memory.endChange(of: header, values.generation, bytes)
    }
    let chunks = values.bodyLayout.chunks(blockSize: blockSize)
    var isStagingRead = false
    for range in part.ranges(values, file.layout) {
      if let chunks, isStagingRead {
        // What was in the staging area is right if no chunk was made before it was read; otherwise it is in a chunk by now.
        let now = try liveWords(of: file, index)
        if now.commit.chunkCount != values.commit.chunkCount {
          try read(0..<chunks.stagingStart, of: file, index)
          found.commit =
            commit(covering: Int(values.commit.count), in: chunks, of: Int(now.commit.chunkCount)) ?? found.commit
          break
        }
      }
      try read(range, of: file, index)
      isStagingRead = true
    }
    return try liveWords(of: file, index).generation == values.generation ? found : nil
  }

  /// Fills `range` of the image with that of the block.
  private func read(_ range: Range<Int>, of file: StoreFile, _ index: Int) throws(NanoTSError) {
    guard !range.isEmpty else { return }
    let target = unsafe UnsafeMutableRawBufferPointer(rebasing: body[range])
    try unsafe file.mapped.descriptor.fill(target, at: file.bodyStart(index) + range.lowerBound)
  }

  /// Generation and commit word of the block as the file has them after everything that was read before.
  private func liveWords(
    of file: StoreFile, _ index: Int
  ) throws(NanoTSError) -> (generation: UInt64, commit: BlockCommit) {
    // Bound: the header's place in the image has 128 bytes; nobody reads it before `take` has written it.
    let place = unsafe UnsafeMutableRawBufferPointer(start: header.base, count: BlockHeader.byteCount)
    try unsafe file.mapped.descriptor.fill(place, at: file.headerStart(index))
    let words = (header.generation.relaxed, BlockCommit(word: header.commit.relaxed))
    header.generation.storeRelaxed(0)
    return words
  }

  /// The commit word with which the first `count` frames, and no more chunks than they take, are in the block; nil where the
  /// index has not so many. O(chunks).
  private func commit(covering count: Int, in layout: ChunkedLayout, of chunkCount: Int) -> BlockCommit? {
    for chunk in 0..<min(chunkCount, Int(layout.mostChunks)) {
      // Bound: as many entries as a block has at most lie in it, below the staging area.
      let entry = unsafe ChunkEntry(
        at: bytes.baseAddress! + layout.stagingStart - (chunk + 1) * ChunkEntry.byteCount)
      let end = UInt64(entry.firstSlot) + UInt64(entry.frameCount)
      if end >= UInt64(count), end <= UInt64(UInt32.max) {
        return BlockCommit(count: UInt32(end), chunkCount: UInt32(chunk + 1))
      }
    }
    return nil
  }

  private func take(header source: BlockHeader, _ values: BlockHeaderValues) {
    // Word by word: another reader of the snapshot may end the block's life meanwhile. Bound: both are headers.
    for offset in stride(from: 0, to: BlockHeader.byteCount, by: 8) {
      unsafe AtomicUInt64(header.base, offset).storeRelaxed(AtomicUInt64(source.base, offset).relaxed)
    }
    if header.commit.relaxed != values.commit.word {
      // The frames that came with the chunk may be of any length.
      header.uniformLength.storeRelaxed(BlockHeader.mixedLengths)
      header.commit.storeRelaxed(values.commit.word)
    }
    header.generation.storeReleased(values.generation)
  }
}
