internal import CLimit
internal import Histogram
internal import NanoTS

/// How long each append of 64 B takes where what is written is synced each MiB: one is due each 2 us, which is less than
/// a disk takes in.
///
/// Each append is timed alone (the clock adds about 20 ns), into a histogram of a run. A sample is a quantile of a run. In
/// NanoTS and the C limit one append in 11,900 takes the next block; in the other engines one in 16,384 commits and syncs
/// its batch.
struct LatencyWorkload: Workload {
  let name = "latency"
  private static let percentiles: [(name: String, percent: Double)] = [
    ("p50", 50), ("p99", 99), ("p99.9", 99.9), ("p99.99", 99.99), ("p99.999", 99.999), ("maximum", 100),
  ]
  private static let blockSize = 1 << 20
  private static let blockCount = 64

  var notes: [String] { Engine.notes(\.synced) }

  func run(_ options: RunOptions, _ scratch: Scratch) throws -> [Comparison] {
    let frame = FrameRun(size: 64, count: 1)
    let (blockSize, blockCount) = (LatencyWorkload.blockSize, LatencyWorkload.blockCount)
    let ring = try SyncedRing(at: scratch.path(), blockSize, blockCount, onThread: true)
    let recorder = try SealingRecorder(at: scratch.path(), blockSize, blockCount)
    try ring.fill(frame)
    try recorder.fill(frame)
    let engines = try Engine.all.map { try PacedEngine($0, frame, scratch) }
    let pacers =
      [
        Pacer("C, msync on a thread") { try ring.append(frame, count: 1) },
        Pacer("NanoTS, onSeal") { try recorder.append(frame, 1) },
      ] + engines.map { engine in Pacer(engine.name, prepare: engine.clear) { try engine.append() } }
    _ = try Comparison.interleaved(
      "appends of 64 B, one each 2 us", rounds: options.rounds,
      pacers.map { pacer in Contender(name: pacer.name) { try pacer.run() } })
    try recorder.remove(scratch)
    for engine in engines { try engine.remove() }
    return LatencyWorkload.percentiles.map { percentile in
      Comparison(
        title: "append of 64 B, one each 2 us, synced each MiB: \(percentile.name)",
        series: pacers.map { $0.series(percentile.percent) })
    }
  }
}

/// Appends at a pace, and times each.
private final class Pacer {
  let name: String
  private let prepare: () throws -> Void
  private let append: () throws -> Void
  private var histograms: [Histogram<UInt32>] = []
  private var faults: [UInt64] = []
  private static let paceNanoseconds: UInt64 = 2_000
  private static let appendsInRun = 1_000_000

  init(_ name: String, prepare: @escaping () throws -> Void = {}, append: @escaping () throws -> Void) {
    self.name = name
    self.prepare = prepare
    self.append = append
  }

  func run() throws -> Sample {
    try prepare()
    var histogram = Histogram<UInt32>(highestTrackableValue: 100_000_000_000)
    let before = limit_minor_faults()
    var due = limit_clock()
    for _ in 0..<Pacer.appendsInRun {
      while limit_clock() < due {}
      let start = limit_clock()
      try append()
      let end = limit_clock()
      histogram.record(end - start)
      // Behind its pace, it does not hurry to catch up.
      due = max(due + Pacer.paceNanoseconds, end)
    }
    faults.append(limit_minor_faults() - before)
    histograms.append(histogram)
    return Sample(value: 0, faults: 0)
  }

  /// The percentile of each run but the first, which does not count.
  func series(_ percent: Double) -> Series {
    let samples = histograms.dropFirst().map { Double(percent < 100 ? $0.valueAtPercentile(percent) : $0.max) }
    let faults = faults.dropFirst()
    return Series(
      name: name, samples: samples, fewestFaults: faults.min() ?? 0, mostFaults: faults.max() ?? 0)
  }
}

/// An engine that gets one frame after the other.
private final class PacedEngine {
  var name: String { store.name }
  private let store: EngineStore
  private let frame: FrameRun
  private let path: String
  private let scratch: Scratch
  private var timestamp: Int64 = 0

  init(_ engine: Engine, _ frame: FrameRun, _ scratch: Scratch) throws {
    self.frame = frame
    self.scratch = scratch
    path = scratch.path()
    store = try EngineStore(engine, at: path, capacity: 2 << 30, synced: true)
  }

  func clear() throws {
    try store.clear()
    timestamp = 0
  }

  func append() throws {
    try store.append(frame, from: timestamp)
    timestamp += 1
  }

  func remove() throws {
    try store.close()
    try scratch.remove(path)
  }
}
