import FoundationEssentials
import NanoTS
import NanoTSRecords

/// MCAP, which robotics tools read: a channel for each stream. Records are messages in JSON, with a schema from the layout;
/// JSON and other payloads are messages as they are.
struct MCAPExport: FrameExport {
  private let contents: ExportContents
  private var file: MCAPFile
  private var layouts: [SegmentLayout]
  /// Which channels have records.
  private let hasRecords: [Bool]

  init(_ file: ExportFile, _ contents: ExportContents) throws {
    self.contents = contents
    layouts = contents.streams.map { _ in SegmentLayout() }
    hasRecords = contents.streams.indices.map { !contents.layouts(of: $0).isEmpty }
    let channels = contents.streams.indices.map { Self.channel($0, contents) }
    self.file = MCAPFile(
      file, channels: channels, compression: LZ4Frame.isAvailable ? "lz4" : "", compress: LZ4Frame.compress)
  }

  mutating func append(_ frame: Frame, of stream: Int) throws {
    let (time, overflows) = frame.timestamp.multipliedReportingOverflow(
      by: 1_000_000_000 / contents.unit.unitsPerSecond)
    guard !overflows, time >= 0 else {
      throw CommandFailure(
        "the frame at \(frame.timestamp) of stream '\(PrintableText.string(contents.streams[stream]))' cannot be said in MCAP, "
          + "whose times are nanoseconds since 1970; --from leaves it out")
    }
    let payload = try frame.copyBytes()
    try file.append(try message(payload, frame, stream), to: stream, at: UInt64(time))
  }

  mutating func finish() throws { try file.finish() }

  private mutating func message(_ payload: [UInt8], _ frame: Frame, _ stream: Int) throws -> [UInt8] {
    guard hasRecords[stream] else { return payload }
    var message: [UInt8] = []
    if let fields = try layouts[stream].reader(for: frame)?.fields(of: payload) {
      FieldsJSON.append(fields, to: &message)
    } else {
      // Of a segment without a layout beside others that have one.
      message += Array("{\"hex\":\"".utf8)
      PrintableText.appendHex(payload, to: &message)
      message += Array("\"}".utf8)
    }
    return message
  }

  private static func channel(_ stream: Int, _ contents: ExportContents) -> MCAPFile.Channel {
    let name = contents.streams[stream]
    let layouts = contents.layouts(of: stream)
    if !layouts.isEmpty {
      let schema = MCAPFile.Schema(name: name, encoding: "jsonschema", data: Array(jsonSchema(layouts).utf8))
      return MCAPFile.Channel(topic: name, schema: schema, encoding: "json")
    }
    switch contents.contents[stream].first ?? nil {
    case .json:
      let schema = MCAPFile.Schema(name: name, encoding: "jsonschema", data: Array(#"{"type":"object"}"#.utf8))
      return MCAPFile.Channel(topic: name, schema: schema, encoding: "json")
    case .text: return MCAPFile.Channel(topic: name, schema: nil, encoding: "text/plain")
    case .media(let type): return MCAPFile.Channel(topic: name, schema: nil, encoding: type)
    default: return MCAPFile.Channel(topic: name, schema: nil, encoding: "application/octet-stream")
    }
  }

  private struct JSONSchema: Encodable {
    struct Property: Encodable {
      let type: [String]
      let unit: String?
      /// As the layout names it.
      let storedAs: String
    }

    let type = "object"
    let properties: [String: Property]
  }

  private static func jsonSchema(_ layouts: [RecordLayout]) -> String {
    var properties: [String: JSONSchema.Property] = [:]
    for field in layouts.flatMap(\.fields) where properties[field.name] == nil {
      let type =
        switch field.type {
        // NaN and infinities are null.
        case .f32, .f64: ["number", "null"]
        case .bool: ["boolean"]
        case .text: ["string"]
        default: ["integer"]
        }
      properties[field.name] = JSONSchema.Property(
        type: type, unit: field.unit.isEmpty ? nil : field.unit, storedAs: field.type.description)
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    guard let text = try? encoder.encode(JSONSchema(properties: properties)) else {
      preconditionFailure("texts are always encoded")
    }
    return String(decoding: text, as: UTF8.self)
  }
}
