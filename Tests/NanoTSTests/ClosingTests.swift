import Foundation
import Synchronization
import Testing

@testable import NanoTS

/// A store that is closed in one thread while another one begins to change it.
@Suite struct ClosingTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  /// Something that a thread comes to and is held at.
  private final class Gate: Sendable {
    private let isReached = Atomic<Bool>(false)
    private let isOpen = Atomic<Bool>(false)

    func pass() {
      isReached.store(true, ordering: .releasing)
      while !isOpen.load(ordering: .acquiring) { usleep(100) }
    }

    func waitUntilReached() { while !isReached.load(ordering: .acquiring) { usleep(100) } }
    func open() { isOpen.store(true, ordering: .releasing) }
  }

  private func store() throws -> Store {
    let path = directory.path("a.nts")
    try directory.store(blocks: 64).close()
    let store = try Store(at: path)
    try store.writer(for: "x").append([1], at: 1)
    return store
  }

  @Test func aStoreIsNotCalledCleanWhileAWriterBegins() async throws {
    let (store, gate) = (try store(), Gate())
    let hook = CallHook { call in
      if call == .syncRange { gate.pass() }
      return 0
    }
    let worker = WorkerThread { () throws -> UInt32 in
      try hook.interposed {
        let writer = try store.writer(for: "s")
        for time in Int64(1)...20 { try writer.appendHalfBlock(at: time) }
        let clean = store.file.shared.closedCleanly.acquired
        try writer.close()
        return UInt32(truncatingIfNeeded: clean)
      }
    }
    gate.waitUntilReached()
    try store.close()
    gate.open()
    #expect(try await worker.finish() == 0)
    #expect(store.file.shared.closedCleanly.acquired == 1)
  }

  @Test func aStoreIsNotCalledCleanWhileItIsChanged() async throws {
    let (store, gate) = (try store(), Gate())
    let file = store.file
    let hook = CallHook { call in
      if call == .lock { gate.pass() }
      return 0
    }
    let worker = WorkerThread { () throws -> UInt32 in
      try hook.interposed {
        _ = try store.free(stream: "x")
        return UInt32(truncatingIfNeeded: file.shared.closedCleanly.acquired)
      }
    }
    gate.waitUntilReached()
    try store.close()
    #expect(file.shared.closedCleanly.acquired == 0)
    gate.open()
    _ = try await worker.finish()
    #expect(file.shared.closedCleanly.acquired == 1)
  }

  /// The thread of a closed store must not drop the task that a writer waits for.
  @Test func aWriterThatBeganWhileTheStoreWasClosedGoesOn() async throws {
    // No thread runs for it yet.
    let (store, gate) = (try directory.store(blocks: 64), Gate())
    let hook = CallHook { call in
      if call == .thread { gate.pass() }
      return 0
    }
    let worker = WorkerThread { () throws -> Int in
      try hook.interposed {
        let writer = try store.writer(for: "s", options: WriterOptions(durability: .interval(milliseconds: 20)))
        for time in Int64(1)...50 {
          try writer.append([1], at: time)
          usleep(1000)
        }
        try writer.close()
        return 1
      }
    }
    gate.waitUntilReached()
    let closer = WorkerThread { () throws -> Int in
      try store.close()
      return 1
    }
    usleep(20_000)
    gate.open()
    #expect(try await closer.finish() == 1)
    #expect(try await worker.finish() == 1)
  }

  @Test func aClosedStoreTakesNoChange() throws {
    let store = try store()
    try store.close()
    #expect(throws: NanoTSError.self) { try store.writer(for: "s") }
    #expect(throws: NanoTSError.self) { try store.free(stream: "x") }
  }
}
