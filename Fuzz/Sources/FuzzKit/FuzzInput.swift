/// The bytes of a fuzzer's input, taken one after the other as numbers. Behind its end there are zeros.
package struct FuzzInput {
  private let bytes: [UInt8]
  private var place = 0

  /// Bound: `start` has `count` readable bytes, as libFuzzer promises.
  package init(_ start: UnsafePointer<UInt8>?, _ count: Int) {
    bytes = unsafe Array(UnsafeBufferPointer(start: start, count: count))
  }

  package var isOver: Bool { place >= bytes.count }

  package mutating func byte() -> UInt8 {
    guard place < bytes.count else { return 0 }
    place += 1
    return bytes[place - 1]
  }

  package mutating func word() -> UInt64 { (0..<8).reduce(0) { $0 | UInt64(byte()) << (8 * UInt64($1)) } }

  package mutating func flag() -> Bool { byte() & 1 == 1 }

  /// One of `0..<count`; `count` is at most 256.
  package mutating func choice(_ count: Int) -> Int { Int(byte()) % count }

  package mutating func element<T>(of choices: [T]) -> T { choices[choice(choices.count)] }

  /// The next `count` bytes, or as many as there are, as an input of its own.
  package mutating func part(_ count: Int) -> FuzzInput {
    let end = min(place + count, bytes.count)
    defer { place = end }
    return FuzzInput(bytes[place..<end])
  }

  private init(_ bytes: ArraySlice<UInt8>) { self.bytes = Array(bytes) }

  /// Everything that was not taken yet.
  package mutating func rest() -> ArraySlice<UInt8> {
    defer { place = bytes.count }
    return bytes[min(place, bytes.count)...]
  }

  /// A number that is likely to hurt, or any, or one beside `old`.
  package mutating func value(near old: UInt64) -> UInt64 {
    let edges: [UInt64] = [
      0, 1, 2, 7, 8, 23, 24, 31, 32, 95, 96, 127, 128, 4088, 4095, 4096, 4097, 8192, 1 << 16, 1 << 30, 1 << 31,
      (1 << 32) - 1, (1 << 32) - 2, 1 << 32, 1 << 62, (1 << 63) - 1, 1 << 63, .max, .max - 1,
    ]
    switch choice(5) {
    case 0: return old &+ UInt64(bitPattern: Int64(Int8(bitPattern: byte())))
    case 1: return UInt64(byte())
    case 2: return element(of: edges)
    case 3: return old ^ 1 << UInt64(byte() & 63)
    default: return word()
    }
  }
}
