internal import NanoTS

/// Seeking to random timestamps with one cursor. Every seek goes to a frame that is there.
struct SeekWorkload: Workload {
  let name = "seek"
  private static let seeksInSample = 100_000

  func run(_ options: RunOptions, _ scratch: Scratch) throws -> [Comparison] {
    let contenders = try options.allowed([100, 10_000, 1_000_000]).map { blocks in
      let filled = try scratch.filledStore(FilledStore.Shape(blocks: blocks, streams: 1))
      let seeker = try Seeker(filled, seeks: SeekWorkload.seeksInSample)
      return Contender(name: filled.shape.name) { try seeker.run() }
    }
    return [
      try Comparison.interleaved("random timestamps, one cursor", rounds: options.rounds, baseline: false, contenders)
    ]
  }
}

/// A cursor with the timestamps that it is sent to, the same in each run.
final class Seeker {
  private let timestamps: [Int64]
  private var cursor: Cursor

  init(_ filled: FilledStore, seeks: Int) throws {
    var generator = SplitMix64(seed: 20_240_229)
    timestamps = (0..<seeks).map { _ in Int64.random(in: 0..<Int64(filled.framesInStream), using: &generator) }
    cursor = try Store(at: filled.path, .readOnly).cursor(of: FilledStore.streamName(0))
  }

  func run() throws -> Sample {
    var cursor = cursor
    var found = 0
    let sample = try Stopwatch.time(operations: timestamps.count) {
      for timestamp in timestamps where try cursor.seek(to: timestamp)?.timestamp == timestamp { found += 1 }
    }
    self.cursor = cursor
    guard found == timestamps.count else {
      throw BenchmarkError("\(timestamps.count - found) seeks missed their frame")
    }
    return sample
  }
}

/// Steele, Lea and Flood, 2014: the same numbers in every run.
struct SplitMix64: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var word = state
    word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
    word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
    return word ^ (word >> 31)
  }
}
