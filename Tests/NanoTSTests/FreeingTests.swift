import Testing

@testable import NanoTS

/// What `free` takes, what it leaves, and what those see who are in the middle of it.
@Suite struct FreeingTests {
  private let directory: TemporaryDirectory
  private let store: Store

  init() throws {
    directory = try TemporaryDirectory()
    store = try directory.store(blocks: 12)
  }

  private func append(_ times: ClosedRange<Int64>, to stream: String = "s") throws {
    try store.appendHalfBlocks(times, to: stream)
  }

  // MARK: By range

  @Test func onlyWholeBlocksInsideTheRangeAreFreed() throws {
    try append(0...7)
    #expect(try store.blocks().filter { $0.state == .sealed }.map(\.frames) == [2, 2, 2, 2])
    // Blocks are 0-1, 2-3, 4-5, 6-7: of 1...6 only two are wholly inside.
    let freed = try store.free("s", in: 1...6)
    #expect(freed.blocks == 2)
    #expect(freed.frames == 4)
    #expect(try store.timestamps(of: "s") == [0, 1, 6, 7])
    #expect(try store.statistics().freeBlocks == 10)
    #expect(try store.free("s", in: 1...6).blocks == 0)
    #expect(try store.free("s", in: 0...0).blocks == 0)
    #expect(try store.free("s", in: 8...1000).blocks == 0)
    #expect(try store.free("other", in: 0...7).blocks == 0)
    #expect(try store.free("s", in: 0...1).frames == 2)
    #expect(try store.timestamps(of: "s") == [6, 7])
    #expect(try store.verify().findings.isEmpty)
  }

  @Test func freeingInTheMiddleLeavesTwoContiguousRunsAndExactCounts() throws {
    try append(0...9)
    try store.free("s", in: 4...5)
    let runs = try store.contiguousRuns(of: "s")
    #expect(runs.map(\.firstTimestamp) == [0, 6])
    #expect(runs.map(\.lastTimestamp) == [3, 9])
    #expect(runs.map(\.frames) == [4, 4])
    #expect(runs.map(\.segment) == [0, 0])
    #expect(try store.segments(of: "s").map(\.frames) == [8])
    for low in Int64(-1)...10 {
      for high in low...10 {
        let expected = (low...high).count { (0...9).contains($0) && !(4...5).contains($0) }
        #expect(try store.frameCount(of: "s", in: low...high) == UInt64(expected), "\(low)...\(high)")
        #expect(try store.frames(of: "s", in: low...high).map(\.timestamp).count == expected)
        #expect(try store.frames(of: "s", in: low...high).reversed().map(\.timestamp).count == expected)
      }
    }
    #expect(try store.contents(of: "s").map(\.ordinal) == [0, 1, 2, 3, 6, 7, 8, 9])
    try store.free("s", in: 8...9)
    try store.free("s", in: 0...1)
    #expect(try store.frameCount(of: "s") == 4)
    #expect(try store.contiguousRuns(of: "s").map(\.frames) == [2, 2])
  }

  @Test func manyGapsAreCountedRight() throws {
    try append(0...19)
    for start in [Int64(2), 6, 10, 14] { #expect(try store.free("s", in: start...(start + 1)).blocks == 1) }
    let left: [Int64] = [0, 1, 4, 5, 8, 9, 12, 13, 16, 17, 18, 19]
    for low in Int64(0)...19 {
      for high in low...19 {
        #expect(try store.frameCount(of: "s", in: low...high) == UInt64(left.count { (low...high).contains($0) }))
      }
    }
    #expect(try store.contiguousRuns(of: "s").map(\.frames) == [2, 2, 2, 2, 4])
    #expect(try store.timestamps(of: "s") == left)
  }

  @Test func whatWasFreedIsUsedBeforeAnythingIsReclaimed() throws {
    try append(0...23)
    #expect(try store.statistics().freeBlocks == 0)
    try store.free("s", in: 10...13)
    let writer = try store.writer(for: "s", options: WriterOptions(autoReclaim: false))
    for time in Int64(24)...27 { try writer.appendHalfBlock(at: time) }
    #expect(try store.timestamps(of: "s") == Array(0...9) + Array(14...27))
    #expect(try store.statistics().reclaimedBlocks == 0)
    expectError(.noFreeBlocks) { try writer.appendHalfBlock(at: 28) }
    try writer.close()
    #expect(try store.verify().findings.isEmpty)
  }

  @Test func theOpenBlockOfAWriterIsNotFreed() throws {
    let writer = try store.writer(for: "s")
    for time in Int64(0)...2 { try writer.appendHalfBlock(at: time) }
    #expect(try store.free("s", in: .min ... .max).frames == 2)
    #expect(try store.timestamps(of: "s") == [2])
    try writer.appendHalfBlock(at: 3)
    try writer.appendHalfBlock(at: 4)
    #expect(try store.contents(of: "s").map(\.ordinal) == [2, 3, 4])
  }

  @Test func aStreamOfWhichEverythingWasFreedReadsAsEmptyAndGoesOn() throws {
    try append(0...7)
    var cursor = try store.cursor(of: "s")
    #expect(try cursor.seek(to: 5)?.timestamp == 5)
    #expect(try store.frameCount(of: "s") == 8)
    #expect(try store.free("s", in: 0...7).frames == 8)
    #expect(try store.timestamps(of: "s") == [])
    #expect(try store.frameCount(of: "s") == 0)
    #expect(try store.frames(of: "s").map(\.timestamp) == [])
    #expect(try store.streams() == ["s"])
    #expect(try store.streams(in: 0...7) == [])
    #expect(try store.contiguousRuns(of: "s").isEmpty)
    let error = expectError(.overwritten, naming: ["'s'", "2 frames"]) { try cursor.next() }
    #expect(error?.missedFrames == 2)
    #expect(try cursor.next() == nil)
    #expect(try cursor.previous() == nil)
    #expect(try cursor.first() == nil)
    #expect(try cursor.last() == nil)
    #expect(try cursor.seek(to: 0) == nil)
    try append(8...9)
    #expect(try cursor.next()?.ordinal == 8)
    #expect(try store.contents(of: "s").map(\.ordinal) == [8, 9])
  }

  // MARK: The far future

  @Test func freeingTheBlockOfAFrameFromTheFarFutureLetsTheStreamGoOn() throws {
    try append(0...4)
    do {
      let writer = try store.writer(for: "s")
      try writer.append([5], at: 5)
      try writer.append([66], at: .max - 7)
      expectError(.outOfOrder, naming: ["timestamp 6,", "timestamp \(Int64.max - 7),"]) {
        try writer.append([6], at: 6)
      }
    }
    #expect(try store.writer(for: "s").last == FramePosition(timestamp: .max - 7))
    // That frame's block begins with frame 5, as documented: it goes too.
    let freed = try store.free("s", in: 5...(.max - 7))
    #expect(freed.blocks == 1)
    #expect(freed.frames == 2)
    let writer = try store.writer(for: "s")
    #expect(writer.last == FramePosition(timestamp: 4))
    try writer.append([6], at: 6)
    #expect(try store.timestamps(of: "s") == [0, 1, 2, 3, 4, 6])
    #expect(try store.contents(of: "s").map(\.ordinal) == [0, 1, 2, 3, 4, 7])
    #expect(try store.verify().findings.isEmpty)
  }

  @Test func freeingTheOnlyBlockOfAStreamAlsoForgetsItsLastTimestamp() throws {
    try store.writer(for: "s").append([1], at: .max)
    expectError(.outOfOrder) { try store.writer(for: "s").append([2], at: 3) }
    #expect(try store.free("s", in: .max ... .max).frames == 1)
    let writer = try store.writer(for: "s")
    #expect(writer.last == nil)
    try writer.append([2], at: 3)
    #expect(try store.contents(of: "s") == [StoredFrame(3, [2], ordinal: 1, segment: 1)])
  }

  // MARK: Whole streams

  @Test func aFreedStreamIsGoneAndItsNameWorksFromAnEarlierTimestamp() throws {
    try append(100...107)
    try append(0...1, to: "t")
    #expect(try store.free(stream: "s").frames == 8)
    #expect(try store.streams() == ["t"])
    #expect(try store.timestamps(of: "s") == [])
    #expect(try store.statistics(of: "s") == nil)
    #expect(try store.statistics().freeBlocks == 11)
    try append(5...6)
    #expect(try store.contents(of: "s").map(\.ordinal) == [0, 1])
    #expect(try store.contents(of: "s").map(\.segment) == [0, 0])
    #expect(try store.timestamps(of: "s") == [5, 6])
    #expect(try store.statistics(of: "s")?.reclaimedBlocks == 0)
    #expect(try store.timestamps(of: "t") == [0, 1])
    #expect(try Store(at: store.path, .readOnly).timestamps(of: "s") == [5, 6])
    #expect(try store.verify().findings.isEmpty)
  }

  @Test func aStreamThatIsWrittenCannotBeFreedWhole() throws {
    let writer = try store.writer(for: "s")
    try writer.append([1], at: 1)
    expectError(.streamBusy, naming: ["'s'", store.path, "process"]) { try store.free(stream: "s") }
    try writer.append([2], at: 2)
    #expect(try store.timestamps(of: "s") == [1, 2])
    try writer.close()
    #expect(try store.free(stream: "s").frames == 2)
    #expect(try store.streams() == [])
  }

  @Test func aCursorOnAFreedStreamIsToldOnceAndThenFindsTheNewOne() throws {
    try append(0...7)
    var cursor = try store.cursor(of: "s")
    #expect(try cursor.seek(to: 6)?.timestamp == 6)
    try store.free(stream: "s")
    try append(3...4)
    expectError(.notFound, naming: ["'s'", "freed"]) {
      while try cursor.next() != nil {}
    }
    #expect(try cursor.next()?.timestamp == 3)
    #expect(try cursor.next()?.timestamp == 4)
    #expect(try cursor.next() == nil)
  }

  // MARK: Under a reader

  @Test func aCursorOnAFreedBlockIsToldHowManyItMissedAndGoesOnBehind() throws {
    try append(0...9)
    var cursor = try store.cursor(of: "s")
    let frame = try #require(try cursor.seek(to: 4))
    #expect(frame.isIntact)
    try store.free("s", in: 2...7)
    // A compressed one was unpacked into memory of the cursor's.
    #expect(frame.isIntact == (TestCompression.chosen != .off))
    if !frame.isIntact { expectError(.overwritten, naming: ["frame 4 at 4"]) { try frame.copyBytes() } }
    let error = expectError(.overwritten, naming: ["'s'", "3 frames"]) { try cursor.next() }
    #expect(error?.missedFrames == 3)
    #expect(try cursor.next()?.ordinal == 8)
    #expect(try cursor.next()?.ordinal == 9)
    #expect(try cursor.next() == nil)
    #expect(try cursor.previous()?.ordinal == 9)
    #expect(try cursor.previous()?.ordinal == 8)
    #expect(try cursor.previous()?.ordinal == 1)
  }

  @Test func aCursorGoingBackOntoAFreedBlockIsToldHowManyItMissed() throws {
    try append(0...9)
    var cursor = try store.cursor(of: "s")
    #expect(try cursor.seek(to: 7)?.ordinal == 7)
    try store.free("s", in: 2...7)
    let error = expectError(.overwritten, naming: ["'s'", "5 frames"]) { try cursor.previous() }
    #expect(error?.missedFrames == 5)
    #expect(try cursor.previous()?.ordinal == 1)
    #expect(try cursor.previous()?.ordinal == 0)
    #expect(try cursor.previous() == nil)
    #expect(try cursor.next()?.ordinal == 0)
  }

  @Test func aBlockFreedAheadOfTheCursorIsReportedWhenItWouldHaveComeToIt() throws {
    try append(0...9)
    var cursor = try store.cursor(of: "s")
    #expect(try cursor.next()?.ordinal == 0)
    try store.free("s", in: 2...5)
    #expect(try cursor.next()?.ordinal == 1)
    let error = expectError(.overwritten, naming: ["4 frames"]) { try cursor.next() }
    #expect(error?.missedFrames == 4)
    #expect(try cursor.next()?.ordinal == 6)
  }

  @Test func aSequenceGoesOnBehindAFreedBlockAndSaysHowManyAreMissing() throws {
    try append(0...9)
    let sequence = try store.frames(of: "s")
    var frames = sequence.makeIterator()
    #expect(frames.next()?.ordinal == 0)
    try store.free("s", in: 0...3)
    let next = frames.next()
    #expect(next?.ordinal == 4)
    #expect(next?.missed == 3)
    #expect(frames.next()?.missed == 0)
  }

  @Test func aCursorToldOfFreedFramesBehindItStandsBehindItsBlock() throws {
    let store = try directory.store("behind.nts", blocks: 6)
    let options = WriterOptions(durability: .none)
    let writer = try store.writer(for: "s", options: options)
    for time in 0..<Int64(10) { try writer.append(value: time, at: time) }
    try writer.close()
    var cursor = try store.cursor(of: "s")
    #expect(try cursor.last()?.timestamp == 9)
    let second = try store.writer(for: "s", options: options)
    try second.append(value: 10, at: 10)
    try second.close()
    #expect(try store.free("s", in: 10...10).blocks == 1)
    let error = #expect(throws: NanoTSError.self) { try cursor.next() }
    #expect(error?.missedFrames == 1)
    #expect(try cursor.previous()?.timestamp == 9)
  }

  /// The slot of the freed stream belongs to another one, whose frames are many more.
  @Test func aCursorOnAStreamFreedAndMadeAnewCountsByTheNewOne() throws {
    try append(0...1)
    var cursor = try store.cursor(of: "s")
    try store.free(stream: "s")
    try append(0...9, to: "in the old slot")
    try append(0...1)
    #expect(try cursor.next()?.ordinal == 0)
    try append(2...5)
    try store.free("s", in: 2...3)
    #expect(try cursor.next()?.ordinal == 1)
    #expect(expectError(.overwritten) { try cursor.next() }?.missedFrames == 2)
    #expect(try cursor.next()?.ordinal == 4)
  }

  /// A block leaves its list before its life ends. A reader that looks in between finds it, and must look again.
  @Test func readersAreToldToLookAgainOnlyWhenTheLifeOfABlockHasEnded() throws {
    try append(0...5)
    let stream = try #require(StreamTable(file: store.file).find(Array("s".utf8)))
    let slot = store.file.slot(stream.slot)
    let block = try #require(try store.blocks().first { $0.firstTimestamp == 2 }).index
    let reader = try Store(at: store.path, .readOnly)
    var cursor = try reader.cursor(of: "s")
    let descriptor = try FileDescriptor(reopening: store.file.mapped.descriptor, .readWrite)
    try AllocationLock(store.file, through: descriptor).withLock { pool throws(NanoTSError) in
      let removals = slot.removals.relaxed
      pool.unlink(block, from: slot)
      #expect(slot.removals.relaxed == removals)
      #expect(try cursor.seek(to: 2)?.timestamp == 2)
      pool.release(block)
      slot.removals.storeReleased(removals &+ 1)
    }
    #expect(try cursor.seek(to: 2)?.timestamp == 4)
    #expect(try reader.timestamps(of: "s") == [0, 1, 4, 5])
  }
}
