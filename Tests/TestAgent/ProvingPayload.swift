/// Payloads that prove which frame they are: every 8-byte word says stream, ordinal and its own place.
public enum ProvingPayload {
  /// Payload length of the frame: from 8 to 256 bytes, different from frame to frame.
  public static func wordCount(_ ordinal: UInt64) -> Int { 1 + Int((ordinal &* 0x9E37_79B9_7F4A_7C15) >> 59) }

  /// The word at `place` of frame `ordinal` of stream `stream`.
  @inline(__always)
  public static func word(_ stream: UInt64, _ ordinal: UInt64, _ place: Int) -> UInt64 {
    (ordinal &* 0xD6E8_FEB8_6659_FD93) ^ (stream &* 0xA076_1D64_78BD_642F) ^ UInt64(truncatingIfNeeded: place) << 56
  }

  public static func fill(_ words: inout [UInt64], stream: UInt64, ordinal: UInt64) {
    words.removeAll(keepingCapacity: true)
    for place in 0..<wordCount(ordinal) { words.append(word(stream, ordinal, place)) }
  }

  /// True when `bytes` are the payload of that frame and of no other.
  public static func isRight(_ bytes: RawSpan, stream: UInt64, ordinal: UInt64) -> Bool {
    let count = wordCount(ordinal)
    guard bytes.byteCount == count * 8 else { return false }
    for place in 0..<count {
      let word = unsafe bytes.unsafeLoadUnaligned(fromByteOffset: place * 8, as: UInt64.self)
      if word != self.word(stream, ordinal, place) { return false }
    }
    return true
  }

  /// The timestamp of frame `ordinal`: growing, with gaps.
  public static func timestamp(_ ordinal: UInt64) -> Int64 { Int64(ordinal) * 10 + Int64(ordinal % 7) }
}
