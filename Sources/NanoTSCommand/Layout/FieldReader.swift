/// Reads the fields of packed records by name, by the layout in their segment's metadata.
///
/// Metadata is whatever somebody wrote into the file, so nothing in it is believed: numbers that overflow, or more fields
/// than any machine has, make it no layout at all, and a field is read only where the record is long enough.
struct FieldReader {
  enum Value: Equatable {
    case integer(UInt64)
    case real(Double)
  }

  private struct Field {
    let name: String
    let type: RecordLayout.FieldType
    let offset: Int
  }

  private static let mostFields = 1 << 16

  private var fields: [Field] = []
  private var byteCount = 0

  init?(metadata: String) {
    guard let layout = RecordLayout(metadata: metadata) else { return nil }
    for item in layout.layout {
      switch item {
      case .field(let field):
        guard add(field, named: field.name, at: 0) else { return nil }
      case .group(let group):
        guard add(group) else { return nil }
      }
    }
    guard !fields.isEmpty else { return nil }
  }

  /// The fields of one record in the order of the layout, or nil where the record is shorter than its layout.
  func fields(of record: [UInt8]) -> [(name: String, value: Value)]? {
    guard record.count >= byteCount else { return nil }
    return fields.map { field in
      var bits: UInt64 = 0
      for index in (0..<RecordLayout.FieldType.byteCount).reversed() {
        bits = bits << 8 | UInt64(record[field.offset + index])
      }
      switch field.type {
      case .u64: return (field.name, .integer(bits))
      case .f64: return (field.name, .real(Double(bitPattern: bits)))
      }
    }
  }

  private mutating func add(_ group: RecordLayout.Group) -> Bool {
    guard (0...Self.mostFields).contains(group.count), group.labels.map({ $0.count == group.count }) ?? true else {
      return false
    }
    for index in 0..<group.count {
      let (distance, overflows) = group.stride.multipliedReportingOverflow(by: index)
      let (offset, sumOverflows) = group.offset.addingReportingOverflow(distance)
      guard !overflows, !sumOverflows else { return false }
      let label = group.labels?[index] ?? "\(group.name)\(index)"
      for field in group.fields {
        guard add(field, named: "\(label).\(field.name)", at: offset) else { return false }
      }
    }
    return true
  }

  private mutating func add(_ field: RecordLayout.Field, named name: String, at base: Int) -> Bool {
    let (offset, overflows) = base.addingReportingOverflow(field.offset)
    let (end, endOverflows) = offset.addingReportingOverflow(RecordLayout.FieldType.byteCount)
    guard !overflows, !endOverflows, offset >= 0, fields.count < Self.mostFields else { return false }
    fields.append(Field(name: name, type: field.type, offset: offset))
    byteCount = max(byteCount, end)
    return true
  }
}
