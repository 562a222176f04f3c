import Foundation
@testable import NanoTS
import TestAgent
import Testing

/// Another process writes over the mapped file while it is read and written (I7): what is read may be wrong where nothing
/// checks it, but each call comes back, and no process dies.
///
/// Readers and writer are processes of their own: one that crashes, or does not come to its end, fails the test.
@Suite(.serialized) struct HostileFileTests {
  private static func fill(_ path: String, initial: Int?) throws {
    let options = StoreOptions(
      blockSize: 4096, blockCount: 48, initialBlockCount: initial, streamCapacity: 8)
    let store = try Store.create(at: path, options)
    for stream in HostileContent.streams {
      let options = WriterOptions(durability: .none, compression: stream == "y" && LZ4.isAvailable ? .lz4() : .off)
      let writer = try store.writer(for: stream, metadata: "of \(stream)", options: options)
      for time in Int64(0)..<300 { try writer.append(HostileContent.payload(time, stream), at: time) }
      try writer.close()
    }
    try store.protect("x", in: 10...20)
    try store.setQuota(StreamQuota(minimumBlocks: 2), of: "y")
    try store.close()
  }

  @Test(.timeLimit(.minutes(5)), arguments: [(0, nil), (1, 4)] as [(UInt64, Int?)])
  func scribbledOverByAnotherNoCallCrashesOrHangs(_ number: UInt64, _ initial: Int?) async throws {
    let seed = TestSeed.fromEnvironment ?? (number &* 1000 &+ UInt64.random(in: 0..<1000))
    let directory = try TemporaryDirectory()
    let path = directory.path("a.nts")
    try Self.fill(path, initial: initial)
    let words = try SharedWords(at: directory.path("words"))
    let first = SharedWords.firstOwn
    let scribbler = try AgentProcess("scribble", path, words.path, "\(first)", "\(seed)")
    let uses = try (0..<3).map { index in
      try AgentProcess(
        index == 0 ? "abuse-write" : "abuse-read", path, words.path, "\(first + 1 + index)", "\(seed &+ UInt64(index))")
    }
    // So much is to be done, however long it takes; the agents end by themselves if it does not come to that.
    while (1...3).contains(where: { words[first + $0] < 12 }) || words[first] < 100_000 {
      if let failure = (uses + [scribbler]).compactMap({ $0.failure() }).first {
        Issue.record("seed \(seed): \(failure)")
        break
      }
      try await Task.sleep(for: .milliseconds(5))
    }
    words.stop()
    for process in uses + [scribbler] {
      do {
        _ = try await process.finish(withinSeconds: 120)
      } catch {
        Issue.record("seed \(seed): \(error)")
      }
    }
    let proof = try await AgentProcess("prove", path).finish(withinSeconds: 120)
    let counts = proof.split(whereSeparator: \.isWhitespace).compactMap { Int($0) }
    try #require(counts.count == 3, "\(proof)")
    #expect(counts[1] == 0, "seed \(seed): \(counts[1]) wrong frames passed their checksums, \(counts[0]) right ones")
    print("hostile file, seed \(seed): \(words[first]) scribbles, frames right, wrong and refused afterwards: \(proof)")
  }
}
