/// What one field of a record is: a number of the machine's, in the byte order of the file (little-endian), or a text in a
/// fixed number of bytes.
public enum FieldType: Hashable, Sendable {
  case i8, i16, i32, i64
  case u8, u16, u32, u64
  case f32, f64
  /// One byte: 0 is false, anything else is true.
  case bool
  /// UTF-8 in `byteCount` bytes; what follows the first zero byte is no part of it.
  case text(byteCount: Int)

  /// Bytes that a value takes.
  public var byteCount: Int {
    switch self {
    case .i8, .u8, .bool: 1
    case .i16, .u16: 2
    case .i32, .u32, .f32: 4
    case .i64, .u64, .f64: 8
    case .text(let byteCount): byteCount
    }
  }

  /// As it is written in a stored layout, which has the size of a text beside it.
  var name: String {
    switch self {
    case .i8: "i8"
    case .i16: "i16"
    case .i32: "i32"
    case .i64: "i64"
    case .u8: "u8"
    case .u16: "u16"
    case .u32: "u32"
    case .u64: "u64"
    case .f32: "f32"
    case .f64: "f64"
    case .bool: "bool"
    case .text: "text"
    }
  }

  /// Nil where a later release may know the type, or a text has no size.
  package init?(name: String, byteCount: Int?) {
    let numbers: [FieldType] = [.i8, .i16, .i32, .i64, .u8, .u16, .u32, .u64, .f32, .f64, .bool]
    if let number = numbers.first(where: { $0.name == name }) {
      guard byteCount == nil || byteCount == number.byteCount else { return nil }
      self = number
    } else {
      guard name == "text", let byteCount, (1...FieldType.mostTextBytes).contains(byteCount) else { return nil }
      self = .text(byteCount: byteCount)
    }
  }

  /// More than a payload can have.
  static let mostTextBytes = 1 << 30
}

extension FieldType: CustomStringConvertible {
  public var description: String {
    if case .text(let byteCount) = self { return "text(\(byteCount))" }
    return name
  }
}
