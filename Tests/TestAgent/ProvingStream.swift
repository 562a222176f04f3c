public import NanoTS

/// A stream whose every frame proves itself: each 8-byte word of a payload says stream, ordinal, timestamp and its own
/// place, flags and key say the ordinal, and so do the timestamp's low bits.
///
/// Its name, such as "3-small", says all that a reader has to know of it.
public struct ProvingStream: Sendable {
  /// What the payloads look like.
  public enum Shape: String, CaseIterable, Sendable {
    /// One word.
    case word
    /// Two words.
    case pair
    /// Two words, with keys: four frames to a timestamp.
    case keyed
    /// One to eight words, different from frame to frame.
    case small
    /// One to 32 words, different from frame to frame.
    case large
  }

  public let number: UInt64
  public let shape: Shape
  private let salt: UInt64
  /// Ordinals are shifted so far to the right for the timestamp: the bits lost are the key.
  private let keyBits: UInt64

  public init(_ number: UInt64, _ shape: Shape) {
    self.number = number
    self.shape = shape
    salt = (number &+ 1) &* 0xA076_1D64_78BD_642F
    keyBits = shape == .keyed ? 2 : 0
  }

  /// The stream called `name`, if it is one of these.
  public init?(_ name: some StringProtocol) {
    let parts = name.split(separator: "-")
    guard parts.count == 2, let number = UInt64(parts[0]), let shape = Shape(rawValue: String(parts[1])) else {
      return nil
    }
    self.init(number, shape)
  }

  public var name: String { "\(number)-\(shape.rawValue)" }

  // MARK: Payloads

  /// Words in every payload; nil when that differs from frame to frame.
  @inline(__always)
  public var uniformWordCount: Int? {
    switch shape {
    case .word: 1
    case .pair, .keyed: 2
    case .small, .large: nil
    }
  }

  /// Words in the payload of frame `ordinal`.
  @inline(__always)
  public func wordCount(_ ordinal: UInt64) -> Int {
    if let uniformWordCount { return uniformWordCount }
    let hash = ordinal &* 0x9E37_79B9_7F4A_7C15
    return 1 + Int(shape == .small ? hash >> 61 : hash >> 59)
  }

  /// The first word of the frame; the others differ from it by their place.
  @inline(__always)
  public func firstWord(_ ordinal: UInt64, _ timestamp: Int64) -> UInt64 {
    (ordinal &* 0xD6E8_FEB8_6659_FD93) ^ (UInt64(bitPattern: timestamp) &* 0xE703_7ED1_A0B4_28DB) ^ salt
  }

  /// The word at `place` of a frame with that first word.
  @inline(__always)
  public static func word(_ first: UInt64, at place: Int) -> UInt64 { first ^ UInt64(truncatingIfNeeded: place) << 56 }

  /// Adds the payload of the frame to `words`.
  public func addPayload(to words: inout [UInt64], _ ordinal: UInt64, _ timestamp: Int64) {
    let first = firstWord(ordinal, timestamp)
    for place in 0..<wordCount(ordinal) { words.append(ProvingStream.word(first, at: place)) }
  }

  /// True when `bytes` are the payload of that frame and of no other.
  @inline(__always)
  public func isPayload(_ bytes: UnsafeRawBufferPointer, _ ordinal: UInt64, _ timestamp: Int64) -> Bool {
    let count = wordCount(ordinal)
    guard bytes.count == count * 8 else { return false }
    let first = firstWord(ordinal, timestamp)
    var difference: UInt64 = 0
    for place in 0..<count {
      let word = unsafe bytes.loadUnaligned(fromByteOffset: place &* 8, as: UInt64.self)
      difference |= word ^ ProvingStream.word(first, at: place)
    }
    return difference == 0
  }

  // MARK: Stamps

  public static func flags(_ ordinal: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: ordinal) }

  @inline(__always)
  public func key(_ ordinal: UInt64) -> Int64 { Int64(ordinal & ((1 << keyBits) - 1)) }

  /// Timestamps are a clock in milliseconds, shared by all streams of a store so that reclaiming takes from each of
  /// them, above 20 bits of the ordinal.
  private static let ordinalBits: UInt64 = 20
  private static let ordinalMask: UInt64 = (1 << ordinalBits) - 1

  /// The timestamp of frame `ordinal` when the clock says `milliseconds`. Growing when the clock does not go back, and
  /// goes forward wherever `needsNewClock`.
  @inline(__always)
  public func timestamp(_ ordinal: UInt64, at milliseconds: Int64) -> Int64 {
    milliseconds << ProvingStream.ordinalBits | Int64((ordinal >> keyBits) & ProvingStream.ordinalMask)
  }

  /// True at the first frame whose ordinal begins again with zeros in the timestamp.
  func needsNewClock(_ ordinal: UInt64) -> Bool { ordinal & (ProvingStream.ordinalMask << keyBits | 0x3) == 0 }

  /// True where the clock may change: not between two frames of one timestamp.
  func mayChangeClock(_ ordinal: UInt64) -> Bool { ordinal & 0x3F == 0 }

  static func milliseconds(of timestamp: Int64) -> Int64 { timestamp >> ordinalBits }

  /// The ordinal of the frame at `last`, of those from `least` on.
  func ordinal(of last: FramePosition, from least: UInt64) -> UInt64 {
    let width = ProvingStream.ordinalBits + keyBits
    let low = (UInt64(bitPattern: last.timestamp) & ProvingStream.ordinalMask) << keyBits | UInt64(last.key)
    let candidate = (least >> width) << width | low
    return candidate >= least ? candidate : candidate + 1 << width
  }

  /// True when everything but the payload is what this frame must have.
  @inline(__always)
  public func isStamped(_ frame: Frame) -> Bool {
    frame.flags == ProvingStream.flags(frame.ordinal) && frame.key == key(frame.ordinal) && !frame.wasClamped
      && hasOrdinal(frame.ordinal, frame.timestamp)
  }

  /// True when the timestamp's low bits are those of the ordinal.
  @inline(__always)
  public func hasOrdinal(_ ordinal: UInt64, _ timestamp: Int64) -> Bool {
    UInt64(bitPattern: timestamp) & ProvingStream.ordinalMask == (ordinal >> keyBits) & ProvingStream.ordinalMask
  }
}

extension ProvingStream {
  /// True when so many frames in a row, of at most 2^20, can be from one timestamp to the other.
  func isFrameCount(_ count: UInt64, _ first: Int64, _ last: Int64) -> Bool {
    let steps = UInt64(bitPattern: last &- first) & ProvingStream.ordinalMask
    let least = steps == 0 ? 1 : (steps << keyBits) + 2 - (1 << keyBits)
    return (least...((steps + 1) << keyBits)).contains(count)
  }

  /// True when the frame is what it says it is. Its bytes are reached in each of the ways that a `Frame` offers, by turns.
  /// Throws `.overwritten`.
  @inline(__always)
  public func isRight(_ frame: Frame) throws(NanoTSError) -> Bool {
    guard frame.ordinal & 7 != 0 else { return try isRightByAnotherWay(frame) }
    let isPayload = try frame.withBytes { span in
      unsafe span.withUnsafeBytes { unsafe self.isPayload($0, frame.ordinal, frame.timestamp) }
    }
    return isPayload && isStamped(frame)
  }

  @inline(never)
  private func isRightByAnotherWay(_ frame: Frame) throws(NanoTSError) -> Bool {
    let (ordinal, timestamp) = (frame.ordinal, frame.timestamp)
    let isPayload: Bool
    switch (ordinal >> 3) & 3 {
    case 0:
      isPayload = try unsafe frame.copyBytes().withUnsafeBytes { unsafe self.isPayload($0, ordinal, timestamp) }
    case 1:
      isPayload = try frame.load(as: UInt64.self) == firstWord(ordinal, timestamp)
    case 2:
      isPayload = unsafe self.isPayload(frame.unvalidatedBytes, ordinal, timestamp)
      guard frame.isIntact else { throw try Self.expectOverwritten(frame) }
    default:
      isPayload = try unsafe frame.withUnsafeBytes { unsafe self.isPayload($0, ordinal, timestamp) }
    }
    guard ordinal & 0x3FF == 0 else { return isPayload && isStamped(frame) }
    let metadata = try frame.metadata()
    return isPayload && isStamped(frame) && metadata == name
  }

  /// The error that every checked way to the bytes of a frame throws that is not intact.
  private static func expectOverwritten(_ frame: Frame) throws(NanoTSError) -> NanoTSError {
    do throws(NanoTSError) {
      _ = try frame.copyBytes()
    } catch {
      return error
    }
    fatalError("frame \(frame.ordinal) was not intact and then gave its bytes")
  }
}
