import NanoTS

/// Writes frames as lines: time, stream and payload for people, or one JSON object a line for programs.
///
/// The JSON is written by hand: JSONEncoder takes 7 µs a frame and puts keys in alphabetical order, and this is the one
/// place of the command where both matter.
struct FrameLine {
  enum Form {
    case text
    case hex
    case json(isHex: Bool)
  }

  private let form: Form
  private var streams: [String] = []
  /// The streams' names ready to print: padded to one width for text, quoted for JSON.
  private var names: [[UInt8]] = []
  private var times: TimeText
  private var layouts: [SegmentLayout] = []

  init(_ form: Form, streams: [String], times: TimeText) {
    self.form = form
    self.times = times
    add(streams)
  }

  /// More streams: their numbers follow on those that are there.
  mutating func add(_ more: [String]) {
    streams += more
    layouts += more.map { _ in SegmentLayout() }
    if case .json = form {
      names = streams.map { JSONText.quoted($0) }
    } else {
      let printable = streams.map { PrintableText.string($0) }
      let width = printable.map(\.count).max() ?? 0
      names = printable.map { Array(($0 + String(repeating: " ", count: width - $0.count)).utf8) }
    }
  }

  /// To be called when the stream was made anew: what its segments were before says nothing any more.
  mutating func forgetLayout(of stream: Int) { layouts[stream] = SegmentLayout() }

  /// Appends the line of `frame`, which is of stream number `stream`. Throws before anything is appended.
  mutating func append(_ frame: Frame, of stream: Int, to line: inout [UInt8]) throws(NanoTSError) {
    let payload = try frame.copyBytes()
    let fields = try reader(for: frame, of: stream)?.fields(of: payload)
    switch form {
    case .text: appendText(frame, stream, payload, fields, to: &line)
    case .hex: appendText(frame, stream, payload, nil, to: &line)
    case .json: appendJSON(frame, stream, payload, fields, to: &line)
    }
    line.append(UInt8(ascii: "\n"))
  }

  private mutating func reader(for frame: Frame, of stream: Int) throws(NanoTSError) -> FieldReader? {
    switch form {
    case .hex, .json(isHex: true): return nil
    case .text, .json(isHex: false): break
    }
    return try layouts[stream].reader(for: frame)
  }

  private typealias Fields = PayloadText.Fields

  private mutating func appendText(
    _ frame: Frame, _ stream: Int, _ payload: [UInt8], _ fields: Fields?, to line: inout [UInt8]
  ) {
    times.append(frame.timestamp, to: &line)
    line.append(contentsOf: "  ".utf8)
    line.append(contentsOf: names[stream])
    line.append(contentsOf: "  ".utf8)
    if case .text = form {
      PayloadText.append(payload, fields, to: &line)
    } else {
      PrintableText.appendHex(payload, to: &line)
    }
  }

  private mutating func appendJSON(
    _ frame: Frame, _ stream: Int, _ payload: [UInt8], _ fields: Fields?, to line: inout [UInt8]
  ) {
    line.append(UInt8(ascii: "{"))
    if !times.isRaw {
      line.append(contentsOf: "\"time\":\"".utf8)
      times.append(frame.timestamp, to: &line)
      line.append(contentsOf: "\",".utf8)
    }
    line.append(contentsOf: "\"timestamp\":\(frame.timestamp),\"key\":\(frame.key),\"flags\":\(frame.flags)".utf8)
    line.append(contentsOf: ",\"stream\":".utf8)
    line.append(contentsOf: names[stream])
    line.append(contentsOf: ",\"ordinal\":\(frame.ordinal),".utf8)
    if let fields {
      line.append(contentsOf: "\"fields\":".utf8)
      FieldsJSON.append(fields, to: &line)
    } else if case .json(isHex: false) = form, (try? UTF8Span(validating: payload.span)) != nil {
      line.append(contentsOf: "\"data\":".utf8)
      JSONText.append(payload, to: &line)
    } else {
      line.append(contentsOf: "\"hex\":\"".utf8)
      PrintableText.appendHex(payload, to: &line)
      line.append(UInt8(ascii: "\""))
    }
    line.append(UInt8(ascii: "}"))
  }
}
