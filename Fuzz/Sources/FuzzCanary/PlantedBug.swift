/// A read behind the end of a buffer, on inputs that begin with a word of four bytes: coverage must lead to it, and the
/// address sanitizer must see it.
enum PlantedBug {
  /// What was read is kept, or nothing would be read. Bound: one thread.
  nonisolated(unsafe) private static var seen: UInt8 = 0

  private static let word: [UInt8] = Array("NTS!".utf8)

  static func read(_ input: UnsafeBufferPointer<UInt8>) -> CInt {
    // One after the other, so that each byte that is right is a step for the fuzzer.
    for (index, byte) in word.enumerated() {
      guard input.count > index, unsafe input[index] == byte else { return 0 }
    }
    let buffer = UnsafeMutablePointer<UInt8>.allocate(capacity: word.count)
    unsafe buffer.initialize(repeating: 0, count: word.count)
    defer { unsafe buffer.deallocate() }
    // The planted bug. There is no bound that would make this right.
    unsafe seen &+= buffer[word.count + input.count]
    return 0
  }
}
