/// The value of one field of one record.
public enum FieldValue: Hashable, Sendable {
  case integer(Int64)
  case unsigned(UInt64)
  /// Of an f32, which every Double can say exactly.
  case single(Float)
  case real(Double)
  case boolean(Bool)
  case text(String)

  /// The value as a number for aggregates and plots: nil for text; integers beyond 2^53 are rounded.
  public var number: Double? {
    switch self {
    case .integer(let value): Double(value)
    case .unsigned(let value): Double(value)
    case .single(let value): Double(value)
    case .real(let value): value
    case .boolean(let value): value ? 1 : 0
    case .text: nil
    }
  }
}

extension RecordField {
  /// The value of this field in `record`. Nil when the record ends before the field does.
  public func value(in record: UnsafeRawBufferPointer) -> FieldValue? {
    // Bound: `offset` is not negative and the field's end was computed without overflow when the layout was made.
    guard record.count >= end else { return nil }
    switch type {
    case .i8: return unsafe .integer(Int64(record.loadUnaligned(fromByteOffset: offset, as: Int8.self)))
    case .i16: return unsafe .integer(Int64(record.loadUnaligned(fromByteOffset: offset, as: Int16.self)))
    case .i32: return unsafe .integer(Int64(record.loadUnaligned(fromByteOffset: offset, as: Int32.self)))
    case .i64: return unsafe .integer(record.loadUnaligned(fromByteOffset: offset, as: Int64.self))
    case .u8: return unsafe .unsigned(UInt64(record.loadUnaligned(fromByteOffset: offset, as: UInt8.self)))
    case .u16: return unsafe .unsigned(UInt64(record.loadUnaligned(fromByteOffset: offset, as: UInt16.self)))
    case .u32: return unsafe .unsigned(UInt64(record.loadUnaligned(fromByteOffset: offset, as: UInt32.self)))
    case .u64: return unsafe .unsigned(record.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
    case .f32: return unsafe .single(record.loadUnaligned(fromByteOffset: offset, as: Float.self))
    case .f64: return unsafe .real(record.loadUnaligned(fromByteOffset: offset, as: Double.self))
    case .bool: return unsafe .boolean(record.loadUnaligned(fromByteOffset: offset, as: UInt8.self) != 0)
    case .text:
      let bytes = unsafe UnsafeRawBufferPointer(rebasing: record[offset..<end])
      return unsafe .text(String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self))
    }
  }
}
