/// Bytes from a store made safe for a terminal and for one line: a payload, a name or a metadata string must not be
/// able to move the cursor, break the line or change colours.
enum PrintableText {
  private static let hexDigits = Array("0123456789abcdef".utf8)

  /// Appends UTF-8 `bytes`, with control characters other than the tab written as `\n`, `\r` or `\xNN`.
  static func append(_ bytes: some Sequence<UInt8>, to line: inout [UInt8]) {
    var previous: UInt8 = 0
    for byte in bytes {
      // 0xC2 0x80 to 0xC2 0x9F are the C1 controls; some terminals obey them as they obey ESC.
      if previous == 0xC2, (0x80...0x9F).contains(byte) {
        line.removeLast()
        appendEscape(0xC2, to: &line)
        appendEscape(byte, to: &line)
      } else if byte < 0x20 && byte != UInt8(ascii: "\t") || byte == 0x7F {
        appendEscape(byte, to: &line)
      } else {
        line.append(byte)
      }
      previous = byte
    }
  }

  static func string(_ text: String) -> String {
    var line: [UInt8] = []
    append(text.utf8, to: &line)
    return String(decoding: line, as: UTF8.self)
  }

  static func appendHex(_ bytes: [UInt8], to line: inout [UInt8]) {
    for byte in bytes {
      line.append(hexDigits[Int(byte >> 4)])
      line.append(hexDigits[Int(byte & 0xF)])
    }
  }

  private static func appendEscape(_ byte: UInt8, to line: inout [UInt8]) {
    switch byte {
    case UInt8(ascii: "\n"): line.append(contentsOf: "\\n".utf8)
    case UInt8(ascii: "\r"): line.append(contentsOf: "\\r".utf8)
    default:
      line.append(contentsOf: "\\x".utf8)
      appendHex([byte], to: &line)
    }
  }
}
