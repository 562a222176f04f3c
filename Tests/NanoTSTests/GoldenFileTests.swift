import Foundation
import Testing

@testable import NanoTS

/// Store files written by the first release, which every later one must read, and the format's numbers checked by hand.
@Suite struct GoldenFileTests {
  @Test(.enabled(if: ProcessInfo.processInfo.environment["NANOTS_WRITE_GOLDEN"] == "1", "golden files are made once"))
  func missingGoldenFilesAreMade() throws {
    for golden in GoldenStore.all { try golden.writeIfMissing() }
  }

  @Test(arguments: GoldenStore.all)
  func aGoldenFileHasTheContentItWasMadeWith(_ golden: GoldenStore) throws {
    let directory = try TemporaryDirectory()
    let bytes = try StoreBytes.read(golden.path)
    #expect(bytes.count < 200_000)
    try StoreBytes.write(bytes, to: directory.path("copy.nts"))
    let store = try Store(at: directory.path("copy.nts"), .readOnly)
    #expect(try store.streams() == golden.contents.keys.sorted())
    for (stream, frames) in golden.contents {
      #expect(try store.contents(of: stream) == frames)
      #expect(try store.frames(of: stream).reversed().map { $0.ordinal } == frames.reversed().map(\.ordinal))
      #expect(try store.segments(of: stream).map(\.metadata) == golden.metadata[stream])
      #expect(try store.frameCount(of: stream) == UInt64(frames.count))
    }
    #expect(store.timeUnit == golden.options.timeUnit)
    #expect(store.blockSize == golden.options.blockSize)
    #expect(store.blockCount == golden.options.blockCount)
    #expect(try store.verify().findings.isEmpty)
    #expect(try StoreBytes.read(directory.path("copy.nts")) == bytes)
  }

  @Test(arguments: GoldenStore.all)
  func aGoldenFileCanBeWrittenOn(_ golden: GoldenStore) throws {
    let directory = try TemporaryDirectory()
    try StoreBytes.write(try StoreBytes.read(golden.path), to: directory.path("copy.nts"))
    let store = try Store(at: directory.path("copy.nts"))
    for (stream, frames) in golden.contents {
      let writer = try store.writer(for: stream)
      #expect(writer.last == FramePosition(timestamp: frames.last!.timestamp, key: frames.last!.key))
      expectError(.outOfOrder) { try writer.append([1], at: frames.last!.timestamp, key: frames.last!.key) }
      try writer.append([1], at: 10_000)
      try writer.close()
      #expect(try store.contents(of: stream).last?.ordinal == frames.last!.ordinal + 1)
    }
    #expect(try store.verify().findings.isEmpty)
  }

  @Test(.enabled(if: LZ4.isAvailable, "this build is without LZ4"))
  func theCompressedFileHasChunksOfMoreThanOneKind() throws {
    let store = try Store(at: GoldenStore.compressed.path, .readOnly)
    let (text, readings) = (try store.statistics(of: "text"), try store.statistics(of: "readings"))
    #expect(text?.compression == .lz4(chunkByteCount: 256) && text?.storage.filters.keys.sorted() == ["none", "raw"])
    #expect(readings?.compression == .lz4(chunkByteCount: 1024) && readings?.storage.filters["frame"] != nil)
  }

  @Test(.enabled(if: !LZ4.isAvailable, "this build has LZ4"))
  func aBuildWithoutLZ4SaysSo() throws {
    let store = try Store(at: GoldenStore.compressed.path, .readOnly)
    var cursor = try store.cursor(of: "text")
    for name in ["text", "readings"] {
      cursor = try store.cursor(of: name)
      expectError(.unsupportedFeature) { _ = try store.frames(of: name) }
      let error = #expect(throws: NanoTSError.self) { try cursor.next() }
      #expect(error?.code == .unsupportedFeature && error?.message.contains("LZ4") == true, "\(error as Any)")
    }
    let directory = try TemporaryDirectory()
    let own = try directory.store()
    let error = #expect(throws: NanoTSError.self) {
      try own.writer(for: "s", options: WriterOptions(compression: .lz4()))
    }
    #expect(error?.code == .unsupportedFeature && error?.message.contains("LZ4") == true)
    let writer = try own.writer(for: "s")
    try writer.append([1], at: 1)
    #expect(try own.contents(of: "s").count == 1)
  }

  @Test(arguments: GoldenStore.plain)
  func aDecoderWrittenFromTheDiagramsReadsTheSameFrames(_ golden: GoldenStore) throws {
    var decoder = try DiagramDecoder(bytes: try StoreBytes.read(golden.path))
    decoder.isOld = golden.name == GoldenStore.growable.name
    #expect(try decoder.allStreams() == golden.contents)
    #expect(decoder.mistakes == [])
  }

  @Test func whatThisBuildWritesIsReadByTheDecoderToo() throws {
    let directory = try TemporaryDirectory()
    for golden in GoldenStore.plain {
      let store = try Store.create(at: directory.path(golden.name), golden.options)
      try golden.write(store)
      try store.close()
      var decoder = try DiagramDecoder(bytes: try StoreBytes.read(directory.path(golden.name)))
      #expect(try decoder.allStreams() == golden.contents)
      #expect(decoder.mistakes == [])
    }
  }

  @Test func theKeptStoreHasItsTerms() throws {
    let directory = try TemporaryDirectory()
    try StoreBytes.write(try StoreBytes.read(GoldenStore.kept.path), to: directory.path("copy.nts"))
    let store = try Store(at: directory.path("copy.nts"))
    #expect(store.pinPolicy == .hold)
    #expect(try store.quota(of: "alarm") == StreamQuota(minimumBlocks: 2))
    #expect(try store.quota(of: "camera") == StreamQuota(maximumBlocks: 4, maximumAge: 10_000))
    #expect(try store.protectedRanges(of: "camera") == [-7...(-7), 5...6, 900...Int64.max])
    #expect(try store.statistics(of: "camera")?.protectedBlocks == 1)
    var decoder = try DiagramDecoder(bytes: try StoreBytes.read(GoldenStore.kept.path))
    #expect(decoder.terms(ofSlot: 0) == .init(minimum: 2))
    #expect(
      decoder.terms(ofSlot: 1) == .init(maximum: 4, age: 10_000, ranges: [-7...(-7), 5...6, 900...Int64.max]))
    #expect(decoder.mistakes == [])
    #expect(StoreBytes.load(try StoreBytes.read(GoldenStore.kept.path), at: 24, as: UInt64.self) == 1)
  }

  @Test func theFileHeaderOfTheRingHasItsFieldsWhereTheDiagramSays() throws {
    let bytes = try StoreBytes.read(GoldenStore.ring.path)
    #expect(Array(bytes[0..<8]) == [0x89, 0x4E, 0x54, 0x53, 0x0D, 0x0A, 0x1A, 0x0A])
    #expect(Array(bytes[8..<12]) == [1, 0, 0, 0])
    #expect(Array(bytes[12..<16]) == [4, 3, 2, 1])
    #expect(Array(bytes[16..<40]) == Array(repeating: 0, count: 24))
    #expect(bytes[40..<56].contains { $0 != 0 })
    #expect(Array(bytes[56..<64]) == [0, 16, 0, 0, 0, 0, 0, 0])
    #expect(Array(bytes[64..<72]) == [6, 0, 0, 0, 0, 0, 0, 0])
    #expect(Array(bytes[72..<80]) == [6, 0, 0, 0, 0, 0, 0, 0])
    #expect(Array(bytes[80..<84]) == [2, 0, 0, 0])
    #expect(bytes[84] == 1)
    #expect(bytes[85] == 1)
    #expect(Array(bytes[86..<88]) == [0, 0])
    #expect(Array(bytes[88..<96]) == [0, 0x20, 0, 0, 0, 0, 0, 0])
    #expect(Array(bytes[96..<104]) == [0, 0x30, 0, 0, 0, 0, 0, 0])
    #expect(Array(bytes[104..<112]) == [0, 0, 1, 0, 0, 0, 0, 0])
    #expect(bytes[112..<4092].allSatisfy { $0 == 0 })
    #expect(StoreBytes.load(bytes, at: 4092, as: UInt32.self) == StoreBytes.crc32c(Array(bytes[0..<4092])))
    #expect(bytes.count == 65_536 + 6 * 4096)
  }

  @Test func theSharedStateOfTheGoldenFilesHasItsFieldsWhereTheDiagramSays() throws {
    for (golden, fresh, free, available) in [(GoldenStore.ring, 6, 0, 6), (GoldenStore.growable, 4, 1, 4)] {
      let bytes = try StoreBytes.read(golden.path)
      func word(_ offset: Int) -> Int { Int(StoreBytes.load(bytes, at: 4096 + offset, as: UInt32.self)) }
      #expect(word(0) % 2 == 0)
      #expect(word(8) == fresh)
      #expect((word(12) != 0) == (free > 0))
      #expect(word(16) == available)
      #expect(word(20) == free)
      #expect(word(24) == golden.contents.count)
      #expect(word(64) == 0)
      #expect(bytes[(4096 + 192)..<(4096 + 208)].contains { $0 != 0 })
      #expect(word(208) == 1)
      #expect(word(212) == 0)
      #expect(bytes[(4096 + 216)..<8192].allSatisfy { $0 == 0 })
    }
  }
}
