import Testing

@testable import NanoTS

/// Power loss where blocks were passed over: gaps that recycling left are no loss, and what is protected is kept if it
/// proves itself.
@Suite struct KeptSuspectTests {
  private let directory: TemporaryDirectory
  private let store: Store

  init() throws {
    directory = try TemporaryDirectory()
    store = try directory.plainStore(blocks: 8)
  }

  private func header(of time: Int64) throws -> BlockHeader {
    store.file.header(try #require(try store.blocks().first { $0.firstTimestamp == time }).index)
  }

  private func flipPayload(at time: Int64) throws {
    var cursor = try store.cursor(of: "s")
    let frame = try #require(try cursor.seek(to: time))
    let place = unsafe frame.unvalidatedBytes.baseAddress! - UnsafeRawPointer(store.file.mapped.base)
    try StoreBytes.flip(store.path, at: place)
  }

  @Test(arguments: [Durability.onSeal, .none])
  func aGapThatRecyclingLeftIsNoLoss(_ durability: Durability) throws {
    let options = WriterOptions(durability: durability)
    try store.appendHalfBlocks(0...15, to: "s", options: options)
    try store.protect("s", in: 2...5)
    // Two gaps, the later of which grew at both ends.
    try store.appendHalfBlocks(16...25, to: "s", options: options)
    let pin = try store.pin("s", in: 18...18)
    try store.appendHalfBlocks(26...31, to: "s", options: options)
    let left: [Int64] = Array(2...5) + [18, 19] + Array(22...31)
    #expect(try store.provenTimes(of: "s") == left)
    #expect(pin.isIntact)
    let path = try directory.lostStore(of: store, unordered: durability == .none)
    #expect(try Store(at: path, .readOnly).provenTimes(of: "s") == left)
    let opened = try Store(at: path)
    #expect(try opened.provenTimes(of: "s") == left)
    #expect(try opened.protectedRanges(of: "s") == [2...5])
    try opened.appendHalfBlocks(32...33, to: "s")
    #expect(try opened.contents(of: "s").last?.ordinal == 33)
    #expect(try opened.verify().isClean)
  }

  @Test func aGapThatFreeLeftIsNoLossEitherWhereNothingWasSynced() throws {
    try store.appendHalfBlocks(0...11, to: "s", options: WriterOptions(durability: .none))
    try store.free("s", in: 2...3)
    try store.free("s", in: 6...9)
    let opened = try Store(at: directory.lostStore(of: store, unordered: true))
    #expect(try opened.provenTimes(of: "s") == [0, 1, 4, 5, 10, 11])
  }

  @Test func aBlockOfAGapThatCameBackIsNoLossEither() throws {
    try store.appendHalfBlocks(0...11, to: "s", options: WriterOptions(durability: .none))
    let before = try StoreBytes.read(store.path)
    let block = try #require(try store.blocks().first { $0.firstTimestamp == 2 }).index
    try store.free("s", in: 2...5)
    let path = try directory.lostStore(of: store, unordered: true)
    // The header that says that the block is free did not reach the disk.
    let place = store.file.layout.blockTableOffset + block * BlockHeader.byteCount
    try StoreBytes.patch(path, at: place, Array(before[place..<(place + BlockHeader.byteCount)]))
    #expect(try Store(at: path).provenTimes(of: "s") == Array(0...3) + Array(6...11))
  }

  @Test func aGapOfWhichNothingIsKnownMayBeALossWhereNothingWasSynced() throws {
    try store.appendHalfBlocks(0...11, to: "s", options: WriterOptions(durability: .none))
    try store.free("s", in: 4...5)
    try header(of: 6).precedingEnd.storeRelaxed(0)
    let opened = try Store(at: directory.lostStore(of: store, unordered: true))
    #expect(try opened.provenTimes(of: "s") == Array(0...3))
    // What was lost is no reason to refuse its times.
    #expect(try opened.writer(for: "s").last?.timestamp == 3)
  }

  @Test func whatIsProtectedStaysWhereABlockWasBeingRecycledBehindIt() throws {
    try store.appendHalfBlocks(0...15, to: "s")
    try store.protect("s", in: 2...3)
    try flipPayload(at: 6)
    let path = try directory.lostStore(of: store, unordered: true)
    let opened = try Store(at: path)
    #expect(try opened.provenTimes(of: "s") == [2, 3] + Array(8...15))
    #expect(try opened.verify().isClean)
    // The gap is known from now on.
    let again = try Store(at: directory.lostStore(of: opened, unordered: true))
    #expect(try again.provenTimes(of: "s") == [2, 3] + Array(8...15))
  }

  @Test func whatIsProtectedAndDoesNotProveItselfGoes() throws {
    try store.appendHalfBlocks(0...15, to: "s")
    try store.protect("s", in: 2...7)
    try flipPayload(at: 6)
    try flipPayload(at: 3)
    let opened = try Store(at: directory.lostStore(of: store, unordered: true))
    #expect(try opened.provenTimes(of: "s") == [4, 5] + Array(8...15))
  }
}
