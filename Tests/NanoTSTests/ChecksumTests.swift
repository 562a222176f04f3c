import CNanoTS
import Testing

@testable import NanoTS

/// CRC32C: the published values, the two implementations against each other, and the frame checksum's byte string.
@Suite struct ChecksumTests {
  private func fast(_ bytes: [UInt8], _ state: UInt32 = 0xFFFF_FFFF) -> UInt32 {
    unsafe bytes.withUnsafeBytes { unsafe nts_crc32c_update(state, $0.baseAddress, $0.count) }
  }

  private func portable(_ bytes: [UInt8], _ state: UInt32 = 0xFFFF_FFFF) -> UInt32 {
    unsafe bytes.withUnsafeBytes { unsafe nts_crc32c_update_portable(state, $0.baseAddress, $0.count) }
  }

  static let publishedValues: [(bytes: [UInt8], value: UInt32)] = [
    ([], 0),
    (Array(repeating: 0, count: 32), 0x8A91_36AA),
    (Array(repeating: 0xFF, count: 32), 0x62A8_AB43),
    (Array(0...31), 0x46DD_794E),
    (Array((0...31).reversed()), 0x113F_DB5C),
    (Array("123456789".utf8), 0xE306_9283),
  ]

  @Test(arguments: publishedValues)
  func theValuesOfRFC3720ComeOut(_ published: (bytes: [UInt8], value: UInt32)) {
    #expect(~fast(published.bytes) == published.value)
    #expect(~portable(published.bytes) == published.value)
    #expect(StoreBytes.crc32c(published.bytes) == published.value)
  }

  @Test func bothImplementationsAgreeForEveryLengthUpTo4096AndEveryAlignment() {
    var random = SeededGenerator(seed: 1)
    let bytes = random.bytes(4096 + 16)
    var differing: [String] = []
    unsafe bytes.withUnsafeBytes { buffer in
      for length in 0...4096 {
        // Every alignment around the boundaries of three lanes of 256 bytes, one alignment elsewhere.
        let isNearBoundary = length < 32 || (length + 12) % 768 < 24
        for shift in isNearBoundary ? Array(0..<9) : [length & 7] {
          let start = unsafe buffer.baseAddress! + shift
          let quick = unsafe nts_crc32c_update(0xFFFF_FFFF, start, length)
          if unsafe quick != nts_crc32c_update_portable(0xFFFF_FFFF, start, length) {
            differing.append("\(length) bytes at alignment \(shift)")
          }
        }
      }
    }
    #expect(differing == [])
  }

  @Test func thePortableImplementationIsTheDefinition() {
    var random = SeededGenerator(seed: 2)
    for length in [0, 1, 7, 8, 9, 15, 16, 17, 255, 256, 767, 768, 769, 1535, 1536, 1537, 2304, 4095] {
      let bytes = random.bytes(length)
      #expect(~portable(bytes) == StoreBytes.crc32c(bytes), "\(length) bytes")
    }
  }

  @Test func everySplitOfTheBytesGivesTheSameValue() {
    var random = SeededGenerator(seed: 3)
    let bytes = random.bytes(1700)
    let whole = fast(bytes)
    for split in 0...bytes.count {
      let first = Array(bytes[..<split])
      let second = Array(bytes[split...])
      guard fast(second, fast(first)) == whole, portable(second, portable(first)) == whole else {
        Issue.record("split at \(split)")
        return
      }
    }
    #expect(fast(bytes[0..<768] + []) != whole)
  }

  @Test func anyBitThatChangesChangesTheValue() {
    var random = SeededGenerator(seed: 4)
    var bytes = random.bytes(900)
    let before = fast(bytes)
    for bit in 0..<(bytes.count * 8) {
      bytes[bit / 8] ^= 1 << UInt8(bit % 8)
      if fast(bytes) == before { Issue.record("bit \(bit)") }
      bytes[bit / 8] ^= 1 << UInt8(bit % 8)
    }
    #expect(fast(bytes) == before)
  }

  @Test(arguments: [0, 1, 4, 7, 8, 9, 36, 255, 767, 768, 769, 3000])
  func theFrameChecksumIsThatOfTheDocumentedByteString(_ length: Int) {
    var random = SeededGenerator(seed: UInt64(length))
    for (timestamp, key, flags) in [(Int64.min, Int64.max, UInt32.max), (0, 0, 0), (1_234_567, -9, 0x8000_0001)] {
      let generation: UInt64 = random.next()
      let (offset, marks) = (UInt32(truncatingIfNeeded: random.next()), UInt32(length) | 0x8000_0000)
      let payload = random.bytes(length)
      var text = StoreBytes.little(generation) + StoreBytes.little(timestamp) + StoreBytes.little(key)
      text += StoreBytes.little(offset) + StoreBytes.little(marks) + StoreBytes.little(flags) + payload
      let seed = fast(StoreBytes.little(generation))
      let value = unsafe payload.withUnsafeBytes {
        unsafe nts_frame_checksum(
          UInt64(seed) | UInt64(flags) << 32, timestamp, key, UInt64(offset) | UInt64(marks) << 32, $0.baseAddress,
          $0.count)
      }
      #expect(value == StoreBytes.crc32c(text))
      let entry = IndexEntry(
        timestamp: timestamp, key: key, offset: offset, lengthAndMarks: marks, checksum: 0, flags: flags)
      let engine = unsafe payload.withUnsafeBytes {
        unsafe FrameChecksum(generation: generation).value(of: entry, payload: $0)
      }
      #expect(engine == value)
    }
  }

  @Test(arguments: Array(0...25) + [61, 64, 765, 766, 767, 768, 769, 3000], [false, true])
  func storingAFrameCopiesItAndGivesItsChecksum(_ length: Int, inline: Bool) {
    var random = SeededGenerator(seed: UInt64(length))
    let payload = random.bytes(length)
    let (seedAndFlags, place): (UInt64, UInt64) = (random.next(), random.next())
    let padded = length.roundedUp(to: 8)
    var stored = [UInt8](repeating: 0xEE, count: padded + 8)
    let values = unsafe payload.withUnsafeBytes { from in
      unsafe stored.withUnsafeMutableBytes { to in
        unsafe (
          inline
            ? nts_frame_store_inline(
              UInt32(truncatingIfNeeded: seedAndFlags), UInt32(seedAndFlags >> 32), -5, 7, place, to.baseAddress!,
              from.baseAddress!, from.count, 1)
            : nts_frame_store(seedAndFlags, -5, 7, place, to.baseAddress, from.baseAddress, from.count),
          nts_frame_checksum(seedAndFlags, -5, 7, place, from.baseAddress, from.count)
        )
      }
    }
    #expect(values.0 == values.1)
    let zeros = [UInt8](repeating: 0, count: padded - length)
    #expect(stored == payload + zeros + [UInt8](repeating: 0xEE, count: 8))
  }

  @Test func theEnginesWordsAreFedLittleEndian() {
    var checksum = Checksum()
    checksum.add(UInt64(0x0102_0304_0506_0708))
    checksum.add(Int64(-2))
    checksum.add(UInt32(0xA0B0_C0D0))
    let text =
      StoreBytes.little(UInt64(0x0102_0304_0506_0708)) + StoreBytes.little(Int64(-2))
      + StoreBytes.little(UInt32(0xA0B0_C0D0))
    #expect(checksum.value == StoreBytes.crc32c(text))
  }
}
