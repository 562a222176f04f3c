import CNanoTS
import Foundation

/// Looks at a store file and changes it as damage would: behind the engine's back, by number.
enum StoreBytes {
  static func read(_ path: String) throws -> [UInt8] { try Array(Data(contentsOf: URL(fileURLWithPath: path))) }

  static func write(_ bytes: [UInt8], to path: String) throws {
    try Data(bytes).write(to: URL(fileURLWithPath: path))
  }

  /// Replaces the bytes from `offset` on, in the same file.
  static func patch(_ path: String, at offset: Int, _ bytes: [UInt8]) throws {
    let handle = try FileHandle(forUpdating: URL(fileURLWithPath: path))
    defer { try? handle.close() }
    try handle.seek(toOffset: UInt64(offset))
    try handle.write(contentsOf: Data(bytes))
  }

  /// Replaces one byte by what it is combined with `mask`.
  static func flip(_ path: String, at offset: Int, _ mask: UInt8 = 0xFF) throws {
    let handle = try FileHandle(forUpdating: URL(fileURLWithPath: path))
    defer { try? handle.close() }
    try handle.seek(toOffset: UInt64(offset))
    let byte = try handle.read(upToCount: 1)!.first!
    try handle.seek(toOffset: UInt64(offset))
    try handle.write(contentsOf: Data([byte ^ mask]))
  }

  /// Replaces bytes of the file header and makes its checksum right again, as a later release would have written it.
  static func patchHeader(_ path: String, at offset: Int, _ bytes: [UInt8]) throws {
    var page = Array(try read(path)[0..<4096])
    page.replaceSubrange(offset..<(offset + bytes.count), with: bytes)
    page.replaceSubrange(4092..<4096, with: little(crc32c(Array(page[0..<4092]))))
    try patch(path, at: 0, page)
  }

  /// The value's bytes, least significant first.
  static func little<T: FixedWidthInteger>(_ value: T) -> [UInt8] {
    (0..<(T.bitWidth / 8)).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
  }

  /// The integer whose bytes lie at `offset`, least significant first.
  static func load<T: FixedWidthInteger>(_ bytes: [UInt8], at offset: Int, as type: T.Type = T.self) -> T {
    (0..<(T.bitWidth / 8)).reduce(0) { $0 | T(truncatingIfNeeded: bytes[offset + $1]) << ($1 * 8) }
  }

  /// CRC32C, bit by bit as its definition has it, so that nothing of the engine is needed.
  static func crc32c(_ bytes: [UInt8]) -> UInt32 {
    var remainder: UInt32 = 0xFFFF_FFFF
    for byte in bytes {
      remainder ^= UInt32(byte)
      for _ in 0..<8 { remainder = (remainder >> 1) ^ (remainder & 1 == 1 ? 0x82F6_3B78 : 0) }
    }
    return ~remainder
  }
}
