internal import CLimit
internal import NanoTS

/// How long single appends take while blocks are being synced: by the store's thread, by the append that fills a block, by
/// a caller that flushes, and not at all.
///
/// A full ring of 1 MiB blocks, frames of 2 KiB at a steady pace, as from a recorder: one every 8 us is 256 MB/s. Each
/// append is timed alone (the clock adds about 20 ns); one in 505 is a change of blocks, so that p99.9 is about the median
/// of those. A sample is a quantile of the appends of one run.
struct SyncWorkload: Workload {
  let name = "sync"
  private static let quantiles: [(name: String, part: Double)] = [
    ("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999), ("maximum", 1),
  ]

  func run(_ options: RunOptions, _ scratch: Scratch) throws -> [Comparison] {
    // From 64 blocks on, the store's thread syncs.
    let recorders = [
      try PacedRecorder("onSeal, on the thread (64 blocks)", 64, .onSeal, scratch),
      try PacedRecorder("onSeal, in the append (63 blocks)", 63, .onSeal, scratch),
      try PacedRecorder("none, caller flushes each block", 64, .none, scratch, flushes: true),
      try PacedRecorder("none", 64, .none, scratch),
      try PacedRecorder("interval of 100 ms (64 blocks)", 64, .interval(milliseconds: 100), scratch),
    ]
    var times: [[[Double]]] = Array(repeating: [], count: recorders.count)
    _ = try Comparison.interleaved(
      "appends while blocks are synced", rounds: options.rounds,
      recorders.indices.map { index in
        Contender(name: recorders[index].name) {
          times[index].append(try recorders[index].record())
          return Sample(value: 0, faults: 0)
        }
      })
    for recorder in recorders { try recorder.remove() }
    return SyncWorkload.quantiles.map { quantile in
      // The first run of each is not counted.
      let series = zip(recorders, times).map { recorder, runs in
        Series(
          name: recorder.name, samples: runs.dropFirst().map { Statistics.quantile(quantile.part, of: $0) },
          fewestFaults: 0, mostFaults: 0)
      }
      return Comparison(title: "append of 2 KiB at 256 MB/s, \(quantile.name)", series: series)
    }
  }
}

/// A writer that keeps a pace.
private final class PacedRecorder {
  let name: String
  private let path: String
  private let scratch: Scratch
  private let store: Store
  private let writer: Writer
  private let flushes: Bool
  private var timestamp: Int64 = 0
  private let payload: [UInt8] = Array(repeating: 7, count: 2_048)
  private static let paceNanoseconds: UInt64 = 8_000
  private static let framesInRun = 10_000
  private static let framesInBlock = 505

  init(_ name: String, _ blocks: Int, _ durability: Durability, _ scratch: Scratch, flushes: Bool = false) throws {
    self.name = name
    self.scratch = scratch
    self.flushes = flushes
    path = scratch.path()
    store = try Store.create(at: path, StoreOptions(blockSize: 1 << 20, blockCount: blocks))
    writer = try store.writer(for: "frames", options: WriterOptions(durability: durability))
    for _ in 0..<(blocks * PacedRecorder.framesInBlock) { try append() }
    try writer.flush()
  }

  private func append() throws {
    timestamp += 1
    try writer.append(payload, at: timestamp)
    if flushes, timestamp % Int64(PacedRecorder.framesInBlock) == 0 { try writer.flush() }
  }

  /// Nanoseconds of each append of a run.
  func record() throws -> [Double] {
    var times: [Double] = []
    times.reserveCapacity(PacedRecorder.framesInRun)
    var due = limit_clock()
    for _ in 0..<PacedRecorder.framesInRun {
      while limit_clock() < due {}
      let start = limit_clock()
      try append()
      let end = limit_clock()
      times.append(Double(end - start))
      // Behind its pace, it does not hurry to catch up.
      due = max(due + PacedRecorder.paceNanoseconds, end)
    }
    return times
  }

  func remove() throws {
    try writer.close()
    try store.close()
    try scratch.remove(path)
  }
}
