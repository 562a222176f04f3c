import Foundation
import Synchronization
import Testing

@testable import NanoTS

/// Threads that ask for a sync at the same time share one, and nobody returns on one that began too early or failed.
@Suite struct GroupCommitTests {
  /// Stands for a file: what was written, and how much of it the last sync that was done has seen.
  private final class Medium: Sendable {
    let written = Atomic<Int>(0)
    let durable = Atomic<Int>(0)
    let syncs = Atomic<Int>(0)
    let underway = Atomic<Int>(0)

    func sync() {
      #expect(underway.wrappingAdd(1, ordering: .sequentiallyConsistent).newValue == 1)
      let seen = written.load(ordering: .sequentiallyConsistent)
      usleep(20)
      durable.store(seen, ordering: .sequentiallyConsistent)
      syncs.wrappingAdd(1, ordering: .sequentiallyConsistent)
      underway.wrappingSubtract(1, ordering: .sequentiallyConsistent)
    }
  }

  @Test func whoReturnsIsDurableAndSyncsAreShared() async throws {
    let (gate, medium) = (SyncGate(), Medium())
    let (threads, rounds) = (4, 2_000)
    let workers = (0..<threads).map { _ in
      WorkerThread { () throws -> Int in
        var early = 0
        for _ in 0..<rounds {
          let mine = medium.written.wrappingAdd(1, ordering: .sequentiallyConsistent).newValue
          try gate.pass { medium.sync() }
          if medium.durable.load(ordering: .sequentiallyConsistent) < mine { early += 1 }
        }
        return early
      }
    }
    for worker in workers { #expect(try await worker.finish() == 0) }
    #expect(medium.syncs.load(ordering: .relaxed) < threads * rounds)
  }

  @Test func aSyncThatFailedIsNobodysSuccess() async throws {
    let gate = SyncGate()
    let failures = Atomic<Int>(0)
    let workers = (0..<4).map { _ in
      WorkerThread { () throws -> Int in
        var thrown = 0
        for _ in 0..<500 {
          do throws(NanoTSError) {
            try gate.pass { () throws(NanoTSError) in
              failures.wrappingAdd(1, ordering: .relaxed)
              throw NanoTSError(.ioFailure, "fdatasync failed")
            }
          } catch {
            thrown += 1
          }
        }
        return thrown
      }
    }
    for worker in workers { #expect(try await worker.finish() == 500) }
    #expect(failures.load(ordering: .relaxed) == 2000)
    try gate.pass {}
  }

  @Test func everyFrameNeedsOneSyncForEachFrame() throws {
    let directory = try TemporaryDirectory()
    let observer = SyncObserver()
    try observer.interposed {
      let store = try directory.plainStore()
      let writer = try store.writer(for: "s", options: WriterOptions(durability: .everyFrame))
      try writer.append([0], at: 1)
      let before = observer.seen.count
      for time in Int64(2)...51 { try writer.append([1], at: time) }
      #expect(observer.seen.count - before == 50)
      #expect(observer.seen.suffix(50).allSatisfy { $0.call == .syncFile })
    }
  }
}
