//  IndexEntry: one frame's entry in a plain body. Entry i of a block lies (i + 1) × entry size below the block's end.
//
//     0  timestamp          i64
//     8  offset             u32   of the payload from the block's first byte, a multiple of 8
//    12  length and marks   u32   bits 0-29 payload bytes, bit 30 zero, bit 31 the timestamp was clamped
//    16  checksum           u32   CRC32C of generation, timestamp, key, offset, length and marks, flags, payload
//    20  flags              u32   the caller's
//    24  key                i64   only in 32-byte entries; in 24-byte ones the key is 0

/// One index entry as values.
@frozen @usableFromInline
struct IndexEntry {
  @usableFromInline static let byteCount = 24
  @usableFromInline static let keyedByteCount = 32
  @inlinable static var lengthMask: UInt32 { 0x3FFF_FFFF }
  @inlinable static var clampedMark: UInt32 { 0x8000_0000 }

  @usableFromInline var timestamp: Int64
  @usableFromInline var key: Int64
  @usableFromInline var offset: UInt32
  @usableFromInline var lengthAndMarks: UInt32
  @usableFromInline var checksum: UInt32
  @usableFromInline var flags: UInt32

  @inlinable @inline(__always)
  init(
    timestamp: Int64, key: Int64, offset: UInt32, lengthAndMarks: UInt32, checksum: UInt32, flags: UInt32
  ) {
    self.timestamp = timestamp
    self.key = key
    self.offset = offset
    self.lengthAndMarks = lengthAndMarks
    self.checksum = checksum
    self.flags = flags
  }

  /// Reads an entry. Bound: `address` has `keyed ? 32 : 24` readable bytes, aligned to 8.
  @inlinable @inline(__always)
  init(at address: UnsafeRawPointer, keyed: Bool) {
    timestamp = unsafe address.load(as: Int64.self)
    let place = unsafe address.load(fromByteOffset: 8, as: UInt64.self)
    offset = UInt32(truncatingIfNeeded: place)
    lengthAndMarks = UInt32(truncatingIfNeeded: place >> 32)
    let proof = unsafe address.load(fromByteOffset: 16, as: UInt64.self)
    checksum = UInt32(truncatingIfNeeded: proof)
    flags = UInt32(truncatingIfNeeded: proof >> 32)
    key = unsafe keyed ? address.load(fromByteOffset: 24, as: Int64.self) : 0
  }

  /// Writes the entry. Bound: as for reading.
  @inline(__always)
  func write(to address: UnsafeMutableRawPointer, keyed: Bool) {
    unsafe address.storeBytes(of: timestamp, as: Int64.self)
    unsafe address.storeBytes(of: UInt64(offset) | UInt64(lengthAndMarks) << 32, toByteOffset: 8, as: UInt64.self)
    unsafe address.storeBytes(of: UInt64(checksum) | UInt64(flags) << 32, toByteOffset: 16, as: UInt64.self)
    if keyed { unsafe address.storeBytes(of: key, toByteOffset: 24, as: Int64.self) }
  }

  /// Payload bytes.
  @inlinable @inline(__always)
  var length: Int { Int(lengthAndMarks & IndexEntry.lengthMask) }

  /// True when the writer's clock was behind and the timestamp is not the caller's.
  @inlinable @inline(__always)
  var isClamped: Bool { lengthAndMarks & IndexEntry.clampedMark != 0 }

  /// True when the payload lies within `first..<end`, offsets from the block's first byte.
  @inlinable @inline(__always)
  func liesWithin(_ first: Int, _ end: Int) -> Bool {
    Int(offset) >= first && Int(offset) + length <= end
  }
}

extension IndexEntry {
  /// The offsets are written out in the initialiser and in `write`, where readers in other modules inline them: an
  /// entry written by one must be found by the other where the diagram says.
  static func checkLayout() {
    let entry = IndexEntry(timestamp: 1, key: 6, offset: 2, lengthAndMarks: 3, checksum: 4, flags: 5)
    unsafe withUnsafeTemporaryAllocation(byteCount: keyedByteCount, alignment: 8) { bytes in
      let base = bytes.baseAddress!
      unsafe entry.write(to: base, keyed: true)
      precondition(unsafe base.load(as: Int64.self) == 1)
      for (offset, value) in [(8, 2), (12, 3), (16, 4), (20, 5)] {
        precondition(unsafe base.load(fromByteOffset: offset, as: UInt32.self) == UInt32(value))
      }
      precondition(unsafe base.load(fromByteOffset: byteCount, as: Int64.self) == 6)
      let again = unsafe IndexEntry(at: base, keyed: true)
      precondition(again.key == 6 && again.flags == 5 && again.lengthAndMarks == 3)
    }
  }
}
