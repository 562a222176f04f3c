//  The chunked body of a block: most frames in compressed chunks, the newest ones as they are.
//
//  0                  preamble
//                     chunks, one behind the other, each aligned to 8; they grow up
//                     free
//                     chunk index: entry i begins (i + 1) × 48 before its end, so it grows down
//  block size − S     staging area, S bytes: payloads grow up from its start, index entries down from the block's end,
//                     as in a plain body
//
//  The commit word holds how many frames the block has (low 32 bits) and how many chunks (high 32 bits). Frames that no chunk
//  holds are in the staging area, and the checksum of each begins with the generation and the number of chunks before it
//  (as u64): what was in the area before the last chunk was made never passes for what is there now.
//
//  S is 15/8 of the chunk size: 9/8 for payloads, of which a chunk has the chunk size or a little more, and 3/4 for index
//  entries.

/// Sizes and places in a chunked body.
@usableFromInline
struct ChunkedLayout: Equatable, Sendable {
  /// Chunk sizes are multiples of this, and stored as such.
  static let chunkUnit = 256
  static let chunkByteCounts = 256...65_536
  static let largestDefault = 16 << 10

  let blockSize: Int
  let chunkByteCount: Int

  /// Nil when a block of `blockSize` bytes cannot have chunks of `chunkByteCount`.
  init?(blockSize: Int, chunkByteCount: Int) {
    guard ChunkedLayout.chunkByteCounts.contains(chunkByteCount), chunkByteCount % ChunkedLayout.chunkUnit == 0,
      chunkByteCount <= blockSize / 4
    else { return nil }
    self.blockSize = blockSize
    self.chunkByteCount = chunkByteCount
  }

  /// The chunk size where none was asked for: it leaves the index and the staging area a small part of the block.
  static func defaultChunkByteCount(blockSize: Int) -> Int { min(largestDefault, blockSize / 16) }

  var stagingByteCount: Int { (chunkByteCount / 8 * 15).roundedUp(to: 64) }
  /// Offset of the staging area: there the chunk index ends.
  var stagingStart: Int { blockSize - stagingByteCount }
  /// No payload in the staging area ends behind this offset.
  var payloadTop: Int { stagingStart + chunkByteCount / 8 * 9 }
  /// No chunk of more than one frame has more raw bytes.
  var mostRawBytes: Int { chunkByteCount * 8 }

  /// More chunks than this have no room for their index entries.
  var mostChunks: Int { (stagingStart - BlockPreamble.fixedByteCount) / ChunkEntry.byteCount }

  /// The largest payload of a frame in such a block whose first chunk may begin at `chunksStart`.
  func capacity(chunksStart: Int, entrySize: Int) -> Int {
    let asChunk = stagingStart - chunksStart - ChunkEntry.byteCount - ChunkedLayout.mostNumberBytes
    let staged = min(payloadTop, blockSize - entrySize) - stagingStart
    return max(asChunk, staged) & ~7
  }

  /// The columns of a single frame, its payload aside, take at most so many bytes.
  static let mostNumberBytes = 32
}
