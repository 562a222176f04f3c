import NanoTS

/// When a stream has frames, from one look at the time of each.
struct StreamTimeline {
  /// An interval between two frames in which others were to be expected.
  struct Gap {
    /// The frame before it.
    let start: Int64
    /// The frame after it.
    let end: Int64

    var length: UInt64 { UInt64(bitPattern: end &- start) }
  }

  /// From the first frame to the last; nil without frames.
  let range: ClosedRange<Int64>?
  /// Frames in each of equal spans of the range.
  let counts: [UInt64]
  /// Units of time in a span.
  let spanWidth: UInt64
  /// An interval that about half of all are shorter than: a power of two. 0 where all frames have one time.
  let usualInterval: UInt64
  /// How many gaps there are, and the longest of them in the order of time.
  let gapCount: UInt64
  let gaps: [Gap]
  let missedFrames: UInt64

  /// Gaps that are kept: more than a page shows apart.
  static let mostGaps = 256
  /// A gap is longer than so many usual intervals.
  static let gapFactor: UInt64 = 8

  /// O(frames).
  init(_ store: Store, _ stream: String, range: ClosedRange<Int64>?, spans: Int) throws {
    self.range = range
    guard let range else {
      (counts, spanWidth, usualInterval, gapCount, gaps, missedFrames) = ([], 1, 0, 0, [], 0)
      return
    }
    let width = UInt64(bitPattern: range.upperBound &- range.lowerBound) / UInt64(spans) + 1
    var counts = Array(repeating: UInt64(0), count: spans)
    var intervals = IntervalHistogram()
    var previous: Int64?
    missedFrames = try Self.read(store, stream) { timestamp in
      guard range.contains(timestamp) else { return }
      counts[Int(UInt64(bitPattern: timestamp &- range.lowerBound) / width)] += 1
      if let previous, timestamp > previous { intervals.add(Gap(start: previous, end: timestamp)) }
      previous = timestamp
    }
    spanWidth = width
    self.counts = counts
    usualInterval = intervals.usual
    gapCount = intervals.gapCount
    gaps = intervals.gaps
  }

  /// Calls `body` with the time of each frame that matches its checksum. Returns how many others there are.
  private static func read(_ store: Store, _ stream: String, _ body: (Int64) -> Void) throws -> UInt64 {
    var cursor = try store.cursor(of: stream, options: CursorOptions(verifiesChecksums: true))
    var missed: UInt64 = 0
    while true {
      do throws(NanoTSError) {
        guard let frame = try cursor.next() else { return missed }
        missed += frame.missed
        body(frame.timestamp)
      } catch {
        // The cursor goes on behind what cannot be read.
        guard [.overwritten, .corrupt, .unsupportedFeature].contains(error.code) else { throw error }
        missed += error.missedFrames
      }
    }
  }

  /// The parts of the range between the gaps that are kept.
  var runs: [ClosedRange<Int64>] {
    guard let range else { return [] }
    let starts = [range.lowerBound] + gaps.map(\.end)
    let ends = gaps.map(\.start) + [range.upperBound]
    return zip(starts, ends).map { $0...$1 }
  }
}

/// The intervals between frames, by powers of two, and the longest of them themselves.
private struct IntervalHistogram {
  private var counts = Array(repeating: UInt64(0), count: 64)
  private var longest: [StreamTimeline.Gap] = []
  /// What an interval must exceed to be among the longest.
  private var bar: UInt64 = 0

  mutating func add(_ gap: StreamTimeline.Gap) {
    counts[63 - gap.length.leadingZeroBitCount] += 1
    guard gap.length > bar else { return }
    longest.append(gap)
    // Twice as many are gathered as are kept: so the sorting costs little for each.
    guard longest.count == 2 * StreamTimeline.mostGaps else { return }
    keepTheLongest()
    bar = longest.last!.length
  }

  private mutating func keepTheLongest() {
    longest.sort { $0.length > $1.length }
    longest.removeLast(max(0, longest.count - StreamTimeline.mostGaps))
  }

  /// The end of the bin that the median is in.
  var usual: UInt64 {
    guard let bin = medianBin else { return 0 }
    return bin < 63 ? 1 << (bin + 1) : .max
  }

  private var medianBin: Int? {
    let half = counts.reduce(0, +) / 2
    var sum: UInt64 = 0
    return counts.firstIndex { count in
      sum += count
      return sum > half
    }
  }

  /// The bin from which on all intervals are gaps: so they can be counted without knowing at first which is usual.
  private var firstGapBin: Int? {
    medianBin.map { $0 + 1 + StreamTimeline.gapFactor.trailingZeroBitCount }.flatMap { $0 < 64 ? $0 : nil }
  }

  var gapCount: UInt64 { firstGapBin.map { counts[$0...].reduce(0, +) } ?? 0 }

  var gaps: [StreamTimeline.Gap] {
    guard let first = firstGapBin else { return [] }
    var kept = self
    kept.keepTheLongest()
    return kept.longest.filter { $0.length >= 1 << first }.sorted { $0.start < $1.start }
  }
}
