//  ChunkEntry: one chunk's entry in the index of a chunked body (ChunkedLayout), 48 B.
//
//     0  first timestamp    i64
//     8  first key          i64   0 in streams without keys
//    16  first slot         u32   frames of the block before this chunk's
//    20  frame count        u32   not 0
//    24  offset             u32   of the stored bytes from the block's first byte, a multiple of 8
//    28  stored length      u32
//    32  raw length         u32   of the columns that the stored bytes stand for
//    36  payload bytes      u32   sum of the payload lengths: the columns' last part
//    40  method             u8    0 the columns as they are, 1 LZ4
//    41  filter             u8    of the payloads: 0 none, 1 shuffled by frame size, 2 by 2 bytes, 4 by 4 bytes
//    42  zero               u16
//    44  checksum           u32   CRC32C of generation, the 44 bytes before, and the stored bytes

/// One chunk's entry as values.
struct ChunkEntry: Equatable {
  static let byteCount = 48

  enum Offset {
    static let firstTimestamp = 0
    static let firstKey = 8
    static let firstSlot = 16
    static let frameCount = 20
    static let offset = 24
    static let storedLength = 28
    static let rawLength = 32
    static let payloadBytes = 36
    static let method = 40
    static let filter = 41
    static let zero = 42
    static let checksum = 44
  }

  var first: FramePosition
  var firstSlot: UInt32
  var frameCount: UInt32
  var offset: UInt32 = 0
  var storedLength: UInt32 = 0
  var rawLength: UInt32
  var payloadBytes: UInt32
  var method: UInt8 = 0
  var filter: UInt8
  var checksum: UInt32 = 0
}

extension ChunkEntry {
  static let raw: UInt8 = 0
  static let lz4: UInt8 = 1

  /// Reads an entry. Bound: `address` has 48 readable bytes, aligned to 8.
  init(at address: UnsafeRawPointer) {
    first = unsafe FramePosition(
      timestamp: address.load(fromByteOffset: Offset.firstTimestamp, as: Int64.self),
      key: address.load(fromByteOffset: Offset.firstKey, as: Int64.self))
    firstSlot = unsafe address.load(fromByteOffset: Offset.firstSlot, as: UInt32.self)
    frameCount = unsafe address.load(fromByteOffset: Offset.frameCount, as: UInt32.self)
    offset = unsafe address.load(fromByteOffset: Offset.offset, as: UInt32.self)
    storedLength = unsafe address.load(fromByteOffset: Offset.storedLength, as: UInt32.self)
    rawLength = unsafe address.load(fromByteOffset: Offset.rawLength, as: UInt32.self)
    payloadBytes = unsafe address.load(fromByteOffset: Offset.payloadBytes, as: UInt32.self)
    method = unsafe address.load(fromByteOffset: Offset.method, as: UInt8.self)
    filter = unsafe address.load(fromByteOffset: Offset.filter, as: UInt8.self)
    checksum = unsafe address.load(fromByteOffset: Offset.checksum, as: UInt32.self)
  }

  /// Writes the entry. Bound: as for reading.
  func write(to address: UnsafeMutableRawPointer) {
    unsafe address.storeBytes(of: first.timestamp, toByteOffset: Offset.firstTimestamp, as: Int64.self)
    unsafe address.storeBytes(of: first.key, toByteOffset: Offset.firstKey, as: Int64.self)
    unsafe address.storeBytes(of: firstSlot, toByteOffset: Offset.firstSlot, as: UInt32.self)
    unsafe address.storeBytes(of: frameCount, toByteOffset: Offset.frameCount, as: UInt32.self)
    unsafe address.storeBytes(of: offset, toByteOffset: Offset.offset, as: UInt32.self)
    unsafe address.storeBytes(of: storedLength, toByteOffset: Offset.storedLength, as: UInt32.self)
    unsafe address.storeBytes(of: rawLength, toByteOffset: Offset.rawLength, as: UInt32.self)
    unsafe address.storeBytes(of: payloadBytes, toByteOffset: Offset.payloadBytes, as: UInt32.self)
    unsafe address.storeBytes(of: method, toByteOffset: Offset.method, as: UInt8.self)
    unsafe address.storeBytes(of: filter, toByteOffset: Offset.filter, as: UInt8.self)
    unsafe address.storeBytes(of: 0, toByteOffset: Offset.zero, as: UInt16.self)
    unsafe address.storeBytes(of: checksum, toByteOffset: Offset.checksum, as: UInt32.self)
  }

  /// The checksum that the entry must carry in a block of the life `generation`. O(stored.count).
  func computedChecksum(generation: UInt64, stored: UnsafeRawBufferPointer) -> UInt32 {
    var checksum = Checksum()
    checksum.add(generation)
    checksum.add(first.timestamp)
    checksum.add(first.key)
    checksum.add(UInt64(firstSlot) | UInt64(frameCount) << 32)
    checksum.add(UInt64(offset) | UInt64(storedLength) << 32)
    checksum.add(UInt64(rawLength) | UInt64(payloadBytes) << 32)
    checksum.add(UInt32(method) | UInt32(filter) << 8)
    unsafe checksum.add(stored)
    return checksum.value
  }

  static func checkLayout() {
    LayoutCheck.requireTiling(
      "ChunkEntry", byteCount,
      [
        (Offset.firstTimestamp, 8), (Offset.firstKey, 8), (Offset.firstSlot, 4), (Offset.frameCount, 4),
        (Offset.offset, 4), (Offset.storedLength, 4), (Offset.rawLength, 4), (Offset.payloadBytes, 4),
        (Offset.method, 1), (Offset.filter, 1), (Offset.zero, 2), (Offset.checksum, 4),
      ])
  }
}
