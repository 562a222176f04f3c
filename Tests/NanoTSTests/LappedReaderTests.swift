import Foundation
import NanoTS
import TestAgent
import Testing

/// A reader process on a small ring that a writer process laps: no wrong byte, and every frame is either read or
/// counted as missed (I2).
@Suite struct LappedReaderTests {
  #if DEBUG
    private static let frames: UInt64 = 2_000_000
  #else
    private static let frames: UInt64 = 10_500_000
  #endif

  @Test func aLappedReaderGetsNoWrongByteAndExactCounts() throws {
    let directory = try TemporaryDirectory()
    let path = directory.path("ring.nts")
    let store = try Store.create(at: path, StoreOptions(blockSize: 65_536, blockCount: 6))
    let counter = directory.path("acknowledged")
    try Data(count: 8).write(to: URL(fileURLWithPath: counter))
    let writer = try AgentProcess("write", path, "3", counter)
    defer { writer.kill() }
    let reader = try AgentProcess("read", path, "3", "\(Self.frames)")
    let numbers = reader.firstLine().split(separator: " ").compactMap { UInt64($0) }
    guard numbers.count == 7 else {
      Issue.record("the reader said: \(numbers)")
      return
    }
    let (first, end, right, wrong, missed, laps, jumps) = (
      numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], numbers[5], numbers[6]
    )
    print("lapped reader: \(right) frames right, \(wrong) wrong, \(missed) missed in \(laps) laps")
    #expect(wrong == 0)
    #expect(jumps == 0)
    #expect(right == Self.frames)
    #expect(first + right + missed == end)
    #expect(try store.statistics().reclaimedBlocks > 100)
  }
}
