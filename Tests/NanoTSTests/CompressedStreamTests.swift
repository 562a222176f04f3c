import Foundation
import Testing

@testable import NanoTS

/// Compressed streams are read, repaired and copied as plain ones are. What random operations and crashes find, the model,
/// torture and power-loss tests have.
@Suite(.enabled(if: LZ4.isAvailable, "this build is without LZ4")) struct CompressedStreamTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  /// Frames of every size, compressible and not, some with keys, flags and clamped times.
  private static func frames(_ count: Int, keyed: Bool, largest: Int, seed: UInt64) -> [StoredFrame] {
    var random = SeededGenerator(seed: seed)
    return (0..<count).map { index in
      let size =
        random.oneIn(12) ? Int.random(in: 0...largest, using: &random) : Int.random(in: 0...120, using: &random)
      let bytes =
        random.oneIn(3) ? random.bytes(size) : (0..<size).map { UInt8(truncatingIfNeeded: $0 / 5 + index / 9) }
      return StoredFrame(
        Int64(index / (keyed ? 3 : 1)) * 10, key: keyed ? Int64(index % 3) : 0,
        flags: random.oneIn(2) ? 0 : UInt32(index),
        bytes, ordinal: UInt64(index))
    }
  }

  private func write(_ frames: [StoredFrame], _ options: WriterOptions, to store: Store, closing: Bool = true) throws
    -> Writer
  {
    let writer = try store.writer(for: "s", metadata: "about s", options: options)
    for frame in frames { try writer.append(frame.payload, at: frame.timestamp, key: frame.key, flags: frame.flags) }
    if closing { try writer.close() }
    return writer
  }

  /// Every way of reading gives `frames`.
  private func expect(_ store: Store, has frames: [StoredFrame]) throws {
    for verifies in [false, true] {
      var cursor = try store.cursor(of: "s", options: CursorOptions(verifiesChecksums: verifies))
      for frame in frames { #expect(try cursor.next().map { try StoredFrame($0) } == frame) }
      #expect(try cursor.next() == nil)
      for frame in frames.reversed() { #expect(try cursor.previous().map { try StoredFrame($0) } == frame) }
      #expect(try cursor.previous() == nil)
    }
    let reversed = try store.frames(of: "s").reversed().map { try StoredFrame($0) }
    #expect(reversed == frames.reversed())
    var random = SeededGenerator(seed: 3)
    var cursor = try store.cursor(of: "s")
    for _ in 0..<60 {
      let index = Int.random(in: 0..<frames.count, using: &random)
      let found = try cursor.seek(to: frames[index].timestamp, key: frames[index].key)
      #expect(try found.map { try StoredFrame($0) } == frames[index])
      #expect(try found?.metadata() == "about s")
      if random.oneIn(2), index > 0 { #expect(try cursor.previous()?.ordinal == frames[index - 1].ordinal) }
      if index + 1 < frames.count, try cursor.seek(to: frames[index].timestamp, key: frames[index].key) != nil {
        #expect(try cursor.next().map { try StoredFrame($0) } == frames[index + 1])
      }
    }
    var batched: [Int64] = []
    cursor = try store.cursor(of: "s")
    while let batch = try cursor.nextBatch() { batched += try batch.withTimestamps { Array($0) } }
    #expect(batched == frames.map(\.timestamp))
    let middle = frames[frames.count / 2].timestamp
    let before = frames.count { $0.timestamp < middle }
    #expect(try store.frameCount(of: "s", in: Int64.min...(middle - 1)) == UInt64(before))
    #expect(try store.frameCount(of: "s") == UInt64(frames.count))
    #expect(try store.verify().findings.map(\.description) == [])
  }

  /// Somebody else writes into the file while a writer has it: the writer reads back what it has staged, and must not follow
  /// offsets and lengths to outside the block.
  @Test(arguments: [UInt64.max, 0x3FFF_FFFF_0000_0000, 0xFFFF_FFF0])
  func aStagingAreaThatWasDamagedDoesNotEndTheWriter(_ placeAndLength: UInt64) throws {
    let store = try Store.create(
      at: directory.path("damaged.nts"),
      StoreOptions(blockSize: 4096, blockCount: 8, compression: .lz4(chunkByteCount: 512)))
    let writer = try store.writer(for: "s", options: WriterOptions(durability: .none))
    for time in Int64(0)..<5 { try writer.append(value: time, at: time) }
    // The third of them.
    unsafe store.file.body(0).storeBytes(
      of: placeAndLength, toByteOffset: store.blockSize - 3 * IndexEntry.byteCount + 8, as: UInt64.self)
    for time in Int64(5)..<2_000 { try writer.append(value: time, at: time) }
    try writer.close()
    #expect(try store.verify().findings.isEmpty == false)
    let times = try store.frames(of: "s").map(\.timestamp)
    #expect(times.suffix(500) == Array(1_500..<2_000))
  }

  @Test(arguments: [(4096, 256), (4096, 1024), (8192, 512), (65_536, 4096), (1 << 20, 65_536)], [false, true])
  func everyWayOfReadingGivesWhatWasWritten(_ sizes: (block: Int, chunk: Int), _ keyed: Bool) throws {
    let store = try directory.store(blockSize: sizes.block, blocks: max(4, 400_000 / sizes.block))
    let options = WriterOptions(durability: .none, compression: .lz4(chunkByteCount: sizes.chunk))
    let frames = Self.frames(900, keyed: keyed, largest: min(sizes.block / 4, 6000), seed: UInt64(sizes.chunk))
    let writer = try write(frames, options, to: store, closing: false)
    try expect(store, has: frames)
    try writer.close()
    try expect(store, has: frames)
    let statistics = try #require(try store.statistics(of: "s"))
    #expect(statistics.compression == .lz4(chunkByteCount: sizes.chunk) && statistics.storage.chunks > 1)
    #expect(statistics.storage.rawBytes == UInt64(frames.reduce(0) { $0 + $1.payload.count }))
  }

  @Test(arguments: [4096, 16_384], [false, true])
  func framesOfTheGreatestSizeFitAndNoneGreater(_ blockSize: Int, _ keyed: Bool) throws {
    for metadata in [0, blockSize / 8, blockSize / 4] {
      for chunk in Set([256, blockSize / 16, blockSize / 4]) {
        let store = try directory.store("\(metadata)-\(chunk).nts", blockSize: blockSize)
        let writer = try store.writer(
          for: "s", metadata: String(repeating: "m", count: metadata),
          options: WriterOptions(durability: .none, compression: .lz4(chunkByteCount: chunk)))
        try writer.append([1], at: 0, key: keyed ? 1 : 0)
        var random = SeededGenerator(seed: 4)
        let most = writer.maximumFrameByteCount
        let payload = random.bytes(most)
        for time in 1...3 { try writer.append(payload, at: Int64(time), key: keyed ? 1 : 0) }
        #expect(throws: NanoTSError.self) { try writer.append(payload + [0], at: 9, key: keyed ? 1 : 0) }
        try writer.append([2], at: 10)
        try writer.close()
        #expect(try store.contents(of: "s").map(\.payload) == [[1], payload, payload, payload, [2]])
        #expect(try store.verify().isClean)
      }
    }
  }

  @Test func framesKnowWhenTheirMemoryHoldsOthers() throws {
    let store = try directory.store(blockSize: 65_536)
    let frames = Self.frames(600, keyed: false, largest: 200, seed: 9)
    _ = try write(frames, WriterOptions(durability: .none, compression: .lz4(chunkByteCount: 1024)), to: store)
    var cursor = try store.cursor(of: "s")
    let first = try #require(try cursor.next())
    var copy = cursor
    #expect(first.isIntact)
    // The copy goes on by itself: what it brings lies elsewhere.
    while try copy.next() != nil {}
    #expect(try StoredFrame(first) == frames[0])
    #expect(try cursor.next().map { try StoredFrame($0) } == frames[1])
    while try cursor.next() != nil {}
    #expect(!first.isIntact)
    let error = #expect(throws: NanoTSError.self) { try first.copyBytes() }
    #expect(error?.code == .overwritten && error?.message.contains("brought other frames there") == true)
  }

  @Test func aStreamMayHoldBlocksOfBothKinds() throws {
    let store = try Store.create(
      at: directory.path("a.nts"), StoreOptions(blockSize: 4096, blockCount: 40, compression: .lz4()))
    let frames = Self.frames(300, keyed: false, largest: 200, seed: 11)
    let kinds: [Compression?] = [nil, .off, nil, .lz4(chunkByteCount: 512), nil]
    var stored: [Compression] = []
    for (index, kind) in kinds.enumerated() {
      let writer = try store.writer(for: "s", options: WriterOptions(durability: .none, compression: kind))
      for frame in frames[(index * 60)..<(index * 60 + 60)] {
        try writer.append(frame.payload, at: frame.timestamp, flags: frame.flags)
      }
      try writer.close()
      stored.append(try #require(try store.statistics(of: "s")).compression)
    }
    #expect(stored == [.lz4(), .off, .off, .lz4(chunkByteCount: 512), .lz4(chunkByteCount: 512)])
    #expect(try store.contents(of: "s").map(\.payload) == frames.map(\.payload))
    #expect(Set(try store.contents(of: "s").map(\.segment)).count == 5)
  }

  @Test func aSizeThatCannotBeIsRefused() throws {
    let store = try directory.store()
    for size in [0, 1, 255, 300, 1025, 1280, 65_792, -256] {
      let options = WriterOptions(compression: .lz4(chunkByteCount: size))
      let error = #expect(throws: NanoTSError.self) { try store.writer(for: "s", options: options) }
      #expect(error?.code == .invalidArgument && error?.message.contains("\(size)") == true)
      #expect(throws: NanoTSError.self) {
        try Store.create(
          at: directory.path("b.nts"), StoreOptions(blockSize: 4096, compression: .lz4(chunkByteCount: size)))
      }
    }
    #expect(try directory.contents() == ["a.nts"])
    #expect(try store.streams().isEmpty)
  }

  // MARK: Copies

  @Test(arguments: [CopyCompression.off, .lz4(), .lz4hc(chunkByteCount: 512)], [false, true])
  func aCopyIsStoredAnewInEveryKind(_ kind: CopyCompression, _ fromCompressed: Bool) throws {
    let store = try directory.store(blockSize: 8192, blocks: 60)
    let frames = Self.frames(1200, keyed: true, largest: 1500, seed: 21)
    let options = WriterOptions(durability: .none, compression: fromCompressed ? .lz4(chunkByteCount: 1024) : .off)
    _ = try write(Array(frames[0..<700]), options, to: store)
    _ = try write(Array(frames[700...]), options, to: store)
    let path = directory.path("copy.nts")
    var phases: Set<Int> = []
    let report = try store.copy(to: path, CopyOptions(compression: kind)) { progress in
      phases.insert(progress.phase == .copying ? 0 : progress.phase == .verifying ? 1 : 2)
      return true
    }
    #expect(report.isComplete && report.frames == 1200 && phases == [0, 1, 2])
    let copy = try Store(at: path, .readOnly)
    #expect(try copy.contents(of: "s") == store.contents(of: "s"))
    #expect(try copy.segments(of: "s").map(\.metadata) == store.segments(of: "s").map(\.metadata))
    #expect(try copy.contiguousRuns(of: "s").count == store.contiguousRuns(of: "s").count)
    #expect(try copy.statistics(of: "s")?.compression == kind.streamCompression)
    #expect((try copy.statistics(of: "s")?.storage.chunks ?? 0 > 0) == (kind != .off))
    #expect(try directory.contents() == ["a.nts", "copy.nts"])
    // As it is, and only a part of it.
    let part = directory.path("part.nts")
    try copy.copy(to: part, CopyOptions(range: 1000...2000))
    let kept = try store.contents(of: "s").filter { (1000...2000).contains($0.timestamp) }
    #expect(try Store(at: part, .readOnly).contents(of: "s") == kept)
  }

  @Test func aCopyThatIsStoredAnewCanBeGivenUp() throws {
    let store = try directory.store(blockSize: 8192, blocks: 60)
    _ = try write(Self.frames(900, keyed: false, largest: 200, seed: 5), WriterOptions(durability: .none), to: store)
    let error = #expect(throws: NanoTSError.self) {
      try store.copy(to: directory.path("copy.nts"), CopyOptions(compression: .lz4())) { $0.phase != .rewriting }
    }
    #expect(error?.code == .cancelled)
    #expect(try directory.contents() == ["a.nts"])
  }

  // MARK: Damage

  @Test func aDamagedChunkCostsItsFramesAndNoOthers() throws {
    let store = try directory.store(blockSize: 16_384, blocks: 8)
    let frames = Self.frames(500, keyed: false, largest: 100, seed: 31)
    _ = try write(frames, WriterOptions(durability: .none, compression: .lz4(chunkByteCount: 1024)), to: store)
    let values = try #require(store.file.header(0).values())
    let layout = try #require(values.bodyLayout.chunks(blockSize: 16_384))
    let bytes = unsafe UnsafeRawBufferPointer(store.file.body(0))
    let index = try #require(
      unsafe ChunkIndex(bytes, generation: values.generation, layout, isKeyed: false, values.commit))
    let entry = try #require(unsafe index.chunk(2)?.entry)
    let lost = Int(entry.firstSlot)..<(Int(entry.firstSlot) + Int(entry.frameCount))
    unsafe store.file.body(0)[Int(entry.offset) + Int(entry.storedLength) / 2] ^= 0x40
    let left = frames.filter { !lost.contains(Int($0.ordinal)) }

    var cursor = try store.cursor(of: "s")
    for frame in frames[0..<lost.lowerBound] { #expect(try cursor.next()?.ordinal == frame.ordinal) }
    let error = #expect(throws: NanoTSError.self) { try cursor.next() }
    #expect(error?.code == .corrupt && error?.missedFrames == UInt64(lost.count))
    for frame in frames[lost.upperBound...] { #expect(try cursor.next()?.ordinal == frame.ordinal) }
    #expect(try cursor.next() == nil)
    for frame in frames[lost.upperBound...].reversed() { #expect(try cursor.previous()?.ordinal == frame.ordinal) }
    #expect(throws: NanoTSError.self) { try cursor.previous() }
    #expect(try cursor.previous()?.ordinal == UInt64(lost.lowerBound - 1))
    var missed: UInt64 = 0
    let iterated = try store.frames(of: "s").map { frame in
      missed += frame.missed
      return try StoredFrame(frame)
    }
    #expect(iterated == left && missed == UInt64(lost.count))
    #expect(try store.verify().findings.filter { $0.kind == .frame }.map(\.ordinal) == [UInt64(lost.lowerBound)])

    let copied = try store.copy(to: directory.path("copy.nts"))
    #expect(copied.damagedFrames == UInt64(lost.count) && copied.frames == UInt64(left.count))
    #expect(
      try Store(at: directory.path("copy.nts"), .readOnly).contents(of: "s").map(\.payload) == left.map(\.payload))
    try store.close()
    let report = try Store.recover(store.path, to: directory.path("good.nts"))
    #expect(report.frames == UInt64(left.count))
    let good = try Store(at: directory.path("good.nts"), .readOnly)
    #expect(try good.frames(of: "s").map { try StoredFrame($0) }.map(\.payload) == left.map(\.payload))
    #expect(try good.frames(of: "s").map(\.ordinal) == left.map(\.ordinal))
    #expect(try good.statistics(of: "s")?.compression == .lz4(chunkByteCount: 1024))
  }

  /// The last chunk, of a single frame, is damaged: the seal says which frames those in the staging area are.
  @Test func stagedFramesComeBackBehindADamagedChunk() throws {
    let store = try directory.store(blocks: 4)
    var random = SeededGenerator(seed: 51)
    let frames = (0..<5).map { StoredFrame(Int64($0), random.bytes(500), ordinal: UInt64($0)) }
    _ = try write(frames, WriterOptions(durability: .none, compression: .lz4(chunkByteCount: 512)), to: store)
    let values = try #require(store.file.header(0).values())
    let layout = try #require(values.bodyLayout.chunks(blockSize: 4096))
    let bytes = unsafe UnsafeRawBufferPointer(store.file.body(0))
    let index = try #require(
      unsafe ChunkIndex(bytes, generation: values.generation, layout, isKeyed: false, values.commit))
    #expect(index.chunkCount == 4 && index.stagedStart == 4)
    for damaged in 0..<4 {
      let place = Int(try #require(unsafe index.chunk(damaged)?.entry).offset) + 100
      unsafe store.file.body(0)[place] ^= 1
      try store.recovered(to: directory.path("\(damaged).nts")) { good in
        let left = frames.filter { $0.ordinal != UInt64(damaged) }
        let found = try good.frames(of: "s").map { try StoredFrame($0) }
        #expect(found.map(\.payload) == left.map(\.payload) && found.map(\.ordinal) == left.map(\.ordinal))
      }
      unsafe store.file.body(0)[place] ^= 1
    }
  }

  /// What a chunk's entry claims is held to what a writer can make, also when its checksum is right.
  @Test func impossibleNumbersOfFramesAreRefused() throws {
    let layout = try #require(ChunkedLayout(blockSize: 4096, chunkByteCount: 256))
    let block = ColumnBytes()
    block.reserve(4096)
    unsafe block.part(0..<4096).initializeMemory(as: UInt8.self, repeating: 0)
    let bytes = unsafe block.filled(4096)
    for chunk in 0..<3 {
      var entry = ChunkEntry(
        first: FramePosition(timestamp: Int64(chunk), key: 0), firstSlot: chunk == 0 ? 0 : .max, frameCount: .max,
        rawLength: 0, payloadBytes: 0, filter: 0)
      entry.offset = 96
      entry.checksum = unsafe entry.computedChecksum(
        generation: 2, stored: UnsafeRawBufferPointer(rebasing: bytes[96..<96]))
      unsafe entry.write(
        to: block.bytes.baseAddress! + layout.stagingStart - (chunk + 1) * ChunkEntry.byteCount)
    }
    for (count, chunks) in [(UInt32.max, 3), (1_000, 3), (0, 3), (3, 4_000)] as [(UInt32, UInt32)] {
      let commit = BlockCommit(count: count, chunkCount: chunks)
      let index = unsafe ChunkIndex(bytes, generation: 2, layout, isKeyed: false, commit)
      #expect(index == nil, "\(commit)")
    }
    let commit = BlockCommit(count: 60, chunkCount: 3)
    let index = try #require(unsafe ChunkIndex(bytes, generation: 2, layout, isKeyed: false, commit))
    #expect(index.proven(coversPayload: true) == BlockCommit(count: 0, chunkCount: 0))
    #expect(index.stagedStart == 60 && index.stagedByteCount == 0)
    let body = BlockBody(index, nil, coversPayload: true, isSealed: true)
    for slot in 0..<60 { #expect(unsafe body.payload(of: body.entry(slot)) == nil) }
  }

  /// An index that begins behind the first frame, and a count that is lower than it says: stepping back from the last frame
  /// ends, with errors or without.
  @Test func steppingBackBeforeTheFirstChunkEnds() throws {
    let store = try directory.store()
    var random = SeededGenerator(seed: 61)
    let frames = (0..<24).map { StoredFrame(Int64($0), random.bytes(100), ordinal: UInt64($0)) }
    _ = try write(frames, WriterOptions(durability: .none, compression: .lz4(chunkByteCount: 512)), to: store)
    let layout = try #require(store.file.header(0).values()?.bodyLayout.chunks(blockSize: 4096))
    let header = store.file.layout.blockTableOffset
    let body = store.file.layout.dataOffset
    try store.close()
    for (firstSlot, count) in [(3, 124), (3, 3), (23, 24), (30, 24), (0, 2)] as [(UInt32, UInt32)] {
      try StoreBytes.patch(
        store.path, at: body + layout.stagingStart - ChunkEntry.byteCount + ChunkEntry.Offset.firstSlot,
        StoreBytes.little(firstSlot))
      try StoreBytes.patch(store.path, at: header + BlockHeader.Offset.commit, StoreBytes.little(count))
      var cursor = try Store(at: store.path, .readOnly).cursor(of: "s")
      var steps = 0
      try cursor.seekToEnd()
      for _ in 0..<300 {
        steps += 1
        do throws(NanoTSError) {
          if try cursor.previous() == nil { break }
        } catch {
          #expect(error.code == .corrupt)
        }
      }
      #expect(steps < 300, "first slot \(firstSlot), \(count) frames")
    }
  }

  /// The page of the index that names most chunks is lost: the other chunks' frames come back, with the block's header or
  /// without it.
  @Test func chunksAreFoundBehindALostPageOfTheIndex() throws {
    let store = try directory.store(blockSize: 65_536)
    var random = SeededGenerator(seed: 71)
    let frames = (0..<90).map { StoredFrame(Int64($0), random.bytes(480), ordinal: UInt64($0)) }
    _ = try write(frames, WriterOptions(durability: .none, compression: .lz4(chunkByteCount: 512)), to: store)
    let header = store.file.layout.blockTableOffset
    let body = store.file.layout.dataOffset
    try store.close()
    try StoreBytes.patch(store.path, at: body + 61_440, [UInt8](repeating: 0xA5, count: 4096))
    var found: [[StoredFrame]] = []
    for isWithoutHeader in [false, true] {
      if isWithoutHeader { try StoreBytes.patch(store.path, at: header, [UInt8](repeating: 0xA5, count: 128)) }
      let path = directory.path("good-\(isWithoutHeader).nts")
      _ = try Store.recover(store.path, to: path)
      found.append(try Store(at: path, .readOnly).frames(of: "s").map { try StoredFrame($0) })
    }
    #expect(found[0].count >= 20 && found[0].allSatisfy { $0.payload == frames[Int($0.timestamp)].payload })
    #expect(found[1].map(\.payload) == found[0].map(\.payload))
  }

  @Test(arguments: [0..<65_536, 65_536..<131_072])
  func blocksAreRecoveredWithoutTheTables(_ gone: Range<Int>) throws {
    let store = try directory.store(blockSize: 65_536, blocks: 6)
    let frames = Self.frames(4000, keyed: true, largest: 300, seed: 41)
    _ = try write(frames, WriterOptions(durability: .none, compression: .lz4(chunkByteCount: 2048)), to: store)
    #expect(try #require(try store.statistics(of: "s")).blocks > 2)
    try store.close()
    var bytes = try StoreBytes.read(store.path)
    for offset in gone { bytes[offset] = 0xA5 }
    let damaged = directory.path("damaged.nts")
    try StoreBytes.write(bytes, to: damaged)
    _ = try Store.recover(damaged, to: directory.path("good.nts"))
    let good = try Store(at: directory.path("good.nts"), .readOnly)
    let found = try good.frames(of: "s").map { try StoredFrame($0) }
    // Where the first block is gone, its frames are.
    let left = gone.lowerBound == 0 ? frames : frames.filter { $0.ordinal >= found[0].ordinal }
    #expect(found.map(\.payload) == left.map(\.payload) && found.map(\.key) == left.map(\.key))
    #expect(found.count > 1500)
    #expect(try good.verify().isClean)
  }

  // MARK: Behind a writer that died

  /// Killed between the entry of a frame and the commit word that shows it: whether a reader came before the kill or after
  /// it, the frame is not there until the next writer takes it up.
  @Test func whatADeadWriterHadNotCommittedIsNotThere() throws {
    let store = try directory.store(blockSize: 4096, blocks: 4)
    let frames = Self.frames(9, keyed: false, largest: 90, seed: 5)
    let options = WriterOptions(durability: .none, compression: .lz4(chunkByteCount: 512))
    let writer = try write(frames, options, to: store, closing: false)
    let path = directory.path("left.nts")
    try FileManager.default.copyItem(atPath: store.path, toPath: path)
    let left = try Store(at: path)
    #expect(!left.isSuspect)
    let block = try #require((0..<4).first { left.file.header($0).state.relaxed == BlockState.open.rawValue })
    let commit = left.file.header(block).commit
    let word = BlockCommit(word: commit.relaxed)
    try #require(word.count == 9 && word.chunkCount == 0)
    for counted in [0, 1, 8] {
      commit.storeReleased(BlockCommit(count: UInt32(counted), chunkCount: 0).word)
      var cursor = try left.cursor(of: "s")
      #expect(try cursor.last()?.ordinal == (counted > 0 ? UInt64(counted - 1) : nil))
      #expect(try cursor.next() == nil)
      #expect(try Array(left.frames(of: "s")).count == counted)
      #expect(try Array(Store(at: path, .snapshot).frames(of: "s")).count == counted)
      #expect(try left.frameCount(of: "s") == UInt64(counted))
    }
    var cursor = try left.cursor(of: "s")
    #expect(try cursor.last()?.ordinal == 7)
    try left.writer(for: "s").close()
    #expect(try cursor.next().map { try StoredFrame($0) } == frames[8])
    #expect(try cursor.next() == nil)
    try writer.close()
  }
}

extension Store {
  /// Recovers this store, which stays open, and gives the new one to `body`.
  fileprivate func recovered(to path: String, _ body: (Store) throws -> Void) throws {
    _ = try Store.recover(self.path, to: path)
    try body(try Store(at: path, .readOnly))
  }
}
