import Foundation
import Synchronization
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

  /// An append that waited for a sync does not return with frames that have grown too old meanwhile and are not in it.
  @Test func anAppendThatWaitedWaitsForWhatHasAgedSince() async throws {
    let (path, interval) = (directory.path("a.nts"), UInt64(1_000_000_000))
    try directory.store().close()
    let allowed = Atomic<Int>(0)
    let made = Atomic<Int>(0)
    let hasReturned = Atomic<Bool>(false)
    let wasEarly = try await onThread { () throws -> WorkerThread<Bool> in
      let owner = WorkThread.current
      let hook = CallHook { call in
        guard call == .syncRange || call == .syncFile, WorkThread.current != owner else { return 0 }
        let number = made.wrappingAdd(1, ordering: .relaxed).newValue
        while number > allowed.load(ordering: .acquiring) { usleep(200) }
        return 0
      }
      return try hook.interposed {
        let store = try Store(at: path)
        let begun = MonotonicClock.now
        let writer = try store.writer(for: "s", options: WriterOptions(durability: .interval(milliseconds: 1000)))
        try writer.append([1], at: 1)
        // The first sync has begun, half an interval after the writer: the second frame is not in it.
        while made.load(ordering: .relaxed) < 1 { usleep(200) }
        let firstBegan = MonotonicClock.now
        try writer.append([2], at: 2)
        let releaser = WorkerThread { () -> Bool in
          while MonotonicClock.now < firstBegan + interval + 200_000_000 { usleep(1000) }
          // The second frame is too old by now. The first sync ends: frames and header. The next one is held.
          allowed.store(2, ordering: .releasing)
          while made.load(ordering: .relaxed) < 3 { usleep(200) }
          usleep(50_000)
          let wasEarly = hasReturned.load(ordering: .relaxed)
          allowed.store(.max, ordering: .releasing)
          return wasEarly
        }
        while MonotonicClock.now < begun + interval + 100_000_000 { usleep(1000) }
        try writer.append([3], at: 3)
        hasReturned.store(true, ordering: .relaxed)
        while releaser.isRunning { usleep(200) }
        try writer.close()
        return releaser
      }
    }.finish()
    #expect(!wasEarly)
    #expect(made.load(ordering: .relaxed) > 3)
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
