/// A position in the text of a /proc file, with the few steps that its lines need. Nothing here allocates, and every read
/// is checked against the end of the text.
struct TextScanner {
  private(set) var position = 0

  private static let space = UInt8(ascii: " ")
  private static let newline = UInt8(ascii: "\n")
  private static let zero = UInt8(ascii: "0")

  func isAtEnd(of text: Span<UInt8>) -> Bool {
    position >= text.count
  }

  private mutating func skipSpaces(in text: Span<UInt8>) {
    while position < text.count, text[position] == Self.space { position += 1 }
  }

  /// The next word of the line: what lies between spaces, with a colon as its end where one comes first.
  mutating func word(in text: Span<UInt8>) -> Range<Int> {
    skipSpaces(in: text)
    let start = position
    while position < text.count {
      let byte = text[position]
      if byte == Self.space || byte == Self.newline || byte == UInt8(ascii: ":") { break }
      position += 1
    }
    let word = start..<position
    if position < text.count, text[position] == UInt8(ascii: ":") { position += 1 }
    return word
  }

  /// The next decimal number of the line, or nil where something else comes. Numbers wrap as the kernel's counters do.
  mutating func number(in text: Span<UInt8>) -> UInt64? {
    skipSpaces(in: text)
    let start = position
    var value: UInt64 = 0
    while position < text.count {
      let digit = text[position] &- Self.zero
      guard digit <= 9 else { break }
      value = value &* 10 &+ UInt64(digit)
      position += 1
    }
    return position > start ? value : nil
  }

  /// Goes past one byte if it is `byte`.
  mutating func skip(_ byte: UInt8, in text: Span<UInt8>) -> Bool {
    guard position < text.count, text[position] == byte else { return false }
    position += 1
    return true
  }

  mutating func skipLine(in text: Span<UInt8>) {
    while position < text.count, text[position] != Self.newline { position += 1 }
    position += 1
  }
}
