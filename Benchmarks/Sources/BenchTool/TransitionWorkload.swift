internal import CLimit
internal import NanoTS

/// One block handover, by stores of different sizes: into blocks never used, and in a full ring; and to blocks that the
/// store's thread has prepared (`PreparedHandovers`).
///
/// Each append fills more than half a block of 4 KiB, so each is a handover, and is timed alone (the clock adds about
/// 20 ns). A sample is the median, or the 99th percentile, of the handovers of one run.
struct TransitionWorkload: Workload {
  let name = "transition"
  private static let blockCounts = [100, 10_000, 1_000_000]
  private static let handoversInRun = 2_000

  func run(_ options: RunOptions, _ scratch: Scratch) throws -> [Comparison] {
    let rings = try options.allowed(TransitionWorkload.blockCounts).map { try HandoverRing($0, scratch) }
    let fresh = try compare("fresh blocks", rings, options) { ring in
      try ring.fresh(atMost: TransitionWorkload.handoversInRun)
    }
    Progress.say("filling the rings")
    for ring in rings { try ring.fill() }
    let reclaimed = try compare("reclaim in a full ring", rings, options) { ring in
      try ring.reclaim(TransitionWorkload.handoversInRun)
    }
    for ring in rings { try ring.remove() }
    let handovers = try PreparedHandovers(scratch)
    let pauses = PreparedHandovers.pausesMicroseconds
    let prepared = try compare("prepared by the thread", pauses.map { "after \($0) us" }, options) { index in
      try handovers.run(pauseMicroseconds: pauses[index])
    }
    try handovers.remove(scratch)
    return fresh + reclaimed + prepared
  }

  private func compare(
    _ title: String, _ rings: [HandoverRing], _ options: RunOptions,
    _ run: @escaping (HandoverRing) throws -> [Double]
  ) throws -> [Comparison] {
    try compare(title, rings.map { "\($0.blockCount) blocks" }, options) { try run(rings[$0]) }
  }

  /// Of what `run` gives for the index of each name, the medians and the tails.
  private func compare(
    _ title: String, _ names: [String], _ options: RunOptions, _ run: @escaping (Int) throws -> [Double]
  ) throws -> [Comparison] {
    var tails: [[Double]] = Array(repeating: [], count: names.count)
    let contenders = names.indices.map { index in
      Contender(name: names[index]) {
        let faults = limit_minor_faults()
        let times = try run(index)
        let sample = Sample(value: Statistics.median(times), faults: limit_minor_faults() - faults)
        tails[index].append(Statistics.quantile(0.99, of: times))
        return sample
      }
    }
    let medians = try Comparison.interleaved("\(title), median", rounds: options.rounds, contenders)
    let series = zip(medians.series, tails).map { series, tails in
      // The first tail is of the uncounted run.
      Series(
        name: series.name, samples: Array(tails.dropFirst()), fewestFaults: series.fewestFaults,
        mostFaults: series.mostFaults)
    }
    return [medians, Comparison(title: "\(title), p99", series: series)]
  }
}

/// A store in which every append takes a new block.
final class HandoverRing {
  let blockCount: Int
  private let scratch: Scratch
  private var path: String
  private var store: Store
  private var writer: Writer
  private var freshLeft: Int
  private var timestamp: Int64 = 0
  private let payload: [UInt8] = Array(repeating: 7, count: 2_100)

  init(_ blockCount: Int, _ scratch: Scratch) throws {
    self.blockCount = blockCount
    self.scratch = scratch
    freshLeft = blockCount
    (path, store, writer) = try HandoverRing.make(blockCount, scratch)
  }

  private static func make(_ blockCount: Int, _ scratch: Scratch) throws -> (String, Store, Writer) {
    let path = scratch.path()
    let store = try Store.create(at: path, StoreOptions(blockSize: 4096, blockCount: blockCount))
    return (path, store, try store.writer(for: "frames", options: WriterOptions(durability: .none)))
  }

  /// Nanoseconds of each of at most `count` handovers to blocks never used, in a new store if this one has too few.
  func fresh(atMost count: Int) throws -> [Double] {
    let count = min(count, blockCount)
    if freshLeft < count {
      try remove()
      (path, store, writer) = try HandoverRing.make(blockCount, scratch)
      freshLeft = blockCount
    }
    freshLeft -= count
    return try handovers(count)
  }

  /// Takes every block that was never used.
  func fill() throws {
    _ = try handovers(freshLeft)
    freshLeft = 0
  }

  /// Nanoseconds of each of `count` handovers that recycle the oldest block.
  func reclaim(_ count: Int) throws -> [Double] { try handovers(count) }

  func remove() throws {
    try writer.close()
    try store.close()
    try scratch.remove(path)
  }

  private func handovers(_ count: Int) throws -> [Double] {
    var times: [Double] = []
    times.reserveCapacity(count)
    try unsafe payload.withUnsafeBytes { bytes in
      for _ in 0..<count {
        timestamp += 1
        let start = limit_clock()
        try unsafe writer.append(bytes, at: timestamp)
        times.append(Double(limit_clock() - start))
      }
    }
    return times
  }
}
