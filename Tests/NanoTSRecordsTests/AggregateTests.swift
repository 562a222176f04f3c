import Foundation
import NanoTS
import Testing

@testable import NanoTSRecords

/// Aggregates beside the same computed frame by frame.
@Suite struct AggregateTests {
  struct Reading: Record {
    var tiny: Int8
    var small: UInt16
    var whole: Int64
    var single: Float
    var real: Double
    var isOn: Bool
  }

  private let path = NSTemporaryDirectory() + "/aggregates-\(UUID().uuidString).nts"

  private func seed() -> UInt64 {
    ProcessInfo.processInfo.environment["NANOTS_TEST_SEED"].flatMap(UInt64.init) ?? .random(in: 0 ... .max)
  }

  /// A generator that a seed repeats: SplitMix64 (Steele, Lea, Flood, 2014).
  private struct Generator: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var word = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
      word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
      return word ^ (word >> 31)
    }
  }

  private func reading(_ random: inout Generator) -> Reading {
    let real = Int.random(in: 0..<10, using: &random) == 0 ? Double.nan : .random(in: -1e6...1e6, using: &random)
    return Reading(
      tiny: .random(in: .min ... .max, using: &random), small: .random(in: 0 ... .max, using: &random),
      whole: .random(in: -1_000_000_000...1_000_000_000, using: &random), single: Float(real),
      real: real, isOn: .random(using: &random))
  }

  private static let numbers: [String: @Sendable (Reading) -> Double] = [
    "tiny": { Double($0.tiny) }, "small": { Double($0.small) }, "whole": { Double($0.whole) },
    "single": { Double($0.single) }, "real": { $0.real }, "isOn": { $0.isOn ? 1 : 0 },
  ]

  private struct Plain: Equatable {
    var (count, minimum, maximum, sum) = (UInt64(0), Double.infinity, -Double.infinity, 0.0)
    var (first, last) = (Double.nan, Double.nan)
  }

  private func floor(_ time: Int64, _ width: Int64, from origin: Int64) -> Int64 {
    let within = (time - origin) % width
    return time - (within < 0 ? within + width : within)
  }

  private func plain(
    _ frames: [(Int64, Reading)], _ field: String, _ range: ClosedRange<Int64>, _ width: Int64, _ origin: Int64
  ) -> [Int64: Plain] {
    var spans: [Int64: Plain] = [:]
    for (time, reading) in frames where range.contains(time) {
      let value = Self.numbers[field]!(reading)
      guard !value.isNaN else { continue }
      var span = spans[floor(time, width, from: origin)] ?? Plain()
      if span.count == 0 { span.first = value }
      span.count += 1
      (span.minimum, span.maximum) = (min(span.minimum, value), max(span.maximum, value))
      span.sum += value
      span.last = value
      spans[floor(time, width, from: origin)] = span
    }
    return spans
  }

  @Test(arguments: [false, true]) func theyAreWhatFrameByFrameComesTo(isCompressed: Bool) throws {
    let seed = seed()
    var random = Generator(state: seed)
    defer { try? FileManager.default.removeItem(atPath: path) }
    let store = try Store.create(
      at: path,
      StoreOptions(blockSize: 16 << 10, blockCount: 64, compression: isCompressed ? .lz4(chunkByteCount: 4096) : .off),
      replacing: true)
    let writer = try store.recordWriter(for: "s", of: Reading.self)
    var frames: [(Int64, Reading)] = []
    var time = Int64.random(in: -20_000...0, using: &random)
    for _ in 0..<5_000 {
      frames.append((time, reading(&random)))
      try writer.append(frames.last!.1, at: time)
      time += .random(in: 1...20, using: &random)
    }
    try writer.close()
    for (field, _) in Self.numbers {
      let (lower, upper) = (Int64.random(in: -21_000...0, using: &random), Int64.random(in: 1...60_000, using: &random))
      for width in [1, 7, 1_000, 1_000_000] as [Int64] {
        let origin = Int64.random(in: -5_000...5_000, using: &random)
        let found = try store.aggregates(of: field, in: "s", during: lower...upper, every: width, from: origin)
        let expected = plain(frames, field, lower...upper, width, origin)
        #expect(found.spans.map(\.start) == expected.keys.sorted(), "seed \(seed)")
        for span in found.spans {
          let right = try #require(expected[span.start])
          #expect(span.count == right.count && span.minimum == right.minimum && span.maximum == right.maximum)
          #expect(span.first == right.first && span.last == right.last, "seed \(seed), \(field), width \(width)")
          #expect(
            abs(span.sum - right.sum) <= 1e-9 * max(1, Double(right.count) * max(abs(right.minimum), right.maximum)))
        }
        #expect(found.missedFrames == 0 && found.framesWithoutField == 0)
      }
    }
  }

  @Test func oneSpanOfEverything() throws {
    defer { try? FileManager.default.removeItem(atPath: path) }
    let store = try Store.create(at: path, StoreOptions(blockSize: 4096, blockCount: 8), replacing: true)
    let writer = try store.recordWriter(for: "s", of: Reading.self)
    for time in [Int64.min, -1, 0, .max] {
      try writer.append(
        Reading(tiny: 1, small: 2, whole: time, single: 3, real: .nan, isOn: true), at: time)
    }
    try writer.close()
    let all = try store.aggregates(of: "small", in: "s")
    #expect(all.spans.map(\.count) == [4] && all.spans[0].mean == 2 && all.spans[0].start == .min)
    // Nothing but NaN is no span; times at both ends of what there is overflow nothing.
    #expect(try store.aggregates(of: "real", in: "s", every: 10).spans.isEmpty)
    #expect(try store.aggregates(of: "tiny", in: "s", every: .max, from: .max).spans.map(\.count).reduce(0, +) == 4)
    #expect(try store.aggregates(of: "tiny", in: "s", every: 3, from: .min).spans.map(\.count).reduce(0, +) == 4)
    #expect(try store.peaks(of: "tiny", in: "s", during: .min ... .max, spans: 1).spans.map(\.count).reduce(0, +) == 4)
    #expect(throws: NanoTSError.self) { try store.aggregates(of: "tiny", in: "s", every: 0) }
    #expect(throws: NanoTSError.self) { try store.peaks(of: "tiny", in: "s", during: 0...1, spans: 0) }
    #expect(try store.aggregates(of: "absent", in: "s").framesWithoutField == 4)
    #expect(try store.aggregates(of: "tiny", in: "absent").spans.isEmpty)
  }

  /// No peak is lost, and there are no more spans than dots.
  @Test func peaksAreKept() throws {
    defer { try? FileManager.default.removeItem(atPath: path) }
    let store = try Store.create(at: path, StoreOptions(blockSize: 16 << 10, blockCount: 64), replacing: true)
    let writer = try store.recordWriter(for: "s", of: Reading.self)
    for time in Int64(0)..<10_000 {
      let peak = time == 4_321 ? 9_999.0 : time == 7_777 ? -9_999 : Double(time % 10)
      try writer.append(Reading(tiny: 0, small: 0, whole: 0, single: 0, real: peak, isOn: false), at: time)
    }
    try writer.close()
    for count in [1, 3, 80, 9_999, 10_000, 20_000] {
      let spans = try store.peaks(of: "real", in: "s", during: 0...9_999, spans: count).spans
      #expect(spans.count <= count)
      #expect(spans.map(\.maximum).max() == 9_999 && spans.map(\.minimum).min() == -9_999)
      #expect(spans.map(\.count).reduce(0, +) == 10_000)
    }
  }

  /// A value whose byte changed on its way is in, unless checksums are asked for.
  @Test func damagedValuesAreLeftOutWhereChecksumsAreVerified() throws {
    defer { try? FileManager.default.removeItem(atPath: path) }
    let store = try Store.create(at: path, StoreOptions(blockSize: 4096, blockCount: 8), replacing: true)
    let writer = try store.recordWriter(for: "s", of: Single.self)
    for time in 0..<500 as Range<Int64> { try writer.append(Single(value: time), at: time) }
    try writer.close()
    var cursor = try store.cursor(of: "s")
    let victim = try #require(try cursor.seek(to: 123))
    try unsafe victim.withUnsafeBytes { bytes in
      // Bound: the payload has the 8 bytes of a `Single`. 123 + 128 is what it becomes.
      unsafe UnsafeMutableRawPointer(mutating: bytes.baseAddress!).storeBytes(of: bytes[0] ^ 0x80, as: UInt8.self)
    }
    let verifying = CursorOptions(verifiesChecksums: true)
    let blind = try store.aggregates(of: "value", in: "s", during: 100...199, every: 10)
    let seeing = try store.aggregates(of: "value", in: "s", during: 100...199, every: 10, options: verifying)
    #expect(blind.missedFrames == 0 && seeing.missedFrames == 1)
    #expect(blind.spans[2].maximum == 251 && blind.spans[2].count == 10)
    #expect(seeing.spans[2].maximum == 129 && seeing.spans[2].count == 9 && seeing.spans[2].sum == 1_245 - 123)
    for index in blind.spans.indices where index != 2 { #expect(blind.spans[index] == seeing.spans[index]) }
    let peaks = try store.peaks(of: "value", in: "s", during: 0...499, spans: 1, options: verifying)
    #expect(peaks.missedFrames == 1 && peaks.spans[0].count == 499)
    #expect(try store.peaks(of: "value", in: "s", during: 0...499, spans: 1).missedFrames == 0)
  }

  /// One by one as in batches, but for what is refused: payloads that end before the field does, and texts.
  @Test func verifyingChangesNothingElse() throws {
    let seed = seed()
    var random = Generator(state: seed)
    defer { try? FileManager.default.removeItem(atPath: path) }
    let store = try Store.create(at: path, StoreOptions(blockSize: 16 << 10, blockCount: 64), replacing: true)
    let writer = try store.recordWriter(for: "s", of: Reading.self)
    for time in 0..<3_000 as Range<Int64> { try writer.append(reading(&random), at: time) }
    try writer.close()
    let verifying = CursorOptions(verifiesChecksums: true)
    for field in Self.numbers.keys.sorted() + ["absent"] {
      let batches = try store.aggregates(of: field, in: "s", during: 10...2_900, every: 7, from: 3)
      let frames = try store.aggregates(of: field, in: "s", during: 10...2_900, every: 7, from: 3, options: verifying)
      #expect(frames.framesWithoutField == batches.framesWithoutField && frames.missedFrames == 0)
      try #require(frames.spans.map(\.start) == batches.spans.map(\.start), "seed \(seed), \(field)")
      for (one, other) in zip(frames.spans, batches.spans) {
        #expect(one.count == other.count && one.minimum == other.minimum && one.maximum == other.maximum)
        #expect(one.first == other.first && one.last == other.last && abs(one.sum - other.sum) <= 1e-3, "seed \(seed)")
      }
    }
    let text = try RecordLayout([
      RecordField("name", .text(byteCount: 8), offset: 0), RecordField("n", .i64, offset: 8),
    ])
    let short = try store.writer(for: "short", metadata: text.metadata)
    try short.append(value: 5.0, at: 1)
    try short.close()
    for field in ["name", "n"] {
      #expect { try store.aggregates(of: field, in: "short", options: verifying) } throws: { error in
        (error as? NanoTSError)?.code == .invalidArgument && "\(error)".contains("'\(field)'")
      }
    }
  }

  private func extreme(_ random: inout Generator) -> Int64 {
    let small = Int64.random(in: -40...40, using: &random)
    switch Int.random(in: 0..<5, using: &random) {
    case 0: return .min + abs(small)
    case 1: return .max - abs(small)
    case 2: return small
    case 3: return [-1, 1].randomElement(using: &random)! * (1 << 62) &+ small
    default: return .random(in: .min ... .max, using: &random)
    }
  }

  /// Spans and their counts beside those that 128 bits come to, where 64 overflow.
  @Test func spansAreExactWhereverTheyLie() throws {
    let seed = seed()
    var random = Generator(state: seed)
    defer { try? FileManager.default.removeItem(atPath: path) }
    var cases = [
      (range: Int64.min...9_223_372_036_854_775_782, width: Int64.max, origin: -3_626_160_239_686_455_361 as Int64)
    ]
    cases.append((.min ... .max, .max, -11))
    for _ in 0..<300 {
      let ends = [extreme(&random), extreme(&random)].sorted()
      let width = [extreme(&random), 1, 3, .max].randomElement(using: &random)!.magnitude
      cases.append((ends[0]...ends[1], max(1, Int64(clamping: width)), extreme(&random)))
    }
    let store = try Store.create(at: path, StoreOptions(blockSize: 4096, blockCount: 32), replacing: true)
    let writer = try store.recordWriter(for: "s", of: Single.self)
    let times = Set((0..<400).map { _ in extreme(&random) } + [.min, .max]).sorted()
    for time in times { try writer.append(Single(value: 1), at: time) }
    try writer.close()

    func starts(_ range: ClosedRange<Int64>, _ width: Int128, _ origin: Int64) -> [Int64: UInt64] {
      var counts: [Int128: UInt64] = [:]
      for time in times where range.contains(time) {
        let within = (Int128(time) - Int128(origin)) % width
        counts[Int128(time) - (within < 0 ? within + width : within), default: 0] += 1
      }
      // The least that there is where a span begins before it.
      return Dictionary(uniqueKeysWithValues: counts.map { (Int64(clamping: $0.key), $0.value) })
    }
    for (range, width, origin) in cases {
      let spans = try store.aggregates(of: "value", in: "s", during: range, every: width, from: origin).spans
      let expected = starts(range, Int128(width), origin)
      #expect(
        spans.map(\.start) == expected.keys.sorted() && spans.allSatisfy { $0.count == expected[$0.start] },
        "seed \(seed): \(range) every \(width) from \(origin)")
      // As many spans as were asked for, and no more, also where one is wider than an Int64.
      let count = Int.random(in: 1...5, using: &random)
      let distance = Int128(range.upperBound) - Int128(range.lowerBound)
      let peaks = try store.peaks(of: "value", in: "s", during: range, spans: count).spans
      let dots = starts(range, distance / Int128(count) + 1, range.lowerBound)
      #expect(
        peaks.count <= count && peaks.map(\.start) == dots.keys.sorted()
          && peaks.allSatisfy { $0.count == dots[$0.start] }, "seed \(seed): \(count) spans of \(range)")
    }
  }

  private struct Single: Record {
    var value: Int64
  }
}
