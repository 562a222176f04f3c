/// How the frames of a stream are stored.
public enum Compression: Sendable, Equatable {
  /// As they are: read without a copy. The default. Not named `none`, which is what an optional has for nothing said.
  case off
  /// In chunks of consecutive frames, each compressed with LZ4 (https://lz4.org). An appended frame can be read at once, as
  /// of a stream that is not compressed; chunks are made of the newest frames as these fill one.
  ///
  /// `chunkByteCount`: how many payload bytes make a chunk, about: a multiple of 256 from 256 to 65,536, at most a quarter of
  /// the block. Nil: 16 KiB, or a 16th of the block where that is less. Smaller ones make random reads quicker, and the
  /// store larger.
  case lz4(chunkByteCount: Int? = nil)
}

extension Compression {
  /// Sizes and places in the blocks; nil where they are plain. Throws `.invalidArgument`, and `.unsupportedFeature` in a
  /// build without LZ4.
  func layout(blockSize: Int) throws(NanoTSError) -> ChunkedLayout? {
    guard case .lz4(let chunkByteCount) = self else { return nil }
    guard LZ4.isAvailable else { throw LZ4.unavailable("frames are to be compressed") }
    let byteCount = chunkByteCount ?? ChunkedLayout.defaultChunkByteCount(blockSize: blockSize)
    guard let layout = ChunkedLayout(blockSize: blockSize, chunkByteCount: byteCount) else {
      let most = min(ChunkedLayout.chunkByteCounts.upperBound, blockSize / 4)
      throw NanoTSError(
        .invalidArgument,
        "a chunk size of \(byteCount) bytes is not a multiple of 256 from 256 to \(most), for blocks of \(blockSize)")
    }
    return layout
  }
}

extension Store {
  /// How the frames of streams are stored for which nothing else was said.
  public var compression: Compression { file.compression }

  /// How a writer is to store the frames of the stream in `slot`, whose lock it holds: as `asked`, which is then kept for the
  /// stream, or as was said before.
  func chunks(asked: Compression?, for slot: StreamSlot) throws(NanoTSError) -> ChunkedLayout? {
    let layout = try (asked ?? slot.compression ?? compression).layout(blockSize: blockSize)
    if let asked, slot.compression != asked { slot.setCompression(asked) }
    return layout
  }
}
