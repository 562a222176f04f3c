import Testing

@testable import NanoTS

/// A store that was open for writing when the machine went down: the table may be older than the bodies. It opens with
/// no repair step, to a contiguous run of frames that prove themselves.
@Suite struct SuspectStoreTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func loseThePower(_ store: Store, unordered: Bool = false) throws -> String {
    try directory.lostStore(of: store, unordered: unordered)
  }

  private func write(_ store: Store, _ range: Range<Int64>, durability: Durability = .onSeal) throws -> Writer {
    let writer = try store.writer(for: "s", options: WriterOptions(durability: durability))
    for time in range { try writer.append(value: time, at: time) }
    return writer
  }

  private func flipPayload(of ordinal: UInt64, in store: Store) throws {
    var cursor = try store.cursor(of: "s")
    while let frame = try cursor.next() {
      guard frame.ordinal == ordinal else { continue }
      let place = unsafe frame.unvalidatedBytes.baseAddress! - UnsafeRawPointer(store.file.mapped.base)
      try StoreBytes.flip(store.path, at: place)
      return
    }
    Issue.record("no frame \(ordinal)")
  }

  /// Flips a bit in a frame of the second sealed block; the first timestamp of the third.
  private func damageTheSecondBlock(of store: Store) throws -> Int64 {
    let blocks = try store.blocks().filter { $0.state == .sealed }.sorted { $0.sequence < $1.sequence }
    try flipPayload(of: UInt64(try #require(blocks[1].firstTimestamp)) + 3, in: store)
    return try #require(blocks[2].firstTimestamp)
  }

  private func timestamps(_ store: Store) throws -> [Int64] { try store.frames(of: "s").map(\.timestamp) }

  @Test func anUnsyncedBlockKeepsTheFramesBeforeTheFirstTornOne() throws {
    let store = try directory.plainStore()
    try write(store, 0..<300).abandon()
    let last = try #require(try store.statistics(of: "s")?.last)
    try flipPayload(of: UInt64(last) - 5, in: store)
    let path = try loseThePower(store)
    let kept = Array(0..<(last - 5))
    let reader = try Store(at: path, .readOnly)
    #expect(reader.isSuspect)
    #expect(try timestamps(reader) == kept)
    #expect(try reader.statistics(of: "s")?.last == kept.last)
    let opened = try Store(at: path)
    #expect(!opened.isSuspect)
    #expect(try timestamps(opened) == kept)
    #expect(try opened.verify().isClean)
    let writer = try opened.writer(for: "s")
    try writer.append(value: last, at: last - 5)
    #expect(try timestamps(opened) == kept + [last - 5])
  }

  @Test func aSyncedBlockThatDoesNotProveItselfWasBeingRecycledAndGoesWithEverythingOlder() throws {
    let store = try directory.plainStore()
    let writer = try write(store, 0..<600)
    try writer.close()
    let third = try damageTheSecondBlock(of: store)
    let opened = try Store(at: loseThePower(store, unordered: true))
    #expect(try timestamps(opened) == Array(third..<600))
    #expect(try opened.verify().isClean)
  }

  /// A writer that syncs begins with what earlier ones left. From then on it is on the disk, and what does not prove itself
  /// was overwritten.
  @Test func whatAWriterThatSyncsHasFoundCountsAsSynced() throws {
    let store = try directory.plainStore()
    try write(store, 0..<600, durability: .none).close()
    try store.writer(for: "s", options: WriterOptions(durability: .onSeal)).close()
    let third = try damageTheSecondBlock(of: store)
    let opened = try Store(at: loseThePower(store, unordered: true))
    #expect(try timestamps(opened) == Array(third..<600))
  }

  @Test func withoutDurabilityEverythingBehindTheFirstTornFrameGoes() throws {
    let store = try directory.plainStore()
    try write(store, 0..<600, durability: .none).abandon()
    let blocks = try store.blocks().filter { $0.stream != nil }.sorted { $0.sequence < $1.sequence }
    let torn = try #require(blocks[1].firstTimestamp) + 7
    try flipPayload(of: UInt64(torn), in: store)
    let opened = try Store(at: loseThePower(store, unordered: true))
    #expect(try timestamps(opened) == Array(0..<torn))
    #expect(try opened.verify().isClean)
    try opened.writer(for: "s").append(value: torn, at: torn)
    #expect(try timestamps(opened) == Array(0...torn))
  }

  @Test func aStoreThatWasLeftCleanlyIsNotSuspectInALaterBoot() throws {
    let store = try directory.plainStore()
    try write(store, 0..<50).close()
    try store.close()
    store.file.shared.bootID = BootID(high: 1, low: 2)
    #expect(try !Store(at: store.path, .readOnly).isSuspect)
    #expect(try timestamps(Store(at: store.path)) == Array(0..<50))
  }

  @Test func aStoreThatAnotherStillWritesIsNotCalledClean() throws {
    let store = try directory.plainStore()
    let other = try Store(at: store.path)
    let writer = try write(other, 0..<10)
    try store.writer(for: "t").close()
    try store.close()
    #expect(other.file.shared.closedCleanly.relaxed == 0)
    try writer.close()
    try other.close()
    #expect(store.file.shared.closedCleanly.relaxed == 1)
  }

  @Test func aGapThatFreeLeftIsNoLossWhereSyncsKeptTheirOrder() throws {
    let store = try directory.plainStore()
    try write(store, 0..<600).close()
    let blocks = try store.blocks().filter { $0.state == .sealed }.sorted { $0.sequence < $1.sequence }
    let freed = try #require(blocks[1].firstTimestamp)...(try #require(blocks[1].lastTimestamp))
    #expect(try store.free("s", in: freed).blocks == 1)
    let opened = try Store(at: loseThePower(store))
    #expect(try timestamps(opened) == (Int64(0)..<600).filter { !freed.contains($0) })
    #expect(try opened.verify().isClean)
  }

  @Test func aReaderOfASuspectStoreGoesByTheBlocksWhereTheCountersAreOld() throws {
    let store = try directory.plainStore()
    let early = try StoreBytes.read(store.path)
    try write(store, 0..<300).close()
    let path = try loseThePower(store)
    // The list fields of the first slot, and the counters of SharedState, as they were at creation.
    try StoreBytes.patch(path, at: 8192 + 64, Array(early[(8192 + 64)..<(8192 + 128)]))
    try StoreBytes.patch(path, at: 4096, Array(early[4096..<(4096 + 28)]))
    #expect(try timestamps(Store(at: path, .readOnly)) == Array(0..<300))
    let opened = try Store(at: path)
    #expect(try timestamps(opened) == Array(0..<300))
    #expect(try opened.verify().isClean)
    try opened.writer(for: "s").append(value: 300, at: 300)
    #expect(try opened.frames(of: "s").map(\.ordinal) == Array(0...300))
  }

  @Test func aWriterKilledWhileItSealedGivesNoOrdinalTwice() throws {
    let store = try directory.plainStore()
    let writer = try write(store, 0..<20)
    // The step of the seal that comes before the state: the kill is between the two.
    unsafe try #require(writer.core.pointee.lease).slot.nextOrdinal.storeReleased(20)
    try writer.abandon()
    #expect(try store.verify().isClean)
    try store.writer(for: "s").append(value: 20, at: 20)
    #expect(try store.frames(of: "s").map(\.ordinal) == Array(0...20))
    #expect(try store.verify().isClean)
  }
}
