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
package struct LayoutDocument: Codable, Equatable {
  package struct Field: Codable, Equatable {
    package var name: String
    package var type: String
    /// Of a text.
    package var byteCount: Int?
    package var unit: String?
    package var offset: Int

    package init(name: String, type: String, byteCount: Int? = nil, unit: String?, offset: Int) {
      (self.name, self.type, self.byteCount, self.unit, self.offset) = (name, type, byteCount, unit, offset)
    }
  }

  package struct Group: Codable, Equatable {
    package var name: String
    package var count: Int
    package var stride: Int
    package var offset: Int
    package var labels: [String]?
    package var fields: [Field]

    package init(name: String, count: Int, stride: Int, offset: Int, labels: [String]?, fields: [Field]) {
      (self.name, self.count, self.stride, self.offset) = (name, count, stride, offset)
      (self.labels, self.fields) = (labels, fields)
    }
  }

  package enum Item: Equatable {
    case field(Field)
    case group(Group)
  }

  /// The only order there is.
  package static let littleEndian = "little"

  package var byteOrder = Self.littleEndian
  package var byteCount: Int?
  /// What was recorded, and how: for people.
  package var source: String?
  package var rateHz: Double?
  /// How many of the unit "ticks" make a second, where that unit occurs.
  package var ticksPerSecond: Int?
  package var layout: [Item]

  package init(
    byteCount: Int? = nil, source: String? = nil, rateHz: Double? = nil, ticksPerSecond: Int? = nil, layout: [Item]
  ) {
    (self.byteCount, self.source, self.rateHz) = (byteCount, source, rateHz)
    (self.ticksPerSecond, self.layout) = (ticksPerSecond, layout)
  }

  /// Nil where `metadata` is anything else: other writers' segments say what they like.
  package init?(metadata: String) {
    guard metadata.utf8.first == UInt8(ascii: "{"),
      let document = try? JSONDecoder().decode(LayoutDocument.self, from: Data(metadata.utf8)),
      document.byteOrder == Self.littleEndian
    else { return nil }
    self = document
  }

  /// The text that `init(metadata:)` reads. Numbers and strings are always encoded, but for a rate that is no number.
  package var metadata: String {
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

  package init(from decoder: any Decoder) throws {
    let isGroup = try decoder.container(keyedBy: Key.self).contains(.fields)
    self = isGroup ? .group(try LayoutDocument.Group(from: decoder)) : .field(try LayoutDocument.Field(from: decoder))
  }

  package func encode(to encoder: any Encoder) throws {
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
  fileprivate func repeated(atMost limit: Int) -> [RecordField]? {
    guard count >= 0, count <= limit, fields.count <= limit, count * fields.count <= limit,
      labels.map({ $0.count == count }) ?? true
    else { return nil }
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
