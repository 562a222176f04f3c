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
    for (blocks, streams) in [(4, 3), (2, 1), (6, 4)] {
      let directory = try TemporaryDirectory()
      let path = directory.path("storm.nts")
      let store = try Store.create(at: path, StoreOptions(blockSize: 4096, blockCount: blocks))
      let counters = (1...streams).map { directory.path("acknowledged-\($0)") }
      for counter in counters { try Data(count: 8).write(to: URL(fileURLWithPath: counter)) }
      for round in 0..<25 {
        let writers = try (1...streams).map { try AgentProcess("write", path, "\($0)", counters[$0 - 1]) }
        for writer in writers.shuffled(using: &random) {
          usleep(UInt32.random(in: 0...8_000, using: &random))
          writer.kill()
        }
        for stream in 1...streams {
          let problem = try check(store, UInt64(stream), counters[stream - 1])
          #expect(problem == nil, "NANOTS_TEST_SEED=\(seed), \(blocks) blocks, kill \(round): \(problem ?? "")")
        }
      }
      // A stream that was never written before gets a block: nothing waits on the dead.
      try store.writer(for: "new").append([1], at: .max)
      let report = try store.verify()
      #expect(report.isClean, "NANOTS_TEST_SEED=\(seed): \(report.findings)")
    }
  }

  /// What is wrong with what is left of the stream, or nil.
  private func check(_ store: Store, _ stream: UInt64, _ counter: String) throws -> String? {
    let acknowledged = unsafe try Data(contentsOf: URL(fileURLWithPath: counter)).withUnsafeBytes {
      unsafe $0.loadUnaligned(as: UInt64.self)
    }
    var end: UInt64?
    for frame in try store.frames(of: "\(stream)") {
      if let end, frame.ordinal != end { return "frame \(frame.ordinal) comes after \(end)" }
      guard try frame.withBytes({ ProvingPayload.isRight($0, stream: stream, ordinal: frame.ordinal) }),
        frame.timestamp == ProvingPayload.timestamp(frame.ordinal)
      else { return "frame \(frame.ordinal) is wrong" }
      end = frame.ordinal + 1
    }
    guard let end else { return nil }
    let count = try store.frameCount(of: "\(stream)")
    let first = try store.frames(of: "\(stream)").first { _ in true }!.ordinal
    guard count == end - first else { return "\(count) frames are counted, \(end - first) are there" }
    return end == acknowledged || end == acknowledged + 1 ? nil : "it ends at \(end), \(acknowledged) were acknowledged"
  }
}
