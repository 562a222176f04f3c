import FoundationEssentials

/// What `--json` prints in place of a table: one JSON document, its keys in alphabetical order.
enum JSONDocument {
  static func text(_ value: some Encodable) throws -> String {
    try text(value, [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes])
  }

  /// The same in one line.
  static func line(_ value: some Encodable) throws -> String {
    try text(value, [.sortedKeys, .withoutEscapingSlashes])
  }

  private static func text(_ value: some Encodable, _ formatting: JSONEncoder.OutputFormatting) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = formatting
    return String(decoding: try encoder.encode(value), as: UTF8.self) + "\n"
  }
}

/// An optional property that is written as `null` where it has no value, so that every record has the same keys.
@propertyWrapper
struct Nullable<Value: Encodable>: Encodable {
  var wrappedValue: Value?

  init(wrappedValue: Value?) {
    self.wrappedValue = wrappedValue
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    if let wrappedValue {
      try container.encode(wrappedValue)
    } else {
      try container.encodeNil()
    }
  }
}

/// JSON strings, for the lines of `cat`.
enum JSONText {
  /// Appends UTF-8 `bytes` as a JSON string with its quotes.
  static func append(_ bytes: some Sequence<UInt8>, to line: inout [UInt8]) {
    line.append(UInt8(ascii: "\""))
    for byte in bytes {
      switch byte {
      case UInt8(ascii: "\""): line.append(contentsOf: "\\\"".utf8)
      case UInt8(ascii: "\\"): line.append(contentsOf: "\\\\".utf8)
      case UInt8(ascii: "\n"): line.append(contentsOf: "\\n".utf8)
      case UInt8(ascii: "\t"): line.append(contentsOf: "\\t".utf8)
      case 0..<0x20, 0x7F:
        line.append(contentsOf: "\\u00".utf8)
        PrintableText.appendHex([byte], to: &line)
      default: line.append(byte)
      }
    }
    line.append(UInt8(ascii: "\""))
  }

  static func quoted(_ text: String) -> [UInt8] {
    var line: [UInt8] = []
    append(text.utf8, to: &line)
    return line
  }
}
