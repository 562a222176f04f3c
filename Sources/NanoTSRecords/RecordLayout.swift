public import NanoTS

/// One field of a record: a name, a type, a unit, and where in the payload it lies.
public struct RecordField: Hashable, Sendable {
  public let name: String
  public let type: FieldType
  /// Such as "g" or "celsius"; empty where there is none.
  public let unit: String
  /// Bytes from the payload's start.
  public let offset: Int

  /// The offset behind it. Bound: no layout has a field for which this would overflow.
  var end: Int { offset + type.byteCount }

  public init(_ name: String, _ type: FieldType, unit: String = "", offset: Int) {
    self.name = name
    self.type = type
    self.unit = unit
    self.offset = offset
  }
}

extension RecordField: CustomStringConvertible {
  public var description: String { "\(name): \(type)\(unit.isEmpty ? "" : " [\(unit)]") at \(offset)" }
}

/// What the payloads of a stream's segment hold, field by field. It is kept in the segment's metadata, as JSON that
/// <doc:RecordLayouts> describes, so that every program can read it.
public struct RecordLayout: Hashable, Sendable {
  /// In the order in which they are shown; at least one, each with a name of its own.
  public let fields: [RecordField]
  /// Bytes of a payload. It may have more than its fields take.
  public let byteCount: Int

  static let mostFields = 1 << 16

  /// `byteCount`: nil for as many as the fields take.
  ///
  /// Throws `.invalidArgument`, with the field, when there are no fields or more than 65,536, two have one name, or one
  /// lies outside the payload. O(fields).
  public init(_ fields: [RecordField], byteCount: Int? = nil) throws(NanoTSError) {
    guard !fields.isEmpty, fields.count <= RecordLayout.mostFields else {
      throw NanoTSError(
        .invalidArgument,
        "a record layout has \(fields.count) fields; the least is 1 and the most \(RecordLayout.mostFields)")
    }
    var names: Set<String> = []
    var end = 0
    for field in fields {
      let (fieldEnd, overflows) = field.offset.addingReportingOverflow(field.type.byteCount)
      guard field.offset >= 0, !overflows, field.type.byteCount > 0, fieldEnd <= byteCount ?? .max else {
        throw NanoTSError(
          .invalidArgument,
          "field '\(field.name)' of \(field.type.byteCount) bytes at \(field.offset) lies outside the record"
            + (byteCount.map { " of \($0) bytes" } ?? ""))
      }
      guard names.insert(field.name).inserted else {
        throw NanoTSError(
          .invalidArgument, "two fields of a record are called '\(field.name)'; each needs its own name")
      }
      end = max(end, fieldEnd)
    }
    self.fields = fields
    self.byteCount = byteCount ?? end
  }

  /// The field of that name. O(fields).
  public func field(_ name: String) -> RecordField? { fields.first { $0.name == name } }
}

extension RecordLayout: CustomStringConvertible {
  public var description: String {
    "\(byteCount) bytes: " + fields.map(\.description).joined(separator: ", ")
  }
}
