//  Where everything lies in the file.
//
//  0               FileHeader      4 KiB
//  4 KiB           SharedState     4 KiB
//  8 KiB           StreamTable     stream capacity × 512 B
//  4 KiB aligned   BlockTable      block count × 128 B
//  64 KiB aligned  Block 0, 1, …   block size each

/// Sizes and offsets of one store, derived from three numbers. All of them fit an `Int` with room to spare.
@usableFromInline
struct StoreLayout: Equatable, Sendable {
  static let blockSizes = 4096...(1 << 30)
  static let blockSizeUnit = 4096
  static let maximumBlockCount = (1 << 31) - 1
  static let streamCapacities = 1...65_536
  /// Half the address space that a process has on the smallest platform served, so that two stores can be mapped.
  static let maximumFileSize = 1 << 46

  let blockSize: Int
  let blockCount: Int
  let streamCapacity: Int
  let streamTableOffset: Int
  let blockTableOffset: Int
  let dataOffset: Int

  /// Throws `.invalidBlockSize`, `.invalidBlockCount` or `.invalidArgument`, each naming the value and the limit.
  init(blockSize: Int, blockCount: Int, streamCapacity: Int) throws(NanoTSError) {
    guard StoreLayout.blockSizes.contains(blockSize), blockSize % StoreLayout.blockSizeUnit == 0 else {
      throw NanoTSError(
        .invalidBlockSize,
        "block size \(blockSize) is not a multiple of 4096 bytes between 4096 (4 KiB) and 1073741824 (1 GiB)")
    }
    guard (1...StoreLayout.maximumBlockCount).contains(blockCount) else {
      throw NanoTSError(
        .invalidBlockCount, "block count \(blockCount) is outside 1...\(StoreLayout.maximumBlockCount)")
    }
    guard StoreLayout.streamCapacities.contains(streamCapacity) else {
      throw NanoTSError(
        .invalidArgument, "stream capacity \(streamCapacity) is outside 1...\(StoreLayout.streamCapacities.upperBound)")
    }
    self.blockSize = blockSize
    self.blockCount = blockCount
    self.streamCapacity = streamCapacity
    streamTableOffset = FileHeader.byteCount + SharedState.byteCount
    blockTableOffset = (streamTableOffset + streamCapacity * StreamSlot.byteCount).roundedUp(to: 4096)
    dataOffset = (blockTableOffset + blockCount * BlockHeader.byteCount).roundedUp(to: 65_536)
    let (bytes, overflow) = blockSize.multipliedReportingOverflow(by: blockCount)
    guard !overflow, bytes <= StoreLayout.maximumFileSize - dataOffset else {
      throw NanoTSError(
        .invalidBlockCount,
        "\(blockCount) blocks of \(blockSize) bytes are more than the \(StoreLayout.maximumFileSize) bytes (64 TiB) "
          + "that a store may have; take fewer or smaller blocks")
    }
  }

  /// The length of a file that holds the first `blocks` blocks.
  func fileSize(blocks: Int) -> Int { dataOffset + blocks * blockSize }

  /// The number of whole blocks in a file of `size` bytes, at most `blockCount`.
  func wholeBlocks(inFileOf size: UInt64) -> Int {
    guard size > UInt64(dataOffset) else { return 0 }
    return Int(min((size - UInt64(dataOffset)) / UInt64(blockSize), UInt64(blockCount)))
  }

  /// The longest segment metadata in bytes of UTF-8.
  var maximumMetadataByteCount: Int { blockSize / 4 }
}
