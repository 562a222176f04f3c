import Testing

@testable import NanoTS

/// Payloads of every length that is copied and summed in another way, with and without checksums.
@Suite struct ShortAppendTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory(inMemory: true) }

  private static let lengths = Array(0...41) + [63, 64, 65, 127, 128, 129, 130, 255, 256, 766, 767, 768, 769, 2_000]

  private static func payload(_ length: Int, _ frame: Int) -> [UInt8] {
    (0..<length).map { UInt8(truncatingIfNeeded: ($0 &+ 1) &* (frame &* 31 &+ 7)) }
  }

  private func check(_ lengths: [Int], checksums: Bool, key: Int64 = 0) throws {
    let options = StoreOptions(blockSize: 16 << 10, blockCount: 64, checksums: checksums)
    let store = try Store.create(at: directory.path("short.nts"), options, replacing: true)
    let writer = try store.writer(for: "frames")
    for (index, length) in lengths.enumerated() {
      try writer.append(
        ShortAppendTests.payload(length, index), at: Int64(index), key: key, flags: UInt32(index) &* 0x0101_0101)
    }
    try writer.close()
    var index = 0
    for frame in try store.frames(of: "frames") {
      #expect(try frame.copyBytes() == ShortAppendTests.payload(lengths[index], index))
      #expect(frame.timestamp == Int64(index) && frame.key == key && frame.flags == UInt32(index) &* 0x0101_0101)
      index += 1
    }
    #expect(index == lengths.count)
    let findings = try store.verify().findings
    #expect(findings.isEmpty, "\(findings)")
    try store.close()
  }

  /// A short payload follows those as long as it.
  @Test(arguments: lengths, [true, false])
  func manyOfOneLength(_ length: Int, checksums: Bool) throws {
    try check(Array(repeating: length, count: 9), checksums: checksums)
  }

  /// Or others, once they differ; over many blocks.
  @Test(arguments: [true, false], [0, -3] as [Int64])
  func allLengthsInTurn(checksums: Bool, key: Int64) throws {
    let rounds = (0..<5).flatMap { round in ShortAppendTests.lengths.map { $0 ^ (round & 1) } }
    try check(rounds, checksums: checksums, key: key)
  }
}
