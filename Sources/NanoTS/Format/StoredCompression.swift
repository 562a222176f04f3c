//  StoredCompression: how frames are to be stored, 32 bits, in a FileHeader for all streams of the store, and in a
//  StreamSlot for one stream.
//
//   bits 0–7    0 not said (in a slot: as the store says; in the header: as they are), 1 as they are, 2 LZ4
//   bits 8–15   zero
//   bits 16–31  chunk size in units of 256 B; 0: a 16th of the block, at most 16 KiB
//
//  In a slot, bits 32–63 of the field are the CRC32C of stream identifier and the 32 bits before (as u64).

extension Compression {
  /// Nil where nothing is said, or nothing that this build knows.
  init?(storedAs word: UInt32) {
    let units = Int(word >> 16)
    switch word & 0xFFFF {
    case 1: self = .off
    case 2: self = .lz4(chunkByteCount: units == 0 ? nil : units * ChunkedLayout.chunkUnit)
    default: return nil
    }
  }

  /// Bound: the chunk size is one that `ChunkedLayout` takes.
  var storedWord: UInt32 {
    switch self {
    case .off: 1
    case .lz4(let chunkByteCount): 2 | UInt32((chunkByteCount ?? 0) / ChunkedLayout.chunkUnit) << 16
    }
  }
}

extension StreamSlot {
  /// What was said for the stream; nil where nothing was, or it does not match its checksum.
  var compression: Compression? {
    let word = compressionField.acquired
    return word >> 32 == UInt64(checksum(ofCompression: UInt32(truncatingIfNeeded: word)))
      ? Compression(storedAs: UInt32(truncatingIfNeeded: word)) : nil
  }

  /// False where something is said that does not match its checksum.
  var isCompressionRight: Bool {
    let word = compressionField.acquired
    return word == 0 || word >> 32 == UInt64(checksum(ofCompression: UInt32(truncatingIfNeeded: word)))
  }

  /// The caller holds the stream's lock.
  func setCompression(_ compression: Compression) {
    let word = compression.storedWord
    compressionField.storeReleased(UInt64(word) | UInt64(checksum(ofCompression: word)) << 32)
  }

  private func checksum(ofCompression word: UInt32) -> UInt32 {
    var checksum = Checksum()
    checksum.add(identifier.relaxed)
    checksum.add(UInt64(word))
    return checksum.value
  }
}
