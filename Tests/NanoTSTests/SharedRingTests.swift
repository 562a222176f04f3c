import Testing

@testable import NanoTS

/// Writers that take each other's blocks as soon as they are sealed.
@Suite struct SharedRingTests {
  /// A block may be taken while the writer that has just sealed it waits for the disk. What that writer then notes as
  /// synced must not be noted for the block's next life.
  @Test(.timeLimit(.minutes(2))) func noBlockCountsMoreFramesAsSyncedThanItHas() async throws {
    let directory = try TemporaryDirectory()
    let store = try directory.store(blockSize: 65_536, blocks: 3)
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        let writer = try store.writer(for: "waiting for the disk")
        for time in Int64(0)..<600 { try writer.append(Array(repeating: 7, count: 6_000), at: time) }
        try writer.close()
      }
      group.addTask {
        for time in Int64(0)..<600 {
          // It never waits, and its block has one frame.
          let writer = try store.writer(for: "taking", options: WriterOptions(durability: .none))
          try writer.append(value: time, at: time)
          let header = store.file.header(unsafe try #require(writer.core.pointee.appender).block)
          for _ in 0..<2_000 where header.syncedCount.relaxed > 1 {
            Issue.record("a block with 1 frame counts \(header.syncedCount.relaxed) as synced")
            return
          }
          try writer.close()
        }
      }
      try await group.waitForAll()
    }
    #expect(try store.verify().isClean)
  }
}
