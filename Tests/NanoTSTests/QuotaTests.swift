import Testing

@testable import NanoTS

/// What a stream may count on, and what it keeps within.
@Suite struct QuotaTests {
  private let directory: TemporaryDirectory
  private let store: Store

  init() throws {
    directory = try TemporaryDirectory()
    store = try directory.store(blocks: 8)
  }

  private var freeBlocks: Int {
    get throws { try store.statistics().freeBlocks }
  }

  // MARK: Setting

  @Test func aQuotaIsKeptWithTheStreamForAllProcessesAndAcrossOpenings() throws {
    #expect(try store.quota(of: "s") == StreamQuota())
    let quota = StreamQuota(minimumBlocks: 2, maximumBlocks: 5, maximumAge: 1_000)
    #expect(try store.setQuota(quota, of: "s").blocks == 0)
    // The stream is there from now on, and empty.
    #expect(try store.streams() == ["s"])
    #expect(try store.statistics(of: "s")?.quota == quota)
    #expect(try store.statistics(of: "s")?.frames == 0)
    try store.close()
    for access in [Store.Access.readOnly, .readWrite] {
      let again = try Store(at: store.path, access)
      #expect(try again.quota(of: "s") == quota)
      #expect(try again.quota(of: "t") == StreamQuota())
    }
    let again = try Store(at: store.path)
    try again.setQuota(StreamQuota(maximumAge: 7), of: "s")
    #expect(try again.quota(of: "s") == StreamQuota(maximumAge: 7))
    try again.setQuota(StreamQuota(), of: "s")
    #expect(try again.quota(of: "s") == StreamQuota())
    #expect(again.file.slot(0).terms.relaxed == 0)
    // None for a stream that is not there is no reason to make it.
    try again.setQuota(StreamQuota(), of: "t")
    #expect(try again.streams() == ["s"])
    #expect(try again.verify().isClean)
  }

  @Test func theQuotaGoesWithTheStream() throws {
    try store.setQuota(StreamQuota(minimumBlocks: 8), of: "s")
    expectError(.invalidArgument) { try store.setQuota(StreamQuota(minimumBlocks: 1), of: "t") }
    try store.free(stream: "s")
    try store.setQuota(StreamQuota(minimumBlocks: 8), of: "t")
    #expect(try store.quota(of: "s") == StreamQuota())
    try store.free(stream: "t")
    try store.appendHalfBlocks(0...15, to: "t")
    #expect(try store.quota(of: "t") == StreamQuota())
    #expect(try freeBlocks == 0)
  }

  @Test(arguments: [
    (StreamQuota(minimumBlocks: -1), "-1"), (StreamQuota(minimumBlocks: 9), "9"),
    (StreamQuota(minimumBlocks: .max), "\(Int.max)"), (StreamQuota(maximumBlocks: 0), "0"),
    (StreamQuota(maximumBlocks: -5), "-5"), (StreamQuota(maximumBlocks: .max), "\(Int.max)"),
    (StreamQuota(minimumBlocks: 4, maximumBlocks: 3), "not below the minimum, 4"), (StreamQuota(maximumAge: 0), "0"),
    (StreamQuota(maximumAge: .min), "\(Int64.min)"),
  ])
  func valuesOutsideTheirRangesAreRefusedAndNamed(_ quota: StreamQuota, _ part: String) throws {
    expectError(.invalidArgument, naming: [part]) { try store.setQuota(quota, of: "s") }
    #expect(try store.streams() == [])
  }

  @Test func minimumsThatTheStoreDoesNotHaveAreRefusedWithTheNumbers() throws {
    try store.setQuota(StreamQuota(minimumBlocks: 5), of: "s")
    try store.setQuota(StreamQuota(minimumBlocks: 3), of: "t")
    expectError(.invalidArgument, naming: ["1 blocks for 'u'", "has 8", "8 are the minimums"]) {
      try store.setQuota(StreamQuota(minimumBlocks: 1), of: "u")
    }
    expectError(.invalidArgument, naming: ["6 blocks for 's'", "3 are the minimums"]) {
      try store.setQuota(StreamQuota(minimumBlocks: 6), of: "s")
    }
    #expect(try store.quota(of: "s") == StreamQuota(minimumBlocks: 5))
    #expect(try store.streams() == ["s", "t"])
    try store.setQuota(StreamQuota(minimumBlocks: 4), of: "s")
    try store.setQuota(StreamQuota(minimumBlocks: 1), of: "u")
  }

  @Test func badNamesReadOnlyAndClosedStoresAreRefused() throws {
    expectError(.invalidName) { try store.setQuota(StreamQuota(), of: "") }
    expectError(.invalidName) { try store.quota(of: "") }
    let reader = try Store(at: store.path, .readOnly)
    expectError(.readOnly, naming: [store.path]) { try reader.setQuota(StreamQuota(minimumBlocks: 1), of: "s") }
    for name in ["s", "t", "u", "v"] { try store.setQuota(StreamQuota(minimumBlocks: 1), of: name) }
    expectError(.tooManyStreams, naming: ["'w'"]) { try store.setQuota(StreamQuota(minimumBlocks: 1), of: "w") }
    try store.close()
    expectError(.closed) { try store.setQuota(StreamQuota(), of: "s") }
    expectError(.closed) { try store.quota(of: "s") }
  }

  // MARK: Minimum

  @Test func otherStreamsCannotTakeWhatIsWithinTheMinimum() throws {
    try store.setQuota(StreamQuota(minimumBlocks: 3), of: "s")
    try store.appendHalfBlocks(0...9, to: "s")
    try store.appendHalfBlocks(10...39, to: "t")
    #expect(try store.provenTimes(of: "s") == Array(4...9))
    #expect(try store.provenTimes(of: "t") == Array(30...39))
    // The stream itself goes on recycling its own.
    try store.appendHalfBlocks(40...41, to: "s")
    #expect(try store.provenTimes(of: "s") == Array(6...9) + [40, 41])
  }

  @Test func freeBlocksAreKeptForAStreamBelowItsMinimum() throws {
    try store.setQuota(StreamQuota(minimumBlocks: 3), of: "s")
    try store.appendHalfBlocks(0...39, to: "t")
    #expect(try freeBlocks == 3)
    #expect(try store.provenTimes(of: "t") == Array(30...39))
    let reclaimed = try store.statistics(of: "t")?.reclaimedBlocks
    // It may be as old as it likes: it has its minimum.
    try store.appendHalfBlocks(0...5, to: "s")
    #expect(try freeBlocks == 0)
    #expect(try store.statistics(of: "t")?.reclaimedBlocks == reclaimed)
    try store.appendHalfBlocks(40...41, to: "t")
    #expect(try store.provenTimes(of: "s") == Array(0...5))
    #expect(try store.verify().isClean)
  }

  @Test func aStreamBelowItsMinimumTakesFromOthersBeforeItsOwn() throws {
    try store.appendHalfBlocks(0...1, to: "s")
    try store.appendHalfBlocks(10...23, to: "t")
    try store.setQuota(StreamQuota(minimumBlocks: 4), of: "s")
    try store.appendHalfBlocks(24...29, to: "s")
    // Its own oldest block was older than any of the others'.
    #expect(try store.provenTimes(of: "s") == [0, 1] + Array(24...29))
    #expect(try store.provenTimes(of: "t") == Array(16...23))
    try store.appendHalfBlocks(30...31, to: "s")
    #expect(try store.provenTimes(of: "s") == Array(24...31))
  }

  @Test func aGrowableStoreKeepsRoomToGrowForAMinimum() throws {
    let store = try directory.store("growing.nts", blocks: 8, initial: 2)
    try store.setQuota(StreamQuota(minimumBlocks: 5), of: "s")
    try store.appendHalfBlocks(0...19, to: "t")
    #expect(try store.provenTimes(of: "t") == Array(14...19))
    try store.appendHalfBlocks(0...9, to: "s")
    #expect(try store.provenTimes(of: "s") == Array(0...9))
    #expect(try store.provenTimes(of: "t") == Array(14...19))
  }

  @Test func whenMinimumsTakeEverythingTheErrorSaysSo() throws {
    try store.setQuota(StreamQuota(minimumBlocks: 5), of: "s")
    try store.setQuota(StreamQuota(minimumBlocks: 3), of: "t")
    try store.appendHalfBlocks(0...9, to: "s")
    let writer = try store.writer(for: "u")
    expectError(.noFreeBlocks, naming: ["3 are kept for streams below", "5 are within the minimum of 's'", "lower"]) {
      try writer.append([1], at: 100)
    }
    try store.setQuota(StreamQuota(minimumBlocks: 2), of: "t")
    try writer.append([1], at: 100)
    #expect(try store.provenTimes(of: "s") == Array(0...9))
    let strict = try store.writer(for: "v", options: WriterOptions(autoReclaim: false))
    expectError(.noFreeBlocks, naming: ["2 are kept for streams", "auto-reclaim"]) { try strict.append([1], at: 0) }
  }

  @Test func theSpareOfADeadWriterStaysWithinTheMinimum() throws {
    let store = try directory.store("small.nts", blocks: 2)
    try store.setQuota(StreamQuota(minimumBlocks: 1), of: "s")
    let writer = try store.writer(for: "s", options: WriterOptions(durability: .none))
    #expect(unsafe try writer.core.pointee.handover.claim() != nil)
    try writer.abandon()
    let other = try store.writer(for: "t")
    for time in Int64(0)...5 { try other.appendHalfBlock(at: time) }
    #expect(try store.provenTimes(of: "t") == [4, 5])
    try store.appendHalfBlocks(0...1, to: "s")
    #expect(try store.provenTimes(of: "s") == [0, 1])
  }

  // MARK: Maximum

  @Test func aStreamRecyclesWithinItsMaximumAlsoWhileBlocksAreFree() throws {
    try store.setQuota(StreamQuota(maximumBlocks: 3), of: "s")
    try store.appendHalfBlocks(0...19, to: "s")
    #expect(try store.provenTimes(of: "s") == Array(14...19))
    #expect(try freeBlocks == 5)
    #expect(try store.statistics(of: "s")?.reclaimedBlocks == 7)
    try store.appendHalfBlocks(0...13, to: "t")
    #expect(try store.statistics(of: "t")?.blocks == 5)
  }

  @Test func aMaximumOfOneBlockWorks() throws {
    try store.setQuota(StreamQuota(maximumBlocks: 1), of: "s")
    try store.appendHalfBlocks(0...6, to: "s")
    #expect(try store.provenTimes(of: "s") == [6])
    #expect(try freeBlocks == 7)
    #expect(try store.verify().isClean)
  }

  @Test func aLowerMaximumFreesTheSurplusAtOnceOldestFirst() throws {
    try store.appendHalfBlocks(0...11, to: "s")
    let writer = try store.writer(for: "s")
    try writer.appendHalfBlock(at: 12)
    let freed = try store.setQuota(StreamQuota(maximumBlocks: 3), of: "s")
    #expect(freed.blocks == 4)
    #expect(freed.frames == 8)
    #expect(try store.provenTimes(of: "s") == Array(8...12))
    #expect(try store.statistics(of: "s")?.reclaimedFrames == 8)
    try writer.appendHalfBlock(at: 13)
    try writer.appendHalfBlock(at: 14)
    #expect(try store.provenTimes(of: "s") == Array(10...14))
    #expect(try store.verify().isClean)
  }

  @Test func pinnedAndProtectedBlocksCountAndStayUntilTheyAreNot() throws {
    try store.appendHalfBlocks(0...11, to: "s")
    let pin = try store.pin("s", in: 0...3)
    try store.protect("s", in: 4...5)
    #expect(try store.setQuota(StreamQuota(maximumBlocks: 2), of: "s").blocks == 3)
    #expect(try store.provenTimes(of: "s") == Array(0...5))
    // Its own are all that it may take, and of those a pinned one gives way.
    try store.appendHalfBlocks(12...13, to: "s")
    #expect(try store.provenTimes(of: "s") == Array(2...5) + [12, 13])
    pin.release()
    try store.appendHalfBlocks(14...15, to: "s")
    #expect(try store.provenTimes(of: "s") == [4, 5, 14, 15])
  }

  @Test func aWriterThatMayNotReclaimFailsAtTheMaximumAndSaysSo() throws {
    try store.setQuota(StreamQuota(maximumBlocks: 2), of: "s")
    let writer = try store.writer(for: "s", options: WriterOptions(autoReclaim: false))
    for time in Int64(0)...3 { try writer.appendHalfBlock(at: time) }
    expectError(.noFreeBlocks, naming: ["maximum of 2", "raise the maximum"]) { try writer.appendHalfBlock(at: 4) }
    try store.setQuota(StreamQuota(maximumBlocks: 3), of: "s")
    try writer.appendHalfBlock(at: 4)
    #expect(try store.provenTimes(of: "s") == Array(0...4))
  }

  // MARK: Age

  @Test func blocksThatAreTooOldGoWhenTheStreamChangesBlocks() throws {
    try store.setQuota(StreamQuota(maximumAge: 3), of: "s")
    try store.appendHalfBlocks(0...7, to: "s")
    // When the block of frames 6 and 7 was begun, the newest frame was 5.
    #expect(try store.provenTimes(of: "s") == Array(2...7))
    #expect(try freeBlocks == 5)
    try store.appendHalfBlocks(100...100, to: "s")
    #expect(try store.provenTimes(of: "s") == Array(4...7) + [100])
    try store.appendHalfBlocks(101...101, to: "s")
    #expect(try store.provenTimes(of: "s") == [100, 101])
    #expect(try store.statistics(of: "s")?.reclaimedFrames == 8)
    #expect(try store.verify().isClean)
  }

  @Test func settingAnAgeFreesWhatIsTooOldAtOnce() throws {
    try store.appendHalfBlocks(0...15, to: "s")
    let freed = try store.setQuota(StreamQuota(maximumAge: 4), of: "s")
    #expect(freed.blocks == 5)
    #expect(try store.provenTimes(of: "s") == Array(10...15))
    #expect(try store.setQuota(StreamQuota(maximumAge: .max), of: "s").blocks == 0)
  }

  @Test func whatIsTooOldAndNoLongerKeptGoesAFewBlocksAtATime() throws {
    let store = try directory.store("large.nts", blocks: 40)
    try store.appendHalfBlocks(0...59, to: "s")
    let pin = try store.pin("s")
    #expect(try store.setQuota(StreamQuota(maximumAge: 1), of: "s").blocks == 0)
    pin.release()
    try store.appendHalfBlocks(60...61, to: "s")
    #expect(try store.provenTimes(of: "s") == Array(16...61))
    try store.appendHalfBlocks(62...67, to: "s")
    #expect(try store.provenTimes(of: "s") == Array(64...67))
  }

  @Test func theFrameThatOverflowsTheAgeIsNotTooOld() throws {
    try store.appendHalfBlocks(Int64.min...(Int64.min + 3), to: "s")
    #expect(try store.setQuota(StreamQuota(maximumAge: 100), of: "s").blocks == 0)
    #expect(try store.frameCount(of: "s") == 4)
  }

  // MARK: Order of time

  @Test func timeDoesNotGoBackWhereAnOlderBlockOutlivedNewerOnes() throws {
    try store.appendHalfBlocks(0...7, to: "s")
    try store.protect("s", in: 0...0)
    try store.appendHalfBlocks(100...115, to: "t")
    #expect(try store.provenTimes(of: "s") == [0, 1])
    let writer = try store.writer(for: "s")
    #expect(writer.last == FramePosition(timestamp: 7))
    expectError(.outOfOrder, naming: ["timestamp 7,"]) { try writer.append([1], at: 7) }
    try writer.appendHalfBlock(at: 8)
    #expect(try store.contents(of: "s").map(\.ordinal) == [0, 1, 8])
    try writer.close()
    // Whoever frees the time frees the stream from it.
    try store.free("s", in: 5...8)
    #expect(try store.writer(for: "s").last == FramePosition(timestamp: 1))
  }
}
