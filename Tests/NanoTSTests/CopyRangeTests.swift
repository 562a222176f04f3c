import Foundation
import Testing

@testable import NanoTS

/// A part of a store: streams and a range of time, cut at the frame, with nothing else in the file.
@Suite struct CopyRangeTests {
  private let directory: TemporaryDirectory
  private let path: String

  init() throws {
    directory = try TemporaryDirectory()
    path = directory.path("part.nts")
  }

  /// Three streams with frames at times 0 to 599; "k" has three keys a time. Each payload holds a word that no other
  /// place of a file has.
  private func filledStore() throws -> Store {
    let store = try directory.plainStore("whole.nts", blocks: 60, streams: 6)
    for (number, name) in ["a", "k", "z"].enumerated() {
      for session in 0..<3 {
        let writer = try store.writer(
          for: name, metadata: "session \(session)", options: WriterOptions(durability: .none))
        for time in 0..<Int64(200) {
          for key in 0..<Int64(name == "k" ? 3 : 1) {
            let at = Int64(session) * 200 + time
            try writer.append(Self.payload(number, at, key), at: at, key: key, flags: UInt32(at))
          }
        }
        if session < 2 || name != "z" { try writer.close() } else { try writer.abandon() }
      }
    }
    return store
  }

  /// A mark that proves where it comes from, then a run of other bytes of a length that changes.
  private static func payload(_ stream: Int, _ time: Int64, _ key: Int64) -> [UInt8] {
    mark(stream, time, key) + Array(repeating: 0xEE, count: Int(time % 50))
  }

  private static func mark(_ stream: Int, _ time: Int64, _ key: Int64) -> [UInt8] {
    Array("<\(stream)/\(time)/\(key)>".utf8)
  }

  /// What `content` is within the range.
  private func cut(_ content: StreamContent, _ range: ClosedRange<Int64>) -> StreamContent {
    let frames = content.frames.filter { range.contains($0.timestamp) }
    let segments = Set(frames.map(\.segment))
    return StreamContent(
      frames: frames, segments: content.segments.filter { segments.contains(UInt64($0.prefix { $0 != " " })!) })
  }

  @Test func aRangeIsCutAtTheFrame() throws {
    let store = try filledStore()
    let content = try store.content()
    let seed = TestSeed.next()
    var random = SeededGenerator(seed: seed)
    let blocks = try store.blocks().filter { $0.frames > 0 }
    for round in 0..<40 {
      var ends = [Int64.random(in: -5...605, using: &random), Int64.random(in: -5...605, using: &random)].sorted()
      // Ends that fall on the ends of blocks.
      if round % 4 == 0 { ends[0] = min(blocks.randomElement(using: &random)!.firstTimestamp!, ends[1]) }
      if round % 8 == 0 { ends = [ends[0], blocks.randomElement(using: &random)!.firstTimestamp!].sorted() }
      if round == 1 { ends[0] = .min }
      if round == 2 { ends[1] = .max }
      if round == 3 { ends[1] = ends[0] }
      let range = ends[0]...ends[1]
      let names = ["a", "k", "z"].filter { _ in random.oneIn(2) }
      let report = try store.copy(
        to: path, CopyOptions(streams: names.isEmpty ? nil : names, range: range), replacing: true)
      let chosen = content.filter { names.isEmpty || names.contains($0.key) }
      let expected = chosen.mapValues { cut($0, range) }.filter { !$0.value.frames.isEmpty }
      try #require(report.isComplete, "NANOTS_TEST_SEED=\(seed) \(range) \(names) \(report)")
      try #require(report.frames == UInt64(expected.values.reduce(0) { $0 + $1.frames.count }))
      try expectCopy(at: path, has: expected)
      let statistics = try Store(at: path, .readOnly).statistics()
      #expect(statistics.freeBlocks == 0 || report.blocks == 0, "NANOTS_TEST_SEED=\(seed) \(range) \(names)")
      if Set(chosen.keys) != Set(expected.keys) { #expect(report.streams == expected.count) }
    }
  }

  @Test func nothingOfWhatWasLeftOutIsInTheFile() throws {
    let store = try filledStore()
    try store.copy(to: path, CopyOptions(streams: ["a", "k"], range: 137...318))
    let bytes = Data(try StoreBytes.read(path))
    for (number, name) in ["a", "k", "z"].enumerated() {
      for time in Int64(0)..<600 {
        for key in 0..<Int64(name == "k" ? 3 : 1) {
          let isThere = bytes.range(of: Data(Self.mark(number, time, key))) != nil
          #expect(isThere == (name != "z" && (137...318).contains(time)), "\(name) \(time) \(key)")
        }
      }
    }
    // Neither in the unused middle of a block, nor before its first payload.
    let copy = try Store(at: path, .readOnly)
    let marks = bytes.filter { $0 == 0xEE }.count
    let payloads = try ["a", "k"].flatMap { try copy.contents(of: $0) }
    let expected = payloads.reduce(0) { $0 + $1.payload.count { $0 == 0xEE } }
    // A few more may stand in identifiers and checksums.
    #expect(marks >= expected && marks < expected + bytes.count / 100)
    var decoder = try DiagramDecoder(bytes: Array(bytes))
    let decoded = try decoder.allStreams()
    #expect(try decoded["a"] == copy.contents(of: "a"))
    #expect(try decoded["k"] == copy.contents(of: "k"))
    // Of a stream that was cut in front, the decoder would have the ordinals before it recycled.
    #expect(decoder.mistakes.allSatisfy { $0.hasSuffix("reclaimed frames") || $0.hasSuffix("next segment") })
  }

  @Test func aCutStreamGoesOnWhereItWasCut() throws {
    let store = try filledStore()
    try store.copy(to: path, CopyOptions(streams: ["a"], range: .min...249, blockCount: 30))
    let copy = try Store(at: path)
    let writer = try copy.writer(for: "a")
    #expect(writer.last == FramePosition(timestamp: 249, key: 0))
    try writer.append([1], at: 250)
    try writer.close()
    let added = try #require(try copy.contents(of: "a").last)
    #expect(added.ordinal == 250)
    // No frame that was cut away holds up its time.
    #expect(copy.file.slot(0).floor == nil)
    // Its segment is a number that the store never gave.
    #expect(added.segment == 3)
    #expect(try copy.frameCount(of: "a") == 251)
    #expect(try copy.verify().isClean)
  }

  @Test func streamsComeAlongByNameAndWithARangeOnlyWithFrames() throws {
    let store = try filledStore()
    try store.writer(for: "empty").close()
    let late = try store.writer(for: "late")
    try late.append([1], at: 5000)
    #expect(try store.copy(to: path).streams == 5)
    #expect(try Store(at: path, .readOnly).streams() == ["a", "empty", "k", "late", "z"])
    let chosen = CopyOptions(streams: ["late", "empty", "late"])
    #expect(try store.copy(to: path, chosen, replacing: true).streams == 2)
    #expect(try Store(at: path, .readOnly).streams() == ["empty", "late"])
    #expect(try store.copy(to: path, CopyOptions(range: 0...4999), replacing: true).streams == 3)
    #expect(try Store(at: path, .readOnly).streams() == ["a", "k", "z"])
    let none = try store.copy(to: path, CopyOptions(range: 10_000...10_001), replacing: true)
    #expect(none.streams == 0 && none.frames == 0 && none.isComplete)
    #expect(try store.copy(to: path, CopyOptions(streams: []), replacing: true).streams == 0)
    try expectCopy(at: path, has: [:])
  }

  @Test func aStreamThatIsNotThereIsRefused() throws {
    let store = try filledStore()
    expectError(.notFound, naming: ["'b'", store.path]) { try store.copy(to: path, CopyOptions(streams: ["a", "b"])) }
    expectError(.invalidName) { try store.copy(to: path, CopyOptions(streams: [""])) }
    #expect(try directory.contents() == ["whole.nts"])
  }

  @Test func aBlockRecycledAtTheEdgeOfTheRangeIsMissedByItsFramesInTheRange() throws {
    let store = try directory.plainStore(blocks: 4)
    let writer = try store.writer(for: "s", options: WriterOptions(durability: .none))
    for time in 0..<Int64(350) { try writer.append(value: time, at: time) }
    let blocks = try store.blocks().filter { $0.frames > 0 }.sorted { $0.sequence < $1.sequence }
    let second = try #require(blocks.dropFirst().first?.firstTimestamp)
    let before = try store.contents(of: "s")
    var time = Int64(1000)
    let report = try store.copy(to: path, CopyOptions(range: 50...349)) { progress in
      while progress.blocks == 0, (try? store.statistics(of: "s")?.first) == 0 {
        try? writer.append(value: time, at: time)
        time += 1
      }
      return true
    }
    #expect(report.missedFrames == UInt64(second - 50))
    #expect(report.frames == UInt64(350 - second))
    #expect(try Store(at: path, .readOnly).contents(of: "s") == before.filter { $0.timestamp >= second })
  }
}
