import FuzzKit

/// Decides a model run by the bytes of an input: two for each number that the run asks for.
struct InputChoices: ModelChoices {
  private var input: FuzzInput
  private var asked: UInt64 = 0

  init(_ input: FuzzInput) { self.input = input }

  var isOver: Bool { input.isOver }

  /// The input's number is in the highest bits, by which a range is chosen, and in the lowest, which are taken where any
  /// number will do. Behind the end of the input, where the last step may still ask, the numbers go on by counting: the
  /// standard library asks again until it gets one that it likes.
  mutating func next() -> UInt64 {
    let isOver = input.isOver
    asked &+= 1
    let number = isOver ? asked &* 0x9E37 & 0xFFFF : UInt64(input.byte()) << 8 | UInt64(input.byte())
    return number << 48 | 1 << 47 | number << 16 | number
  }

  mutating func oneIn(_ odds: Int) -> Bool { Int.random(in: 0..<odds, using: &self) == 0 }

  /// A payload is of interest for its length: its bytes only have to differ from those of others.
  mutating func bytes(_ count: Int) -> [UInt8] {
    asked &+= 1
    let first = UInt8(truncatingIfNeeded: asked)
    return unsafe [UInt8](unsafeUninitializedCapacity: count) { bytes, initialized in
      for index in 0..<count { unsafe bytes[index] = first &+ UInt8(truncatingIfNeeded: index) }
      initialized = count
    }
  }
}
