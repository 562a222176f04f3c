import NanoTSRecords

/// Fields as a JSON object, in the order of the layout.
enum FieldsJSON {
  static func append(_ fields: PayloadText.Fields, to line: inout [UInt8]) {
    line.append(UInt8(ascii: "{"))
    for (index, field) in fields.enumerated() {
      if index > 0 { line.append(UInt8(ascii: ",")) }
      JSONText.append(field.name.utf8, to: &line)
      line.append(UInt8(ascii: ":"))
      switch field.value {
      case .real(let value) where !value.isFinite: line.append(contentsOf: "null".utf8)
      case .single(let value) where !value.isFinite: line.append(contentsOf: "null".utf8)
      case .text(let text): JSONText.append(text.utf8, to: &line)
      default: PayloadText.append(field.value, to: &line)
      }
    }
    line.append(UInt8(ascii: "}"))
  }
}
