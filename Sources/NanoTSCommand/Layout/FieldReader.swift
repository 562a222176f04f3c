import NanoTSRecords

/// Reads the fields of records by name, by the layout in their segment's metadata.
struct FieldReader {
  let layout: RecordLayout

  /// Nil where `metadata` is no layout.
  init?(metadata: String) {
    guard let layout = RecordLayout(metadata: metadata) else { return nil }
    self.layout = layout
  }

  /// The fields of one record in the order of the layout, or nil where the record is shorter than its layout.
  func fields(of record: [UInt8]) -> [(name: String, value: FieldValue)]? {
    guard record.count >= layout.byteCount else { return nil }
    return unsafe record.withUnsafeBytes { bytes in
      layout.fields.map { field in unsafe (field.name, field.value(in: bytes)!) }
    }
  }
}
