import Benchmark
import NanoTS

/// The functions that programs call for each frame, a thousand calls in an iteration.
let benchmarks: @Sendable () -> Void = {
  Benchmark.defaultConfiguration = .init(
    metrics: [.wallClock], warmupIterations: 100, scalingFactor: .kilo, maxDuration: .seconds(1), maxIterations: 10_000,
    thresholds: [.wallClock: .init(relative: [.p90: 25])])

  for size in [16, 64, 4_096] {
    Benchmark("append \(size) B") { (benchmark: Benchmark, hot: HotStore) throws in
      for _ in benchmark.scaledIterations { try hot.append() }
    } setup: {
      try HotStore(frames: HotStore.byteCount / size, size)
    }
  }

  Benchmark("cursor.next") { (benchmark: Benchmark, hot: HotStore) throws in
    var cursor = try hot.cursor()
    for _ in benchmark.scaledIterations { blackHole(try cursor.next()?.timestamp) }
  } setup: {
    try HotStore(frames: 1_000, 64)
  }

  Benchmark("cursor.seek") { (benchmark: Benchmark, hot: HotStore) throws in
    var cursor = try hot.cursor()
    // 7,919 is a prime: the places lie all over the store.
    for step in benchmark.scaledIterations { blackHole(try cursor.seek(to: Int64(step * 7_919 % 100_000))?.timestamp) }
  } setup: {
    try HotStore(frames: 100_000, 64)
  }
}
