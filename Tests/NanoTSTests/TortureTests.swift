import Foundation
import NanoTS
import TestAgent
import Testing

/// Writers that wrap small rings as fast as they can, and readers of every kind on them: no wrong byte, no gap without a
/// word, every number of missed frames exact (I1, I2).
///
/// In a debug build it takes about 10 seconds, optimised 60. `NANOTS_TORTURE_SECONDS` sets another time,
/// `NANOTS_TORTURE_FRAMES` how many frames are to be checked however long that takes, `NANOTS_TEST_SEED` the seed of an
/// earlier run. A billion frames:
///
///     NANOTS_TORTURE_FRAMES=1000000000 swift test -c release -Xswiftc -enable-testing --filter TortureTests
@Suite(.serialized) struct TortureTests {
  private static let environment = ProcessInfo.processInfo.environment
  private static let frames = environment["NANOTS_TORTURE_FRAMES"].flatMap { UInt64($0) }
  private static let usualSeconds = AgentProcess.areOptimised ? 60.0 : 8.0
  private static let seconds = environment["NANOTS_TORTURE_SECONDS"].flatMap { Double($0) } ?? usualSeconds

  /// A part of the whole.
  private static func limit(_ part: Double) -> TortureRun.Limit {
    if let frames { return .frames(UInt64(Double(frames) * part) + 1) }
    return .seconds(seconds * part)
  }

  /// Writer processes, four reader processes and four reader threads on each ring.
  @Test func readersInProcessesAndThreadsGetNoWrongByteAndExactCounts() async throws {
    try await torture(TortureRing.all, 0.8) { run in
      try run.addWriterProcesses()
      try run.addReaderProcesses()
      try run.addReaderThreads(sharingTheStore: false)
    }
  }

  /// The same in threads of one process on one store object, where the thread sanitizer sees all of it.
  @Test func writersAndReadersInThreadsOfOneProcess() async throws {
    try await torture([TortureRing.all[2], TortureRing.all[4]], 0.2) { run in
      run.addWriterThreads()
      try run.addReaderThreads(sharingTheStore: true)
    }
  }

  private func torture(_ rings: [TortureRing], _ part: Double, _ setUp: (TortureRun) throws -> Void) async throws {
    let seed = TestSeed.next()
    print("torture: NANOTS_TEST_SEED=\(seed)")
    let start = Date()
    var (total, written) = (TortureReport(), UInt64(0))
    for ring in rings {
      let run = try TortureRun(ring, seed: seed)
      try setUp(run)
      let report = try await run.run(until: Self.limit(part / Double(rings.count)))
      try run.expectEveryFrameIsAccountedFor()
      print("torture of \(ring): \(run.written.grouped) written, \(report)")
      total.add(report)
      written += run.written
    }
    let seconds = Date().timeIntervalSince(start)
    print("torture: \(String(format: "%.1f", seconds)) s, \(written.grouped) frames written, \(total)")
    for path in ReadPath.allCases { #expect(total.right[path.rawValue] > 0, "no frame came by \(path)") }
    #expect(total.laps > 0)
  }
}
