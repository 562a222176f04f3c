import Foundation
import Testing

@testable import NanoTS

/// A copy holds what its store held when it began, frame by frame, and is a store like any other.
@Suite struct CopyTests {
  private let directory: TemporaryDirectory
  private let path: String

  init() throws {
    directory = try TemporaryDirectory()
    path = directory.path("copy.nts")
  }

  /// Streams of every kind: keys, flags, empty payloads, clamped times, several segments with metadata, a hole that was
  /// freed, recycled blocks, a stream without a frame, one that was freed to its last block.
  private func busyStore(_ name: String = "busy.nts", initial: Int? = nil) throws -> Store {
    let store = try directory.plainStore(name, blocks: 14, initial: initial, streams: 9)
    var random = SeededGenerator(seed: 11)
    for session in 0..<9 {
      let options = WriterOptions(durability: .none, outOfOrder: session % 3 == 0 ? .clamp : .reject)
      let writer = try store.writer(for: "s\(session % 3)", metadata: "session \(session)", options: options)
      var time = (writer.last?.timestamp ?? -100) + 1
      for index in 0..<40 {
        let count = index % 7 == 0 ? 0 : Int.random(in: 0...500, using: &random)
        let key = session > 4 ? Int64(index % 3) : 0
        try writer.append(random.bytes(count), at: time, key: key, flags: UInt32(truncatingIfNeeded: index &* 77))
        if session % 3 == 0 { try writer.append([UInt8(index)], at: time - 5, flags: 9) }
        time += session > 4 ? Int64(index % 3 / 2 * 4) : 3
        if session % 3 == 0 { time += 10 }
      }
      try writer.close()
    }
    try store.writer(for: "empty").close()
    let freed = try store.writer(for: "freed")
    try freed.append([1], at: 900)
    try freed.close()
    #expect(try store.free("freed", in: 0...1000).blocks == 1)
    let blocks = try store.blocks().filter { $0.stream == "s1" }.sorted { $0.sequence < $1.sequence }
    let hole = try #require(blocks.dropFirst().first { $0.state == .sealed })
    #expect(try store.free("s1", in: hole.firstTimestamp!...hole.lastTimestamp!).blocks == 1)
    #expect(try store.statistics().reclaimedBlocks > 0)
    return store
  }

  @Test(arguments: GoldenStore.plain)
  func aGoldenStoreIsCopiedToTheLastBit(_ golden: GoldenStore) throws {
    let bytes = try StoreBytes.read(golden.path)
    try StoreBytes.write(bytes, to: directory.path("golden.nts"))
    let store = try Store(at: directory.path("golden.nts"), .readOnly)
    let report = try store.copy(to: path)
    #expect(report.isComplete)
    #expect(report.streams == golden.contents.count)
    #expect(report.frames == UInt64(golden.contents.values.reduce(0) { $0 + $1.count }))
    #expect(
      report.bytes == UInt64(golden.contents.values.joined().reduce(0) { $0 + $1.payload.count }))
    #expect(try StoreBytes.read(store.path) == bytes)
    try expectCopy(at: path, has: try store.content())
    let copied = try StoreBytes.read(path)
    #expect(UInt64(copied.count) == report.fileSize)
    var decoder = try DiagramDecoder(bytes: copied)
    #expect(try decoder.allStreams() == golden.contents)
    #expect(decoder.mistakes == [])
    let copy = try Store(at: path, .readOnly)
    #expect(copy.timeUnit == golden.options.timeUnit)
    #expect(copy.blockSize == golden.options.blockSize)
    #expect(copy.blockCount == report.blocks)
    #expect(copy.file.layout.streamCapacity == golden.options.streamCapacity)
    #expect(copy.file.uuid != store.file.uuid)
    for stream in golden.contents.keys {
      let (ours, theirs) = (try copy.statistics(of: stream)!, try store.statistics(of: stream)!)
      #expect(ours.reclaimedFrames == theirs.reclaimedFrames && ours.reclaimedBlocks == theirs.reclaimedBlocks)
      let sequences = try store.frames(of: stream).map(\.blockSequence)
      #expect(try copy.frames(of: stream).map(\.blockSequence) == sequences)
    }
    #expect(try directory.contents() == ["copy.nts", "golden.nts"])
  }

  @Test(arguments: [nil, 3])
  func everythingAStoreCanHoldIsCopied(initial: Int?) throws {
    let store = try busyStore(initial: initial)
    let open = try store.writer(for: "s2", metadata: "still open")
    try open.append([5, 6], at: open.last!.timestamp + 1)
    let content = try store.content()
    #expect(content["s0"]!.frames.contains { $0.wasClamped })
    #expect(content["s1"]!.frames.contains { $0.key != 0 })
    #expect(content["s1"]!.frames.last!.ordinal + 1 > UInt64(content["s1"]!.frames.count))
    let report = try store.copy(to: path)
    #expect(report.isComplete)
    #expect(report.streams == 5)
    let used = try store.blocks().count { $0.state != .free && $0.frames > 0 }
    #expect(report.blocks == used)
    #expect(report.fileSize == UInt64(store.file.layout.dataOffset + used * 4096))
    try expectCopy(at: path, has: content, nextOrdinals: ["freed": 1])
    let copy = try Store(at: path, .readOnly)
    for stream in try store.streams() {
      #expect(
        try copy.contiguousRuns(of: stream).map { "\($0)" } == store.contiguousRuns(of: stream).map { "\($0)" })
    }
    try open.append([7], at: open.last!.timestamp + 1)
    try open.close()
    #expect(try store.verify().isClean)
  }

  @Test func aStoreWithoutChecksumsAndOneWithoutStreamsAreCopied() throws {
    let store = try Store.create(
      at: directory.path("plain.nts"),
      StoreOptions(blockSize: 4096, blockCount: 9, timeUnit: .seconds, checksums: false))
    let empty = try store.copy(to: path)
    #expect(empty.blocks == 0 && empty.streams == 0 && empty.isComplete)
    #expect(try Store(at: path).blockCount == 1)
    try expectCopy(at: path, has: [:])
    let writer = try store.writer(for: "s")
    for time in 0..<Int64(300) { try writer.append(value: time, at: time) }
    try store.copy(to: path, replacing: true)
    try expectCopy(at: path, has: try store.content())
    #expect(try Store(at: path, .readOnly).statistics().checksums == false)
  }

  @Test func aCopyOfACopyIsTheSame() throws {
    let store = try busyStore()
    try store.copy(to: path)
    let again = directory.path("again.nts")
    try Store(at: path, .readOnly).copy(to: again)
    try expectCopy(at: again, has: try store.content(), nextOrdinals: ["freed": 1])
    #expect(try StoreBytes.read(path).count == StoreBytes.read(again).count)
  }

  // MARK: Its own life

  /// Minimums come along where the copy has room for all of them.
  @Test(arguments: [nil, 14])
  func quotasProtectedRangesAndPinPolicyComeAlong(_ blocks: Int?) throws {
    let options = StoreOptions(blockSize: 4096, blockCount: 14, streamCapacity: 4, pins: .hold)
    let store = try Store.create(at: directory.path("kept.nts"), options)
    try store.writer(for: "a").append([1], at: 5)
    let quota = StreamQuota(minimumBlocks: 6, maximumBlocks: 9, maximumAge: 1_000)
    try store.setQuota(quota, of: "a")
    try store.setQuota(StreamQuota(minimumBlocks: 2), of: "b")
    try store.protect("a", in: 3...9)
    try store.protect("a", in: 100...Int64.max)
    try store.copy(to: path, CopyOptions(blockCount: blocks))
    let copy = try Store(at: path)
    #expect(try copy.protectedRanges(of: "a") == [3...9, 100...Int64.max])
    let kept = StreamQuota(minimumBlocks: blocks == nil ? 0 : 6, maximumBlocks: 9, maximumAge: 1_000)
    #expect(try copy.quota(of: "a") == kept)
    #expect(try copy.quota(of: "b").minimumBlocks == (blocks == nil ? 0 : 2))
    #expect(copy.file.pinsHold)
    #expect(try copy.verify().isClean)
  }

  @Test func recordingGoesOnInACopyAndItsRingTurns() throws {
    let store = try busyStore()
    let content = try store.content()
    try store.copy(to: path, CopyOptions(blockCount: 20))
    let copy = try Store(at: path)
    #expect(copy.blockCount == 20)
    #expect(try copy.statistics().freeBlocks == 20 - (try store.blocks().count { $0.stream != nil }))
    for stream in ["s0", "freed", "new"] {
      let writer = try copy.writer(for: stream, options: WriterOptions(durability: .none))
      let start = (writer.last?.timestamp ?? 0) + 1
      // Freeing gave its time back, and not its ordinal.
      #expect(stream != "freed" || start == 1)
      let first = (content[stream]?.frames.last?.ordinal).map { $0 + 1 } ?? (stream == "freed" ? 1 : 0)
      for index in 0..<Int64(2000) { try writer.append(value: index, at: start + index) }
      try writer.close()
      let frames = try copy.contents(of: stream).filter { $0.timestamp >= start }
      #expect(frames.last?.ordinal == first + 1999)
      #expect(frames.allSatisfy { $0.payload == StoreBytes.little(UInt64($0.ordinal - first)) })
      #expect(try copy.verify().findings.map(\.description) == [])
    }
    #expect(try copy.statistics().freeBlocks == 0)
    #expect(try copy.statistics().reclaimedBlocks > (try store.statistics().reclaimedBlocks))
    #expect(try store.content() == content)
  }

  @Test func everythingOfACopyCanBeFreed() throws {
    let store = try busyStore()
    try store.copy(to: path)
    let copy = try Store(at: path)
    for stream in try copy.streams() { try copy.free(stream: stream) }
    #expect(try copy.statistics().freeBlocks == copy.blockCount)
    #expect(try copy.streams() == [])
    let writer = try copy.writer(for: "fresh", options: WriterOptions(durability: .none, autoReclaim: false))
    for time in 0..<Int64(copy.blockCount) { try writer.append(Array(repeating: 1, count: 3000), at: time) }
    #expect(try copy.verify().findings.map(\.description) == [])
  }

  // MARK: The moment

  @Test func whatIsAppendedAfterTheBeginningIsNotInTheCopy() throws {
    let store = try directory.plainStore(blocks: 12)
    let writers = try ["a", "b"].map { try store.writer(for: $0, options: WriterOptions(durability: .none)) }
    for time in 0..<Int64(150) { for writer in writers { try writer.append(value: time, at: time) } }
    let content = try store.content()
    var time = Int64(150)
    let report = try store.copy(to: path) { progress in
      // Into the blocks that are being copied, over their ends, and into a stream that was not there.
      for _ in 0..<40 {
        for writer in writers { try? writer.append(value: time, at: time) }
        time += 1
      }
      if progress.blocks == 1 { try? store.writer(for: "late").append([1], at: 1) }
      return true
    }
    #expect(report.isComplete)
    #expect(try store.frames(of: "a").map(\.timestamp).last == time - 1)
    #expect(try store.frames(of: "late").map(\.timestamp) == [1])
    try expectCopy(at: path, has: content)
    // The bytes of later frames are not there either.
    let bytes = try StoreBytes.read(path)
    let end = try Store(at: path, .readOnly).file.layout.dataOffset
    for block in 0..<report.blocks { expectZerosInTheMiddle(bytes, end + block * 4096) }
  }

  /// Between the payloads and the index there is nothing.
  private func expectZerosInTheMiddle(_ bytes: [UInt8], _ block: Int, _ source: SourceLocation = #_sourceLocation) {
    let table = Int(StoreBytes.load(bytes, at: 96, as: UInt64.self))
    let data = Int(StoreBytes.load(bytes, at: 104, as: UInt64.self))
    let header = table + (block - data) / 4096 * 128
    let (count, end) = (
      Int(StoreBytes.load(bytes, at: header + 8, as: UInt32.self)),
      Int(StoreBytes.load(bytes, at: header + 12, as: UInt32.self))
    )
    let low = 4096 - count * Int(bytes[header + 29])
    #expect(bytes[(block + end)..<(block + low)].allSatisfy { $0 == 0 }, sourceLocation: source)
  }

  @Test func whatIsRecycledBeforeItsTurnIsMissedAndCounted() throws {
    let store = try directory.plainStore(blocks: 6)
    let writer = try store.writer(for: "s", options: WriterOptions(durability: .none))
    for time in 0..<Int64(700) { try writer.append(value: time, at: time) }
    let before = try store.contents(of: "s")
    let blocks = try store.blocks().filter { $0.frames > 0 }.sorted { $0.sequence < $1.sequence }
    var time = Int64(700)
    let report = try store.copy(to: path) { progress in
      // When the first is copied, the ring takes it and two more.
      while progress.blocks == 1, (try? store.statistics(of: "s")?.first) != blocks[3].firstTimestamp {
        try? writer.append(value: time, at: time)
        time += 1
      }
      return true
    }
    let missed = blocks[1].firstTimestamp!..<blocks[3].firstTimestamp!
    #expect(report.missedFrames == UInt64(missed.count))
    #expect(report.frames == UInt64(before.count - missed.count))
    #expect(!report.isComplete && report.findings.isEmpty && report.damagedFrames == 0)
    let left = before.filter { !missed.contains($0.timestamp) }
    try expectCopy(at: path, has: ["s": StreamContent(frames: left, segments: ["0 "])])
    let copy = try Store(at: path, .readOnly)
    #expect(copy.blockCount == blocks.count - 2)
    #expect(try copy.contiguousRuns(of: "s").count == 2)
  }

  /// Between the look at what is visible and the list of blocks, as when a copy is put aside there for a while.
  @Test func whatIsRecycledBeforeItIsListedIsMissedAndCounted() throws {
    let store = try directory.plainStore(blocks: 6)
    let writer = try store.writer(for: "s", options: WriterOptions(durability: .none))
    for time in 0..<Int64(700) { try writer.append(value: time, at: time) }
    let stream = try #require(StreamTable(file: store.file).find(Array("s".utf8)))
    let point = try #require(try CommitPoint.take(store, stream))
    // The ring takes some of the blocks, and then all that there were.
    for taken in [UInt64(300), 700] {
      while let last = writer.last, try #require(try store.statistics(of: "s")).reclaimedFrames < taken {
        try writer.append(value: last.timestamp + 1, at: last.timestamp + 1)
      }
      let reclaimed = try #require(try store.statistics(of: "s")).reclaimedFrames
      let path = directory.path("copy\(taken).nts")
      var copy = try StoreCopy(store, CopyPlan(store, CopyOptions(), [point]), CopyOptions(), to: path, nil)
      let report = try copy.run()
      #expect(report.missedFrames == min(reclaimed, 700))
      #expect(report.frames + report.missedFrames == 700)
      let copied = try #require(try Store(at: path, .readOnly).statistics(of: "s"))
      #expect(copied.frames == report.frames && copied.reclaimedFrames == report.missedFrames)
    }
  }

  /// The oldest blocks of all streams come first, so what the ring takes is copied by then.
  @Test func blocksAreCopiedInTheOrderInWhichTheyAreRecycled() throws {
    let store = try directory.plainStore(blocks: 8)
    var writers: [Writer] = []
    for name in ["z", "a"] {
      writers.append(try store.writer(for: name, options: WriterOptions(durability: .none)))
    }
    for time in 0..<Int64(8) { try writers[Int(time % 2)].append(Array(repeating: 1, count: 3900), at: time) }
    let content = try store.content()
    var time = Int64(8)
    let report = try store.copy(to: path) { progress in
      if progress.phase == .copying, (1...5).contains(progress.blocks) {
        try? writers[0].append(Array(repeating: 2, count: 3900), at: time)
        time += 1
      }
      return true
    }
    #expect(try store.statistics().reclaimedBlocks == 5)
    #expect(report.isComplete)
    try expectCopy(at: path, has: content)
  }

  @Test func aStreamWhoseNewestBlocksWereFreedKeepsItsOrdinals() throws {
    let store = try directory.plainStore(blocks: 12)
    let writer = try store.writer(for: "s", options: WriterOptions(durability: .none))
    for time in 0..<Int64(500) { try writer.append(value: time, at: time) }
    try writer.close()
    let last = try #require(try store.blocks().filter { $0.frames > 0 }.max { $0.sequence < $1.sequence })
    #expect(try store.free("s", in: last.firstTimestamp!...499).blocks == 1)
    #expect(try store.copy(to: path).frames == UInt64(last.firstTimestamp!))
    try expectCopy(at: path, has: try store.content(), nextOrdinals: ["s": 500])
    let copy = try Store(at: path)
    try copy.writer(for: "s").append([1], at: 1000)
    try store.writer(for: "s").append([1], at: 1000)
    #expect(try copy.frameCount(of: "s", in: 400...1000) == store.frameCount(of: "s", in: 400...1000))
  }

  @Test func aStreamOfWhichEverythingIsRecycledKeepsItsPlaceInTime() throws {
    let store = try directory.plainStore(blocks: 4)
    try store.writer(for: "old").append([1], at: 500, key: 7)
    let writer = try store.writer(for: "s", options: WriterOptions(durability: .none))
    try writer.append([1], at: 1000)
    var time = Int64(1001)
    let report = try store.copy(to: path) { progress in
      while progress.blocks == 0, (try? store.statistics(of: "old")?.frames) != 0 {
        try? writer.append(value: time, at: time)
        time += 1
      }
      return true
    }
    #expect(report.missedFrames == 1)
    #expect(report.frames == 1)
    let copy = try Store(at: path)
    #expect(try copy.contents(of: "old").isEmpty)
    #expect(try copy.statistics(of: "old")?.reclaimedFrames == 1)
    let again = try copy.writer(for: "old")
    #expect(again.last == FramePosition(timestamp: 500, key: 7))
    try again.append([2], at: 501)
    #expect(try copy.frames(of: "old").map(\.ordinal) == [1])
    #expect(try copy.verify().findings.map(\.description) == [])
  }

  @Test func aStreamThatIsFreedMeanwhileIsMissed() throws {
    let store = try directory.plainStore(blocks: 6)
    let writer = try store.writer(for: "s", options: WriterOptions(durability: .none))
    for time in 0..<Int64(200) { try writer.append(value: time, at: time) }
    try writer.close()
    let report = try store.copy(to: path) { progress in
      if progress.blocks == 1, progress.phase == .copying { _ = try? store.free(stream: "s") }
      return true
    }
    #expect(report.frames + report.missedFrames == 200)
    #expect(report.frames > 0 && report.missedFrames > 0)
    let frames = try Store(at: path, .readOnly).contents(of: "s")
    #expect(frames.map(\.timestamp) == Array(0..<Int64(report.frames)))
    #expect(try Store(at: path, .readOnly).verify().isClean)
  }

  // MARK: Writers that died

  @Test func theBlockOfAKilledWriterIsCopiedAndLeftAsItIs() throws {
    let store = try directory.plainStore()
    let writer = try store.writer(for: "s", options: WriterOptions(durability: .none))
    for time in 0..<Int64(200) { try writer.append(value: time, at: time) }
    try writer.abandon()
    let bytes = try StoreBytes.read(store.path)
    let reader = try Store(at: store.path, .readOnly)
    let report = try reader.copy(to: path)
    #expect(report.isComplete && report.unprovenFrames == 0)
    try expectCopy(at: path, has: try reader.content())
    #expect(try StoreBytes.read(store.path) == bytes)
    #expect(try Store(at: path, .readOnly).blocks().allSatisfy { $0.state == .sealed })
  }

  @Test func framesOfADeadWriterThatDoNotProveThemselvesAreNotTaken() throws {
    let store = try directory.plainStore()
    let writer = try store.writer(for: "s", options: WriterOptions(durability: .none))
    for time in 0..<Int64(200) { try writer.append(value: time, at: time) }
    try writer.abandon()
    try store.flipPayload(of: 195, in: "s")
    let reader = try Store(at: store.path, .readOnly)
    let report = try reader.copy(to: path)
    #expect(report.unprovenFrames == 5)
    #expect(report.isComplete)
    #expect(try reader.contents(of: "s").count == 195)
    try expectCopy(at: path, has: try reader.content())
  }
}

extension Store {
  /// Changes a byte of the payload of a frame, in the file.
  func flipPayload(of ordinal: UInt64, in stream: String) throws {
    var cursor = try cursor(of: stream)
    while let frame = try cursor.next() {
      guard frame.ordinal == ordinal else { continue }
      try StoreBytes.flip(path, at: unsafe frame.unvalidatedBytes.baseAddress! - UnsafeRawPointer(file.mapped.base))
      return
    }
    Issue.record("there is no frame \(ordinal)")
  }
}
