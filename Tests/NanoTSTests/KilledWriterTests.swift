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
    let words = try SharedWords(at: directory.path("words"))
    let (stream, place) = (ProvingStream(7, .large), SharedWords.firstOwn)
    for round in 0..<200 {
      let writer = try AgentProcess.writer(path, stream, words, place)
      // However slow the machine is, one of them comes to write something.
      while round == 0, words[place] == 0, writer.process.isRunning { usleep(1_000) }
      usleep(UInt32.random(in: 0...20_000, using: &random))
      writer.kill()
      // Looked at as a reader meets it, and every fourth time through a store opened anew.
      let reader = round % 4 == 0 ? try Store(at: path, .readOnly) : store
      let problem = try reader.problem(with: stream, acknowledged: words[place])
      #expect(problem == nil, "NANOTS_TEST_SEED=\(seed), kill \(round): \(problem ?? "")")
      if problem != nil { return }
    }
    let report = try store.verify()
    #expect(report.isClean, "\(report.findings)")
    #expect(try store.statistics(of: stream.name)!.frames > 0)
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
