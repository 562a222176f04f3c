import CNanoTS
import Foundation
import Synchronization
import Testing

@testable import NanoTS

/// What the store's thread does for a writer that syncs blocks, and what the writer waits for.
@Suite struct BackgroundSyncTests {
  private let directory: TemporaryDirectory
  private let observer = SyncObserver()

  init() throws { directory = try TemporaryDirectory() }

  /// A store whose blocks are synced and prepared on its thread: two frames fill a block.
  private func store(blocks: Int = 64) throws -> Store { try directory.store(blocks: blocks) }

  private func isSynced(_ header: BlockHeader) -> Bool {
    header.syncedCount.relaxed == BlockCommit(word: header.commit.relaxed).count
  }

  @Test func theThreadSyncsBlocksAndTheAppendDoesNot() throws {
    try observer.interposed {
      let store = try store()
      let writer = try store.writer(for: "s")
      try writer.appendHalfBlock(at: 1)
      let before = observer.own
      for time in Int64(2)...9 { try writer.appendHalfBlock(at: time) }
      try unsafe writer.core.pointee.background?.finish()
      #expect(observer.own == before)
      #expect(observer.threads == 1)
      #expect(store.file.slot(0).blockCount.relaxed == 5)
      for block in 0..<4 { #expect(isSynced(store.file.header(block)), "block \(block)") }
      try writer.close()
      try store.close()
      #expect(isSynced(store.file.header(4)))
    }
    #expect(try Store(at: directory.path("a.nts")).provenTimes(of: "s") == Array(1...9))
  }

  @Test func aSmallStoreSyncsInTheAppend() throws {
    try observer.interposed {
      let store = try store(blocks: 63)
      let writer = try store.writer(for: "s")
      for time in Int64(1)...9 { try writer.appendHalfBlock(at: time) }
      for block in 0..<4 { #expect(isSynced(store.file.header(block)), "block \(block)") }
      #expect(observer.threads == 0)
      #expect(observer.seen.count == observer.own)
    }
  }

  /// It goes on in the next block while the one before is being synced, and no further.
  @Test func theWriterIsNeverMoreThanOneBlockAheadOfTheDisk() async throws {
    let (path, observer) = (directory.path("a.nts"), observer)
    _ = try store()
    let appended = Atomic<Int>(0)
    try await onThread {
      try observer.interposed {
        let store = try Store(at: path)
        let writer = try store.writer(for: "s")
        try writer.appendHalfBlock(at: 1)
        try unsafe writer.core.pointee.background?.finish()
        observer.hold()
        let releaser = WorkerThread { () -> Int in
          observer.waitUntilOthersAreHeld()
          while appended.load(ordering: .acquiring) < 4 { usleep(100) }
          // Time in which a writer that does not wait gets further; one that waits passes whatever the time.
          usleep(30_000)
          defer { observer.release() }
          return appended.load(ordering: .acquiring)
        }
        for time in Int64(2)...12 {
          try writer.appendHalfBlock(at: time)
          appended.store(Int(time), ordering: .releasing)
        }
        while releaser.isRunning { usleep(100) }
        #expect(appended.load(ordering: .acquiring) == 12)
        try writer.close()
        #expect(try store.provenTimes(of: "s") == Array(1...12))
      }
    }
  }

  @Test(arguments: [Durability.onSeal, .interval(milliseconds: 1)])
  func aFailedSyncOfTheThreadReachesTheWriterAndStays(_ durability: Durability) throws {
    try observer.interposed {
      let store = try store()
      let writer = try store.writer(for: "s", options: WriterOptions(durability: durability))
      try writer.appendHalfBlock(at: 1)
      observer.fail(with: -5)
      var last: Int64 = 1
      let error = expectError(.ioFailure, naming: ["msync", store.path]) {
        while last < 100_000 {
          try writer.appendHalfBlock(at: last + 1)
          last += 1
        }
      }
      #expect(error?.systemError == 5)
      observer.fail(with: 0)
      expectError(.ioFailure, naming: ["msync"]) { try writer.appendHalfBlock(at: last + 2) }
      expectError(.ioFailure, naming: ["msync"]) { try writer.flush() }
      expectError(.ioFailure, naming: ["msync"]) { try writer.close() }
      let times = try store.provenTimes(of: "s")
      #expect(times.starts(with: 1...last))
      expectError(.ioFailure, naming: ["msync"]) { try store.writer(for: "t") }
    }
    let opened = try Store(at: directory.path("a.nts"))
    try opened.writer(for: "t").append([1], at: 1)
    #expect(try opened.verify().isClean)
  }

  @Test func flushWaitsForTheBlockBefore() throws {
    try observer.interposed {
      let store = try store()
      let writer = try store.writer(for: "s")
      for time in Int64(1)...3 { try writer.appendHalfBlock(at: time) }
      try writer.flush()
      #expect(isSynced(store.file.header(0)) && isSynced(store.file.header(1)))
    }
  }

  @Test func withoutAThreadTheWriterDoesItItself() throws {
    try observer.interposed {
      observer.failThreads()
      let store = try store()
      let writer = try store.writer(for: "s")
      for time in Int64(1)...9 { try writer.appendHalfBlock(at: time) }
      for block in 0..<4 { #expect(isSynced(store.file.header(block)), "block \(block)") }
      expectError(.ioFailure, naming: ["thread"]) {
        try store.writer(for: "t", options: WriterOptions(durability: .interval(milliseconds: 10)))
      }
      // It has let the stream go.
      try store.writer(for: "t").append([1], at: 1)
    }
  }

  // MARK: The block that is prepared

  @Test func aClosedWriterGivesTheBlockBackThatWasPrepared() throws {
    let store = try store()
    let writer = try store.writer(for: "s")
    for time in Int64(1)...5 { try writer.appendHalfBlock(at: time) }
    try unsafe writer.core.pointee.background?.finish()
    #expect(store.file.slot(0).spareBlock.relaxed != 0)
    try writer.close()
    #expect(store.file.slot(0).spareBlock.relaxed == 0)
    #expect(store.file.shared.freeListCount.relaxed == 1)
    #expect(try store.verify().isClean)
  }

  @Test func theBlockThatADeadWriterHadPreparedIsTheNextOnes() throws {
    let store = try store()
    let writer = try store.writer(for: "s")
    for time in Int64(1)...5 { try writer.appendHalfBlock(at: time) }
    try writer.abandon()
    let spare = store.file.slot(0).spareBlock.relaxed
    #expect(spare != 0)
    let next = try store.writer(for: "s")
    for time in Int64(6)...7 { try next.appendHalfBlock(at: time) }
    #expect(try store.blocks().contains { $0.index == Int(spare) - 1 })
    #expect(try store.provenTimes(of: "s") == Array(1...7))
  }

  @Test func aFullRingKeepsAllButTheBlockThatIsPrepared() throws {
    let store = try store()
    let writer = try store.writer(for: "s")
    for time in Int64(1)...300 { try writer.appendHalfBlock(at: time) }
    try unsafe writer.core.pointee.background?.finish()
    #expect(try store.provenTimes(of: "s") == Array((300 - 2 * 63 + 1)...300))
    try writer.close()
    #expect(try store.verify().isClean)
  }

  @Test func aStreamWithAMaximumKeepsAllOfIt() throws {
    let store = try store()
    try store.setQuota(StreamQuota(maximumBlocks: 3), of: "s")
    let writer = try store.writer(for: "s")
    for time in Int64(1)...20 { try writer.appendHalfBlock(at: time) }
    try unsafe writer.core.pointee.background?.finish()
    #expect(try store.provenTimes(of: "s") == Array(15...20))
  }

  // MARK: Large blocks

  private static func largePayload(_ time: Int64) -> [UInt8] {
    Array(repeating: UInt8(truncatingIfNeeded: time &* 37 &+ 1), count: 1 << 20)
  }

  /// While the disk writes a large block, the pages of the next one are made ready: nothing that it holds is touched before
  /// the header is synced that ends its life.
  @Test func aLargeBlockIsAsItWasUntilTheEndOfItsLifeIsOnTheDisk() throws {
    let blockSize = (2 << 20) + 65_536
    try observer.interposed {
      let store = try Store.create(
        at: directory.path("a.nts"), StoreOptions(blockSize: blockSize, blockCount: 64, compression: .off))
      let writer = try store.writer(for: "s")
      // Two frames fill a block. A whole lap, and a half one.
      for time in Int64(0)..<192 { try writer.append(Self.largePayload(time), at: time) }
      try unsafe writer.core.pointee.background?.finish()
      let before = observer.seen.count
      observer.hold()
      // The block that was prepared is taken, and the oldest one, of frames 66 and 67, is claimed in its place.
      let oldest = try #require(BlockPool(file: store.file).target(store.file.slot(0).head))
      let first = store.file.header(oldest).firstOrdinal.relaxed
      // None of it in memory: then what it holds is dropped, once it may be.
      let body = unsafe store.file.body(oldest)
      for _ in 0..<1_000 {
        guard TemporaryDirectory.isOnDisk, unsafe nts_cached_pages(body.baseAddress!, body.count) != 0 else { break }
        #expect(posix_fadvise(store.file.mapped.descriptor.number, 0, 0, POSIX_FADV_DONTNEED) == 0)
      }
      try writer.append(Self.largePayload(192), at: 192)
      while observer.seen.count == before { usleep(100) }
      #expect(Int(store.file.slot(0).spareBlock.relaxed) == oldest + 1)
      let held = unsafe Data(bytes: body.baseAddress!, count: body.count)
      for time in [first, first + 1] { #expect(held.range(of: Data(Self.largePayload(Int64(time)))) != nil) }
      observer.release()
      for time in Int64(193)..<400 { try writer.append(Self.largePayload(time), at: time) }
      try writer.close()
      var expected = Int64(400 - 2 * 63)
      for frame in try store.frames(of: "s") {
        let payload = try frame.copyBytes()
        #expect(frame.timestamp == expected && payload == Self.largePayload(expected))
        expected += 1
      }
      #expect(expected == 400)
      #expect(try store.verify().isClean)
    }
  }
}
