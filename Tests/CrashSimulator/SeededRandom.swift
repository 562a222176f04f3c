/// Random words that come again from their seed: splitmix64 (Steele, Lea, Flood 2014).
package struct SeededRandom: RandomNumberGenerator, Sendable {
  private var state: UInt64

  package init(seed: UInt64) { state = seed }

  package mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var word = state
    word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
    word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
    return word ^ (word >> 31)
  }

  /// A number of the range. Cheaper, in a debug build, than the standard library's way.
  package mutating func int(_ range: ClosedRange<Int>) -> Int {
    range.lowerBound + Int(next() % UInt64(range.count))
  }

  /// True once in `odds` times.
  package mutating func oneIn(_ odds: Int) -> Bool { next() % UInt64(odds) == 0 }

  package mutating func pick<T>(_ choices: [T]) -> T { choices[int(0...(choices.count - 1))] }
}
