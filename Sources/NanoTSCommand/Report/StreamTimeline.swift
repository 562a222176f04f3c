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
  /// The median of the intervals, to a sixteenth of it. 0 where all frames have one time.
  let usualInterval: UInt64
  /// How many gaps there are, and the longest of them in the order of time.
  let gapCount: UInt64
  let gaps: [Gap]
  let missedFrames: UInt64

  /// Frames that it was told from.
  var frames: UInt64 { counts.reduce(0, +) }

  /// Gaps that are kept: more than a page shows apart.
  static let mostGaps = 256
  /// A gap is at least so many usual intervals long, a power of two.
  static let gapFactor: UInt64 = 8

  /// O(frames).
  init(_ store: Store, _ stream: String, range: ClosedRange<Int64>?, spans: Int) throws {
    self.range = range
    guard let range else {
      (counts, spanWidth, usualInterval, gapCount, gaps, missedFrames) = ([], 1, 0, 0, [], 0)
      return
    }
    let whole = UInt64(bitPattern: range.upperBound &- range.lowerBound)
    let width = whole / UInt64(spans) == .max ? .max : whole / UInt64(spans) + 1
    var counts = Array(repeating: UInt64(0), count: spans)
    var intervals = IntervalHistogram()
    var previous: Int64?
    let frames = try VerifiedFrames(store, stream, in: range)
    while let timestamp = frames.next()?.timestamp {
      counts[min(spans - 1, Int(UInt64(bitPattern: timestamp &- range.lowerBound) / width))] += 1
      if let previous, timestamp > previous { intervals.add(Gap(start: previous, end: timestamp)) }
      previous = timestamp
    }
    if let failure = frames.failure { throw failure }
    missedFrames = frames.missed
    spanWidth = width
    self.counts = counts
    usualInterval = intervals.usual
    gapCount = intervals.gapCount
    gaps = intervals.gaps
  }

  /// The parts of the range between the gaps that are kept.
  var runs: [ClosedRange<Int64>] {
    guard let range else { return [] }
    let starts = [range.lowerBound] + gaps.map(\.end)
    let ends = gaps.map(\.start) + [range.upperBound]
    return zip(starts, ends).map { $0...$1 }
  }
}

/// The intervals between frames in bins, sixteen for each power of two, and the longest of them themselves.
private struct IntervalHistogram {
  private static let stepsForEachPower = 4
  private var counts = Array(repeating: UInt64(0), count: 64 << stepsForEachPower)
  private var longest: [StreamTimeline.Gap] = []
  /// What an interval must exceed to be among the longest.
  private var bar: UInt64 = 0

  /// Below 16 each length has a bin of its own.
  private static func bin(of length: UInt64) -> Int {
    let power = 63 - length.leadingZeroBitCount
    guard power >= stepsForEachPower else { return Int(length) }
    let shift = power - stepsForEachPower
    return (shift + 1) << stepsForEachPower + Int(length >> shift) - 1 << stepsForEachPower
  }

  /// The shortest interval of a bin.
  private static func start(of bin: Int) -> UInt64 {
    let shift = bin >> stepsForEachPower - 1
    guard shift > 0 else { return UInt64(bin) }
    return UInt64(bin & (1 << stepsForEachPower - 1) + 1 << stepsForEachPower) << UInt64(shift)
  }

  mutating func add(_ gap: StreamTimeline.Gap) {
    counts[Self.bin(of: gap.length)] += 1
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

  var usual: UInt64 {
    let half = counts.reduce(0, +) / 2
    var sum: UInt64 = 0
    let bin = counts.firstIndex { count in
      sum += count
      return sum > half
    }
    return bin.map(Self.start) ?? 0
  }

  /// The shortest gap; nil where there can be none. The start of a bin, because the usual interval is one and the factor is
  /// a power of two: so gaps can be counted without knowing at first which interval is usual.
  private var shortestGap: UInt64? {
    let (length, overflows) = usual.multipliedReportingOverflow(by: StreamTimeline.gapFactor)
    return usual > 0 && !overflows ? length : nil
  }

  var gapCount: UInt64 { shortestGap.map { counts[Self.bin(of: $0)...].reduce(0, +) } ?? 0 }

  var gaps: [StreamTimeline.Gap] {
    guard let shortest = shortestGap else { return [] }
    var kept = self
    kept.keepTheLongest()
    return kept.longest.filter { $0.length >= shortest }.sorted { $0.start < $1.start }
  }
}
