public import NanoTS

/// A struct whose values are the payloads of a stream, as they lie in memory.
///
/// ```swift
/// struct Motion: Record {
///   var ax, ay, az: Float
///   var isCalibrated: Bool
///   static let units = ["ax": "g", "ay": "g", "az": "g"]
/// }
/// ```
/// Its layout is the struct's own: stored properties in their order, each where Swift puts it, which for a struct of
/// ``RecordFieldValue``s is the next multiple of its size. A struct with anything else in it has no layout.
///
/// A stored bool may be any byte, and a `Bool` of Swift's is 0 or 1: anything else in its place is undefined behavior.
/// ``RecordCursor`` sees to that. Whoever reads a struct with a `Bool` through `Frame.load(as:)` or `FrameBatch.withValues(as:)`
/// has to know that its writer wrote nothing but 0 and 1, as Swift does; one with a `UInt8` in its place can be read so always.
public protocol Record: BitwiseCopyable, Sendable {
  /// The unit of each field that has one, by the field's name.
  static var units: [String: String] { get }
}

extension Record {
  public static var units: [String: String] { [:] }

  /// The layout of the struct. Throws `.invalidArgument`, with the property, when it has a property of another type than
  /// those of ``RecordFieldValue``, or `units` names a property that it does not have. O(fields); uses reflection.
  public static func layout() throws(NanoTSError) -> RecordLayout {
    var fields: [RecordField] = []
    var end = 0
    for (name, type) in properties {
      guard let name, let type = type as? any RecordFieldValue.Type else {
        throw NanoTSError(
          .invalidArgument,
          "property '\(name ?? "?")' of \(Self.self) is of type \(type), which no record has; use a fixed-size integer, a "
            + "Float, a Double, a Bool or an InlineArray of UInt8")
      }
      let offset = type.roundedUp(end)
      fields.append(RecordField(name, type.fieldType, unit: units[name] ?? "", offset: offset))
      end = offset + type.fieldType.byteCount
    }
    for name in units.keys.sorted() where !fields.contains(where: { $0.name == name }) {
      throw NanoTSError(.invalidArgument, "\(Self.self).units has '\(name)', which is no property of \(Self.self)")
    }
    guard end == MemoryLayout<Self>.size else {
      throw NanoTSError(
        .invalidArgument, "\(Self.self) has \(MemoryLayout<Self>.size) bytes, of which its properties take \(end)")
    }
    return try RecordLayout(fields, byteCount: end)
  }

  /// Names and types of the stored properties, in their order.
  private static var properties: [(name: String?, type: any Any.Type)] {
    // Bound: one value, of zeros. It is only looked at by its type; every type that a record may have takes zeros.
    unsafe withUnsafeTemporaryAllocation(
      byteCount: max(1, MemoryLayout<Self>.size), alignment: MemoryLayout<Self>.alignment
    ) {
      bytes in
      unsafe bytes.initializeMemory(as: UInt8.self, repeating: 0)
      let zeros = unsafe bytes.load(as: Self.self)
      return Mirror(reflecting: zeros).children.map { ($0.label, type(of: $0.value)) }
    }
  }
}

/// A type that a stored property of a ``Record`` may have: the fixed-size integers, Float, Double, Bool, and
/// `InlineArray<count, UInt8>` for text in a fixed number of bytes.
public protocol RecordFieldValue: BitwiseCopyable {
  static var fieldType: FieldType { get }
}

extension RecordFieldValue {
  /// Where a property of this type lies in a struct whose properties before it end at `offset`.
  fileprivate static func roundedUp(_ offset: Int) -> Int {
    let alignment = MemoryLayout<Self>.alignment
    return (offset + alignment - 1) / alignment * alignment
  }
}

extension Int8: RecordFieldValue { public static var fieldType: FieldType { .i8 } }
extension Int16: RecordFieldValue { public static var fieldType: FieldType { .i16 } }
extension Int32: RecordFieldValue { public static var fieldType: FieldType { .i32 } }
extension Int64: RecordFieldValue { public static var fieldType: FieldType { .i64 } }
extension UInt8: RecordFieldValue { public static var fieldType: FieldType { .u8 } }
extension UInt16: RecordFieldValue { public static var fieldType: FieldType { .u16 } }
extension UInt32: RecordFieldValue { public static var fieldType: FieldType { .u32 } }
extension UInt64: RecordFieldValue { public static var fieldType: FieldType { .u64 } }
extension Float: RecordFieldValue { public static var fieldType: FieldType { .f32 } }
extension Double: RecordFieldValue { public static var fieldType: FieldType { .f64 } }
extension Bool: RecordFieldValue { public static var fieldType: FieldType { .bool } }
extension InlineArray: RecordFieldValue where Element == UInt8 {
  public static var fieldType: FieldType { .text(byteCount: count) }
}
