internal import FoundationEssentials

/// What the payloads of a stream's segment are, as its metadata says.
public enum StreamContent: Hashable, Sendable {
  /// Records of fields.
  case record(RecordLayout)
  /// A JSON text in each payload.
  case json
  /// UTF-8 text in each payload.
  case text
  /// Something that has a media type, such as "image/jpeg".
  case media(String)

  private struct Document: Codable {
    var content: String
  }

  /// Nil where the metadata says nothing that is known: the payloads are bytes.
  public init?(metadata: String) {
    if let layout = RecordLayout(metadata: metadata) {
      self = .record(layout)
      return
    }
    guard metadata.utf8.first == UInt8(ascii: "{"),
      let document = try? JSONDecoder().decode(Document.self, from: Data(metadata.utf8))
    else { return nil }
    switch document.content {
    case "json": self = .json
    case "text": self = .text
    case let type where type.contains("/"): self = .media(type)
    default: return nil
    }
  }

  /// The text to give to a writer as its segment's metadata.
  public var metadata: String {
    switch self {
    case .record(let layout): return layout.metadata
    case .json: return #"{"content":"json"}"#
    case .text: return #"{"content":"text"}"#
    case .media(let type):
      let encoder = JSONEncoder()
      encoder.outputFormatting = .withoutEscapingSlashes
      guard let text = try? encoder.encode(Document(content: type)) else { preconditionFailure("a string is encoded") }
      return String(decoding: text, as: UTF8.self)
    }
  }
}
