import Testing

@testable import NanoTS

/// Ranges of time that are kept until somebody releases them.
@Suite struct ProtectionTests {
  private let directory: TemporaryDirectory
  private let store: Store

  init() throws {
    directory = try TemporaryDirectory()
    store = try directory.store(blocks: 8)
  }

  // MARK: Setting and releasing

  @Test func rangesThatOverlapOrFollowOneAnotherBecomeOne() throws {
    try store.appendHalfBlocks(0...1, to: "s")
    #expect(try store.protectedRanges(of: "s") == [])
    try store.protect("s", in: 10...20)
    try store.protect("s", in: 30...40)
    try store.protect("s", in: -5...(-5))
    #expect(try store.protectedRanges(of: "s") == [-5...(-5), 10...20, 30...40])
    try store.protect("s", in: 21...29)
    #expect(try store.protectedRanges(of: "s") == [-5...(-5), 10...40])
    try store.protect("s", in: 40...Int64.max)
    try store.protect("s", in: Int64.min...(-7))
    #expect(try store.protectedRanges(of: "s") == [Int64.min...(-7), -5...(-5), 10...Int64.max])
    try store.protect("s", in: -6...0)
    #expect(try store.protectedRanges(of: "s") == [Int64.min...0, 10...Int64.max])
    try store.protect("s", in: 1...9)
    #expect(try store.protectedRanges(of: "s") == [Int64.min...Int64.max])
    try store.releaseProtection(of: "s", in: 100...200)
    #expect(try store.protectedRanges(of: "s") == [Int64.min...99, 201...Int64.max])
    try store.releaseProtection(of: "s", in: Int64.min...50)
    try store.releaseProtection(of: "s", in: 300...Int64.max)
    #expect(try store.protectedRanges(of: "s") == [51...99, 201...300 - 1])
    try store.releaseProtection(of: "s")
    #expect(try store.protectedRanges(of: "s") == [])
    #expect(store.file.slot(0).terms.relaxed == 0)
  }

  @Test func nineRangesAreOneTooMany() throws {
    try store.appendHalfBlocks(0...1, to: "s")
    for number in Int64(0)..<8 { try store.protect("s", in: (number * 10)...(number * 10 + 4)) }
    let before = try store.protectedRanges(of: "s")
    #expect(before.count == 8)
    expectError(.invalidArgument, naming: ["'s'", "9 protected ranges", "8"]) { try store.protect("s", in: 100...100) }
    expectError(.invalidArgument, naming: ["'s'", "9 protected ranges", "8"]) {
      try store.releaseProtection(of: "s", in: 12...12)
    }
    #expect(try store.protectedRanges(of: "s") == before)
    // With all eight in use, one can still grow, and one release may shorten two.
    try store.protect("s", in: 71...80)
    try store.releaseProtection(of: "s", in: 13...21)
    let after = [0...4, 10...12, 22...24, 30...34, 40...44, 50...54, 60...64, 70...80] as [ClosedRange<Int64>]
    #expect(try store.protectedRanges(of: "s") == after)
    #expect(try Store(at: store.path, .readOnly).protectedRanges(of: "s") == after)
    try store.setQuota(StreamQuota(minimumBlocks: 1, maximumBlocks: 2, maximumAge: 3), of: "s")
    #expect(try store.protectedRanges(of: "s") == after)
    try store.protect("s", in: 5...9)
    #expect(try store.quota(of: "s") == StreamQuota(minimumBlocks: 1, maximumBlocks: 2, maximumAge: 3))
    #expect(try store.protectedRanges(of: "s").first == 0...12)
  }

  @Test func unknownStreamsBadNamesReadOnlyAndClosedStores() throws {
    expectError(.notFound, naming: ["'s'", store.path]) { try store.protect("s", in: 0...1) }
    try store.releaseProtection(of: "s")
    #expect(try store.protectedRanges(of: "s") == [])
    #expect(try store.streams() == [])
    expectError(.invalidName) { try store.protect("", in: 0...1) }
    expectError(.invalidName) { try store.releaseProtection(of: "") }
    expectError(.invalidName) { try store.protectedRanges(of: "") }
    try store.appendHalfBlocks(0...1, to: "s")
    let reader = try Store(at: store.path, .readOnly)
    expectError(.readOnly, naming: [store.path]) { try reader.protect("s", in: 0...1) }
    expectError(.readOnly, naming: [store.path]) { try reader.releaseProtection(of: "s") }
    try store.close()
    expectError(.closed) { try store.protect("s", in: 0...1) }
    expectError(.closed) { try store.protectedRanges(of: "s") }
  }

  // MARK: Keeping

  @Test func aProtectedRangeOutlivesLapsOfTheRingAndRestarts() throws {
    try store.appendHalfBlocks(0...15, to: "s")
    try store.protect("s", in: 5...6)
    try store.appendHalfBlocks(16...39, to: "s")
    try store.close()
    let again = try Store(at: store.path)
    try again.appendHalfBlocks(40...59, to: "s")
    try again.appendHalfBlocks(60...79, to: "t")
    #expect(try again.provenTimes(of: "s") == Array(4...7))
    #expect(try again.provenTimes(of: "t") == Array(68...79))
    #expect(try again.statistics(of: "s")?.protectedBlocks == 2)
    #expect(try again.blocks().filter(\.isProtected).map(\.firstTimestamp) == [4, 6])
    try again.releaseProtection(of: "s")
    try again.appendHalfBlocks(80...83, to: "t")
    #expect(try again.provenTimes(of: "s") == [])
    #expect(try again.verify().isClean)
  }

  @Test func anIncidentThatIsGoingOnIsKeptWhileItIsWritten() throws {
    try store.appendHalfBlocks(0...3, to: "s")
    try store.protect("s", in: 6...Int64.max)
    try store.appendHalfBlocks(4...19, to: "s")
    #expect(try store.provenTimes(of: "s") == Array(4...19))
    let writer = try store.writer(for: "s")
    expectError(.noFreeBlocks, naming: ["8 in \(store.path)", "8 are protected ('s')", "release the protection"]) {
      for time in Int64(20)...22 { try writer.appendHalfBlock(at: time) }
    }
    #expect(try store.provenTimes(of: "s") == Array(6...21))
    let other = try store.writer(for: "t")
    expectError(.noFreeBlocks, naming: ["8 are protected ('s')"]) { try other.appendHalfBlock(at: 0) }
    // The incident is over, and its beginning is not of interest.
    try store.releaseProtection(of: "s", in: 22...Int64.max)
    try store.releaseProtection(of: "s", in: 0...7)
    try writer.appendHalfBlock(at: 22)
    try writer.appendHalfBlock(at: 23)
    #expect(try store.provenTimes(of: "s") == Array(8...23))
    #expect(try store.verify().isClean)
  }

  @Test func freeLeavesProtectedBlocksAndSaysHowMany() throws {
    try store.appendHalfBlocks(0...9, to: "s")
    try store.protect("s", in: 3...4)
    let freed = try store.free("s", in: 0...9)
    #expect(freed.blocks == 3)
    #expect(freed.frames == 6)
    #expect(freed.protectedBlocks == 2)
    #expect(freed.pinnedBlocks == 0)
    #expect(try store.provenTimes(of: "s") == Array(2...5))
    expectError(.protected, naming: ["'s'", "from 3 to 4", "release"]) { try store.free(stream: "s") }
    #expect(try store.provenTimes(of: "s") == Array(2...5))
    try store.releaseProtection(of: "s")
    #expect(try store.free(stream: "s").blocks == 2)
  }

  @Test func whatIsProtectedIsNeverTooOld() throws {
    try store.appendHalfBlocks(0...9, to: "s")
    try store.protect("s", in: 2...2)
    #expect(try store.setQuota(StreamQuota(maximumAge: 1), of: "s").blocks == 3)
    #expect(try store.provenTimes(of: "s") == [2, 3, 8, 9])
  }

  // MARK: Readers

  @Test func aReaderPassesOverOldGapsInSilenceAndIsToldOfNewOnes() throws {
    try store.appendHalfBlocks(0...15, to: "s")
    for time in [Int64(0), 4, 8] { try store.protect("s", in: time...time) }
    try store.appendHalfBlocks(16...17, to: "s")
    #expect(try store.provenTimes(of: "s") == [0, 1] + Array(4...17))
    var cursor = try store.cursor(of: "s")
    #expect(try cursor.next()?.ordinal == 0)
    // Two more gaps, 6 to 7 and 10 to 13, come while it stands at the start.
    try store.appendHalfBlocks(18...23, to: "s")
    #expect(try store.provenTimes(of: "s") == [0, 1, 4, 5, 8, 9] + Array(14...23))
    var seen: [Int64] = [0]
    var missed: [UInt64] = []
    while true {
      do {
        guard let frame = try cursor.next() else { break }
        seen.append(frame.timestamp)
      } catch {
        #expect(error.code == .overwritten)
        missed.append(error.missedFrames)
      }
    }
    #expect(seen == [0, 1, 4, 5, 8, 9] + Array(14...23))
    #expect(missed == [2, 4])
    #expect(try store.frameCount(of: "s") == 16)
    #expect(try store.contiguousRuns(of: "s").map(\.frames) == [2, 2, 2, 2, 2, 6])
    #expect(try store.frames(of: "s").map(\.missed).allSatisfy { $0 == 0 })
  }

  @Test func aFollowerBehindAKeptBlockCountsEveryFrame() throws {
    try store.appendHalfBlocks(0...1, to: "s")
    try store.protect("s", in: 0...1)
    var cursor = try store.cursor(of: "s")
    #expect(try cursor.next()?.ordinal == 0)
    #expect(try cursor.next()?.ordinal == 1)
    let writer = try store.writer(for: "s")
    var (read, missed): (UInt64, UInt64) = (2, 0)
    for time in Int64(2)...201 {
      try writer.appendHalfBlock(at: time)
      guard time % 37 == 0 else { continue }
      // Every frame was read or is told of, though each gap lies behind a block that stays.
      while true {
        do {
          guard let frame = try cursor.next() else { break }
          #expect(frame.ordinal == read + missed)
          read += 1
        } catch {
          missed += error.missedFrames
        }
      }
      #expect(read + missed == UInt64(time) + 1)
    }
    #expect(missed > 50)
    #expect(read > 50)
  }

  @Test func gapsThatCameTogetherAreEachToldOf() throws {
    try store.appendHalfBlocks(0...1, to: "s")
    try store.protect("s", in: 0...1)
    var cursor = try store.cursor(of: "s")
    #expect(try cursor.next()?.ordinal == 0)
    #expect(try cursor.next()?.ordinal == 1)
    // When it looks again, three blocks that are kept stand apart from each other.
    for time in [Int64(6), 20, 30] { try store.protect("s", in: time...time) }
    try store.appendHalfBlocks(2...49, to: "s")
    #expect(try store.provenTimes(of: "s") == [0, 1, 6, 7, 20, 21, 30, 31] + Array(42...49))
    for (missed, next) in [(UInt64(4), UInt64(6)), (12, 20), (8, 30), (10, 42)] {
      let error = expectError(.overwritten) { try cursor.next() }
      #expect(error?.missedFrames == missed)
      #expect(try cursor.next()?.ordinal == next)
      #expect(try cursor.next()?.ordinal == next + 1)
    }
    #expect(try store.frames(of: "s").map(\.missed).allSatisfy { $0 == 0 })
  }
}
