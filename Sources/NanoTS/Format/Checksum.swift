internal import CNanoTS

/// CRC32C over the words and bytes of one structure, fed in the order that the structure's page of Format.md lists.
struct Checksum {
  private var state: UInt32 = UInt32(NTS_CRC32C_START)

  mutating func add(_ word: UInt64) {
    var little = word.littleEndian
    state = unsafe nts_crc32c_update(state, &little, 8)
  }

  mutating func add(_ word: Int64) { add(UInt64(bitPattern: word)) }

  mutating func add(_ word: UInt32) {
    var little = word.littleEndian
    state = unsafe nts_crc32c_update(state, &little, 4)
  }

  mutating func add(_ bytes: UnsafeRawBufferPointer) {
    state = unsafe nts_crc32c_update(state, bytes.baseAddress, bytes.count)
  }

  var value: UInt32 { ~state }
}

/// The checksum of frames of one life of one block: it starts from the block's generation, so that a frame left by an
/// earlier life never passes.
struct FrameChecksum {
  let seed: UInt32

  /// O(1). The seed is the running state after the generation's eight bytes.
  init(generation: UInt64) {
    var little = generation.littleEndian
    seed = unsafe nts_crc32c_update(UInt32(NTS_CRC32C_START), &little, 8)
  }

  /// In the staging area of a chunked body behind `chunkCount` chunks. O(1).
  init(generation: UInt64, behindChunks chunkCount: Int) {
    var little = UInt64(chunkCount).littleEndian
    seed = unsafe nts_crc32c_update(FrameChecksum(generation: generation).seed, &little, 8)
  }

  /// The checksum that `entry` must carry for `payload`. In a store without checksums the payload is left out, and the
  /// entry is covered all the same. O(payload.count).
  @inline(__always)
  func value(of entry: IndexEntry, payload: UnsafeRawBufferPointer) -> UInt32 {
    unsafe nts_frame_checksum(
      UInt64(seed) | UInt64(entry.flags) << 32, entry.timestamp, entry.key,
      UInt64(entry.offset) | UInt64(entry.lengthAndMarks) << 32, payload.baseAddress, payload.count)
  }
}
