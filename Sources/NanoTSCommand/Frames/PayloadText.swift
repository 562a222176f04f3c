import NanoTSRecords

/// Payloads as people read them: the fields by name where the segment's metadata names them, text as it is with control
/// characters escaped, anything else as hexadecimal digits.
enum PayloadText {
  typealias Fields = [(name: String, value: FieldValue)]

  static func append(_ payload: [UInt8], _ fields: Fields?, to line: inout [UInt8]) {
    if let fields {
      for (index, field) in fields.enumerated() {
        if index > 0 { line.append(UInt8(ascii: " ")) }
        PrintableText.append(field.name.utf8, to: &line)
        line.append(UInt8(ascii: "="))
        append(field.value, to: &line)
      }
    } else if (try? UTF8Span(validating: payload.span)) != nil {
      PrintableText.append(payload, to: &line)
    } else {
      // The mark tells bytes from text that looks like them.
      line.append(contentsOf: "0x".utf8)
      PrintableText.appendHex(payload, to: &line)
    }
  }

  static func append(_ value: FieldValue, to line: inout [UInt8]) {
    switch value {
    case .integer(let number): line.append(contentsOf: String(number).utf8)
    case .unsigned(let number): line.append(contentsOf: String(number).utf8)
    case .single(let number): line.append(contentsOf: String(number).utf8)
    case .real(let number): line.append(contentsOf: String(number).utf8)
    case .boolean(let value): line.append(contentsOf: (value ? "true" : "false").utf8)
    case .text(let text): PrintableText.append(text.utf8, to: &line)
    }
  }
}
