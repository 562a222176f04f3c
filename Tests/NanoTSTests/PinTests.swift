import Foundation
import TestAgent
import Testing

@testable import NanoTS

/// What a pin holds, what passes it over, and what ends it.
@Suite struct PinTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func ring(_ policy: PinPolicy = .giveWay, blocks: Int = 8) throws -> Store {
    try Store.create(
      at: directory.path("ring.nts"),
      StoreOptions(blockSize: 4096, blockCount: blocks, streamCapacity: 4, pins: policy))
  }

  // MARK: Holding

  @Test(arguments: [PinPolicy.giveWay, .hold])
  func pinnedBlocksArePassedOverUntilTheyAreReleased(_ policy: PinPolicy) throws {
    let store = try ring(policy)
    #expect(store.pinPolicy == policy)
    try store.appendHalfBlocks(0...15, to: "s")
    let pin = try store.pin("s", in: 3...6)
    #expect(pin.stream == "s")
    #expect(pin.blocks == 3)
    #expect(pin.range == 2...7)
    try store.appendHalfBlocks(16...39, to: "s")
    #expect(pin.isIntact)
    #expect(pin.lostBlocks == 0)
    #expect(try store.provenTimes(of: "s") == Array(2...7) + Array(30...39))
    #expect(try store.statistics(of: "s")?.pinnedBlocks == 3)
    #expect(try store.statistics().pinnedBlocks == 3)
    #expect(try store.blocks().filter(\.isPinned).map(\.firstTimestamp) == [2, 4, 6])
    pin.release()
    pin.release()
    #expect(try store.statistics().pinnedBlocks == 0)
    try store.appendHalfBlocks(40...47, to: "s")
    #expect(try store.provenTimes(of: "s") == Array(32...47))
    #expect(!pin.isIntact)
    #expect(pin.lostBlocks == 3)
    #expect(try store.verify().findings.isEmpty)
  }

  @Test func aPinEndsWithItsLastReference() throws {
    let store = try ring()
    try store.appendHalfBlocks(0...15, to: "s")
    var pin: Pin? = try store.pin("s", in: 0...1)
    try store.appendHalfBlocks(16...31, to: "s")
    #expect(try store.provenTimes(of: "s").first == 0)
    #expect(pin?.isIntact == true)
    pin = nil
    try store.appendHalfBlocks(32...33, to: "s")
    #expect(try store.provenTimes(of: "s") == Array(18...33))
  }

  @Test func anotherStreamPassesOverPinnedBlocksToo() throws {
    let store = try ring()
    try store.appendHalfBlocks(0...7, to: "s")
    try store.appendHalfBlocks(8...15, to: "t")
    let pins = [try store.pin("s", in: 0...1), try store.pin("t", in: 10...11)]
    try store.appendHalfBlocks(16...27, to: "u")
    #expect(try store.provenTimes(of: "s") == [0, 1])
    #expect(try store.provenTimes(of: "t") == [10, 11])
    #expect(try store.provenTimes(of: "u") == Array(16...27))
    #expect(pins.allSatisfy { $0.isIntact })
  }

  @Test func pinsOverlapAndEachHoldsForItself() throws {
    let store = try ring()
    try store.appendHalfBlocks(0...15, to: "s")
    let (early, late) = (try store.pin("s", in: 0...5), try store.pin("s", in: 4...9))
    try store.appendHalfBlocks(16...29, to: "s")
    #expect(try store.provenTimes(of: "s") == Array(0...9) + Array(24...29))
    early.release()
    try store.appendHalfBlocks(30...33, to: "s")
    #expect(try store.provenTimes(of: "s") == Array(4...9) + Array(24...33))
    #expect(late.isIntact)
    late.release()
    try store.appendHalfBlocks(34...39, to: "s")
    #expect(try store.provenTimes(of: "s") == Array(24...39))
  }

  @Test func theOpenBlockIsPinnedAsWellAndStaysSoWhenItIsSealed() throws {
    let store = try ring(blocks: 3)
    let writer = try store.writer(for: "s")
    try writer.appendHalfBlock(at: 0)
    let pin = try store.pin("s")
    #expect(pin.blocks == 1)
    #expect(pin.range == 0...0)
    for time in Int64(1)...9 { try writer.appendHalfBlock(at: time) }
    #expect(try store.provenTimes(of: "s") == [0, 1] + Array(6...9))
    #expect(pin.isIntact)
  }

  @Test func aPinDoesNotReachBlocksThatComeLater() throws {
    let store = try ring()
    try store.appendHalfBlocks(0...1, to: "s")
    let pin = try store.pin("s")
    try store.appendHalfBlocks(2...19, to: "s")
    #expect(pin.blocks == 1)
    #expect(try store.provenTimes(of: "s") == [0, 1] + Array(6...19))
  }

  @Test func whereThereIsNothingAPinHoldsNothing() throws {
    let store = try ring()
    try store.appendHalfBlocks(0...3, to: "s")
    for pin in [try store.pin("unknown"), try store.pin("s", in: 4...100), try store.pin("s", in: Int64.min...(-1))] {
      #expect(pin.blocks == 0)
      #expect(pin.range == nil)
      #expect(pin.isIntact)
      #expect(pin.lostBlocks == 0)
    }
    #expect(try store.statistics().pinnedBlocks == 0)
  }

  @Test func badArgumentsAndClosedStoresAreRefused() throws {
    let store = try ring()
    expectError(.invalidName) { try store.pin("") }
    expectError(.invalidName) { try store.pin("a\0") }
    try store.appendHalfBlocks(0...1, to: "s")
    let pin = try store.pin("s")
    try store.close()
    expectError(.closed, naming: [store.path]) { try store.pin("s") }
    // A pin outlives the closing of its store.
    let again = try Store(at: store.path)
    #expect(try again.statistics().pinnedBlocks == 1)
    #expect(pin.isIntact)
    pin.release()
    #expect(try again.statistics().pinnedBlocks == 0)
  }

  @Test func aStoreOpenedReadOnlyPinsAndItsFileStaysAsItIs() throws {
    let store = try ring()
    try store.appendHalfBlocks(0...15, to: "s")
    let before = try StoreBytes.read(store.path)
    let reader = try Store(at: store.path, .readOnly)
    let pin = try reader.pin("s", in: 0...3)
    #expect(try reader.statistics().pinnedBlocks == 2)
    #expect(try StoreBytes.read(store.path) == before)
    try store.appendHalfBlocks(16...23, to: "s")
    #expect(try reader.provenTimes(of: "s") == Array(0...3) + Array(12...23))
    #expect(pin.isIntact)
  }

  // MARK: Giving way

  @Test func whenNothingElseIsLeftTheOldestPinnedBlockGivesWayAndItsReaderIsTold() throws {
    let store = try ring(blocks: 4)
    try store.appendHalfBlocks(0...7, to: "s")
    let pin = try store.pin("s")
    var cursor = try store.cursor(of: "s")
    let frame = try #require(try cursor.next())
    try store.appendHalfBlocks(8...9, to: "s")
    #expect(pin.lostBlocks == 1)
    #expect(!pin.isIntact)
    #expect(!frame.isIntact)
    expectError(.overwritten) { try frame.copyBytes() }
    let error = expectError(.overwritten, naming: ["1 frames"]) { try cursor.next() }
    #expect(error?.missedFrames == 1)
    #expect(try cursor.next()?.timestamp == 2)
    #expect(try store.provenTimes(of: "s") == Array(2...9))
    // What came since is not pinned, and goes before what is.
    try store.appendHalfBlocks(10...11, to: "s")
    #expect(pin.lostBlocks == 1)
    #expect(try store.provenTimes(of: "s") == Array(2...7) + [10, 11])
    // The lost block's next life is not pinned.
    #expect(try store.statistics().pinnedBlocks == 3)
  }

  @Test func wherePinsHoldTheAppendFailsAndSaysWhy() throws {
    let store = try ring(.hold, blocks: 4)
    try store.appendHalfBlocks(0...7, to: "s")
    let pin = try store.pin("s")
    let writer = try store.writer(for: "t")
    expectError(.noFreeBlocks, naming: ["4 in \(store.path)", "4 are pinned", "release the pins"]) {
      try writer.append([1], at: 8)
    }
    #expect(pin.isIntact)
    #expect(try store.provenTimes(of: "s") == Array(0...7))
    pin.release()
    try writer.append([1], at: 8)
    #expect(try store.timestamps(of: "s") == Array(2...7))
  }

  @Test func wherePinsHoldAWriterGoesOnWithinTheOneBlockThatIsNot() throws {
    let store = try ring(.hold, blocks: 4)
    try store.appendHalfBlocks(0...5, to: "s")
    let pin = try store.pin("s")
    try store.appendHalfBlocks(6...13, to: "s")
    #expect(pin.isIntact)
    #expect(try store.provenTimes(of: "s") == Array(0...5) + [12, 13])
    #expect(try store.verify().findings.isEmpty)
  }

  // MARK: Freeing

  @Test func freeTakesPinnedBlocksUnlessPinsHold() throws {
    let store = try ring()
    try store.appendHalfBlocks(0...7, to: "s")
    let pin = try store.pin("s", in: 2...3)
    let freed = try store.free("s", in: 0...5)
    #expect(freed.blocks == 3)
    #expect(freed.pinnedBlocks == 0)
    #expect(pin.lostBlocks == 1)
    #expect(try store.free(stream: "s").blocks == 1)
  }

  @Test func wherePinsHoldFreeLeavesPinnedBlocksAndSaysHowMany() throws {
    let store = try ring(.hold)
    try store.appendHalfBlocks(0...7, to: "s")
    let pin = try store.pin("s", in: 2...3)
    let freed = try store.free("s", in: 0...5)
    #expect(freed.blocks == 2)
    #expect(freed.frames == 4)
    #expect(freed.pinnedBlocks == 1)
    #expect(try store.provenTimes(of: "s") == [2, 3, 6, 7])
    expectError(.protected, naming: ["'s'", "1 of its blocks", "pins hold"]) { try store.free(stream: "s") }
    #expect(try store.provenTimes(of: "s") == [2, 3, 6, 7])
    pin.release()
    #expect(try store.free(stream: "s").blocks == 2)
    #expect(try store.streams() == [])
  }

  @Test func aPinOnAFreedStreamDoesNotReachTheOneThatHasItsPlace() throws {
    let store = try ring()
    try store.appendHalfBlocks(0...7, to: "s")
    let pin = try store.pin("s")
    try store.free(stream: "s")
    try store.appendHalfBlocks(0...7, to: "t")
    #expect(try store.statistics().pinnedBlocks == 0)
    #expect(pin.lostBlocks == 4)
  }

  // MARK: Other processes

  @Test func aPinDiesWithItsProcess() throws {
    let store = try ring()
    let options = WriterOptions(durability: .none)
    try store.appendHalfBlocks(0...7, to: "1", options: options)
    let reader = try AgentProcess("pin", store.path, "1")
    #expect(reader.firstLine() == "pinned 4")
    #expect(try store.statistics(of: "1")?.pinnedBlocks == 4)
    try store.appendHalfBlocks(8...23, to: "1", options: options)
    #expect(try store.provenTimes(of: "1") == Array(0...7) + Array(16...23))
    reader.kill()
    #expect(try store.statistics(of: "1")?.pinnedBlocks == 0)
    try store.appendHalfBlocks(24...31, to: "1", options: options)
    #expect(try store.provenTimes(of: "1") == Array(16...31))
  }

  @Test(.timeLimit(.minutes(5))) func anExportUnderAPinMissesNothingWhileTheRingTurns() throws {
    #if DEBUG
      let rounds = 200
    #else
      let rounds = 3_000
    #endif
    let path = directory.path("export.nts")
    let store = try Store.create(at: path, StoreOptions(blockSize: 16_384, blockCount: 24))
    let (stream, words) = (ProvingStream(5, .large), try SharedWords(at: directory.path("words")))
    let writer = try AgentProcess.writer(path, stream, words, SharedWords.firstOwn)
    defer { writer.kill() }
    let exports = try (0..<2).map { _ in try AgentProcess("export", path, stream.name, "\(rounds)") }
    for export in exports {
      let line = export.firstLine()
      let numbers = line.split(separator: " ").compactMap { Int($0) }
      guard numbers.count == 4 else {
        Issue.record("the exporter said: \(line)")
        return
      }
      print("exports under pins: \(numbers[0]) frames, \(numbers[1]) wrong, \(numbers[2]) pins lost")
      #expect(numbers[0] > rounds)
      #expect(numbers[1] == 0)
      // Two exporters never hold everything.
      #expect(numbers[2] == 0)
      #expect(numbers[3] == 0)
    }
    #expect(try store.statistics().reclaimedBlocks > 100)
    #expect(try store.statistics().pinnedBlocks == 0)
  }
}
