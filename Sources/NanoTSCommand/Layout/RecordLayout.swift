import FoundationEssentials

/// What a packed binary record holds, as JSON in the metadata of its segment. `record` writes it and `cat` reads it; so
/// can any program that has a JSON parser.
///
/// ```
/// {"byteOrder":"little","source":"/proc/loadavg","rateHz":1000,
///  "layout":[{"name":"load1","type":"f64","unit":"processes","offset":0}, …]}
/// ```
/// Where the same fields repeat (for each core, interface, disk) they are described once, as a group:
/// ```
/// {"name":"cpu","count":64,"stride":80,"offset":0,"fields":[{"name":"user",…,"offset":0}, …]}
/// ```
/// The n-th repetition begins `n * stride` bytes after the group's offset and is called by its label, or `cpu0`, `cpu1`
/// and so on where there are no labels.
struct RecordLayout: Codable, Equatable {
  enum FieldType: String, Codable {
    case u64
    case f64

    /// Both types are one 8-byte word.
    static let byteCount = 8
  }

  struct Field: Codable, Equatable {
    var name: String
    var type: FieldType
    var unit: String
    var offset: Int
  }

  struct Group: Codable, Equatable {
    var name: String
    var count: Int
    var stride: Int
    var offset: Int
    var labels: [String]?
    var fields: [Field]
  }

  enum Item: Equatable {
    case field(Field)
    case group(Group)
  }

  /// The only order there is.
  static let littleEndian = "little"

  var byteOrder = Self.littleEndian
  var source: String
  var rateHz: Double
  /// How many of the unit "ticks" make a second, where that unit occurs.
  var ticksPerSecond: Int?
  var layout: [Item]

  init(source: String, rateHz: Double, ticksPerSecond: Int?, layout: [Item]) {
    self.source = source
    self.rateHz = rateHz
    self.ticksPerSecond = ticksPerSecond
    self.layout = layout
  }

  /// Nil where `metadata` is anything else: other writers' segments say what they like.
  init?(metadata: String) {
    guard metadata.utf8.first == UInt8(ascii: "{"),
      let layout = try? JSONDecoder().decode(RecordLayout.self, from: Data(metadata.utf8)),
      layout.byteOrder == Self.littleEndian
    else { return nil }
    self = layout
  }

  func metadata() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(self), as: UTF8.self)
  }
}

extension RecordLayout.Item: Codable {
  /// A group is what has `fields`.
  private enum Key: String, CodingKey {
    case fields
  }

  init(from decoder: any Decoder) throws {
    let isGroup = try decoder.container(keyedBy: Key.self).contains(.fields)
    self = isGroup ? .group(try RecordLayout.Group(from: decoder)) : .field(try RecordLayout.Field(from: decoder))
  }

  func encode(to encoder: any Encoder) throws {
    switch self {
    case .field(let field): try field.encode(to: encoder)
    case .group(let group): try group.encode(to: encoder)
    }
  }
}
