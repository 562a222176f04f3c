import Foundation
import NanoTS
import TestAgent
import Testing

/// Writers and readers in threads of one process, on one store object and on two: they exclude each other and stay out of
/// each other's way as processes do.
@Suite struct ThreadTests {
  private static let framesPerWriter: UInt64 = 30_000

  @Test func fourWritersAndTwoReadersShareASmallRing() async throws {
    let directory = try TemporaryDirectory()
    let path = directory.path("ring.nts")
    let stores = [
      try Store.create(at: path, StoreOptions(blockSize: 16_384, blockCount: 12)), try Store(at: path),
    ]
    try await withThrowingTaskGroup(of: Tally.self) { group in
      for number in 1...4 {
        let store = stores[number % 2]
        group.addTask { try Self.write(store, ProvingStream(UInt64(number), .large)) }
      }
      for number in 1...2 {
        let store = stores[number % 2]
        group.addTask { try Self.read(store, ProvingStream(UInt64(number), .large)) }
      }
      for try await tally in group {
        #expect(tally.isExact, "\(tally)")
      }
    }
    let report = try stores[0].verify()
    #expect(report.isClean, "\(report.findings)")
    let statistics = try stores[0].statistics()
    #expect(statistics.frames + statistics.reclaimedFrames == 4 * Self.framesPerWriter)
    #expect(statistics.freeBlocks + statistics.sealedBlocks == 12)
  }

  private static func write(_ store: Store, _ stream: ProvingStream) throws -> Tally {
    let writer = try store.writer(for: stream.name, metadata: stream.name, options: WriterOptions(durability: .none))
    var words: [UInt64] = []
    for ordinal in 0..<framesPerWriter {
      // Growing, and with the ordinal in the low bits as it must have.
      let timestamp = stream.timestamp(ordinal, at: 0)
      words.removeAll(keepingCapacity: true)
      stream.addPayload(to: &words, ordinal, timestamp)
      try unsafe words.withUnsafeBytes { bytes in
        try unsafe writer.append(bytes, at: timestamp, flags: ProvingStream.flags(ordinal))
      }
    }
    try writer.close()
    return Tally()
  }

  /// Reads until the writer's last frame, counting what it was told it missed.
  private static func read(_ store: Store, _ stream: ProvingStream) throws -> Tally {
    var cursor = try store.cursor(of: stream.name)
    var tally = Tally()
    while tally.end < framesPerWriter {
      do {
        guard let frame = try cursor.next() else {
          let isAllGone = try store.statistics(of: stream.name)?.reclaimedFrames == framesPerWriter
          if tally.first == nil && isAllGone { return tally }
          continue
        }
        tally.add(frame.ordinal, try stream.isRight(frame))
      } catch {
        guard error.code == .overwritten else { throw error }
        tally.add(missed: error.missedFrames)
      }
    }
    return tally
  }
}
