import Glibc
import Synchronization
import Testing

@testable import NanoTS

/// The two halves of the allocation lock exclude each other, and the dead, whatever they left, nobody.
@Suite struct AllocationLockTests {
  private let directory: TemporaryDirectory
  private let store: Store
  private let lease: StreamLease

  init() throws {
    directory = try TemporaryDirectory()
    store = try directory.plainStore(blocks: 8)
    lease = try StreamLease(store.file, Array("s".utf8), durable: false)
  }

  private var slot: Int { lease.stream.slot }
  private var word: AtomicUInt64 { store.file.shared.allocationHolder }
  private var epoch: AtomicUInt64 { store.file.shared.allocationEpoch }

  /// A lock as others have it: another process, or a thread of this one.
  private func otherLock() throws -> AllocationLock {
    AllocationLock(store.file, through: try FileDescriptor(reopening: store.file.mapped.descriptor, .readWrite))
  }

  private func expectFree(sourceLocation: SourceLocation = #_sourceLocation) {
    #expect(word.relaxed == 0, sourceLocation: sourceLocation)
    #expect(epoch.relaxed & 1 == 0, sourceLocation: sourceLocation)
  }

  /// One who waits for ever is told as too slow.
  private func inTime<R: Sendable>(_ body: @escaping @Sendable () throws -> R) async throws -> R {
    try await WorkerThread(body).finish()
  }

  // MARK: Exclusion

  @Test func aWriterNeedsNoLockOfTheKernel() async throws {
    let other = try FileDescriptor(reopening: store.file.mapped.descriptor, .readWrite)
    let kernels = FileLock(file: other, offset: StoreFile.LockOffset.allocation)
    try kernels.lock()
    let writer = WorkerThread { [lease, slot] in
      try lease.allocation.withLockAtOnce(forWriterOf: slot) { _ in lease.file.shared.allocationEpoch.relaxed }
    }
    // Of the one who waits for it, `finish` would say that it is too slow.
    #expect(try await writer.finish() & 1 == 1)
    try kernels.unlock()
    expectFree()
  }

  private final class Rounds: Sendable {
    let done = Atomic(0)
    let secondHasBegun = Atomic(0)
  }

  /// What is done by the one is done when the other begins.
  @Test(arguments: [true, false]) func oneWaitsForTheOther(_ writerIsFirst: Bool) async throws {
    let rounds = Rounds()
    let lock = try otherLock()
    let lease = lease
    @Sendable func enter(asWriter: Bool, _ body: () -> Int) throws -> Int {
      asWriter
        ? try lease.allocation.withLockAtOnce(forWriterOf: lease.stream.slot) { _ in body() }
        : try lock.withLock { _ in body() }
    }
    for round in 1...20 {
      var second: WorkerThread<Int>?
      let first = try enter(asWriter: writerIsFirst) {
        second = WorkerThread {
          rounds.secondHasBegun.store(round, ordering: .releasing)
          return try enter(asWriter: !writerIsFirst) { rounds.done.load(ordering: .relaxed) }
        }
        while rounds.secondHasBegun.load(ordering: .acquiring) < round {}
        MonotonicClock.sleep(until: MonotonicClock.now + 1_000_000)
        return rounds.done.add(1, ordering: .relaxed).newValue
      }
      #expect(first == round)
      #expect(try await second?.finish() == round)
    }
    expectFree()
  }

  /// Plain memory, which the lock orders or nobody.
  private final class Count: @unchecked Sendable {
    var value = 0
    var noise = 0
  }

  /// Sections of all kinds, some of which end with an error, in threads that never meet in one: each counts by a load and a
  /// store that are apart.
  @Test func sectionsDoNotOverlap() async throws {
    let (count, sections) = (Count(), 2_000)
    @Sendable func section() {
      let before = count.value
      for turn in 0..<(before % 64) { count.noise &+= turn }
      count.value = before + 1
    }
    let leases = try [lease] + ["t", "u"].map { try StreamLease(store.file, Array($0.utf8), durable: false) }
    let writers = leases.map { lease in
      WorkerThread {
        for _ in 0..<sections {
          try lease.allocation.withLockAtOnce(forWriterOf: lease.stream.slot) { _ in section() }
        }
      }
    }
    let failing = NanoTSError(.ioFailure, "as of a disk")
    let others = try [1, 2].map { number in
      let lock = try otherLock()
      return WorkerThread {
        for turn in 0..<sections {
          let isFailing = number == 2 && turn % 8 == 0
          let said = Result { () throws(NanoTSError) in
            try lock.withLock { _ throws(NanoTSError) in
              section()
              if isFailing { throw failing }
            }
          }
          if case .failure(let error) = said, error.message != failing.message || !isFailing { throw error }
        }
      }
    }
    for thread in writers + others { try await thread.finish(withinSeconds: 120) }
    #expect(count.value == 5 * sections)
    #expect(word.relaxed == 0)
  }

  // MARK: What the dead leave

  /// Killed with the word, before it changed lists and within.
  @Test(arguments: [false, true]) func theWordOfADeadWriterIsTaken(_ diedWithin: Bool) async throws {
    let next = try StreamLease(store.file, Array("t".utf8), durable: false)
    word.storeRelaxed(AllocationHolder.writer(ofSlot: slot).word)
    if diedWithin { epoch.storeRelaxed(epoch.relaxed | 1) }
    let removals = store.file.slot(slot).removals.relaxed
    try lease.release()
    // A writer that begins a block does not take it, and goes where it is put right.
    try await inTime { try next.allocation.withLockAtOnce(forWriterOf: next.stream.slot) { _ in } }
    #expect(store.file.slot(slot).removals.relaxed == removals + (diedWithin ? 1 : 0))
    expectFree()
  }

  /// An error leaves the lists to be made anew, and the word free.
  @Test func whatAnErrorLeavesIsPutRightByTheNextWriter() async throws {
    let removals = store.file.slot(slot).removals.relaxed
    let failure = NanoTSError(.ioFailure, "as of a disk")
    #expect(throws: NanoTSError.self) {
      try otherLock().withLock { (_) throws(NanoTSError) in throw failure }
    }
    #expect(word.relaxed == 0)
    #expect(epoch.relaxed & 1 == 1)
    try await inTime { [lease] in try lease.allocation.withLockAtOnce(forWriterOf: lease.stream.slot) { _ in } }
    #expect(store.file.slot(slot).removals.relaxed == removals + 1)
    expectFree()
  }

  /// A word that names nobody, although the stream of its lower half, or its upper one, has a writer.
  @Test func nobodyWaitsForADamagedWord() async throws {
    let right = AllocationHolder.writer(ofSlot: slot).word
    let beyond = AllocationHolder.writer(ofSlot: store.file.layout.streamCapacity).word
    let damaged = [right & 0xFFFF_FFFF, right & ~0xFFFF_FFFF, right + 1, right ^ 1 << 40, ~0, 1, beyond]
    let locker = AllocationHolder.locker.word
    for damage in damaged + [locker] {
      word.storeRelaxed(damage)
      let lock = try otherLock()
      #expect(try await inTime { try lock.withLock { $0.file.shared.allocationHolder.relaxed } } == locker)
      expectFree()
      word.storeRelaxed(damage)
      let seen = try await inTime { [lease] in
        try lease.allocation.withLockAtOnce(forWriterOf: lease.stream.slot) { $0.file.shared.allocationHolder.relaxed }
      }
      #expect(seen == locker)
      expectFree()
    }
  }

  /// An older image of the page, written over it: the word names a writer that has not got it.
  @Test func aWriterDoesNotWaitForItself() async throws {
    let own = AllocationHolder.writer(ofSlot: slot).word
    word.storeRelaxed(own)
    let seen = try await inTime { [lease] in try lease.allocation.withLock { $0.file.shared.allocationHolder.relaxed } }
    #expect(seen == AllocationHolder.locker.word)
    expectFree()
    word.storeRelaxed(own)
    let lock = try otherLock()
    let other = WorkerThread { try lock.withLock { _ in } }
    // Others wait for it, and it goes on all the same.
    let next = try await inTime { [lease] in
      try lease.allocation.withLockAtOnce(forWriterOf: lease.stream.slot) { $0.file.shared.allocationHolder.relaxed }
    }
    #expect(next == own)
    try await other.finish()
    expectFree()
  }

  @Test func aLivingWriterIsWaitedFor() async throws {
    word.storeRelaxed(AllocationHolder.writer(ofSlot: slot).word)
    let lock = try otherLock()
    let other = WorkerThread { try lock.withLock { _ in } }
    MonotonicClock.sleep(until: MonotonicClock.now + 20_000_000)
    #expect(other.isRunning)
    #expect(word.relaxed == AllocationHolder.writer(ofSlot: slot).word)
    store.file.giveBackHolder()
    try await other.finish()
    expectFree()
  }

  /// A writer whose file was cut under it, while it began a block: it gives the word back in memory that is not the file's any
  /// more. Others need not wait until it is closed.
  @Test func aWriterThatHasLostItsFileHoldsNobodyUp() async throws {
    let size = try store.file.mapped.descriptor.size()
    let agent = try AgentProcess("cut", store.path, try directory.plainStore("other.nts").path, "write-on", "guarded")
    #expect(agent.firstLine() == "ready")
    // The first block is left: its second one is to be the writer's.
    #expect(unsafe truncate(store.path, store.file.layout.dataOffset + 4096) == 0)
    try agent.say("go on")
    #expect(agent.firstLine() == "ready")
    #expect(unsafe truncate(store.path, Int(size)) == 0)
    #expect(word.relaxed == AllocationHolder.writer(ofSlot: slot + 1).word)
    #expect(epoch.relaxed & 1 == 1)
    let other = WorkerThread { [store] in try store.writer(for: "t").close() }
    try await other.finish()
    expectFree()
    try agent.say("go on")
    #expect(try await agent.finish().contains("append again: ioFailure"))
  }

  /// The file is cut under one who waits for the word: it takes the word in memory that is not the file's, and must do nothing
  /// by what that says, least of all make the file grow.
  @Test func whoHasLostItsFileWhileItWaitedDoesNothing() async throws {
    let path = directory.path("grows.nts")
    let grows = try Store.create(
      at: path, StoreOptions(blockSize: 4096, blockCount: 256, initialBlockCount: 4, streamCapacity: 4))
    let living = try StreamLease(grows.file, Array("s".utf8), durable: false)
    let size = try grows.file.mapped.descriptor.size()
    let agent = try AgentProcess("cut", path, try directory.plainStore("other.nts").path, "write-on", "guarded")
    #expect(agent.firstLine() == "ready")
    grows.file.shared.allocationHolder.storeRelaxed(AllocationHolder.writer(ofSlot: living.stream.slot).word)
    try agent.say("go on")
    // It comes to wait for its second block, or is cut before.
    MonotonicClock.sleep(until: MonotonicClock.now + 200_000_000)
    #expect(unsafe truncate(path, 4096) == 0)
    #expect(agent.firstLine() == "ready")
    #expect(try grows.file.mapped.descriptor.size() == 4096)
    // Before this process, which has no guard, looks at it.
    #expect(unsafe truncate(path, Int(size)) == 0)
    try agent.say("go on")
    #expect(try await agent.finish().contains("append again: ioFailure"))
  }

  // MARK: Blocks

  /// Writers that change blocks all the time, and one who frees: each block stays in one place.
  @Test func listsStayWhole() async throws {
    try lease.release()
    let streams = ["a", "b", "c"]
    let writers = streams.map { name in
      WorkerThread { [store] in
        let writer = try store.writer(for: name, options: WriterOptions(durability: .none))
        for time in Int64(0)..<20_000 { try writer.append(Array("\(name) \(time)".utf8), at: time) }
        try writer.close()
      }
    }
    while writers.contains(where: \.isRunning) { try store.free("a", in: 0...Int64.max) }
    for writer in writers { try await writer.finish() }
    let report = try store.verify()
    #expect(report.isClean, "\(report.findings)")
    for name in streams {
      for frame in try store.contents(of: name) {
        #expect(frame.payload == Array("\(name) \(frame.timestamp)".utf8))
        #expect(frame.ordinal == UInt64(frame.timestamp))
      }
    }
    let statistics = try store.statistics()
    #expect(statistics.freeBlocks + statistics.sealedBlocks == 8)
    expectFree()
  }
}
