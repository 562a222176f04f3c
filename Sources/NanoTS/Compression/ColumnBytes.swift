/// Memory for the columns of a chunk, which grows to what is needed and is used again.
@safe
final class ColumnBytes {
  /// Bound: all of it is this object's.
  private(set) var bytes = unsafe UnsafeMutableRawBufferPointer(start: nil, count: 0)

  deinit { unsafe bytes.deallocate() }

  /// Sees to room for `count` bytes. What was there is lost when it has to grow.
  func reserve(_ count: Int) {
    guard unsafe count > bytes.count || bytes.baseAddress == nil else { return }
    unsafe bytes.deallocate()
    unsafe bytes = .allocate(byteCount: max(count, 64), alignment: 64)
  }

  /// Bound: the range is within what was reserved, which is checked.
  func part(_ range: Range<Int>) -> UnsafeMutableRawBufferPointer {
    unsafe UnsafeMutableRawBufferPointer(rebasing: bytes[range])
  }

  func filled(_ count: Int) -> UnsafeRawBufferPointer { unsafe UnsafeRawBufferPointer(part(0..<count)) }
}

/// Writes whole numbers in as few bytes as they need, seven bits a byte, low bits first (LEB128).
@safe
struct ColumnWriter {
  private let bytes: UnsafeMutableRawBufferPointer
  private(set) var count = 0

  /// A number takes at most so many bytes.
  static let mostBytes = 10

  init(_ bytes: UnsafeMutableRawBufferPointer) { unsafe self.bytes = bytes }

  @inline(__always)
  mutating func add(_ number: UInt64) {
    var rest = number
    while rest >= 0x80 {
      unsafe bytes[count] = UInt8(truncatingIfNeeded: rest) | 0x80
      count &+= 1
      rest >>= 7
    }
    unsafe bytes[count] = UInt8(truncatingIfNeeded: rest)
    count &+= 1
  }

  /// Small numbers of either sign become small ones without.
  @inline(__always)
  mutating func add(signed number: Int64) { add(UInt64(bitPattern: number << 1) ^ UInt64(bitPattern: number >> 63)) }
}

/// Reads what `ColumnWriter` wrote. Behind the end, and in numbers of more than 64 bits, it reads zeros and says so.
@safe
struct ColumnReader {
  private let bytes: UnsafeRawBufferPointer
  private(set) var place = 0
  private(set) var isWhole = true

  init(_ bytes: UnsafeRawBufferPointer) { unsafe self.bytes = bytes }

  @inline(__always)
  mutating func next() -> UInt64 {
    if unsafe place < bytes.count {
      let first = unsafe bytes[place]
      if first < 0x80 {
        place &+= 1
        return UInt64(first)
      }
    }
    return nextOfMany()
  }

  private mutating func nextOfMany() -> UInt64 {
    var number: UInt64 = 0
    var shift: UInt64 = 0
    while unsafe place < bytes.count, shift < 64 {
      let byte = unsafe bytes[place]
      place &+= 1
      number |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 { return number }
      shift += 7
    }
    isWhole = false
    return 0
  }

  @inline(__always)
  mutating func nextSigned() -> Int64 {
    let number = next()
    return Int64(bitPattern: number >> 1) ^ -Int64(bitPattern: number & 1)
  }
}
