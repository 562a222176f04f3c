import Foundation
import Testing

@testable import NanoTS

/// What is damaged in a store is told and never copied as good; what is not damaged is copied.
@Suite struct CopyDamageTests {
  private let directory: TemporaryDirectory
  private let path: String
  private let store: Store
  private let before: [StoredFrame]

  /// A closed store with a stream "s" of 600 frames in at least five blocks, and one "t" that is never damaged.
  init() throws {
    directory = try TemporaryDirectory()
    path = directory.path("copy.nts")
    let made = try directory.plainStore("damaged.nts", blocks: 24)
    for name in ["s", "t"] {
      let writer = try made.writer(for: name, metadata: "of \(name)")
      for time in 0..<Int64(600) {
        try writer.append(Array(repeating: UInt8(truncatingIfNeeded: time), count: 8 + Int(time % 9)), at: time)
      }
      try writer.close()
    }
    try made.close()
    store = try Store(at: made.path, .readOnly)
    before = try store.contents(of: "s")
  }

  /// The block's first ordinal and its number of frames.
  private func block(_ sequence: UInt64) throws -> (index: Int, first: UInt64, frames: UInt64) {
    let block = try #require(try store.blocks().first { $0.stream == "s" && $0.sequence == sequence })
    return (block.index, UInt64(block.firstTimestamp!), UInt64(block.frames))
  }

  /// Copies, and expects that all is there but the frames `lost`, each run of which was told.
  @discardableResult
  private func expectLoss(
    of lost: [ClosedRange<UInt64>], kind: Finding.Kind = .frame, blockFindings: Bool = false,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws -> CopyReport {
    let report = try store.copy(to: path, replacing: true)
    let left = before.filter { frame in !lost.contains { $0.contains(frame.ordinal) } }
    #expect(report.damagedFrames == UInt64(before.count - left.count), sourceLocation: sourceLocation)
    #expect(!report.isComplete, sourceLocation: sourceLocation)
    #expect(report.missedFrames == 0 && report.unprovenFrames == 0, sourceLocation: sourceLocation)
    #expect(report.findings.allSatisfy { $0.kind == kind && $0.stream == "s" }, sourceLocation: sourceLocation)
    #expect(
      report.findings.map(\.ordinal) == lost.map { blockFindings ? nil : $0.lowerBound }, "\(report.findings)",
      sourceLocation: sourceLocation)
    try expectCopy(
      at: path,
      has: [
        "s": StreamContent(frames: left, segments: ["0 of s"]), "t": try StreamContent(store, "t"),
      ], nextOrdinals: ["s": 600], sourceLocation: sourceLocation)
    return report
  }

  @Test func oneDamagedFrameCostsItselfAndNoOther() throws {
    let middle = try block(2)
    for ordinal in [middle.first + 5, middle.first, middle.first + middle.frames - 1, 0, 599] {
      try store.flipPayload(of: ordinal, in: "s")
      try expectLoss(of: [ordinal...ordinal])
      try store.flipPayload(of: ordinal, in: "s")
    }
    #expect(try store.copy(to: path, replacing: true).isComplete)
  }

  /// Its checksum is right, its time is not: something wrote it that was no writer.
  @Test func aFrameThatIsNotAfterTheOneBeforeItIsLeftOut() throws {
    let middle = try block(2)
    let bytes = try StoreBytes.read(store.path)
    let start = store.file.layout.fileSize(blocks: middle.index)
    let entry = start + 4096 - 8 * 24
    let payload = start + Int(StoreBytes.load(bytes, at: entry + 8, as: UInt32.self))
    let length = Int(StoreBytes.load(bytes, at: entry + 12, as: UInt32.self))
    let time = StoreBytes.little(Int64(middle.first + 3))
    let covered =
      Array(bytes[(start + 8)..<(start + 16)]) + time + StoreBytes.little(Int64(0)) + bytes[(entry + 8)..<(entry + 16)]
      + bytes[(entry + 20)..<(entry + 24)] + bytes[payload..<(payload + length)]
    try StoreBytes.patch(store.path, at: entry, time)
    try StoreBytes.patch(store.path, at: entry + 16, StoreBytes.little(StoreBytes.crc32c(covered)))
    #expect(try store.verify().findings.map(\.message) == ["it is not after the frame before it"])
    try expectLoss(of: [(middle.first + 7)...(middle.first + 7)])
  }

  @Test func severalDamagedFramesAreToldRunByRun() throws {
    let middle = try block(1)
    let runs = [3...3, 4...9, 20...40].map { ($0.lowerBound + middle.first)...($0.upperBound + middle.first) }
    for run in runs { for ordinal in run { try store.flipPayload(of: ordinal, in: "s") } }
    let report = try expectLoss(of: [(middle.first + 3)...(middle.first + 9), runs[2]])
    #expect(report.findings.first?.message.contains("7 frames") == true)
    // A block in two places more, so the copy has three of it.
    #expect(report.blocks == (try store.blocks().count { $0.frames > 0 }) + 2)
  }

  @Test func aDamagedEndOfOneBlockAndStartOfTheNextLeaveAGapThatReadersSee() throws {
    let next = try block(2)
    for ordinal in (next.first - 2)...(next.first + 1) { try store.flipPayload(of: ordinal, in: "s") }
    try expectLoss(of: [(next.first - 2)...(next.first - 1), next.first...(next.first + 1)])
    let copy = try Store(at: path, .readOnly)
    #expect(try copy.contiguousRuns(of: "s").map(\.frames) == [next.first - 2, 600 - next.first - 2])
    #expect(try copy.frameCount(of: "s", in: 0...Int64(next.first + 10)) == next.first + 7)
  }

  @Test func aBlockWithMoreDamagedPlacesThanItMayHavePartsLosesItsRest() throws {
    let middle = try block(1)
    for slot in stride(from: UInt64(1), to: middle.frames, by: 2) {
      try store.flipPayload(of: middle.first + slot, in: "s")
    }
    let report = try store.copy(to: path)
    let parts = UInt64(BlockCopy.maximumParts)
    #expect(report.damagedFrames == middle.frames - parts)
    let lastGood = middle.first + 2 * (parts - 1)
    let left = before.filter {
      $0.ordinal < middle.first || $0.ordinal >= middle.first + middle.frames
        || ($0.ordinal <= lastGood && ($0.ordinal - middle.first) % 2 == 0)
    }
    try expectCopy(
      at: path,
      has: ["s": StreamContent(frames: left, segments: ["0 of s"]), "t": try StreamContent(store, "t")])
  }

  @Test func manyPartsGrowTheTableOfTheCopyAndMoveItsBlocks() throws {
    // 500 blocks, whose headers just fit before the place where blocks begin; damage makes more of them than fit.
    let wide = try Store.create(
      at: directory.path("wide.nts"), StoreOptions(blockSize: 4096, blockCount: 400, streamCapacity: 1))
    let writer = try wide.writer(for: "s", options: WriterOptions(durability: .none))
    var time = Int64(0)
    while try wide.statistics().freeBlocks > 0 {
      for _ in 0..<10 {
        try writer.append(Array(repeating: UInt8(truncatingIfNeeded: time), count: 330), at: time)
        time += 1
      }
    }
    try writer.close()
    let frames = try wide.contents(of: "s")
    let lost = Set(frames.map(\.ordinal).filter { $0 % 10 == 3 })
    var cursor = try wide.cursor(of: "s")
    while let frame = try cursor.next() {
      guard lost.contains(frame.ordinal) else { continue }
      try StoreBytes.flip(
        wide.path, at: unsafe frame.unvalidatedBytes.baseAddress! - UnsafeRawPointer(wide.file.mapped.base))
    }
    let report = try wide.copy(to: path)
    #expect(report.blocks > 512)
    #expect(report.damagedFrames == UInt64(lost.count))
    let left = frames.filter { !lost.contains($0.ordinal) }
    try expectCopy(
      at: path, has: ["s": StreamContent(frames: left, segments: ["0 "])],
      nextOrdinals: ["s": UInt64(frames.last!.ordinal + 1)])
    let copy = try Store(at: path, .readOnly)
    #expect(copy.blockCount == report.blocks)
    let layout = copy.file.layout
    #expect(layout.dataOffset > wide.file.layout.dataOffset)
    // What was a block is a part of the table now.
    let bytes = try StoreBytes.read(path)
    #expect(bytes[(layout.blockTableOffset + layout.blockCount * 128)..<layout.dataOffset].allSatisfy { $0 == 0 })
    var decoder = try DiagramDecoder(bytes: bytes)
    #expect(try decoder.allStreams() == ["s": left])
    #expect(decoder.mistakes == [])
    expectError(.invalidBlockCount, naming: ["400", "damaged"]) {
      try wide.copy(to: path, CopyOptions(blockCount: 400), replacing: true)
    }
    #expect(try Store(at: path, .readOnly).contents(of: "s").count == left.count)
  }

  @Test func blocksThatAreMissedShrinkTheTableAndMoveTheOthers() throws {
    let wide = try Store.create(
      at: directory.path("wide.nts"), StoreOptions(blockSize: 4096, blockCount: 600, streamCapacity: 1))
    let writer = try wide.writer(for: "s", options: WriterOptions(durability: .none))
    var time = Int64(0)
    func fill(_ count: Int) throws {
      for _ in 0..<count {
        try writer.append(Array(repeating: UInt8(truncatingIfNeeded: time), count: 3600), at: time)
        time += 1
      }
    }
    try fill(600)
    let frames = try wide.contents(of: "s")
    let report = try wide.copy(to: path) { progress in
      if progress.phase == .copying, progress.blocks == 100 { try? fill(300) }
      return true
    }
    #expect(report.blocks == 400)
    #expect(report.missedFrames == 200)
    let left = Array(frames[0..<100] + frames[300...])
    try expectCopy(at: path, has: ["s": StreamContent(frames: left, segments: ["0 "])])
    let copy = try Store(at: path, .readOnly)
    #expect(copy.blockCount == 400)
    #expect(copy.file.layout.dataOffset < wide.file.layout.dataOffset)
    #expect(UInt64(try StoreBytes.read(path).count) == report.fileSize)
  }

  // MARK: Blocks

  @Test(arguments: [
    (name: "sequence", offset: 40, mask: UInt8(0x10)), ("segment", 48, 1), ("first ordinal", 64, 1),
    ("identity checksum", 60, 1),
  ])
  func aBlockWhoseHeaderIsDamagedIsLeftOut(_ field: (name: String, offset: Int, mask: UInt8)) throws {
    let middle = try block(2)
    let header = store.file.layout.blockTableOffset + middle.index * 128
    try StoreBytes.flip(store.path, at: header + field.offset, field.mask)
    try expectLoss(of: [middle.first...(middle.first + middle.frames - 1)], kind: .header, blockFindings: true)
  }

  /// A count that is too low hides frames that nobody can tell; that it is wrong is told.
  @Test func aBlockWhoseSealIsDamagedIsCopiedAsFarAsItProvesItself() throws {
    let middle = try block(2)
    let header = store.file.layout.blockTableOffset + middle.index * 128
    try StoreBytes.patch(store.path, at: header + 8, StoreBytes.little(UInt32(middle.frames - 3)))
    let report = try store.copy(to: path)
    #expect(report.findings.map(\.kind) == [.header] && report.findings.map(\.block) == [middle.index])
    #expect(!report.isComplete)
    let lost = (middle.first + middle.frames - 3)..<(middle.first + middle.frames)
    let left = before.filter { !lost.contains($0.ordinal) }
    try expectCopy(
      at: path, has: ["s": StreamContent(frames: left, segments: ["0 of s"]), "t": try StreamContent(store, "t")])
  }

  @Test func aBlockThatCannotBeReadIsLeftOutWithAllItsFrames() throws {
    let middle = try block(2)
    let header = store.file.layout.blockTableOffset + middle.index * 128
    try StoreBytes.patch(store.path, at: header + 8, StoreBytes.little(UInt64.max))
    try expectLoss(of: [middle.first...(middle.first + middle.frames - 1)], kind: .header, blockFindings: true)
  }

  @Test func aBlockWhosePreambleIsDamagedIsLeftOut() throws {
    let middle = try block(2)
    try StoreBytes.flip(store.path, at: store.file.layout.fileSize(blocks: middle.index) + 97)
    try expectLoss(of: [middle.first...(middle.first + middle.frames - 1)], kind: .preamble, blockFindings: true)
  }

  @Test func aStreamWhoseNameIsDamagedIsLeftOutAndTold() throws {
    try StoreBytes.flip(store.path, at: 8192 + 320)
    let report = try Store(at: store.path, .readOnly).copy(to: path)
    #expect(report.findings.map(\.kind) == [.stream])
    #expect(!report.isComplete)
    try expectCopy(at: path, has: ["t": try StreamContent(store, "t")])
  }

  /// The frames of a range are not looked for by halving: the damaged time would lead away from them.
  @Test func aDamagedTimeHidesNoFrameOfARange() throws {
    let middle = try block(2)
    let entry = store.file.layout.fileSize(blocks: middle.index) + 4096 - Int(middle.frames / 2 + 1) * 24
    for time in [Int64.max, Int64.min] {
      try StoreBytes.patch(store.path, at: entry, StoreBytes.little(time))
      for share in [UInt64(1), 3] {
        let from = Int64(middle.first + middle.frames * share / 4)
        let report = try store.copy(to: path, CopyOptions(streams: ["s"], range: from...(from + 9)), replacing: true)
        #expect(report.frames == 10 && report.isComplete)
        let copied = try Store(at: path, .readOnly).contents(of: "s")
        #expect(copied == before.filter { (from...(from + 9)).contains($0.timestamp) })
      }
    }
  }

  @Test func damageOutsideTheRangeIsNotTold() throws {
    let middle = try block(2)
    for ordinal in [middle.first + 1, middle.first + 3, middle.first + 20] {
      try store.flipPayload(of: ordinal, in: "s")
    }
    func report(_ from: UInt64, _ to: UInt64) throws -> CopyReport {
      try store.copy(to: path, CopyOptions(streams: ["s"], range: Int64(from)...Int64(to)), replacing: true)
    }
    #expect(try report(middle.first + 4, middle.first + 19).isComplete)
    #expect(try report(middle.first + 3, middle.first + 19).damagedFrames == 1)
    #expect(try report(middle.first + 2, middle.first + 2).isComplete)
    #expect(try report(middle.first + 1, middle.first + 2).damagedFrames == 1)
    #expect(try report(middle.first + 1, middle.first + 3).damagedFrames == 2)
    #expect(try report(middle.first + 4, middle.first + 300).damagedFrames == 1)
  }

  // MARK: Anything

  /// Bytes changed anywhere in the file: the copy fails with an error or is clean, and has no frame that was not there.
  @Test func whateverIsDamagedNoWrongFrameIsCopied() throws {
    let seed = TestSeed.next()
    var random = SeededGenerator(seed: seed)
    let bytes = try StoreBytes.read(store.path)
    let content = try store.content()
    let damaged = directory.path("random.nts")
    let used = store.file.layout.fileSize(blocks: try store.blocks().count { $0.frames > 0 })
    var (copies, complete) = (0, 0)
    for round in 0..<300 {
      var changed = bytes
      for _ in 0..<Int.random(in: 1...12, using: &random) {
        let place = Self.place(store.file.layout, used, &random)
        changed[place] = UInt8.random(in: 0...255, using: &random)
      }
      try StoreBytes.write(changed, to: damaged)
      guard let reader = try? Store(at: damaged, .readOnly) else { continue }
      let report: CopyReport
      do {
        report = try reader.copy(to: path, replacing: true)
      } catch {
        try #require(error.code != .ioFailure, "NANOTS_TEST_SEED=\(seed), round \(round): \(error)")
        continue
      }
      copies += 1
      if report.isComplete { complete += 1 }
      let copy = try Store(at: path, .readOnly)
      try #require(try copy.verify().isClean, "NANOTS_TEST_SEED=\(seed), round \(round)")
      for stream in try copy.streams() {
        let frames = try copy.contents(of: stream)
        let originals = try #require(content[stream]).frames
        let isRight = frames.allSatisfy { $0.ordinal < 600 && $0 == originals[Int($0.ordinal)] }
        try #require(isRight, "NANOTS_TEST_SEED=\(seed), round \(round), \(stream)")
      }
      let there = try copy.streams().reduce(UInt64(0)) { try $0 + UInt64(copy.contents(of: $1).count) }
      try #require(there == report.frames, "NANOTS_TEST_SEED=\(seed), round \(round)")
      let readable = try reader.streams().reduce(UInt64(0)) { try $0 + Self.readable(reader, $1) }
      let isTold = !report.isComplete || there >= readable
      try #require(isTold, "NANOTS_TEST_SEED=\(seed), round \(round): \(readable) can be read, \(report)")
    }
    #expect(copies > 200, "NANOTS_TEST_SEED=\(seed)")
    #expect(complete < copies)
  }

  /// How many frames of the stream a cursor that checks them finds.
  private static func readable(_ store: Store, _ stream: String) throws -> UInt64 {
    var cursor = try store.cursor(of: stream, options: CursorOptions(verifiesChecksums: true))
    var count: UInt64 = 0
    while true {
      do {
        guard try cursor.next() != nil else { return count }
        count += 1
      } catch {
        guard error.isPassable else { throw error }
      }
    }
  }

  /// A byte in the tables as often as one in the blocks.
  private static func place(_ layout: StoreLayout, _ used: Int, _ random: inout SeededGenerator) -> Int {
    switch Int.random(in: 0..<4, using: &random) {
    case 0: Int.random(in: 4096..<(4096 + 256), using: &random)
    case 1: Int.random(in: 8192..<(8192 + 2 * 512), using: &random)
    case 2: Int.random(in: layout.blockTableOffset..<(layout.blockTableOffset + 16 * 128), using: &random)
    default: Int.random(in: layout.dataOffset..<used, using: &random)
    }
  }
}
