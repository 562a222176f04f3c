import Foundation
import Synchronization
import TestAgent
import Testing

@testable import NanoTS

/// Waiting for frames that are not there yet.
@Suite(.timeLimit(.minutes(2))) struct FollowTests {
  private let directory: TemporaryDirectory
  private let store: Store
  private static let one = ProvingStream(1, .large)
  private static let two = ProvingStream(2, .small)

  init() throws {
    directory = try TemporaryDirectory()
    store = try directory.plainStore(blockSize: 16_384, blocks: 64)
  }

  /// Appends frames `range` that prove themselves, a few at a time with pauses, as a slow recorder does.
  private static func record(_ store: Store, _ stream: ProvingStream, _ range: Range<UInt64>, seed: UInt64) throws {
    let writer = try store.writer(
      for: stream.name, metadata: stream.name, options: WriterOptions(durability: .none))
    var random = SeededGenerator(seed: seed)
    var words: [UInt64] = []
    for ordinal in range {
      let timestamp = stream.timestamp(ordinal, at: 0)
      words.removeAll(keepingCapacity: true)
      stream.addPayload(to: &words, ordinal, timestamp)
      try unsafe words.withUnsafeBytes { bytes in
        try unsafe writer.append(bytes, at: timestamp, flags: ProvingStream.flags(ordinal))
      }
      if random.next() % 64 == 0 { usleep(UInt32(random.next() % 2_000)) }
    }
    try writer.close()
  }

  // MARK: One stream

  @Test(arguments: [Store.Access.readWrite, .following, .readOnly])
  func aWaitingCursorGetsEachFrameOnce(_ access: Store.Access) async throws {
    let reader = try Store(at: store.path, access)
    #expect(reader.followMethod == (access == .readOnly ? .polling : .wakeUps))
    let frames: UInt64 = 3_000
    async let tally = onThread {
      var cursor = try reader.cursor(of: Self.one.name)
      var tally = Tally()
      while tally.end < frames, let frame = try cursor.next(waitingMilliseconds: 60_000) {
        tally.add(frame, try Self.one.isRight(frame))
      }
      return tally
    }
    let seed = TestSeed.next()
    print("a waiting cursor: seed \(seed)")
    try await onThread { [store] in try Self.record(store, Self.one, 0..<frames, seed: seed) }
    let result = try await tally
    #expect(result.isExact && result.right == frames && result.missed == 0, "\(result)")
  }

  @Test func waitingEndsWithItsTime() throws {
    var cursor = try store.cursor(of: "nobody")
    #expect(try cursor.next(waitingMilliseconds: 0) == nil)
    #expect(try cursor.next(waitingMilliseconds: 30) == nil)
    var follower = try store.follow(["nobody", "nothing"])
    #expect(try follower.next(waitingMilliseconds: 30) == nil)
  }

  @Test func negativeWaitsAndStrangeStreamsAreRefused() throws {
    var cursor = try store.cursor(of: "a")
    expectError(.invalidArgument, naming: ["-1"]) { _ = try cursor.next(waitingMilliseconds: -1) }
    expectError(.invalidArgument, naming: ["name one"]) { _ = try store.follow([]) }
    expectError(.invalidArgument, naming: ["'a'"]) { _ = try store.follow(["a", "b", "a"]) }
    expectError(.invalidName) { _ = try store.follow([""]) }
    let other = try directory.plainStore("b.nts")
    var follower = try store.follow(["a"])
    expectError(.invalidArgument, naming: ["b.nts"]) { try follower.add(try other.cursor(of: "b")) }
    #expect(follower.streams == ["a"])
    #expect(try follower.next(waitingMilliseconds: 0) == nil)
  }

  @Test func aStreamMadeLaterAndMadeAnewIsFollowed() async throws {
    let path = store.path
    let count = Atomic<Int>(0)
    let isWaiting = Atomic<Bool>(false)
    async let seen = onThread { [store] in
      var follower = try store.follow(["late"], from: .oldest)
      var payloads: [[UInt8]] = []
      isWaiting.store(true, ordering: .releasing)
      while payloads.count < 3, let followed = try follower.next(waitingMilliseconds: 60_000) {
        payloads.append(try followed.frame.copyBytes())
        #expect(followed.stream == "late" && followed.frame.missed == 0)
        count.store(payloads.count, ordering: .releasing)
      }
      return payloads
    }
    try await onThread {
      let other = try Store(at: path)
      while !isWaiting.load(ordering: .acquiring) { usleep(1_000) }
      usleep(50_000)
      let first = try other.writer(for: "late")
      try first.append([1], at: 1)
      while count.load(ordering: .acquiring) < 1 { usleep(1_000) }
      try first.append([2], at: 2)
      try first.close()
      // What is freed before it is read is gone.
      while count.load(ordering: .acquiring) < 2 { usleep(1_000) }
      try other.free(stream: "late")
      try other.writer(for: "late").append([3], at: 3)
    }
    #expect(try await seen == [[1], [2], [3]])
  }

  // MARK: Several streams

  @Test func streamsAreMergedByTimestampThenInTheirOrder() throws {
    let (b, a) = (try store.writer(for: "b"), try store.writer(for: "a"))
    for timestamp in [Int64(1), 3, 5] { try b.append([], at: timestamp) }
    for timestamp in [Int64(2), 3, 4, 9] { try a.append([], at: timestamp) }
    var follower = try store.follow(["b", "a"], from: .oldest)
    var seen: [String] = []
    while let followed = try follower.next(waitingMilliseconds: 0) {
      seen.append("\(followed.stream)\(followed.frame.timestamp)")
    }
    #expect(seen == ["b1", "a2", "b3", "a3", "a4", "b5", "a9"])
    // A late stream does not hold up the others, and is not left out.
    try b.append([], at: 6)
    #expect(try follower.next(waitingMilliseconds: 0)?.frame.timestamp == 6)
    var fromFour = try store.follow(["b", "a"], from: .timestamp(4))
    #expect(try fromFour.next(waitingMilliseconds: 0)?.stream == "a")
    var fromEnd = try store.follow(["b", "a"])
    #expect(try fromEnd.next(waitingMilliseconds: 0) == nil)
    try a.append([], at: 10)
    #expect(try fromEnd.next(waitingMilliseconds: 0)?.frame.timestamp == 10)
  }

  @Test func framesRecycledWhileOneWasHeldBackAreCounted() throws {
    let small = try directory.plainStore("small.nts", blocks: 4)
    let slow = try small.writer(for: "slow")
    let fast = try small.writer(for: "fast")
    let payload = [UInt8](repeating: 7, count: 900)
    try slow.append([], at: 1_000)
    for timestamp in Int64(1)...4 { try fast.append(payload, at: timestamp * 10) }
    var follower = try small.follow(["slow", "fast"], from: .oldest)
    // Takes both heads; hands out that of "fast" and keeps that of "slow".
    #expect(try follower.next(waitingMilliseconds: 0)?.frame.timestamp == 10)
    try slow.close()
    for timestamp in Int64(200)...240 { try fast.append(payload, at: timestamp * 10) }
    var ordinals: [String: UInt64] = ["slow": 0, "fast": 1]
    while let followed = try follower.next(waitingMilliseconds: 0) {
      ordinals[followed.stream, default: 0] += followed.frame.missed
      #expect(followed.frame.ordinal == ordinals[followed.stream])
      ordinals[followed.stream, default: 0] += 1
    }
    #expect(ordinals["fast"] == 45)
    let again = try small.writer(for: "slow")
    try again.append([], at: 5_000)
    let frame = try #require(try follower.next(waitingMilliseconds: 0)).frame
    #expect(frame.ordinal == 1 && frame.missed == 1)
  }

  // MARK: Tasks

  /// More followers than the pool has threads: if one of them blocked, the writing task would never run.
  @Test func tasksFollowWithoutBlockingThePool() async throws {
    let frames: UInt64 = 200
    try await withThrowingTaskGroup(of: Tally.self) { group in
      for _ in 0..<40 {
        group.addTask { [store] in
          var tally = Tally()
          for try await followed in try store.follow([Self.one.name], from: .oldest).frames {
            tally.add(missed: followed.frame.missed)
            tally.add(followed.frame, try Self.one.isRight(followed.frame))
            if tally.end == frames { break }
          }
          return tally
        }
      }
      group.addTask { [store] in
        try await Task.sleep(for: .milliseconds(20))
        try Self.record(store, Self.one, 0..<frames, seed: 1)
        return Tally()
      }
      for try await tally in group { #expect(tally.isExact, "\(tally)") }
    }
  }

  @Test(arguments: [Store.Access.readWrite, .following, .readOnly])
  func cancellationEndsTheSequence(_ access: Store.Access) async throws {
    let reader = try Store(at: store.path, access)
    let task = Task {
      var count = 0
      for try await _ in try reader.follow(["silent"]).frames { count += 1 }
      return count
    }
    try await Task.sleep(for: .milliseconds(30))
    task.cancel()
    #expect(try await task.value == 0)
  }

  // MARK: Callbacks

  @Test func aSubscriptionIsCalledUntilCancelled() async throws {
    let counter = Counter()
    let subscription = try store.follow([Self.one.name], from: .oldest).subscribe { result in
      guard case .success(let followed) = result else { return counter.fail() }
      counter.add(followed)
    }
    try await onThread { [store] in try Self.record(store, Self.one, 0..<500, seed: 3) }
    while counter.tally.end < 500 { try await Task.sleep(for: .milliseconds(1)) }
    try await onThread { subscription.cancel() }
    #expect(counter.tally.isExact && counter.tally.right == 500 && !counter.hasFailed)
    try await onThread { [store] in try Self.record(store, Self.one, 500..<600, seed: 4) }
    #expect(counter.tally.end == 500)
    subscription.cancel()
  }

  @Test func aSubscriptionCanBeCancelledFromItsCallAndByLettingGo() async throws {
    let counter = Counter()
    let slot = Slot()
    slot.subscription = try store.follow([Self.one.name], from: .oldest).subscribe { result in
      if case .success(let followed) = result { counter.add(followed) }
      slot.subscription?.cancel()
    }
    var released: FollowSubscription? = try store.follow([Self.one.name], from: .oldest).subscribe { _ in counter.fail()
    }
    #expect(released != nil)
    released = nil
    try await onThread { [store] in try Self.record(store, Self.one, 0..<50, seed: 5) }
    while counter.tally.end < 1 { try await Task.sleep(for: .milliseconds(1)) }
    try await onThread { slot.subscription?.cancel() }
    #expect(counter.tally.end == 1)
    #expect(!counter.hasFailed)
  }

  // MARK: What a follower leaves behind

  /// A follower that was killed while it waited costs one wake, and then its writer makes no call any more.
  @Test func aKilledFollowerIsForgottenByTheNextCommit() async throws {
    let writer = try store.writer(for: "3")
    try writer.append([1], at: 1)
    let agent = try AgentProcess("wait", store.path, "3")
    let wanted = store.file.shared.wantedWakes
    while wanted.relaxed == 0 { try await Task.sleep(for: .milliseconds(1)) }
    agent.kill()
    #expect(wanted.relaxed != 0)
    try writer.append([2], at: 2)
    #expect(wanted.relaxed == 0)
    let wakes = store.file.shared.wakeWord.relaxed
    for timestamp in Int64(3)...100 { try writer.append([3], at: timestamp) }
    #expect(store.file.shared.wakeWord.relaxed == wakes)
  }

  /// The sleeps have no end of their own here: each frame must be woken for, from the one that makes the stream on.
  @Test(arguments: [Store.Access.readWrite, .following])
  func everyFrameIsWokenFor(_ access: Store.Access) async throws {
    let frames: UInt64 = 300
    let reader = try Store(at: store.path, access)
    async let tally = onThread {
      var follower = try reader.follow([Self.one.name, Self.two.name], from: .oldest)
      var tallies = [Self.one.name: Tally(), Self.two.name: Tally()]
      while tallies.values.contains(where: { $0.end < frames }) {
        let deadline = Deadline.never
        let followed = try #require(try follower.next(in: reader.file, until: deadline, longestSleep: .max))
        tallies[followed.stream]!.add(
          followed.frame, try #require(ProvingStream(followed.stream)).isRight(followed.frame))
      }
      return tallies
    }
    try await onThread { [store] in
      for round in 0..<(frames / 10) {
        for stream in [Self.one, Self.two] {
          try Self.record(store, stream, (round * 10)..<((round + 1) * 10), seed: round)
          usleep(500)
        }
      }
    }
    #expect(try await tally.values.allSatisfy { $0.isExact && $0.right == frames })
  }

  // MARK: Opened for following

  /// Of the file, a store opened for following changes the wake fields and nothing else; and the recorder that leaves
  /// while it is there leaves the store clean.
  @Test func followingWritesTheWakeFieldsAlone() async throws {
    let path = try directory.plainStore("b.nts").path
    let recorder = try Store(at: path)
    let writer = try recorder.writer(for: "s")
    try writer.append([1], at: 1)
    let follower = try Store(at: path, .following)
    let before = try StoreBytes.read(path)
    var cursor = try follower.cursor(of: "s")
    #expect(try cursor.next(waitingMilliseconds: 10)?.timestamp == 1)
    // On a busy machine the time may be over before the wait begins.
    for _ in 0..<1_000 where recorder.file.shared.wantedWakes.relaxed == 0 {
      #expect(try cursor.next(waitingMilliseconds: 10) == nil)
    }
    #expect(recorder.file.shared.wantedWakes.relaxed == 1)
    expectError(.readOnly, naming: [path]) { try follower.writer(for: "s") }
    expectError(.readOnly, naming: [path]) { try follower.free("s", in: 0...9) }
    let after = try StoreBytes.read(path)
    let wakeFields = [4096 + 64..<4096 + 68, 4096 + 128..<4096 + 132, 4096 + 256..<4096 + 512]
    let changed = before.indices.filter { before[$0] != after[$0] }
    #expect(!changed.isEmpty)
    #expect(changed.allSatisfy { index in wakeFields.contains { $0.contains(index) } }, "\(changed)")
    try writer.close()
    try recorder.close()
    #expect(follower.file.shared.closedCleanly.relaxed == 1)
    try follower.close()
  }

  /// What this build may not write, or nobody may, is polled.
  @Test func aFollowerPollsWhereItMayNotWrite() throws {
    let path = try directory.plainStore("b.nts").path
    try Store(at: path).writer(for: "s").append([1], at: 1)
    try StoreBytes.patchHeader(path, at: FileHeader.Offset.writeIncompatible, StoreBytes.little(UInt64(1) << 63))
    let reader = try Store(at: path, .following)
    #expect(reader.followMethod == .polling)
    var cursor = try reader.cursor(of: "s")
    #expect(try cursor.next(waitingMilliseconds: 10)?.timestamp == 1)
    #expect(try cursor.next(waitingMilliseconds: 10) == nil)
  }

  @Test(.enabled(if: SmallDisk.isPossible)) func aFollowerPollsOnAReadOnlyFileSystem() throws {
    let disk = try SmallDisk(byteCount: 1 << 20)
    let path = disk.path("a.nts")
    do {
      let store = try Store.create(at: path, StoreOptions(blockSize: 4096, blockCount: 8, streamCapacity: 4))
      try store.writer(for: "s").append([1], at: 1)
    }
    try disk.makeReadOnly()
    let reader = try Store(at: path, .following)
    #expect(reader.followMethod == .polling)
    var cursor = try reader.cursor(of: "s")
    #expect(try cursor.next(waitingMilliseconds: 10)?.timestamp == 1)
    #expect(try cursor.next(waitingMilliseconds: 10) == nil)
  }

  /// A look that finds the awaited stream must not be followed by a sleep that nobody knows of: the stream's first frame
  /// may be committed right behind that look.
  @Test func aStreamFoundByALookIsPreparedForBeforeTheSleep() async throws {
    struct LateStream: FrameSource {
      let file: StoreFile
      var looks = 0
      var slots: [Int?] { [looks < 2 ? nil : 3] }

      mutating func nextNow() -> Int? {
        looks += 1
        if looks == 2 { CommitSignal(file, slot: 3).didCommit() }
        return looks < 3 ? nil : looks
      }
    }
    let looks = try await onThread { [store] in
      var source = LateStream(file: store.file)
      return source.next(in: store.file, until: .never, longestSleep: .max)
    }
    #expect(looks == 3)
  }

  /// Whatever a file says of waits, a follower finds the frames.
  @Test func nonsenseInTheWakeFieldsOnlyCostsTime() async throws {
    let shared = store.file.shared
    for bit in 0..<SharedState.wakeBitCount { shared.wakeBudget(bit).storeRelaxed(.max - UInt64(bit)) }
    shared.wantedWakes.storeRelaxed(.max)
    shared.wakeWord.storeRelaxed(.max)
    async let tally = onThread { [store] in
      var cursor = try store.cursor(of: Self.one.name)
      var tally = Tally()
      while tally.end < 200, let frame = try cursor.next(waitingMilliseconds: 60_000) {
        tally.add(frame, try Self.one.isRight(frame))
      }
      return tally
    }
    try await onThread { [store] in try Self.record(store, Self.one, 0..<200, seed: 8) }
    #expect(try await tally.right == 200)
  }
}

/// Counts what a subscription hands over, from whatever thread.
private final class Counter: @unchecked Sendable {
  private let lock = NSLock()
  private var counted = Tally()
  private var failed = false

  func add(_ followed: FollowedFrame) {
    let isRight = try? ProvingStream(followed.stream)?.isRight(followed.frame)
    lock.withLock { counted.add(followed.frame, isRight == true) }
  }

  func fail() { lock.withLock { failed = true } }
  var tally: Tally { lock.withLock { counted } }
  var hasFailed: Bool { lock.withLock { failed } }
}

private final class Slot: @unchecked Sendable {
  private let lock = NSLock()
  private var stored: FollowSubscription?
  var subscription: FollowSubscription? {
    get { lock.withLock { stored } }
    set { lock.withLock { stored = newValue } }
  }
}
