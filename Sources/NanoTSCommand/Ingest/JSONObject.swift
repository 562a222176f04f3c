/// The members of a JSON object that stands alone on a line (RFC 8259), with numbers as they are written.
///
/// Foundation's decoder is none for this: it gives numbers as Double or as Int64, and what has more digits is another number then.
struct JSONObject {
  enum Value {
    case text([UInt8])
    case number([UInt8])
    case boolean(Bool)
    case null
    /// An object or a list, whose inside was not looked at.
    case nested
  }

  private(set) var members: [(name: String, value: Value)] = []
  private let line: Cell
  private var index = 0

  /// Nil where the line is no JSON object.
  init?(_ line: Cell) {
    self.line = line
    guard takes("{"), readMembers() else { return nil }
    skipSpace()
    guard index == line.count else { return nil }
  }

  private mutating func readMembers() -> Bool {
    if takes("}") { return true }
    repeat {
      skipSpace()
      guard let name = string(), takes(":"), let value = value() else { return false }
      members.append((String(decoding: name, as: UTF8.self), value))
    } while takes(",")
    return takes("}")
  }

  private var byte: UInt8? { index < line.count ? line[index] : nil }

  private mutating func skipSpace() {
    while let byte, byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D { index += 1 }
  }

  /// Passes over `mark` and what is blank before it, if it comes next.
  private mutating func takes(_ mark: Unicode.Scalar) -> Bool {
    skipSpace()
    guard byte == UInt8(ascii: mark) else { return false }
    index += 1
    return true
  }

  private mutating func value() -> Value? {
    skipSpace()
    switch byte {
    case UInt8(ascii: "\""): return string().map { .text($0) }
    case UInt8(ascii: "{"), UInt8(ascii: "["): return skipNested() ? .nested : nil
    case UInt8(ascii: "t"): return takesWord("true") ? .boolean(true) : nil
    case UInt8(ascii: "f"): return takesWord("false") ? .boolean(false) : nil
    case UInt8(ascii: "n"): return takesWord("null") ? .null : nil
    default: return number().map { .number($0) }
    }
  }

  private mutating func takesWord(_ word: String) -> Bool {
    guard line[index...].starts(with: word.utf8) else { return false }
    index += word.utf8.count
    return true
  }

  private mutating func number() -> [UInt8]? {
    let first = index
    if byte == UInt8(ascii: "-") { index += 1 }
    let beginsWithZero = byte == UInt8(ascii: "0")
    let whole = digits()
    guard whole == 1 || (whole > 1 && !beginsWithZero) else { return nil }
    if byte == UInt8(ascii: ".") {
      index += 1
      guard digits() > 0 else { return nil }
    }
    if byte.map({ $0 | 0x20 }) == UInt8(ascii: "e") {
      index += 1
      if byte == UInt8(ascii: "-") || byte == UInt8(ascii: "+") { index += 1 }
      guard digits() > 0 else { return nil }
    }
    return Array(line[first..<index])
  }

  /// Passes over digits, and says how many.
  private mutating func digits() -> Int {
    let first = index
    while let byte, byte &- UInt8(ascii: "0") < 10 { index += 1 }
    return index - first
  }

  /// The UTF-8 of a string. Nil where it is not closed, or what is in it is no text.
  private mutating func string() -> [UInt8]? {
    guard byte == UInt8(ascii: "\"") else { return nil }
    index += 1
    var bytes: [UInt8] = []
    var isASCII = true
    while let byte {
      index += 1
      switch byte {
      case UInt8(ascii: "\""):
        return isASCII || String(validating: bytes, as: UTF8.self) != nil ? bytes : nil
      case UInt8(ascii: "\\"):
        guard let scalar = escaped() else { return nil }
        bytes.append(contentsOf: String(scalar).utf8)
      case 0..<0x20: return nil
      default:
        isASCII = isASCII && byte < 0x80
        bytes.append(byte)
      }
    }
    return nil
  }

  /// What stands behind a backslash.
  private mutating func escaped() -> Unicode.Scalar? {
    guard let byte else { return nil }
    index += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{C}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"):
      guard let unit = hexadecimal() else { return nil }
      guard (0xD800..<0xDC00).contains(unit) else { return Unicode.Scalar(unit) }
      // The first half of a character that UTF-16 writes in two.
      guard takesWord("\\u"), let second = hexadecimal(), (0xDC00..<0xE000).contains(second) else { return nil }
      return Unicode.Scalar(0x10000 + (unit - 0xD800) << 10 + (second - 0xDC00))
    default: return nil
    }
  }

  private mutating func hexadecimal() -> UInt32? {
    let digits = line[index...].prefix(4)
    let isHexadecimal = digits.allSatisfy { Character(Unicode.Scalar($0)).isHexDigit }
    guard digits.count == 4, isHexadecimal else { return nil }
    index += 4
    return UInt32(String(decoding: digits, as: UTF8.self), radix: 16)
  }

  /// Passes over an object or a list, by its brackets alone.
  private mutating func skipNested() -> Bool {
    var depth = 0
    while let byte {
      switch byte {
      case UInt8(ascii: "\""):
        guard string() != nil else { return false }
        continue
      case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
      case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
      default: break
      }
      index += 1
      if depth == 0 { return true }
    }
    return false
  }
}
