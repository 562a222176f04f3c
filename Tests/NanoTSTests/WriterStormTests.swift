import Foundation
import NanoTS
import TestAgent
import Testing

/// Writer processes of several streams on a ring of a few tiny blocks, so that a handover comes every few frames, killed
/// at random moments: the next ones go on, and each stream keeps what it acknowledged as long as the ring has room.
@Suite struct WriterStormTests {
  @Test func writersKilledDuringHandoversLeaveAStoreThatTheOthersGoOnWith() throws {
    let seed = TestSeed.next()
    var random = SeededGenerator(seed: seed)
    for (blocks, count) in [(4, 3), (2, 1), (6, 4)] {
      let directory = try TemporaryDirectory()
      let path = directory.path("storm.nts")
      let store = try Store.create(at: path, StoreOptions(blockSize: 4096, blockCount: blocks))
      let words = try SharedWords(at: directory.path("words"))
      let streams = (1...count).map { ProvingStream(UInt64($0), .large) }
      for round in 0..<25 {
        let writers = try streams.indices.map {
          try AgentProcess.writer(path, streams[$0], words, SharedWords.firstOwn + $0)
        }
        for writer in writers.shuffled(using: &random) {
          usleep(UInt32.random(in: 0...8_000, using: &random))
          writer.kill()
        }
        for (index, stream) in streams.enumerated() {
          let problem = try store.problem(with: stream, acknowledged: words[SharedWords.firstOwn + index])
          #expect(problem == nil, "NANOTS_TEST_SEED=\(seed), \(blocks) blocks, kill \(round): \(problem ?? "")")
        }
      }
      // A stream that was never written before gets a block: nothing waits on the dead.
      try store.writer(for: "new").append([1], at: .max)
      let report = try store.verify()
      #expect(report.isClean, "NANOTS_TEST_SEED=\(seed): \(report.findings)")
    }
  }
}
