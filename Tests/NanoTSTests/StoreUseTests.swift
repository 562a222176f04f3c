import Foundation
import Testing

@testable import NanoTS

/// Second writers, read-only stores, streams that nobody made, and stores that were closed.
@Suite struct StoreUseTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  // MARK: One writer

  @Test func aSecondWriterIsRefusedWithTheProcessOfTheFirst() throws {
    let store = try directory.plainStore()
    let other = try Store(at: store.path)
    let process = ProcessInfo.processInfo.processIdentifier
    let writer = try store.writer(for: "s")
    try writer.append([1], at: 1)
    for same in [store, other] {
      expectError(.streamBusy, naming: ["'s'", "process \(process);", store.path]) { try same.writer(for: "s") }
      #expect(try same.statistics(of: "s")?.isWritten == true)
      #expect(try same.statistics(of: "s")?.writerProcessID == process)
    }
    let neighbour = try other.writer(for: "t")
    try neighbour.append([2], at: 1)
    try writer.append([3], at: 2)
    try writer.close()
    try writer.close()
    #expect(try other.statistics(of: "s")?.isWritten == false)
    #expect(try other.statistics(of: "s")?.writerProcessID == nil)
    let second = try other.writer(for: "s")
    try second.append([4], at: 3)
    expectError(.streamBusy, naming: ["process \(process);"]) { try store.writer(for: "s") }
    #expect(try store.contents(of: "s").map(\.payload) == [[1], [3], [4]])
    #expect(try store.contents(of: "s").map(\.segment) == [0, 0, 1])
  }

  /// The last block of a stream that was not written for long is the oldest of all. Others may take it while a writer is
  /// being opened, and it is another stream's when the new writer gets on.
  @Test func aWriterGoesOnFromTheEndThatItsStreamHadWhenItTookTheLock() throws {
    let store = try directory.plainStore(blocks: 2)
    let options = WriterOptions(durability: .none)
    let earlier = try store.writer(for: "s", options: options)
    try earlier.append([1], at: 10)
    try earlier.close()
    let lease = try StreamLease(store.file, Array("s".utf8), durable: false)
    let other = try store.writer(for: "other", options: options)
    for time in Int64(1000)..<1008 {
      try other.append(Array(repeating: 1, count: 1200), at: time, key: 7)
    }
    try other.close()
    #expect(try store.contents(of: "s").isEmpty)
    let handover = BlockHandover(lease: lease, durability: .none, autoReclaim: true, metadata: [], chunks: nil)
    var core = WriterCore(lease, handover, nil, options)
    #expect(core.last == FramePosition(timestamp: 10))
    #expect(unsafe core.append(nil, 0, FramePosition(timestamp: 11, key: 0), 0))
    #expect(try store.contents(of: "s").map(\.ordinal) == [1])
    try lease.release()
  }

  /// Between fork and exec a child has its parent's descriptions, and with them the locks that closing alone leaves taken.
  @Test func aWriterThatCouldNotBeMadeLeavesNoLockToAForkedChild() throws {
    let store = try directory.plainStore()
    let lease = try StreamLease(store.file, Array("s".utf8), durable: false)
    let inherited = withExtendedLifetime(consume lease) { dup($0.descriptor.number) }
    #expect(inherited >= 0)
    defer { close(inherited) }
    try store.writer(for: "s").append([1], at: 1)
    #expect(try store.timestamps(of: "s") == [1])
  }

  @Test func aWriterThatGoesOutOfScopeLetsTheStreamGo() throws {
    let store = try directory.plainStore()
    do {
      let writer = try store.writer(for: "s")
      try writer.append([1], at: 1)
    }
    #expect(try store.segments(of: "s").map(\.isOpen) == [false])
    try store.writer(for: "s").append([2], at: 2)
    #expect(try store.timestamps(of: "s") == [1, 2])
  }

  @Test func aClosedWriterRefusesEverything() throws {
    let store = try directory.plainStore()
    let writer = try store.writer(for: "s")
    try writer.append([1], at: 1)
    try writer.close()
    expectError(.closed, naming: ["closed"]) { try writer.append([2], at: 2) }
    expectError(.closed, naming: ["closed"]) { try unsafe writer.append(byteCount: 1, at: 2) { _ in 1 } }
    expectError(.closed, naming: ["closed"]) { try writer.flush() }
    #expect(writer.last == FramePosition(timestamp: 1))
    #expect(try store.timestamps(of: "s") == [1])
  }

  // MARK: Read-only

  @Test func aReadOnlyStoreRefusesEveryChangeAndNeverWritesToItsFile() throws {
    let path = try directory.plainStore(blocks: 3).path
    do {
      let store = try Store(at: path)
      let writer = try store.writer(for: "s", metadata: "m")
      for time in 0..<60 { try writer.append(Array(repeating: UInt8(time), count: 300), at: Int64(time)) }
      try store.writer(for: "t").append([1], at: 1)
    }
    #expect(unsafe chmod(path, 0o444) == 0)
    let before = try StoreBytes.read(path)
    let dateBefore = try FileManager.default.attributesOfItem(atPath: path)[.modificationDate] as? Date
    do {
      let store = try Store(at: path, .readOnly)
      expectError(.readOnly, naming: [path, "read-only"]) { try store.writer(for: "s") }
      expectError(.readOnly, naming: [path, "read-only"]) { try store.writer(for: "new") }
      expectError(.readOnly, naming: [path, "read-only"]) { try store.free("s", in: 0...100) }
      expectError(.readOnly, naming: [path, "read-only"]) { try store.free(stream: "s") }
      #expect(try store.streams() == ["s", "t"])
      #expect(try store.timestamps(of: "s").last == 59)
      #expect(try store.frames(of: "s").reversed().first { _ in true }?.timestamp == 59)
      #expect(try store.frameCount(of: "s", in: 50...70) == 10)
      #expect(try store.segments(of: "s").map(\.metadata) == ["m"])
      #expect(try store.contiguousRuns(of: "s").count == 1)
      #expect(try store.statistics().frames > 0)
      #expect(try store.verify().isClean)
      try store.close()
    }
    #expect(try StoreBytes.read(path) == before)
    #expect(try FileManager.default.attributesOfItem(atPath: path)[.modificationDate] as? Date == dateBefore)
    #expect(try directory.contents() == ["a.nts"])
  }

  @Test func aReadOnlyStoreSeesWhatAWriterAppendsMeanwhile() throws {
    let store = try directory.plainStore()
    let reading = try Store(at: store.path, .readOnly)
    var cursor = try reading.cursor(of: "s")
    #expect(try cursor.next() == nil)
    let writer = try store.writer(for: "s")
    #expect(try cursor.next() == nil)
    for time in 0..<100 {
      try writer.append(Array(repeating: 1, count: 100), at: Int64(time))
      #expect(try cursor.next()?.timestamp == Int64(time))
      #expect(try cursor.next() == nil)
    }
  }

  // MARK: Unknown streams

  @Test func anUnknownStreamReadsAsEmptyUntilAWriterMakesIt() throws {
    let store = try directory.plainStore()
    for access in [Store.Access.readOnly, .readWrite] {
      let store = try Store(at: store.path, access)
      #expect(try store.frames(of: "s").map(\.timestamp) == [])
      #expect(try store.frames(of: "s").reversed().map(\.timestamp) == [])
      #expect(try store.frameCount(of: "s") == 0)
      #expect(try store.segments(of: "s").isEmpty)
      #expect(try store.contiguousRuns(of: "s").isEmpty)
      #expect(try store.statistics(of: "s") == nil)
      #expect(try store.streams() == [])
      #expect(try store.streams(in: Int64.min...Int64.max) == [])
      #expect(try store.statistics().frames == 0)
      #expect(try store.statistics().first == nil)
    }
    var cursor = try store.cursor(of: "s")
    #expect(try cursor.next() == nil)
    #expect(try cursor.previous() == nil)
    #expect(try cursor.first() == nil)
    #expect(try cursor.last() == nil)
    #expect(try cursor.seek(to: 0) == nil)
    #expect(try cursor.nextBatch() == nil)
    try cursor.seekToEnd()
    #expect(try store.free("s", in: 0...1).blocks == 0)
    #expect(try store.free(stream: "s").frames == 0)
    #expect(try store.streams() == [])

    let writer = try store.writer(for: "s")
    #expect(try store.streams() == ["s"])
    #expect(try store.streams(in: Int64.min...Int64.max) == [])
    #expect(try store.statistics(of: "s")?.frames == 0)
    #expect(try cursor.next() == nil)
    try writer.append([1], at: 5)
    #expect(try cursor.next()?.timestamp == 5)
    #expect(try store.streams(in: 5...5) == ["s"])
    #expect(try store.streams(in: 6...7) == [])
  }

  // MARK: Closed stores

  @Test func aClosedStoreRefusesQuestionsWhileItsWriterAndCursorGoOn() throws {
    let store = try directory.plainStore()
    let writer = try store.writer(for: "s")
    try writer.append([1], at: 1)
    var cursor = try store.cursor(of: "s")
    let sequence = try store.frames(of: "s")
    #expect(try cursor.next()?.timestamp == 1)
    try store.close()
    try store.close()

    expectError(.closed, naming: [store.path, "open it again"]) { try store.writer(for: "t") }
    expectError(.closed, naming: [store.path]) { try store.cursor(of: "s") }
    expectError(.closed, naming: [store.path]) { try store.frames(of: "s") }
    expectError(.closed, naming: [store.path]) { try store.frameCount(of: "s") }
    expectError(.closed, naming: [store.path]) { try store.segments(of: "s") }
    expectError(.closed, naming: [store.path]) { try store.contiguousRuns(of: "s") }
    expectError(.closed, naming: [store.path]) { try store.statistics(of: "s") }
    expectError(.closed, naming: [store.path]) { try store.statistics() }
    expectError(.closed, naming: [store.path]) { try store.streams() }
    expectError(.closed, naming: [store.path]) { try store.blocks() }
    expectError(.closed, naming: [store.path]) { try store.verify() }
    expectError(.closed, naming: [store.path]) { try store.free("s", in: 0...1) }
    expectError(.closed, naming: [store.path]) { try store.free(stream: "s") }

    for time in 2...200 {
      try writer.append(Array(repeating: UInt8(time), count: 100), at: Int64(time))
      let frame = try #require(try cursor.next())
      #expect(try frame.copyBytes() == Array(repeating: UInt8(time), count: 100))
    }
    #expect(sequence.map(\.timestamp) == Array(1...200))
    try writer.close()
    #expect(try Store(at: store.path, .readOnly).frameCount(of: "s") == 200)
  }

  @Test func aCursorKeepsTheFileOfAStoreThatIsGone() throws {
    var cursor: Cursor
    do {
      let store = try directory.plainStore()
      let writer = try store.writer(for: "s")
      for time in 0..<100 { try writer.append(Array(repeating: 7, count: 100), at: Int64(time)) }
      cursor = try store.cursor(of: "s")
      #expect(try cursor.next()?.timestamp == 0)
    }
    try FileManager.default.removeItem(atPath: directory.path("a.nts"))
    for time in 1..<100 { #expect(try cursor.next()?.timestamp == Int64(time)) }
    #expect(try cursor.next() == nil)
    #expect(try cursor.previous()?.timestamp == 99)
  }

  @Test(arguments: [Durability.none, .onSeal, .everyFrame])
  func everythingIsThereAfterTheStoreWasOpenedAgain(_ durability: Durability) throws {
    let path = directory.path("a.nts")
    var expected: [StoredFrame] = []
    do {
      let store = try directory.plainStore()
      let writer = try store.writer(for: "s", metadata: "first", options: WriterOptions(durability: durability))
      for time in 0..<50 { try writer.append(Array(repeating: UInt8(time), count: time * 5), at: Int64(time)) }
      try writer.flush()
      expected = try store.contents(of: "s")
      #expect(expected.count == 50)
    }
    for access in [Store.Access.readOnly, .readWrite] {
      let store = try Store(at: path, access)
      #expect(try store.contents(of: "s") == expected)
      #expect(try store.segments(of: "s").map(\.metadata) == ["first"])
      #expect(try store.verify().isClean)
    }
  }
}
