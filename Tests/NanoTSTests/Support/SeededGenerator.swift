import Foundation
import TestAgent

/// Random numbers that come again from their seed.
struct SeededGenerator: ModelChoices {
  private var words: SplitMix
  let isOver = false

  init(seed: UInt64) { words = SplitMix(seed: seed) }

  mutating func next() -> UInt64 { words.next() }

  /// True once in `odds` times.
  mutating func oneIn(_ odds: Int) -> Bool { Int.random(in: 0..<odds, using: &self) == 0 }

  mutating func bytes(_ count: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(count + 8)
    while bytes.count < count {
      var word = next()
      for _ in 0..<8 {
        bytes.append(UInt8(truncatingIfNeeded: word))
        word >>= 8
      }
    }
    bytes.removeLast(bytes.count - count)
    return bytes
  }
}

/// The seed of a randomised test: taken from the environment to repeat a run, otherwise new.
enum TestSeed {
  static let fromEnvironment = ProcessInfo.processInfo.environment["NANOTS_TEST_SEED"].flatMap { UInt64($0) }

  static func next() -> UInt64 { fromEnvironment ?? UInt64.random(in: 0...UInt64.max) }
}
