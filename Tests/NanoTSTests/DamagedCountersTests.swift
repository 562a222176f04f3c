import Testing

@testable import NanoTS

/// Fields that no checksum covers, with values that contradict the rest: nothing in a file can hurt the process (I7), and
/// no live block is given away.
@Suite struct DamagedCountersTests {
  private let directory: TemporaryDirectory
  private let store: Store

  init() throws {
    directory = try TemporaryDirectory()
    store = try directory.plainStore(blocks: 6)
    let writer = try store.writer(for: "s", options: WriterOptions(durability: .none))
    for time in 0..<Int64(300) { try writer.append(value: time, at: time) }
    try writer.close()
  }

  /// Writes through every block of the ring and reads all of it.
  private func useAll() throws {
    let writer = try store.writer(for: "t", options: WriterOptions(durability: .none))
    for time in 0..<Int64(2000) { try writer.append(value: time, at: time) }
    try writer.close()
    var last: Int64 = -1
    for frame in try store.frames(of: "t") {
      #expect(try frame.load(as: Int64.self) == frame.timestamp)
      last = frame.timestamp
    }
    #expect(last == 1999)
    let report = try store.verify()
    #expect(report.isClean, "\(report.findings)")
  }

  /// A bit that flips in a number makes one that no stream comes to, or the numbers begin again from 0.
  @Test func numbersThatNoStreamComesToAreToldAndNotGoneOnFrom() throws {
    let slot = store.file.slot(0)
    for field in [slot.nextSequence, slot.nextSegment, slot.nextOrdinal] {
      let right = field.relaxed
      for wrong in [right | 1 << 62, right | 1 << 63, .max] {
        field.storeRelaxed(wrong)
        #expect(try store.verify().findings.contains { $0.message.contains("\(wrong)") })
        expectError(.corrupt, naming: ["'s'", "\(wrong)", store.path]) { try store.writer(for: "s") }
        #expect(try store.frames(of: "s").map(\.timestamp) == Array(0..<300))
      }
      field.storeRelaxed(right)
    }
    #expect(try store.verify().isClean)
    try store.writer(for: "s").append(value: 300, at: 300)
  }

  /// The stream's newest block is named by nobody: what is appended must not be taken for the only one.
  @Test func aListWhoseEndIsNoBlockIsMadeAnew() throws {
    let writer = try store.writer(for: "s", options: WriterOptions(durability: .none))
    try writer.append(value: 300, at: 300)
    store.file.slot(0).tail.storeRelaxed(7)
    var time: Int64 = 301
    let removals = store.file.slot(0).removals.relaxed
    while store.file.slot(0).removals.relaxed == removals {
      try writer.append(value: time, at: time)
      time += 1
      try #require(time < 600)
    }
    try writer.close()
    #expect(try store.frames(of: "s").map(\.timestamp) == Array(0..<time))
    let report = try store.verify()
    #expect(report.isClean, "\(report.findings)")
  }

  @Test func aSpareThatIsNoSpareIsNotUsed() throws {
    for block in 0..<6 {
      store.file.slot(0).spareBlock.storeRelaxed(UInt32(block + 1))
      let writer = try store.writer(for: "s", options: WriterOptions(durability: .none))
      let time = try #require(writer.last).timestamp + 1
      try writer.append(value: time, at: time)
      try writer.close()
    }
    try useAll()
  }

  @Test func aFreeListThatLeadsToALiveBlockIsMadeAnew() throws {
    store.file.shared.freeListHead.storeRelaxed(1)
    store.file.shared.freeListCount.storeRelaxed(1)
    let writer = try store.writer(for: "t", options: WriterOptions(durability: .none))
    try writer.append(value: 1, at: 1)
    #expect(try store.frames(of: "s").map(\.timestamp) == Array(0..<300))
    try writer.close()
    _ = try store.free(stream: "t")
    try useAll()
  }

  @Test func aUniformLengthThatIsAWrongHintShowsNothingBehindTheBlock() throws {
    let writer = try store.writer(for: "u", options: WriterOptions(durability: .none))
    try writer.append(Array(repeating: 7, count: 40), at: 1)
    try writer.append([1], at: 2)
    let block = try #require(try store.blocks().first { $0.stream == "u" }).index
    store.file.header(block).uniformLength.storeRelaxed(40)
    var cursor = try store.cursor(of: "u")
    let batch = try #require(try cursor.nextBatch())
    #expect(throws: NanoTSError.self) {
      try batch.withValues(as: (Int64, Int64, Int64, Int64, Int64).self) { $0.count }
    }
  }

  @Test func extremeCountersOfEveryKindAreSurvived() throws {
    let slot = store.file.slot(0)
    for value in [UInt64.max, 0, 1 << 63] {
      slot.reclaimedBlocks.storeRelaxed(value)
      slot.reclaimedFrames.storeRelaxed(value)
      slot.nextOrdinal.storeRelaxed(value)
      slot.nextSequence.storeRelaxed(value)
      slot.blockCount.storeRelaxed(UInt32(truncatingIfNeeded: value))
      let statistics = try store.statistics()
      _ = (statistics.reclaimedBlocks, statistics.reclaimedFrames, statistics.frames)
      _ = Array(try Store(at: store.path, .readOnly).frames(of: "s"))
      #expect(try !store.verify().isClean)
    }
  }

  @Test func aBlockThatCannotBeReadIsToldOnceAndPassedOver() throws {
    let blocks = try store.blocks().filter { $0.stream == "s" }.sorted { $0.sequence < $1.sequence }
    let (damaged, next) = (blocks[1], try #require(blocks[2].firstTimestamp))
    let frames = UInt64(damaged.frames)
    let header = store.file.header(damaged.index)
    let (commit, layout) = (header.commit.relaxed, header.bodyLayout.relaxed)
    for word in [commit & 0xFFFF_FFFF, commit | 0xFFFF_FFFF << 32, commit | 0xFFFF_FFFF, 5 << 32] {
      header.commit.storeRelaxed(word)
      try expectPassedOver(.corrupt, frames, next)
    }
    header.commit.storeRelaxed(commit)
    header.bodyLayout.storeRelaxed(layout | 1)
    try expectPassedOver(.unsupportedFeature, frames, next)
  }

  private func expectPassedOver(_ code: NanoTSError.Code, _ frames: UInt64, _ next: Int64) throws {
    let reader = try Store(at: store.path, .readOnly)
    let left = Array(0..<(next - Int64(frames))) + Array(next..<300)
    let sequence = try reader.frames(of: "s")
    #expect(sequence.map(\.timestamp) == left)
    #expect(sequence.map(\.missed).reduce(0, +) == frames)
    #expect(sequence.reversed().map(\.timestamp) == left.reversed())
    var cursor = try reader.cursor(of: "s")
    var errors: [NanoTSError] = []
    var seen: [Int64] = []
    while seen.last != 299, errors.count < 5 {
      do {
        if let frame = try cursor.next() { seen.append(frame.timestamp) }
      } catch {
        errors.append(error)
      }
    }
    #expect(seen == left)
    #expect(errors.map(\.code) == [code])
    #expect(try !reader.verify().isClean)
  }

  @Test func aDamagedNameCostsTheStreamItsNameAndNotItsBlocks() throws {
    try StoreBytes.flip(store.path, at: 8192 + 320)
    let epoch = store.file.shared.allocationEpoch
    epoch.storeRelaxed(epoch.relaxed | 1)
    try store.writer(for: "other", options: WriterOptions(durability: .none)).append([1], at: 1)
    try StoreBytes.flip(store.path, at: 8192 + 320)
    #expect(try store.frames(of: "s").map(\.timestamp) == Array(0..<300))
  }

  @Test func timeDoesNotGoBackBehindAnEmptyBlock() throws {
    let small = try directory.plainStore("small.nts", blocks: 2)
    let options = WriterOptions(durability: .none)
    let writer = try small.writer(for: "x", options: options)
    try writer.append(value: 1, at: 1000)
    try writer.close()
    let again = try small.writer(for: "x", options: options)
    #expect(throws: NanoTSError.self) { unsafe try again.append(byteCount: 8, at: 2000) { _ in -1 } }
    let other = try small.writer(for: "y", options: options)
    try other.append(value: 1, at: 1)
    try again.close()
    let third = try small.writer(for: "x", options: options)
    #expect(third.last?.timestamp == 1000)
    #expect(throws: NanoTSError.self) { try third.append(value: 1, at: 1) }
  }

  @Test func theSpareOfADeadWriterIsTakenBeforeLiveData() throws {
    let small = try directory.plainStore("small.nts", blocks: 1)
    let writer = try small.writer(for: "x", options: WriterOptions(durability: .none))
    #expect(unsafe try writer.core.pointee.handover.claim() != nil)
    try writer.abandon()
    try small.writer(for: "y").append(value: 1, at: 1)
    #expect(try small.verify().isClean)
  }
}
