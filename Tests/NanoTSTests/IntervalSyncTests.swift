import Foundation
import Testing

@testable import NanoTS

/// Syncing by time: what was appended longer ago than the interval is on the disk when an append returns.
@Suite struct IntervalSyncTests {
  private let directory: TemporaryDirectory
  private let observer = SyncObserver()

  init() throws { directory = try TemporaryDirectory() }

  private func options(_ milliseconds: Int) -> WriterOptions {
    WriterOptions(durability: .interval(milliseconds: milliseconds))
  }

  /// How many frames of the stream are noted as synced, from the first one on. Nothing is recycled.
  private func synced(_ store: Store) throws -> Int {
    var total = 0
    for block in try store.blocks().sorted(by: { $0.sequence < $1.sequence }) {
      let header = store.file.header(block.index)
      let synced = Int(header.syncedCount.relaxed)
      total += synced
      if synced < Int(BlockCommit(word: header.commit.relaxed).count) { break }
    }
    return total
  }

  @Test(arguments: [8, 64]) func whatIsAppendedIsSyncedWithNoFurtherCall(blocks: Int) throws {
    let store = try directory.store(blocks: blocks)
    let writer = try store.writer(for: "s", options: options(2))
    for time in Int64(1)...5 {
      try writer.appendHalfBlock(at: time)
      while try synced(store) < Int(time) { usleep(500) }
    }
    #expect(try store.provenTimes(of: "s") == Array(1...5))
  }

  /// The promise itself, at each append of writers that hurry and pause: by the clock, but whatever its speed.
  @Test(arguments: [8, 64]) func whatIsOlderThanTheIntervalIsOnTheDisk(blocks: Int) throws {
    let seed = TestSeed.next()
    var random = SeededGenerator(seed: seed)
    let store = try directory.store(blocks: blocks)
    let interval: UInt64 = 3
    let writer = try store.writer(for: "s", options: options(Int(interval)))
    var returns: [UInt64] = []
    for time in Int64(1)...Int64(2 * min(blocks, 16) - 2) {
      if Int.random(in: 0..<4, using: &random) == 0 { usleep(UInt32.random(in: 0...4000, using: &random)) }
      let start = MonotonicClock.now
      try writer.appendHalfBlock(at: time)
      let old = returns.count { $0 + interval * 1_000_000 < start }
      let synced = try synced(store)
      #expect(synced >= old, "seed \(seed), append \(time)")
      returns.append(MonotonicClock.now)
    }
    try writer.close()
    #expect(try store.provenTimes(of: "s").count == returns.count)
  }

  /// While a sync takes long, appends go on for as long as the promise allows, and then wait for it.
  @Test func anAppendWaitsForASyncThatTakesLong() async throws {
    let (path, observer, options) = (directory.path("a.nts"), observer, options(20))
    try directory.store().close()
    try await onThread {
      try observer.interposed {
        let store = try Store(at: path)
        let writer = try store.writer(for: "s", options: options)
        try writer.append([1], at: 1)
        observer.hold()
        observer.waitUntilOthersAreHeld()
        let begun = MonotonicClock.now
        let releaser = WorkerThread { () -> UInt64 in
          usleep(200_000)
          defer { observer.release() }
          return MonotonicClock.now
        }
        var time: Int64 = 1
        while MonotonicClock.now < begun + 40_000_000 {
          time += 1
          try writer.append([1], at: time)
        }
        // 40 ms after the sync began, an append has returned: the sync was done by then, so it had been waited for.
        let returned = MonotonicClock.now
        while releaser.isRunning { usleep(100) }
        #expect(returned >= begun + 200_000_000)
        #expect(try self.synced(store) >= 1)
        try writer.close()
      }
    }
  }

  @Test func aWriterThatIsClosedIsSyncedNoMore() throws {
    try observer.interposed {
      let store = try directory.store()
      let writer = try store.writer(for: "s", options: options(1))
      try writer.append([1], at: 1)
      try writer.close()
      try store.close()
      let count = observer.seen.count
      usleep(20_000)
      #expect(observer.seen.count == count)
    }
  }

  @Test func nothingNewIsNotSyncedAgain() throws {
    try observer.interposed {
      let store = try directory.store()
      let writer = try store.writer(for: "s", options: options(1))
      try writer.append([1], at: 1)
      while try synced(store) < 1 { usleep(100) }
      // The header may be under way still.
      try writer.flush()
      usleep(5_000)
      let count = observer.seen.count
      usleep(20_000)
      #expect(observer.seen.count == count)
    }
  }

  @Test(arguments: [0, -1, Int.min, 3_600_001, Int.max]) func anIntervalOutsideTheLimitsIsRefused(_ value: Int) throws {
    let store = try directory.store()
    expectError(.invalidArgument, naming: ["\(value)", "1 to 3600000"]) {
      try store.writer(for: "s", options: options(value))
    }
    try store.writer(for: "s", options: options(3_600_000)).append([1], at: 1)
    #expect(try store.timestamps(of: "s") == [1])
  }

  /// The promise at an append's return, while every sync takes several times the interval. By the clock, whatever its speed.
  @Test func thePromiseHoldsWhenTheAppendReturns() async throws {
    let (path, options) = (directory.path("a.nts"), options(10))
    try directory.store(blockSize: 1 << 16).close()
    try await onThread {
      let owner = WorkThread.current
      let hook = CallHook { call in
        if call == .syncRange || call == .syncFile, WorkThread.current != owner { usleep(60_000) }
        return 0
      }
      try hook.interposed {
        let store = try Store(at: path)
        let writer = try store.writer(for: "s", options: options)
        var returns: [UInt64] = []
        for time in Int64(1)...60 {
          try writer.append([1], at: time)
          let now = MonotonicClock.now
          // None has left the first block.
          let synced = Int(store.file.header(0).syncedCount.relaxed)
          #expect(synced >= returns.count { $0 + 10_000_000 < now }, "append \(time)")
          returns.append(now)
          usleep(1_000)
        }
        try writer.close()
      }
    }
  }

  /// A page that the disk does not give holds nothing, which must not count as synced.
  @Test func aLostPageIsAnError() throws {
    try Store.installBusErrorGuard()
    let store = try directory.store(blockSize: 1 << 20, blocks: 64)
    let writer = try store.writer(for: "s", options: options(5))
    try writer.append([1], at: 1)
    while store.file.header(0).syncedCount.relaxed == 0 { usleep(500) }
    #expect(unsafe truncate(store.path, 4096) == 0)
    let error = #expect(throws: NanoTSError.self) {
      for time in Int64(2)...20_000 {
        try writer.append([1], at: time)
        usleep(1_000)
      }
    }
    #expect(error?.code == .ioFailure)
  }
}
