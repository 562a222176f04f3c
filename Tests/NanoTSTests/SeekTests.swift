import Testing

@testable import NanoTS

/// Seeking by time and key in blocks whose times are spaced in every way, against a search from the first frame on.
@Suite struct SeekTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  enum Spacing: CaseIterable {
    case even
    case jittered
    case doubling
    case clustered
    case extreme
    case oneTimeManyKeys
  }

  private func positions(
    _ spacing: Spacing, _ count: Int, _ random: inout SeededGenerator
  ) -> [FramePosition] {
    switch spacing {
    case .even: (0..<count).map { FramePosition(timestamp: Int64($0) * 10) }
    case .jittered:
      (0..<count).map { FramePosition(timestamp: Int64($0) * 10 + Int64.random(in: -4...4, using: &random)) }
    case .doubling: (0..<62).map { FramePosition(timestamp: 1 << Int64($0)) }
    case .clustered:
      (0..<count).map { FramePosition(timestamp: Int64($0 / 50) * 1_000_000_000_000 + Int64($0 % 50)) }
    case .extreme:
      [.min, .min + 1, -1, 0, 1, .max - 1, .max].map { FramePosition(timestamp: $0) }
    case .oneTimeManyKeys:
      (0..<count).map { FramePosition(timestamp: $0 < count / 2 ? 5 : 7, key: Int64($0) * 3) }
    }
  }

  @Test(arguments: Spacing.allCases) func everyPlaceIsFound(_ spacing: Spacing) throws {
    let seed = TestSeed.next()
    var random = SeededGenerator(seed: seed)
    let store = try directory.plainStore(blockSize: 16384, blocks: 16)
    let written = positions(spacing, 1_000, &random)
    let writer = try store.writer(for: "s")
    for position in written { try writer.append([1, 2, 3], at: position.timestamp, key: position.key) }
    var cursor = try store.cursor(of: "s")
    let wanted = written.flatMap { position in
      [-1, 0, 1].flatMap { step in
        [
          FramePosition(timestamp: position.timestamp &+ step, key: position.key),
          FramePosition(timestamp: position.timestamp, key: position.key &+ step),
        ]
      }
    }
    for position in wanted + [FramePosition(timestamp: .min, key: .min), FramePosition(timestamp: .max, key: .max)] {
      let found = try cursor.seek(to: position.timestamp, key: position.key)
      let expected = written.first { !($0 < position) }
      #expect(
        found.map { FramePosition(timestamp: $0.timestamp, key: $0.key) } == expected, "\(position), seed \(seed)")
    }
  }

  /// Within the block that the cursor is in nothing else is looked at: it must not be taken for alive when it is not, nor
  /// for all there is.
  @Test func aSeekFromWithinABlockSeesWhatBecameOfIt() throws {
    let store = try directory.plainStore(blocks: 4)
    let writer = try store.writer(for: "s")
    for time in Int64(0)..<50 { try writer.append(value: time, at: time) }
    var cursor = try store.cursor(of: "s")
    #expect(try cursor.seek(to: 20)?.timestamp == 20)
    for time in Int64(50)..<60 { try writer.append(value: time, at: time) }
    #expect(try cursor.seek(to: 55)?.timestamp == 55)
    #expect(try cursor.seek(to: 10)?.timestamp == 10)
    #expect(try cursor.previous()?.timestamp == 9)
    for time in Int64(60)..<2_000 { try writer.append(value: time, at: time) }
    var fresh = try store.cursor(of: "s")
    let oldest = try #require(try fresh.first()).timestamp
    #expect(try cursor.seek(to: 30)?.timestamp == oldest)
    #expect(try cursor.seek(to: oldest + 3)?.timestamp == oldest + 3)
    try writer.close()
    try store.free(stream: "s")
    let second = try store.writer(for: "s")
    for time in Int64(0)..<50 { try second.append(value: -time, at: time) }
    let found = try #require(try cursor.seek(to: 33))
    #expect(try found.timestamp == 33 && found.load(as: Int64.self) == -33)
  }

  /// Frames that came to the cursor's block after it was entered are there when it seeks within it: when they go, it tells.
  @Test func aSeekWithinABlockTellsLaterOfFramesThatCameSince() throws {
    let store = try directory.plainStore(blocks: 2)
    var writer = try store.writer(for: "s")
    for time in Int64(0)...1 { try writer.append(value: time, at: time) }
    var cursor = try store.cursor(of: "s")
    #expect(try cursor.seek(to: 1)?.timestamp == 1)
    for time in Int64(2)...3 { try writer.append(value: time, at: time) }
    try writer.close()
    #expect(try cursor.seek(to: 1)?.timestamp == 1)
    writer = try store.writer(for: "s")
    for time in Int64(4)..<500 { try writer.append(value: time, at: time) }
    var fresh = try store.cursor(of: "s")
    let oldest = try #require(try fresh.first()).ordinal
    let error = #expect(throws: NanoTSError.self) { try cursor.next() }
    #expect(oldest > 4 && error?.code == .overwritten && error?.missedFrames == oldest - 2)
    #expect(try cursor.next()?.ordinal == oldest)
  }

  /// Times out of order, as only damage leaves them: a place within the block, and an end.
  @Test func aSearchInADamagedBlockEndsWithinIt() throws {
    let seed = TestSeed.next()
    var random = SeededGenerator(seed: seed)
    let store = try directory.plainStore(blockSize: 4096)
    let writer = try store.writer(for: "s")
    for time in Int64(0)..<100 { try writer.append([], at: time) }
    let search = unsafe EntrySearch(
      UnsafeRawPointer(store.file.body(0).baseAddress! + 4096), entrySize: IndexEntry.byteCount, 0..<100)
    let bytes = unsafe store.file.body(0)
    for _ in 0..<2_000 {
      let slot = Int.random(in: 0..<100, using: &random)
      let times: [Int64] = [.min, .max, 0, -1, 50, .random(in: .min ... .max, using: &random)]
      unsafe bytes.storeBytes(
        of: times.randomElement(using: &random)!, toByteOffset: bytes.count - (slot + 1) * IndexEntry.byteCount,
        as: Int64.self)
      let time = times.randomElement(using: &random)!
      let hints: (Int64, Int64)? = random.oneIn(2) ? nil : (times[0], times[times.count - 1])
      let found = search.lowerBound(FramePosition(timestamp: time), times: hints)
      #expect((0...100).contains(found), "seed \(seed)")
    }
  }
}
