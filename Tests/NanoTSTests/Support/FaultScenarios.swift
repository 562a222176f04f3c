import NanoTS

@testable import NanoTS

/// Uses of the engine in which each system call is made to fail in turn.
struct FaultScenario: Sendable, CustomStringConvertible {
  let name: String
  /// Calls that the file system is to lack.
  var lacking: [CallKind: Int32] = [:]
  /// What is there before; nothing fails in it.
  var prepare: @Sendable (FaultRun) throws -> Void = { _ in }
  let act: @Sendable (FaultRun) -> Void

  var description: String { name }

  private static let notSupported: Int32 = -95
  private static let small = StoreOptions(blockSize: 4096, blockCount: 8, streamCapacity: 4)
  private static let tiny = StoreOptions(blockSize: 4096, blockCount: 4, streamCapacity: 4)
  private static let growable = StoreOptions(blockSize: 4096, blockCount: 8, initialBlockCount: 1, streamCapacity: 4)

  static let all: [FaultScenario] =
    [
      creating("create", small), creating("create growable", growable), creatingOfBlocksThatAreWritten, replacing,
      opening,
    ]
    + [Durability.none, .onSeal, .everyFrame].map { appending($0) }
    + [Durability.onSeal, .interval(milliseconds: 1)].map { appendingWithThread($0) }
    + [growing, growingByWriting, reclaiming, reclaimingFromTheDead, reclaimingAmongPins, keeping, freeing]
    + [reading, readingWhileItGrows, readingASnapshot, awaiting, copying, copyingOver, verifying, settling, recovering]

  /// A store with one stream of frames 1 to 7 in 4 blocks, left cleanly.
  private static func storeOfA(_ run: FaultRun, _ options: StoreOptions = small) throws {
    let store = try Store.create(at: run.path, options)
    try store.appendHalfBlocks(1...7, to: "a")
    try store.close()
    run.hasStored(1...7, in: "a")
  }

  // MARK: Creating and opening

  private static func creating(_ name: String, _ options: StoreOptions) -> FaultScenario {
    FaultScenario(name: name) { run in
      let store = run.step("create") { try Store.create(at: run.path, options) }
      run.step("close the store") { try store?.close() }
      run.step("create where a store is") { try createAgain(run) }
    }
  }

  /// Refused, as there is a store unless an earlier step failed.
  private static func createAgain(_ run: FaultRun) throws(NanoTSError) {
    do throws(NanoTSError) {
      try Store.create(at: run.path, small).close()
    } catch  where error.code == .alreadyExists {}
  }

  private static let creatingOfBlocksThatAreWritten = FaultScenario(
    name: "create without fallocate", lacking: [.reserve: notSupported]
  ) { run in
    let store = run.step("create") { try Store.create(at: run.path, small) }
    run.append(1...3, to: "a", run.step("open a writer") { try store?.writer(for: "a") } ?? nil)
    run.step("close the store") { try store?.close() }
  }

  private static let replacing = FaultScenario(name: "replace", prepare: { try storeOfA($0) }) { run in
    run.mayLose("a")
    let store = run.step("replace") { try Store.create(at: run.path, small, replacing: true) }
    run.step("close the store") { try store?.close() }
  }

  private static let opening = FaultScenario(name: "open", prepare: { try storeOfA($0) }) { run in
    for (access, operation) in [
      (Store.Access.readWrite, "open"), (.readOnly, "open read-only"), (.following, "open following"),
    ] {
      guard let store = run.step(operation, { try Store(at: run.path, access) }) else { continue }
      run.step("read") { try expect(store.provenTimes(of: "a"), 1...7) }
      run.step("close the store") { try store.close() }
    }
  }

  struct Unexpected: Error {
    let description: String
  }

  private static func expect(_ times: [Int64], _ range: ClosedRange<Int64>) throws {
    if times != Array(range) { throw Unexpected(description: "read \(times) and not \(range)") }
  }

  // MARK: Writing

  private static func appending(_ durability: Durability) -> FaultScenario {
    FaultScenario(name: "append, \(durability)", prepare: { try storeOfA($0) }) { run in
      guard let store = run.step("open", { try Store(at: run.path) }) else { return }
      let options = WriterOptions(durability: durability)
      let writer = run.step("open a writer") { try store.writer(for: "a", options: options) }
      run.append(8...11, to: "a", writer)
      run.flush(writer, of: "a")
      run.append(12...13, to: "a", writer)
      // Whatever has failed, what was acknowledged can be read here and by others.
      run.step("read") { _ = try store.provenTimes(of: "a") }
      let other = run.step("open a writer") { try store.writer(for: "b", options: options) }
      run.append(1...3, to: "b", other)
      for writer in [writer, other] { run.step("close a writer") { try writer?.close() } }
      run.step("close the store") { try store.close() }
    }
  }

  /// In one step, because what fails on the store's thread is told by a later call.
  private static func appendingWithThread(_ durability: Durability) -> FaultScenario {
    let options = StoreOptions(blockSize: 4096, blockCount: 64, streamCapacity: 4)
    return FaultScenario(name: "append with a thread, \(durability)", prepare: { try storeOfA($0, options) }) { run in
      guard let store = run.step("open", { try Store(at: run.path) }) else { return }
      let writer = run.step("open a writer") {
        try store.writer(for: "a", options: WriterOptions(durability: durability))
      }
      run.step("append with a thread") {
        if let writer { try run.appendUnchecked(8...17, to: "a", writer) }
        try writer?.close()
      }
      run.step("close a writer") { try writer?.close() }
      run.step("close the store") { try store.close() }
    }
  }

  private static let growing = FaultScenario(
    name: "grow", prepare: { try Store.create(at: $0.path, growable).close() }, act: grow)

  private static let growingByWriting = FaultScenario(
    name: "grow without fallocate", lacking: [.reserve: notSupported],
    prepare: { try Store.create(at: $0.path, growable).close() }, act: grow)

  @Sendable private static func grow(_ run: FaultRun) {
    guard let store = run.step("open", { try Store(at: run.path) }) else { return }
    let writer = run.step("open a writer") { try store.writer(for: "a") }
    run.append(1...12, to: "a", writer, "append growing")
    run.step("close a writer") { try writer?.close() }
    run.step("close the store") { try store.close() }
  }

  // MARK: Making room

  private static let reclaiming = FaultScenario(name: "reclaim", prepare: { try storeOfA($0, tiny) }) { run in
    guard let store = run.step("open", { try Store(at: run.path) }) else { return }
    let writers = ["a", "b"].map { stream in run.step("open a writer") { try store.writer(for: stream) } }
    for time in stride(from: Int64(8), to: 16, by: 2) {
      run.append(time...(time + 1), to: "a", writers[0])
      run.append(time...(time + 1), to: "b", writers[1])
    }
    for writer in writers { run.step("close a writer") { try writer?.close() } }
    run.step("close the store") { try store.close() }
  }

  private static let reclaimingFromTheDead = FaultScenario(
    name: "reclaim from a dead writer",
    prepare: { run in
      let store = try Store.create(at: run.path, tiny)
      let dead = try store.writer(for: "dead")
      try dead.appendHalfBlock(at: 1)
      try dead.abandon()
      run.hasStored(1...1, in: "dead")
      try store.appendHalfBlocks(2...7, to: "a")
      run.hasStored(2...7, in: "a")
    }
  ) { run in
    guard let store = run.step("open", { try Store(at: run.path) }) else { return }
    let writer = run.step("open a writer") { try store.writer(for: "a") }
    run.append(8...13, to: "a", writer)
    run.step("close a writer") { try writer?.close() }
    run.step("close the store") { try store.close() }
  }

  private static let reclaimingAmongPins = FaultScenario(
    name: "reclaim among pins", prepare: { try storeOfA($0, tiny) }
  ) { run in
    run.keepsOlderFrames = true
    guard let store = run.step("open", { try Store(at: run.path) }) else { return }
    let pins = [Int64(1)...3, 5...6].map { range in run.step("pin") { try store.pin("a", in: range) } }
    let writer = run.step("open a writer") { try store.writer(for: "a") }
    run.append(8...15, to: "a", writer)
    run.step("release a pin") { for pin in pins { pin?.release() } }
    run.append(16...17, to: "a", writer)
    run.step("close a writer") { try writer?.close() }
    run.step("close the store") { try store.close() }
  }

  private static let keeping = FaultScenario(name: "quota and protection", prepare: { try storeOfA($0) }) { run in
    run.keepsOlderFrames = true
    guard let store = run.step("open", { try Store(at: run.path) }) else { return }
    run.step("protect") { try store.protect("a", in: 1...2) }
    run.step("set a quota") { try store.setQuota(StreamQuota(minimumBlocks: 1, maximumBlocks: 3), of: "a") }
    run.step("set a quota") { try store.setQuota(StreamQuota(minimumBlocks: 1), of: "b") }
    let writer = run.step("open a writer") { try store.writer(for: "a") }
    run.append(8...9, to: "a", writer)
    run.step("protect") { try store.releaseProtection(of: "a") }
    run.append(10...13, to: "a", writer)
    run.step("close a writer") { try writer?.close() }
    run.step("close the store") { try store.close() }
  }

  private static let freeing = FaultScenario(
    name: "free",
    prepare: { run in
      let store = try Store.create(at: run.path, small)
      try store.appendHalfBlocks(1...4, to: "a")
      try store.appendHalfBlocks(1...3, to: "b")
      try store.appendHalfBlocks(1...2, to: "c")
      run.hasStored(1...2, in: "c")
      try store.close()
    }
  ) { run in
    guard let store = run.step("open", { try Store(at: run.path) }) else { return }
    run.step("free a range") { try store.free("a", in: 1...2) }
    run.step("free a stream") { try store.free(stream: "b") }
    run.step("close the store") { try store.close() }
  }

  // MARK: Reading

  /// Frames 1 to 7 of "a", the last of them in a block that a dead writer left open.
  private static func halfWritten(_ run: FaultRun, _ options: StoreOptions) throws {
    let store = try Store.create(at: run.path, options)
    let writer = try store.writer(for: "a")
    for time in Int64(1)...7 { try writer.appendHalfBlock(at: time) }
    try writer.abandon()
    run.hasStored(1...7, in: "a")
  }

  private static let reading = FaultScenario(name: "read", prepare: { try halfWritten($0, small) }, act: read)

  private static let readingWhileItGrows = FaultScenario(
    name: "read a growable store", prepare: { try halfWritten($0, growable) }, act: read)

  private static let readingASnapshot = FaultScenario(
    name: "read a snapshot", prepare: { try halfWritten($0, growable) }
  ) { run in
    guard let store = run.step("open a snapshot", { try Store(at: run.path, .snapshot) }) else { return }
    look(at: store, run)
    run.step("verify a snapshot") {
      let report = try store.verify()
      let isFound = report.findings.contains { $0.kind == .file && $0.message.contains("pread") }
      if !report.isClean, !isFound { throw Unexpected(description: "\(report.findings)") }
    }
  }

  @Sendable private static func read(_ run: FaultRun) {
    guard let store = run.step("open read-only", { try Store(at: run.path, .readOnly) }) else { return }
    look(at: store, run)
    run.step("follow") {
      var follower = try store.follow(["a"], from: .oldest)
      for time in Int64(1)...7 where try follower.next(waitingMilliseconds: 0)?.frame.timestamp != time {
        throw Unexpected(description: "frame \(time) did not come")
      }
    }
    run.step("read again") { try expect(store.provenTimes(of: "a"), 1...7) }
  }

  private static func look(at store: Store, _ run: FaultRun) {
    run.step("read") { try expect(store.provenTimes(of: "a"), 1...7) }
    run.step("seek") {
      var cursor = try store.cursor(of: "a")
      guard try cursor.seek(to: 5)?.timestamp == 5, try cursor.last()?.timestamp == 7,
        try cursor.previous()?.timestamp == 6, try cursor.first()?.timestamp == 1
      else { throw Unexpected(description: "sought and did not find") }
    }
    run.step("ask") {
      guard try store.frameCount(of: "a", in: 2...7) == 6, try store.segments(of: "a").count == 1,
        try store.contiguousRuns(of: "a").count == 1, try store.statistics(of: "a")?.last == 7,
        try store.statistics().last == 7, try store.streams(in: 7...7) == ["a"], try store.blocks().count >= 4
      else { throw Unexpected(description: "an answer is wrong") }
    }
    run.step("iterate") {
      // A sequence ends where a cursor would throw, or says what it leaves out: what it hands out is right.
      var end: Int64 = 0
      for frame in try store.frames(of: "a") {
        guard frame.timestamp == end + 1 + Int64(frame.missed) else {
          throw Unexpected(description: "iterated to \(frame.timestamp) behind \(end), \(frame.missed) missed")
        }
        end = frame.timestamp
      }
      let reversed = try store.frames(of: "a").reversed().map(\.timestamp)
      guard zip(reversed, reversed.dropFirst()).allSatisfy({ $0 > $1 }), reversed.allSatisfy({ (1...7).contains($0) })
      else {
        throw Unexpected(description: "iterated back to \(reversed)")
      }
    }
  }

  private static let awaiting = FaultScenario(name: "subscribe", prepare: { try storeOfA($0) }) { run in
    guard let store = run.step("open following", { try Store(at: run.path, .following) }) else { return }
    run.step("subscribe") { try store.follow(["a"], from: .end).subscribe { _ in }.cancel() }
  }

  // MARK: Copying and putting right

  private static let copying = FaultScenario(name: "copy", prepare: { try storeOfA($0) }) { run in
    guard let store = run.step("open read-only", { try Store(at: run.path, .readOnly) }) else { return }
    run.step("copy") { try store.copy(to: run.copyPath) }
  }

  private static let copyingOver = FaultScenario(
    name: "copy over a store",
    prepare: { run in
      try halfWritten(run, growable)
      let store = try Store(at: run.path, .readOnly)
      try store.copy(to: run.copyPath)
    }
  ) { run in
    guard let store = run.step("open read-only", { try Store(at: run.path, .readOnly) }) else { return }
    run.step("copy over") { try store.copy(to: run.copyPath, replacing: true) }
  }

  private static let verifying = FaultScenario(name: "verify", prepare: { try halfWritten($0, growable) }) { run in
    for (access, operation) in [(Store.Access.readOnly, "open read-only"), (.readWrite, "open")] {
      guard let store = run.step(operation, { try Store(at: run.path, access) }) else { continue }
      run.step("verify") {
        let report = try store.verify()
        if !report.isClean { throw Unexpected(description: "\(report.findings)") }
      }
    }
  }

  private static let settling = FaultScenario(
    name: "settle",
    prepare: { run in
      let store = try Store.create(at: run.path, growable)
      let writer = try store.writer(for: "a")
      for time in Int64(1)...7 { try writer.appendHalfBlock(at: time) }
      let lost = try run.directory.lostStore(of: store, unordered: true)
      try writer.abandon()
      try store.close()
      try StoreBytes.write(StoreBytes.read(lost), to: run.path)
      run.hasStored(1...7, in: "a")
    }
  ) { run in
    for _ in 0..<2 {
      guard let store = run.step("open a suspect store", { try Store(at: run.path) }) else { continue }
      let writer = run.step("open a writer") { try store.writer(for: "a") }
      run.append(8...9, to: "a", writer, "append growing")
      run.step("close the store") { try store.close() }
      return
    }
  }

  private static let recovering = FaultScenario(name: "recover", prepare: { try halfWritten($0, small) }) { run in
    guard let store = run.step("open", { try Store(at: run.path) }) else { return }
    for _ in 0..<2 {
      guard let writer = run.step("open a writer", { try store.writer(for: "a") }) else { continue }
      run.append(8...9, to: "a", writer)
      run.step("close a writer") { try writer.close() }
      break
    }
    run.step("close the store") { try store.close() }
  }
}
