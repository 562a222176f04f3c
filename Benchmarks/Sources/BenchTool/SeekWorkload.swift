internal import NanoTS

/// Seeking to random timestamps with one cursor, beside a binary search in C over the same file. Every seek goes to a
/// frame that is there.
struct SeekWorkload: Workload {
  let name = "seek"

  func run(_ options: RunOptions, _ scratch: Scratch) throws -> [Comparison] {
    try SeekWorkload.shapes(options).map { shape in
      let filled = try scratch.filledStore(shape)
      return try Comparison.interleaved(
        "random timestamps, \(shape.name)", rounds: options.rounds,
        try SeekWorkload.contenders(filled, SeekTargets(filled)))
    }
  }

  static func shapes(_ options: RunOptions) -> [FilledStore.Shape] {
    options.allowed([100, 10_000, 1_000_000]).map { FilledStore.Shape(blocks: $0, streams: 1) }
  }

  static func contenders(_ filled: FilledStore, _ targets: SeekTargets) throws -> [Contender] {
    let index = try LimitIndex(filled)
    let seeker = try Seeker(filled)
    return [
      Contender(name: "C, binary search") { try targets.run { index.search(targets.timestamps) } },
      Contender(name: "NanoTS, one cursor") { try targets.run { try seeker.seek(targets.timestamps) } },
    ]
  }
}

/// Timestamps of frames that are there, the same in each run.
struct SeekTargets {
  let timestamps: [Int64]
  private static let count = 100_000

  init(_ filled: FilledStore) {
    var generator = SplitMix64(seed: 20_240_229)
    timestamps = (0..<SeekTargets.count).map { _ in
      Int64.random(in: 0..<Int64(filled.framesInStream), using: &generator)
    }
  }

  /// `seek` returns how many it found.
  func run(_ seek: () throws -> Int) throws -> Sample {
    var found = 0
    let sample = try Stopwatch.time(operations: timestamps.count) { found = try seek() }
    guard found == timestamps.count else {
      throw BenchmarkError("\(timestamps.count - found) seeks missed their frame")
    }
    return sample
  }
}

/// A cursor that goes on from where the run before has left it.
final class Seeker {
  private var cursor: Cursor

  init(_ filled: FilledStore) throws {
    cursor = try Store(at: filled.path, .readOnly).cursor(of: FilledStore.streamName(0))
  }

  func seek(_ timestamps: [Int64]) throws -> Int {
    var cursor = cursor
    var found = 0
    for timestamp in timestamps where try cursor.seek(to: timestamp)?.timestamp == timestamp { found += 1 }
    self.cursor = cursor
    return found
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
