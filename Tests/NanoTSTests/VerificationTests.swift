import Testing

@testable import NanoTS

/// Damage of every kind, done by hand to a small store: `verify` finds it and says where.
@Suite struct VerificationTests {
  private let directory: TemporaryDirectory
  private let path: String
  /// Where things lie in a store with four streams and blocks of 4096 bytes.
  private static let slots = 8192
  private static let headers = 12_288
  private static let data = 65_536

  /// A closed store: "s" with blocks 0, 1, 3, 4, 6, "k" with keys in block 2, and block 5 on the free list.
  init() throws {
    directory = try TemporaryDirectory()
    let store = try directory.plainStore(blocks: 10)
    path = store.path
    var random = SeededGenerator(seed: 5)
    func append(_ count: Int, _ stream: String, metadata: String, keyed: Bool = false) throws {
      let writer = try store.writer(for: stream, metadata: metadata)
      let start = (writer.last?.timestamp ?? 0) + 1
      for index in 0..<Int64(count) {
        let payload = random.bytes(Int.random(in: 1...200, using: &random))
        try writer.append(payload, at: start + index, key: keyed ? index - 3 : 0, flags: UInt32(index))
      }
      try writer.close()
    }
    try append(50, "s", metadata: "one")
    try append(25, "k", metadata: "keys", keyed: true)
    try append(50, "s", metadata: "two")
    try append(5, "gone", metadata: "")
    try append(5, "s", metadata: "three")
    try store.free(stream: "gone")
    try store.close()
  }

  private func verify() throws -> [Finding] { try Store(at: path, .readOnly).verify().findings }

  private func sealedBlocks() throws -> [BlockDescription] {
    try Store(at: path, .readOnly).blocks().filter { $0.state == .sealed }
  }

  @Test func theUndamagedStoreIsCleanAndEverythingWasLookedAt() throws {
    let store = try Store(at: path, .readOnly)
    let report = try store.verify()
    #expect(report.findings.isEmpty)
    #expect(report.isClean)
    #expect(report.checkedFrames == 130)
    #expect(report.checkedBlocks == (try sealedBlocks()).count)
    #expect(try sealedBlocks().count == 6)
    #expect(try sealedBlocks().filter { $0.stream == "k" }.count == 1)
  }

  // MARK: Frames

  /// The byte ranges of the block's frames in the file: payload with padding, and index entry.
  private func framePlaces(_ bytes: [UInt8], _ block: Int) -> [(payload: Range<Int>, entry: Range<Int>)] {
    let header = Self.headers + block * 128
    let count = Int(StoreBytes.load(bytes, at: header + 8, as: UInt32.self))
    let entrySize = Int(bytes[header + 29])
    let start = Self.data + block * 4096
    return (0..<count).map { slot in
      let entry = start + 4096 - (slot + 1) * entrySize
      let offset = Int(StoreBytes.load(bytes, at: entry + 8, as: UInt32.self))
      let length = Int(StoreBytes.load(bytes, at: entry + 12, as: UInt32.self))
      return (start + offset..<start + offset + (length + 7) / 8 * 8, entry..<entry + entrySize)
    }
  }

  @Test func everyOneOfFiftyRandomDamagedBytesIsFoundAndTheFrameNamed() throws {
    let seed = TestSeed.next()
    var random = SeededGenerator(seed: seed)
    let blocks = try sealedBlocks()
    let bytes = try StoreBytes.read(path)
    for round in 0..<50 {
      let block = blocks.randomElement(using: &random)!
      let frames = framePlaces(bytes, block.index)
      let slot = Int.random(in: 0..<frames.count, using: &random)
      let place = random.oneIn(2) ? frames[slot].payload : frames[slot].entry
      let offset = place.randomElement(using: &random)!
      let mask = UInt8.random(in: 1...255, using: &random)
      try StoreBytes.flip(path, at: offset, mask)
      let findings = try verify()
      try StoreBytes.flip(path, at: offset, mask)
      let store = try Store(at: path, .readOnly)
      let first = try store.contents(of: block.stream!).first { $0.timestamp == block.firstTimestamp! }!.ordinal
      let ordinal = first + UInt64(slot)
      let what = "NANOTS_TEST_SEED=\(seed), round \(round), byte \(offset) xor \(mask): \(findings.map(\.description))"
      let named = findings.filter { $0.kind == .frame }
      let isRight = named.count == 1 && named[0].ordinal == ordinal && named[0].block == block.index
      #expect(isRight && named[0].stream == block.stream, "frame \(ordinal): \(what)")
      // The header repeats what the first and last entries say, so it may be contradicted too, and nothing else.
      #expect(findings.allSatisfy { $0.kind == .frame || ($0.kind == .header && $0.block == block.index) }, "\(what)")
    }
    #expect(try verify().isEmpty)
  }

  @Test func aDamagedTimestampIsBlamedOnItsOwnFrameOnly() throws {
    let bytes = try StoreBytes.read(path)
    let block = try #require(try sealedBlocks().first { $0.sequence == 1 && $0.stream == "s" })
    let entry = framePlaces(bytes, block.index)[3].entry.lowerBound
    // The most significant byte that keeps it positive: a time far after the next frame's.
    try StoreBytes.patch(path, at: entry + 7, [0x7F])
    #expect(try verify().map(\.kind) == [.frame])
  }

  @Test func aVerifyingCursorThrowsForTheDamagedFrameAndGoesOnBehindIt() throws {
    let bytes = try StoreBytes.read(path)
    let block = try #require(try sealedBlocks().first { $0.sequence == 1 && $0.stream == "s" })
    try StoreBytes.flip(path, at: framePlaces(bytes, block.index)[2].payload.lowerBound, 0x10)
    let store = try Store(at: path, .readOnly)
    var plain = try store.cursor(of: "s")
    var all: [UInt64] = []
    while let frame = try plain.next() { all.append(frame.ordinal) }
    #expect(all == Array(0..<105))
    let damaged = try #require(try verify().first?.ordinal)

    var cursor = try store.cursor(of: "s", options: CursorOptions(verifiesChecksums: true))
    for ordinal in 0..<damaged { #expect(try cursor.next()?.ordinal == ordinal) }
    expectError(.corrupt, naming: ["'s'", "frame \(damaged) ", "block \(block.index) "]) { try cursor.next() }
    for ordinal in (damaged + 1)..<105 { #expect(try cursor.next()?.ordinal == ordinal) }
    #expect(try cursor.next() == nil)
    for ordinal in ((damaged + 1)..<105).reversed() { #expect(try cursor.previous()?.ordinal == ordinal) }
    expectError(.corrupt, naming: ["frame \(damaged) "]) { try cursor.previous() }
    for ordinal in (0..<damaged).reversed() { #expect(try cursor.previous()?.ordinal == ordinal) }
    #expect(try cursor.previous() == nil)
  }

  @Test func aFrameThatPointsOutsideItsBlockIsSkippedAndCounted() throws {
    let bytes = try StoreBytes.read(path)
    let block = try #require(try sealedBlocks().first { $0.sequence == 1 && $0.stream == "s" })
    try StoreBytes.patch(path, at: framePlaces(bytes, block.index)[1].entry.lowerBound + 8, [0xF8, 0xFF, 0xFF, 0x7F])
    let store = try Store(at: path, .readOnly)
    let damaged = try #require(try verify().first?.ordinal)
    var cursor = try store.cursor(of: "s")
    for ordinal in 0..<damaged { #expect(try cursor.next()?.ordinal == ordinal) }
    expectError(.corrupt, naming: ["frame \(damaged) "]) { try cursor.next() }
    #expect(try cursor.next()?.ordinal == damaged + 1)
    let frames = Array(try store.frames(of: "s"))
    #expect(frames.map(\.ordinal) == (0..<105).filter { $0 != damaged })
    #expect(frames.filter { $0.missed > 0 }.map(\.ordinal) == [damaged + 1])
    #expect(frames.map(\.missed).reduce(0, +) == 1)
    #expect(Array(try store.frames(of: "s").reversed()).count == 104)
  }

  // MARK: Preamble, header, slot, lists

  @Test func everyDamagedByteOfAPreambleIsFound() throws {
    let block = try #require(try sealedBlocks().first { $0.sequence == 1 && $0.stream == "s" }).index
    for offset in 0..<(96 + 1 + 3) {
      try StoreBytes.flip(path, at: Self.data + block * 4096 + offset, 0x21)
      let findings = try verify()
      #expect(findings.map(\.kind) == [.preamble], "byte \(offset)")
      #expect(findings.map(\.block) == [block], "byte \(offset)")
      #expect(findings.map(\.stream) == ["s"], "byte \(offset)")
      try StoreBytes.flip(path, at: Self.data + block * 4096 + offset, 0x21)
    }
  }

  @Test(arguments: [
    (name: "generation", offset: 2, mask: 0xFF, kind: Finding.Kind.header),
    ("generation odd", 0, 1, .list), ("frame count", 8, 1, .header), ("payload end", 12, 8, .header),
    ("payload end past the block", 15, 0x7F, .header), ("next", 16, 0x0F, .list), ("previous", 20, 0x0F, .list),
    ("next past the file", 19, 0x7F, .list), ("state that does not exist", 24, 0x40, .header),
    ("state free", 24, 5, .list), ("state open in the middle of a stream", 24, 7, .list),
    ("layout kind", 28, 1, .header), ("entry size", 29, 0x38, .header), ("stream identifier", 32, 0xFF, .header),
    ("sequence", 40, 0xF0, .header), ("segment", 48, 1, .header), ("stream slot", 56, 1, .header),
    ("identity checksum", 60, 1, .header), ("first ordinal", 64, 1, .header), ("first timestamp", 72, 1, .header),
    ("first key", 80, 1, .header), ("last timestamp", 88, 1, .header), ("last key", 96, 1, .header),
    ("uniform length", 108, 0x10, .header), ("seal checksum", 112, 1, .header), ("payload bytes", 116, 1, .header),
  ])
  func aDamagedHeaderFieldIsFound(_ field: (name: String, offset: Int, mask: UInt8, kind: Finding.Kind)) throws {
    let block = try #require(try sealedBlocks().first { $0.sequence == 1 && $0.stream == "s" }).index
    try StoreBytes.flip(path, at: Self.headers + block * 128 + field.offset, field.mask)
    let findings = try verify()
    #expect(
      findings.contains { $0.kind == field.kind && (field.kind == .list || $0.block == block) },
      "\(findings.map(\.description))")
  }

  @Test(arguments: [
    (name: "identifier", offset: 8, mask: 0xFF, kind: Finding.Kind.stream),
    ("name hash", 16, 1, .stream), ("name length", 24, 3, .stream), ("identity checksum", 28, 1, .stream),
    ("name", 320, 1, .stream), ("next sequence", 64, 4, .list), ("head", 72, 3, .list), ("tail", 76, 3, .list),
    ("no head", 72, 1, .list), ("block count", 80, 1, .list), ("next ordinal", 88, 0x40, .list),
  ])
  func aDamagedStreamTableEntryIsFound(_ field: (name: String, offset: Int, mask: UInt8, kind: Finding.Kind)) throws {
    try StoreBytes.flip(path, at: Self.slots + field.offset, field.mask)
    let findings = try verify()
    #expect(findings.contains { $0.kind == field.kind }, "\(findings.map(\.description))")
  }

  @Test(arguments: [
    (name: "fresh blocks too low", offset: 8, mask: 6), ("free list head", 12, 1), ("free list empty", 12, 6),
    ("free list head past the file", 14, 1), ("free list count", 20, 2),
  ])
  func aDamagedFreeListIsFound(_ field: (name: String, offset: Int, mask: UInt8)) throws {
    let bytes = try StoreBytes.read(path)
    #expect(StoreBytes.load(bytes, at: 4096 + 8, as: UInt32.self) == 7)
    #expect(StoreBytes.load(bytes, at: 4096 + 12, as: UInt32.self) == 6)
    try StoreBytes.flip(path, at: 4096 + field.offset, field.mask)
    let findings = try verify()
    #expect(!findings.isEmpty)
    #expect(findings.allSatisfy { $0.kind == .list }, "\(findings.map(\.description))")
  }

  @Test func listsThatRunInACircleAreFoundAndTheSearchEnds() throws {
    try StoreBytes.patch(path, at: Self.headers + 5 * 128 + 16, StoreBytes.little(UInt32(6)))
    #expect(try verify().map(\.kind) == [.list])
    try StoreBytes.patch(path, at: Self.headers + 5 * 128 + 16, StoreBytes.little(UInt32(0)))
    #expect(try verify().isEmpty)
    let last = try #require(try sealedBlocks().last { $0.stream == "s" }).index
    try StoreBytes.patch(path, at: Self.headers + last * 128 + 16, StoreBytes.little(UInt32(1)))
    #expect(try verify().map(\.kind).contains(.list))
  }

  // MARK: Clean

  @Test func aStoreInWhichEverythingWasDoneIsClean() throws {
    let store = try directory.plainStore("busy.nts", blocks: 12, initial: 3)
    var random = SeededGenerator(seed: 9)
    for session in 0..<12 {
      let options = WriterOptions(
        durability: [.none, .onSeal, .everyFrame][session % 3], outOfOrder: session % 4 == 0 ? .clamp : .reject)
      let writer = try store.writer(for: "s\(session % 3)", metadata: "session \(session)", options: options)
      let other = try store.writer(for: "open")
      var time = (writer.last?.timestamp ?? 0) + 1
      for index in 0..<40 {
        let key = session > 6 && index % 5 == 0 ? Int64(index) : 0
        try writer.append(
          random.bytes(index % 7 == 0 ? 0 : Int.random(in: 0...600, using: &random)), at: time, key: key)
        if session % 4 == 0, index > 0 { try writer.append([1], at: time - 1) }
        try? unsafe writer.append(byteCount: 100, at: time + 3) { _ in index % 2 == 0 ? 33 : -1 }
        time += 5
      }
      try other.append([UInt8(session)], at: Int64(session))
      #expect(try store.verify().findings.isEmpty, "session \(session), open")
      if session == 5 { try store.free("s1", in: 0...60) }
      if session == 7 { try store.free(stream: "s0") }
      try writer.close()
      #expect(try store.verify().findings.isEmpty, "session \(session), closed")
    }
    #expect(try store.statistics().reclaimedBlocks > 0)
    #expect(try store.statistics().availableBlocks == 12)
    try store.close()
    #expect(try Store(at: store.path, .readOnly).verify().isClean)
  }
}
