import Foundation
import NanoTS
import TestAgent
import Testing

/// Writers killed at random moments: nothing acknowledged is lost (I1), and nobody waits for the dead.
@Suite struct KilledWriterTests {
  @Test func everyAcknowledgedFrameIsThereAfterEachOf200Kills() throws {
    let directory = try TemporaryDirectory()
    let path = directory.path("killed.nts")
    let seed = TestSeed.next()
    var random = SeededGenerator(seed: seed)
    let store = try Store.create(at: path, StoreOptions(blockSize: 16_384, blockCount: 64))
    let counter = directory.path("acknowledged")
    try Data(count: 8).write(to: URL(fileURLWithPath: counter))
    for round in 0..<200 {
      let writer = try AgentProcess("write", path, "7", counter)
      usleep(UInt32.random(in: 0...20_000, using: &random))
      writer.kill()
      let acknowledged = unsafe try Data(contentsOf: URL(fileURLWithPath: counter)).withUnsafeBytes {
        unsafe $0.loadUnaligned(as: UInt64.self)
      }
      // Looked at as a reader meets it, and every fourth time through a store opened anew.
      let reader = round % 4 == 0 ? try Store(at: path, .readOnly) : store
      let outcome = try check(reader, acknowledged)
      #expect(outcome == nil, "NANOTS_TEST_SEED=\(seed), kill \(round): \(outcome ?? "")")
      if outcome != nil { return }
    }
    let report = try store.verify()
    #expect(report.isClean, "\(report.findings)")
    #expect(try store.statistics(of: "7")!.frames > 0)
  }

  /// What is wrong with the frames from the oldest one left to the last acknowledged one, or nil.
  private func check(_ store: Store, _ acknowledged: UInt64) throws -> String? {
    var cursor = try store.cursor(of: "7")
    var frame = try cursor.first()
    guard var expected = frame?.ordinal else {
      return acknowledged == 0 ? nil : "nothing is left of \(acknowledged) acknowledged frames"
    }
    while let present = frame {
      guard present.ordinal == expected else { return "frame \(expected) is missing" }
      let isRight = try present.withBytes { ProvingPayload.isRight($0, stream: 7, ordinal: present.ordinal) }
      guard isRight, present.timestamp == ProvingPayload.timestamp(present.ordinal) else {
        return "frame \(expected) is wrong"
      }
      expected += 1
      frame = try cursor.next()
    }
    // One more may be committed than acknowledged: the kill came between the two.
    return expected == acknowledged || expected == acknowledged + 1
      ? nil : "the stream ends at \(expected), \(acknowledged) frames were acknowledged"
  }

  @Test func aSecondWriterIsToldTheProcessThatHasTheStream() throws {
    let directory = try TemporaryDirectory()
    let path = directory.path("held.nts")
    let store = try Store.create(at: path, StoreOptions(blockSize: 4096, blockCount: 4))
    let holder = try AgentProcess("hold", path, "1")
    #expect(holder.firstLine() == "holding")
    let error = #expect(throws: NanoTSError.self) { try store.writer(for: "1") }
    #expect(error?.code == .streamBusy)
    #expect(error?.message.contains("process \(holder.process.processIdentifier)") == true)
    #expect(try store.statistics(of: "1")?.isWritten == true)
    let other = try store.writer(for: "2")
    try other.append([1], at: 1)
    holder.kill()
    let writer = try store.writer(for: "1")
    try writer.append([1], at: 1)
  }
}
