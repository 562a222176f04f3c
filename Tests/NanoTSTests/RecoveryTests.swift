import Testing

@testable import NanoTS

/// Recovery of stores of which a whole structure is gone, and of files that need none.
@Suite struct RecoveryTests {
  @Test func anUndamagedStoreComesBackWhole() throws {
    let source = try RecoverySource()
    let report = try #require(try source.expectWhole(source.bytes))
    #expect(report.notes == [])
    #expect(report.timeUnit == .milliseconds && report.blockSize == 4096 && report.checksPayloads)
    // The last frame of "keyed ü" was recycled.
    try expectCopy(at: source.output, has: source.content, nextOrdinals: ["keyed ü": 120])
    let (old, new) = (try Store(at: source.path, .readOnly), try Store(at: source.output, .readOnly))
    #expect(try new.quota(of: "keyed ü") == old.quota(of: "keyed ü"))
    #expect(try new.protectedRanges(of: "keyed ü") == old.protectedRanges(of: "keyed ü"))
    #expect(try new.statistics(of: "plain")?.reclaimedFrames == old.statistics(of: "plain")?.reclaimedFrames)
    #expect(new.blockCount == old.blockCount && new.timeUnit == old.timeUnit)
  }

  @Test func recoveringWhatWasRecoveredGivesTheSame() throws {
    let source = try RecoverySource()
    var damaged = source.bytes
    let blocks = source.blocks.filter { $0.stream == "plain" }
    for offset in source.body(blocks[2].index) { damaged[offset] = 0x5A }
    damaged[source.body(blocks[4].index).lowerBound + 700] ^= 1
    damaged[0] = 0
    let first = try #require(try source.recover(damaged))
    #expect(!first.report.isWhole)
    let content = try first.store.content()
    let again = source.directory.path("again.nts")
    let report = try Store.recover(source.output, to: again)
    #expect(report.losses.map(\.description) == [] && report.notes == [])
    #expect(try Store(at: again, .readOnly).content() == content)
    #expect(report.frames == first.report.frames)
  }

  // MARK: Blocks that are gone

  /// Zeros are what a lost write or a replaced sector leaves: the counters tell that the block was used, or its last page
  /// does, or the frames that its stream has behind it.
  @Test func aBlockOfWhichNothingIsLeftIsMissed() throws {
    let source = try RecoverySource()
    let oldest = try #require(source.blocks.first { $0.stream == "plain" })
    var damaged = source.bytes
    let entry = source.layout.blockTableOffset + oldest.index * BlockHeader.byteCount
    for offset in entry..<(entry + BlockHeader.byteCount) { damaged[offset] = 0 }
    for offset in source.body(oldest.index) { damaged[offset] = 0 }
    let byCounter = try #require(try source.recover(damaged)).report
    #expect(byCounter.losses.contains { $0.block == oldest.index && $0.reason.contains("counters") })
    #expect(
      byCounter.losses.contains {
        $0.stream == "plain" && $0.ordinals == oldest.ordinals.lowerBound...oldest.ordinals.upperBound - 1
      })
    // Without the counters, the index that is left at the block's end.
    for offset in 4096..<8192 { damaged[offset] = 0 }
    let end = source.body(oldest.index).upperBound
    for offset in (end - 24)..<end { damaged[offset] = source.bytes[offset] }
    let byIndex = try #require(try source.recover(damaged)).report
    #expect(byIndex.losses.contains { $0.block == oldest.index && $0.reason.contains("proves itself") })
  }

  // MARK: A structure that is gone

  /// `streams`: so many slots that the first 64 KiB are the stream table, and the block table lies behind.
  @Test(arguments: [8, 1_024]) func theFirst64KiBAreGone(_ streams: Int) throws {
    let source = try RecoverySource(streams: streams)
    for filling in [0, 0xA5] as [UInt8] {
      var damaged = source.bytes
      for offset in 0..<65_536 { damaged[offset] = filling }
      let (store, report) = try #require(try source.recover(damaged))
      #expect(report.notes.first?.contains("header does not prove itself") == true)
      #expect(store.timeUnit == .milliseconds && store.blockSize == 4096)
      let found = try store.content()
      for name in ["plain", "keyed ü"] {
        #expect(found[name]?.segments == source.content[name]?.segments)
      }
      if streams == 8 {
        #expect(report.notes.contains { $0.contains("block table is gone") })
      } else {
        // The block table is found by the lives that it and the blocks name: what was freed stays so.
        #expect(!report.notes.contains { $0.contains("may be back") }, "\(report.notes)")
        #expect(found["plain"] == source.content["plain"] && found["keyed ü"] == source.content["keyed ü"])
        #expect(found["gone"] == nil)
        #expect(report.losses.allSatisfy { $0.stream == "keyed ü" && $0.ordinals == 119...119 }, "\(report.losses)")
      }
    }
  }

  @Test func theHeaderIsGone() throws {
    let source = try RecoverySource()
    for filling in [0, 0xA5] as [UInt8] {
      var damaged = source.bytes
      for offset in 0..<4096 { damaged[offset] = filling }
      let (store, report) = try #require(try source.recover(damaged))
      #expect(report.notes.contains { $0.contains("header does not prove itself") })
      #expect(try store.content() == source.content)
      #expect(try store.quota(of: "keyed ü").minimumBlocks == 2)
      #expect(try store.protectedRanges(of: "keyed ü") == [5...30])
    }
  }

  @Test func sharedStateIsGone() throws {
    let source = try RecoverySource()
    for filling in [0, 0xA5] as [UInt8] {
      var damaged = source.bytes
      for offset in 4096..<8192 { damaged[offset] = filling }
      try source.expectWhole(damaged)
    }
  }

  @Test func theStreamTableIsGone() throws {
    let source = try RecoverySource()
    for filling in [0, 0xA5] as [UInt8] {
      var damaged = source.bytes
      for offset in source.layout.streamTableOffset..<source.layout.blockTableOffset { damaged[offset] = filling }
      let (store, report) = try #require(try source.recover(damaged))
      #expect(report.isWhole, "\(report.losses)")
      #expect(report.notes.count == 1 && report.notes[0].contains("quotas and protected ranges of 2"))
      var expected = source.content
      expected["empty"] = nil
      #expect(try store.content() == expected)
      try expectCopy(at: source.output, has: expected)
    }
  }

  @Test func theBlockTableIsGone() throws {
    let source = try RecoverySource()
    for filling in [0, 0xA5] as [UInt8] {
      var damaged = source.bytes
      for offset in source.layout.blockTableOffset..<source.layout.dataOffset { damaged[offset] = filling }
      let (store, report) = try #require(try source.recover(damaged))
      #expect(report.notes.contains { $0.contains("may be back") })
      let found = try store.content()
      #expect(found["keyed ü"] == source.content["keyed ü"])
      // The stream table proves that "gone" was freed.
      #expect(found["gone"] == nil)
      #expect(found["empty"]?.frames == [])
      let plain = try #require(found["plain"]?.frames)
      #expect(plain.count >= source.content["plain"]!.frames.count)
    }
  }

  @Test func allTablesAreGoneAndTheFirstBlocksToo() throws {
    let source = try RecoverySource()
    var damaged = source.bytes
    for offset in 0..<source.body(2).lowerBound { damaged[offset] = 0xEE }
    try #require(try source.recover(damaged) != nil)
  }

  @Test func aDamagedPreambleCostsNoFrame() throws {
    let source = try RecoverySource()
    for block in source.blocks {
      var damaged = source.bytes
      for offset in 0..<96 { damaged[source.body(block.index).lowerBound + offset] ^= 0x11 }
      let (store, report) = try #require(try source.recover(damaged, "block \(block.index)"))
      #expect(report.isWhole, "block \(block.index): \(report.losses)")
      let found = try store.content()
      for (name, content) in source.content { #expect(found[name]?.frames == content.frames) }
      // Of a segment with one block, the metadata is nowhere else.
      #expect(found == source.content || report.notes.contains { $0.contains("metadata") }, "block \(block.index)")
    }
  }

  // MARK: Files of every kind

  @Test func aGrowableStore() throws {
    let source = try RecoverySource(blocks: 64, initial: 4)
    try source.expectWhole(source.bytes)
    var damaged = source.bytes
    for offset in 0..<8192 { damaged[offset] = 0xFF }
    let (store, _) = try #require(try source.recover(damaged))
    for name in ["plain", "keyed ü"] { #expect(try store.content()[name] == source.content[name]) }
  }

  @Test(arguments: TimeUnit.allCases) func everyTimeUnit(_ unit: TimeUnit) throws {
    let source = try RecoverySource(unit: unit)
    var damaged = source.bytes
    for offset in 0..<4096 { damaged[offset] = 0xFF }
    let (store, report) = try #require(try source.recover(damaged))
    #expect(store.timeUnit == unit && report.timeUnit == unit)
  }

  @Test func withoutPayloadChecksumsThatIsTold() throws {
    let source = try RecoverySource(checksums: false)
    let report = try #require(try source.expectWhole(source.bytes))
    #expect(!report.checksPayloads)
    #expect(report.notes.count == 1 && report.notes[0].contains("damage in payloads cannot be seen"))
    #expect(try !Store(at: source.output, .readOnly).file.checksPayloads)
  }

  @Test func bytesBehindTheEndChangeNothing() throws {
    let source = try RecoverySource()
    var random = SeededGenerator(seed: 3)
    try source.expectWhole(source.bytes + random.bytes(10_000))
    // Blocks of another life of the store behind the end are not its blocks.
    try source.expectWhole(source.bytes + source.bytes[source.body(3)])
  }

  @Test func aBlockOfAnotherStoreIsNotTaken() throws {
    let (source, other) = (try RecoverySource(), try RecoverySource())
    var damaged = source.bytes
    damaged.replaceSubrange(source.body(source.blocks[4].index), with: other.bytes[other.body(other.blocks[4].index)])
    let (_, report) = try #require(try source.recover(damaged))
    #expect(!report.isWhole)
  }

  @Test func aStoreWithinAPayloadIsNotTakenForTheStore() throws {
    let inner = try RecoverySource(blocks: 24)
    let directory = try TemporaryDirectory()
    let outer = try Store.create(
      at: directory.path("outer.nts"), StoreOptions(blockSize: 1 << 20, blockCount: 4, streamCapacity: 2))
    let writer = try outer.writer(for: "files", metadata: String(repeating: "m", count: 4096 - 96 - 5))
    try writer.append(inner.bytes, at: 1)
    try writer.append(inner.bytes, at: 2)
    try writer.close()
    try outer.close()
    try StoreBytes.patch(outer.path, at: 0, Array(repeating: 0, count: 65_536))
    let report = try Store.recover(outer.path, to: directory.path("good.nts"))
    #expect(report.streams.map(\.name) == ["files"] && report.frames == 2)
    #expect(
      try Store(at: directory.path("good.nts"), .readOnly).contents(of: "files").map(\.payload.count) == [
        inner.bytes.count, inner.bytes.count,
      ])
  }

  @Test func goldenStores() throws {
    let directory = try TemporaryDirectory()
    for golden in GoldenStore.all {
      let report = try Store.recover(golden.path, to: directory.path(golden.name))
      #expect(report.losses == [], "\(golden)")
      let store = try Store(at: directory.path(golden.name), .readOnly)
      for (stream, frames) in golden.contents { #expect(try store.contents(of: stream) == frames, "\(golden)") }
    }
  }

  // MARK: What cannot be recovered, and what is refused

  @Test func whatIsNoStoreIsHopeless() throws {
    let directory = try TemporaryDirectory()
    var random = SeededGenerator(seed: 5)
    let text = Array("this is no store\n".utf8)
    for bytes in [[], text, Array(repeating: 0, count: 200_000), random.bytes(300_001), Array("NTSBLOCK".utf8)] {
      try StoreBytes.write(bytes, to: directory.path("file"))
      expectError(.notAStore, naming: ["file", "\(bytes.count) bytes"]) {
        try Store.recover(directory.path("file"), to: directory.path("out.nts"))
      }
      #expect(try directory.contents() == ["file"])
    }
  }

  @Test func anEmptyStoreIsWholeAndOneWithNothingLeftIsHopeless() throws {
    let directory = try TemporaryDirectory()
    try directory.store("empty.nts").close()
    let report = try Store.recover(directory.path("empty.nts"), to: directory.path("out.nts"))
    #expect(report.isWhole && report.streams.isEmpty && report.frames == 0)
    #expect(try Store(at: directory.path("out.nts")).blockCount == 8)
    let source = try RecoverySource()
    var damaged = source.bytes
    for offset in source.layout.dataOffset..<damaged.count { damaged[offset] = 0 }
    #expect(try source.recover(damaged) == nil)
    for offset in 0..<4096 { damaged[offset] = 0 }
    #expect(try source.recover(damaged) == nil)
  }

  @Test func badPlacesAreRefused() throws {
    let source = try RecoverySource()
    let directory = source.directory
    expectError(.invalidArgument, naming: ["onto itself"]) {
      try Store.recover(source.path, to: source.path, RecoveryOptions(replacing: true))
    }
    try StoreBytes.write([1], to: source.output)
    expectError(.alreadyExists) { try Store.recover(source.path, to: source.output) }
    #expect(try StoreBytes.read(source.output) == [1])
    expectError(.notFound) { try Store.recover(directory.path("missing"), to: directory.path("new")) }
    expectError(.cannotOpen) { try Store.recover(directory.path, to: directory.path("new")) }
    expectError(.cannotOpen) {
      try Store.recover(source.path, to: directory.path, RecoveryOptions(replacing: true))
    }
    expectError(.notFound) { try Store.recover(source.path, to: directory.path("no/where.nts")) }
    #expect(try StoreBytes.read(source.path) == source.bytes)
  }

  @Test func aStoreOfALaterReleaseIsRefused() throws {
    let source = try RecoverySource()
    for (offset, code) in [
      (8, NanoTSError.Code.unsupportedVersion), (16, .unsupportedFeature), (25, .unsupportedFeature),
    ] {
      try StoreBytes.write(source.bytes, to: source.path)
      try StoreBytes.patchHeader(source.path, at: offset, [2])
      expectError(code) { try Store.recover(source.path, to: source.output) }
      // Where the header does not prove itself, its version says nothing.
      try StoreBytes.write(source.bytes, to: source.path)
      try StoreBytes.patch(source.path, at: offset, [2])
      #expect(try Store.recover(source.path, to: source.output, RecoveryOptions(replacing: true)).frames > 0)
      try source.directory.remove("recovered.nts")
    }
  }

  @Test func aCancelledRecoveryLeavesNothing() throws {
    let source = try RecoverySource()
    let before = try source.directory.contents()
    var damaged = source.bytes
    damaged[0] = 0
    try StoreBytes.write(damaged, to: source.path)
    for phase in [RecoveryProgress.Phase.searching, .surveying, .copying, .verifying] {
      expectError(.cancelled) {
        try Store.recover(source.path, to: source.output) { progress in progress.phase != phase }
      }
      #expect(try source.directory.contents() == before)
    }
  }

  @Test func theNumberOfBlocksCanBeAskedFor() throws {
    let source = try RecoverySource()
    _ = try Store.recover(source.path, to: source.output, RecoveryOptions(blockCount: 100))
    #expect(try Store(at: source.output).blockCount == 100)
  }
}
