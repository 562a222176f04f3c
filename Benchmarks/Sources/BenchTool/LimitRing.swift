internal import CLimit

/// A ring of blocks of the C limit; unmapped with the last reference.
@safe
final class LimitRing {
  let ring: limit_ring
  let path: String

  /// `isShared`: another process finds it at `path` too.
  init(at path: String, blockSize: Int, blockCount: Int, isShared: Bool = false) throws {
    var ring = unsafe limit_ring()
    let map = unsafe isShared ? limit_ring_share : limit_ring_map
    let result = unsafe map(&ring, path, blockSize, blockCount)
    guard result == 0 else { throw BenchmarkError("\(path): mapping failed with errno \(-result)") }
    unsafe self.ring = unsafe ring
    self.path = path
  }

  deinit {
    var ring = unsafe ring
    unsafe limit_ring_unmap(&ring)
  }

  /// Says that the C side computes CRC32C: by the check value of RFC 3720, and by a long input, which goes another way,
  /// against the same input in short pieces.
  static func checkChecksum() throws {
    let digits = Array("123456789".utf8)
    let long = (0..<4096).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    var pieces = UInt32.max
    for start in stride(from: 0, to: long.count, by: 512) {
      pieces = unsafe limit_crc32c(pieces, Array(long[start..<(start + 512)]), 512)
    }
    guard unsafe ~limit_crc32c(UInt32.max, digits, digits.count) == 0xE306_9283,
      unsafe limit_crc32c(UInt32.max, long, long.count) == pieces
    else { throw BenchmarkError("the CRC32C of the C limit is wrong") }
  }
}
