import Testing

@testable import NanoTS

/// Fields that no checksum covers, with values that contradict the rest: nothing in a file can hurt the process (I7), and
/// no live block is given away.
@Suite struct DamagedCountersTests {
  private let directory: TemporaryDirectory
  private let store: Store

  init() throws {
    directory = try TemporaryDirectory()
    store = try directory.store(blocks: 6)
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
}
