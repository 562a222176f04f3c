import Foundation
import Synchronization
import Testing

@testable import NanoTS

/// The thread that a store's writers give tasks to, and the record of its syncs.
@Suite struct SyncThreadTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  /// Submits itself again and again, until something has come or it has had its number of turns.
  private final class Busy: Sendable {
    let turns = Atomic<Int>(0)
    let timedCameAt = Atomic<Int>(0)

    func turn(_ thread: SyncThread) {
      guard timedCameAt.load(ordering: .relaxed) == 0 else { return }
      guard turns.wrappingAdd(1, ordering: .relaxed).newValue < 20_000 else { return }
      usleep(10)
      do { try thread.submit { self.turn(thread) } } catch { Issue.record("\(error)") }
    }
  }

  /// A task that is due has its turn, whatever is submitted without a time meanwhile.
  @Test func aTimedTaskIsNotStarved() throws {
    let (thread, busy) = (SyncThread(), Busy())
    try thread.submit { busy.turn(thread) }
    try thread.submit { busy.turn(thread) }
    try thread.submit(at: MonotonicClock.now + 1_000_000) {
      busy.timedCameAt.store(busy.turns.load(ordering: .relaxed), ordering: .relaxed)
    }
    while busy.timedCameAt.load(ordering: .relaxed) == 0, busy.turns.load(ordering: .relaxed) < 20_000 { usleep(100) }
    thread.stop()
    // At the last turn nobody else submits any more.
    let cameAt = busy.timedCameAt.load(ordering: .relaxed)
    #expect(cameAt > 0 && cameAt < 19_000, "after \(cameAt) of \(busy.turns.load(ordering: .relaxed)) turns")
  }

  /// Tasks that come while the thread looks for one, just when it stops looking, and while it sleeps.
  @Test func anExpectedTaskIsRunWheneverItComes() throws {
    let (thread, done) = (SyncThread(), WaitCounter())
    let seed = TestSeed.next()
    // Before, because a task that is not run is waited for until the test's time is over.
    print("expected tasks, NANOTS_TEST_SEED=\(seed)")
    var random = SeededGenerator(seed: seed)
    var wasAlert = 0
    for turn in UInt32(0)..<600 {
      if turn % 8 > 0 { thread.expectTask() }
      let delay = UInt64(random.next() % 3) * 1_000_000 + random.next() % 200_000
      MonotonicClock.sleep(until: MonotonicClock.now + delay)
      if thread.isAlert { wasAlert += 1 }
      try thread.submit { done.increment() }
      while done.value == turn { done.wait(while: turn) }
    }
    #expect(wasAlert > 0)
    thread.stop()
    #expect(!thread.isAlert)
  }

  /// The writer that is about to fill its block has told the thread.
  @Test func theThreadExpectsTheChangeOfBlocks() throws {
    let store = try directory.store(blocks: 64)
    let writer = try store.writer(for: "s", options: WriterOptions(durability: .onSeal, compression: .off))
    let thread = store.session!.background
    let slot = store.file.slot(0)
    var (appended, count) = (Int64(0), UInt32(0))
    while !thread.isAlert {
      appended += 1
      try writer.append(value: appended, at: appended)
      if slot.blockCount.relaxed > count {
        count = slot.blockCount.relaxed
        try #require(count < 40)
        // A thread that is busy is not told, and one that was told before looks for a while.
        try unsafe writer.core.pointee.background?.finish()
        while thread.isAlert { usleep(100) }
      }
    }
    #expect(slot.blockCount.relaxed == count)
    // Told near a block's end: a sixteenth of it is free, 8 frames.
    for _ in 0..<16 {
      appended += 1
      try writer.append(value: appended, at: appended)
    }
    #expect(slot.blockCount.relaxed == count + 1)
    try writer.close()
    try store.close()
    let read = try Store(at: directory.path("a.nts")).contents(of: "s")
    #expect(read.map(\.timestamp) == Array(1...appended))
  }

  /// A writer by time has one waiting, which is no reason not to look for others.
  @Test func aTaskThatIsNotDueDoesNotKeepTheThreadFromExpectingOne() throws {
    let (thread, done) = (SyncThread(), WaitCounter())
    try thread.submit(at: MonotonicClock.now + 3_600_000_000_000) {}
    for turn in UInt32(0)..<50 {
      // Busy with the last one, it is not told.
      while !thread.isAlert { thread.expectTask() }
      try thread.submit { done.increment() }
      while done.value == turn { done.wait(while: turn) }
    }
    thread.stop()
    #expect(!thread.isAlert && thread.waitingTasks == 0)
  }

  @Test func whatIsCancelledDoesNotRunAndDoesNotStay() throws {
    let (thread, owner) = (SyncThread(), Busy())
    for _ in 0..<100 {
      try thread.submit(at: MonotonicClock.now + 3_600_000_000_000, for: ObjectIdentifier(owner)) {
        owner.timedCameAt.store(1, ordering: .relaxed)
      }
    }
    try thread.submit(at: MonotonicClock.now + 3_600_000_000_000) {}
    thread.cancel(ObjectIdentifier(owner))
    #expect(thread.waitingTasks == 1)
    thread.stop()
    #expect(thread.waitingTasks == 0)
    #expect(owner.timedCameAt.load(ordering: .relaxed) == 0)
  }

  /// A store closed and opened for hours, with intervals of an hour.
  @Test func noTaskOfAClosedWriterStays() throws {
    let store = try directory.store(blocks: 64)
    for time in Int64(1)...20 {
      let writer = try store.writer(for: "s", options: WriterOptions(durability: .interval(milliseconds: 3_600_000)))
      try writer.append([1], at: time)
      try writer.close()
    }
    #expect(try store.writableSession().background.waitingTasks == 0)
  }

  /// The kernel tells one of two syncs that meet of what was lost, and the other that all is well.
  @Test func aSyncThatMetAFailedOneHasFailed() async throws {
    let store = try directory.store()
    let descriptor = store.file.mapped.descriptor
    let isInside = Atomic<Bool>(false)
    let hasFailed = Atomic<Bool>(false)
    let other = WorkerThread { () throws -> Bool in
      do throws(NanoTSError) {
        try descriptor.syncing(.range) {
          isInside.store(true, ordering: .releasing)
          while !hasFailed.load(ordering: .acquiring) { usleep(100) }
          return 0
        }
        return true
      } catch {
        #expect(error.code == .ioFailure)
        return false
      }
    }
    while !isInside.load(ordering: .acquiring) { usleep(100) }
    #expect(throws: NanoTSError.self) { try descriptor.syncing(.file) { -5 } }
    hasFailed.store(true, ordering: .releasing)
    #expect(try await other.finish() == false)
    #expect(throws: NanoTSError.self) { try descriptor.sync() }
  }

  /// One that ended before another failed counts; and both that met and did well do.
  @Test func syncsThatMeetAndDoWell() async throws {
    let descriptor = try directory.store().file.mapped.descriptor
    let workers = (0..<4).map { _ in
      WorkerThread { () throws -> Int in
        for _ in 0..<50 { try descriptor.syncing(.range) { 0 } }
        return 50
      }
    }
    for worker in workers { #expect(try await worker.finish() == 50) }
  }
}
