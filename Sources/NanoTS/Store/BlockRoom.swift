/// How frames of one size fill the blocks of a stream: for a program that must know it before it writes any.
package struct BlockRoom {
  private let blockSize: Int
  private let payloadStart: Int
  private let layout: BodyLayout

  /// Throws `.invalidArgument` for a size of chunks that blocks of this size cannot have, and `.unsupportedFeature` in a build
  /// without LZ4.
  package init(
    blockSize: Int, nameByteCount: Int, metadataByteCount: Int, _ compression: Compression, isKeyed: Bool
  ) throws(NanoTSError) {
    self.blockSize = blockSize
    payloadStart = BlockPreamble.byteCount(name: nameByteCount, metadata: metadataByteCount)
    layout = try compression.layout(blockSize: blockSize).map { .chunked($0, keyed: isKeyed) } ?? .plain(keyed: isKeyed)
  }

  /// The largest payload that fits into a block; less than 0 where not even an empty one does.
  package var largestFrameByteCount: Int {
    BlockAppender.capacity(blockSize: blockSize, payloadStart: payloadStart, layout: layout)
  }

  /// How many frames of `byteCount` bytes a block holds at least, and never less than 1.
  package func leastFrames(of byteCount: Int) -> Int {
    let frame = byteCount.roundedUp(to: 8) + Int(layout.entrySize)
    guard layout.kind == BodyLayout.chunked else { return max(1, (blockSize - payloadStart) / frame) }
    // What does not become smaller: a staging area takes up to half of the block, and each frame may be a chunk of its own.
    return max(1, (blockSize / 2 - payloadStart) / (frame + 2 * ChunkEntry.byteCount))
  }

  /// The most bytes of UTF-8 that a stream's name may have.
  package static var maximumNameByteCount: Int { StreamSlot.maximumNameByteCount }
}
