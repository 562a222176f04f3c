internal import FoundationEssentials
internal import NanoTS

/// A record layout as it is stored: JSON in the metadata of a segment.
///
/// ```
/// {"byteOrder":"little","byteCount":36,"layout":[{"name":"ax","type":"f32","unit":"g","offset":0}, …]}
/// ```
/// Where the same fields repeat (for each core, interface, disk) they may be described once, as a group:
/// ```
/// {"name":"cpu","count":64,"stride":80,"offset":0,"fields":[{"name":"user",…,"offset":0}, …]}
/// ```
/// The n-th repetition begins `n * stride` bytes behind the group's offset; its fields are called by its label, or `cpu0`,
/// `cpu1` and so on where there are no labels, and then by their own: `cpu0.user`. Other keys are for whoever wrote them.
public struct LayoutDocument: Codable, Equatable {
  public struct Field: Codable, Equatable {
    public var name: String
    public var type: String
    /// Of a text.
    public var byteCount: Int?
    public var unit: String?
    public var offset: Int

    public init(name: String, type: String, byteCount: Int? = nil, unit: String?, offset: Int) {
      (self.name, self.type, self.byteCount, self.unit, self.offset) = (name, type, byteCount, unit, offset)
    }
  }

  public struct Group: Codable, Equatable {
    public var name: String
    public var count: Int
    public var stride: Int
    public var offset: Int
    public var labels: [String]?
    public var fields: [Field]

    public init(name: String, count: Int, stride: Int, offset: Int, labels: [String]?, fields: [Field]) {
      (self.name, self.count, self.stride, self.offset) = (name, count, stride, offset)
      (self.labels, self.fields) = (labels, fields)
    }
  }

  public enum Item: Equatable {
    case field(Field)
    case group(Group)
  }

  /// The only order there is.
  public static let littleEndian = "little"

  public var byteOrder = Self.littleEndian
  public var byteCount: Int?
  /// What was recorded, and how: for people.
  public var source: String?
  public var rateHz: Double?
  /// How many of the unit "ticks" make a second, where that unit occurs.
  public var ticksPerSecond: Int?
  public var layout: [Item]

  public init(
    byteCount: Int? = nil, source: String? = nil, rateHz: Double? = nil, ticksPerSecond: Int? = nil, layout: [Item]
  ) {
    (self.byteCount, self.source, self.rateHz) = (byteCount, source, rateHz)
    (self.ticksPerSecond, self.layout) = (ticksPerSecond, layout)
  }

  /// Nil where `metadata` is anything else: other writers' segments say what they like.
  public init?(metadata: String) {
    guard metadata.utf8.first == UInt8(ascii: "{"),
      let document = try? JSONDecoder().decode(LayoutDocument.self, from: Data(metadata.utf8)),
      document.byteOrder == Self.littleEndian
    else { return nil }
    self = document
  }

  /// The text that `init(metadata:)` reads. Numbers and strings are always encoded, but for a rate that is no number.
  public var metadata: String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    guard let text = try? encoder.encode(self) else { preconditionFailure("a rate of \(rateHz ?? 0) is no number") }
    return String(decoding: text, as: UTF8.self)
  }
}

extension LayoutDocument.Item: Codable {
  /// A group is what has `fields`.
  private enum Key: String, CodingKey {
    case fields
  }

  public init(from decoder: any Decoder) throws {
    let isGroup = try decoder.container(keyedBy: Key.self).contains(.fields)
    self = isGroup ? .group(try LayoutDocument.Group(from: decoder)) : .field(try LayoutDocument.Field(from: decoder))
  }

  public func encode(to encoder: any Encoder) throws {
    switch self {
    case .field(let field): try field.encode(to: encoder)
    case .group(let group): try group.encode(to: encoder)
    }
  }
}

extension RecordLayout {
  /// The layout in a segment's metadata; nil where that says something else, or nothing that can be believed: offsets that
  /// overflow, more fields than a layout has, types of a later release.
  public init?(metadata: String) {
    guard let document = LayoutDocument(metadata: metadata) else { return nil }
    var fields: [RecordField] = []
    for item in document.layout {
      switch item {
      case .field(let field):
        guard let field = RecordField(field, called: field.name, at: 0), fields.count < Self.mostFields else {
          return nil
        }
        fields.append(field)
      case .group(let group):
        guard let repeated = group.repeated(atMost: Self.mostFields - fields.count) else { return nil }
        fields += repeated
      }
    }
    guard let layout = try? RecordLayout(fields, byteCount: document.byteCount) else { return nil }
    self = layout
  }

  /// The text to give to a writer as its segment's metadata.
  public var metadata: String {
    let items = fields.map { field in
      var byteCount: Int?
      if case .text(let count) = field.type { byteCount = count }
      let unit = field.unit.isEmpty ? nil : field.unit
      return LayoutDocument.Item.field(
        .init(name: field.name, type: field.type.name, byteCount: byteCount, unit: unit, offset: field.offset))
    }
    return LayoutDocument(byteCount: byteCount, layout: items).metadata
  }
}

extension RecordField {
  fileprivate init?(_ field: LayoutDocument.Field, called name: String, at base: Int) {
    guard let type = FieldType(name: field.type, byteCount: field.byteCount) else { return nil }
    let (offset, overflows) = base.addingReportingOverflow(field.offset)
    guard !overflows else { return nil }
    self.init(name, type, unit: field.unit ?? "", offset: offset)
  }
}

extension LayoutDocument.Group {
  /// Of all names of a group together.
  private static let mostLetters = 1 << 24

  fileprivate func repeated(atMost limit: Int) -> [RecordField]? {
    guard count >= 0, count <= limit, fields.count <= limit, count * fields.count <= limit,
      labels.map({ $0.count == count }) ?? true
    else { return nil }
    // Each name is kept: a long one may not be copied into thousands.
    let longest = labels?.map(\.utf8.count).max() ?? name.utf8.count + 5
    let letters = fields.reduce(0) { $0 + $1.name.utf8.count + longest }
    guard count == 0 || letters <= Self.mostLetters / count else { return nil }
    var repeated: [RecordField] = []
    for index in 0..<count {
      let (distance, overflows) = stride.multipliedReportingOverflow(by: index)
      let (base, sumOverflows) = offset.addingReportingOverflow(distance)
      guard !overflows, !sumOverflows else { return nil }
      for field in fields {
        let label = labels?[index] ?? "\(name)\(index)"
        guard let field = RecordField(field, called: "\(label).\(field.name)", at: base) else { return nil }
        repeated.append(field)
      }
    }
    return repeated
  }
}
