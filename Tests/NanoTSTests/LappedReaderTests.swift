import Foundation
import NanoTS
import TestAgent
import Testing

/// A reader process on a small ring that a writer process laps: no wrong byte, and every frame is either read or
/// counted as missed (I2).
@Suite struct LappedReaderTests {
  private static let frames: UInt64 = AgentProcess.areOptimised ? 10_500_000 : 2_000_000

  @Test(.timeLimit(.minutes(3))) func aLappedReaderGetsNoWrongByteAndExactCounts() async throws {
    let directory = try TemporaryDirectory()
    let path = directory.path("ring.nts")
    let store = try Store.create(at: path, StoreOptions(blockSize: 65_536, blockCount: 6))
    let words = try SharedWords(at: directory.path("words"))
    let stream = ProvingStream(3, .large)
    let writer = try AgentProcess.writer(path, stream, words, 2)
    defer { writer.kill() }
    let reader = try AgentProcess.reader(path, [stream], words, 3, .follow, seed: TestSeed.next())
    while words[3] < Self.frames, reader.failure() == nil { try await Task.sleep(for: .milliseconds(10)) }
    words.stop()
    let report = try #require(TortureReport(lines: try await reader.finish()))
    print("lapped reader: \(report)")
    #expect(report.complaints == [])
    #expect(report.total >= Self.frames)
    #expect(try store.statistics().reclaimedBlocks > 100)
  }
}
