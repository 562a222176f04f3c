import NanoTS

/// Where rows go that were taken: into the store at once, or into memory until all of them were read.
protocol FrameSink: AnyObject {
  /// Takes a frame of the present row. Throws `RowRefusal` when it cannot be stored.
  func append(_ record: UnsafeRawBufferPointer, to stream: String, at timestamp: Int64, key: Int64, line: Int) throws

  /// Everything was appended.
  func finish() throws

  /// Frames that are in the store.
  var stored: UInt64 { get }

  /// The streams that they went to, in the order in which they came.
  var streams: [String] { get }
}

/// Appends to the store, which is made or opened when the first frame comes.
final class StoreSink: FrameSink {
  private let open: () throws -> Store
  private let metadata: String
  private let options: WriterOptions
  private var store: Store?
  private var writers: [String: Writer] = [:]
  /// The one that the frame before went to: most often the next goes there too.
  private var present: Writer?
  private(set) var stored: UInt64 = 0
  private(set) var streams: [String] = []

  init(metadata: String, _ options: WriterOptions, open: @escaping () throws -> Store) {
    (self.metadata, self.options, self.open) = (metadata, options, open)
  }

  func append(_ record: UnsafeRawBufferPointer, to stream: String, at timestamp: Int64, key: Int64, line: Int) throws {
    let writer = try writer(of: stream)
    do throws(NanoTSError) {
      try unsafe writer.append(record, at: timestamp, key: key)
    } catch {
      switch error.code {
      case .outOfOrder, .frameTooLarge: throw RowRefusal(line: line, reason: error.message)
      default: throw error
      }
    }
    stored += 1
  }

  func finish() throws {
    for stream in streams { try writers[stream]!.close() }
    try store?.close()
  }

  private func writer(of stream: String) throws -> Writer {
    if let present, present.stream == stream { return present }
    if let writer = writers[stream] {
      present = writer
      return writer
    }
    let store = try self.store ?? open()
    self.store = store
    let writer = try store.writer(for: stream, metadata: metadata, options: options)
    (writers[stream], present) = (writer, writer)
    streams.append(stream)
    return writer
  }
}

/// Keeps all frames until the last row was read, and stores them then: in the order of their times, or as they came once it
/// is sure that each can be stored.
final class HeldSink: FrameSink {
  private struct Held {
    let timestamp: Int64
    let key: Int64
    let stream: Int
    let bytes: Range<Int>
    let line: Int
  }

  private let sink: StoreSink
  private let sorts: Bool
  /// The last position that a stream has in the store.
  private let lastStored: (String) throws -> FramePosition?
  private var held: [Held] = []
  private var bytes: [UInt8] = []
  private var names: [String] = []
  private var numbers: [String: Int] = [:]
  private var lasts: [FramePosition?] = []

  init(_ sink: StoreSink, sorts: Bool, lastStored: @escaping (String) throws -> FramePosition?) {
    (self.sink, self.sorts, self.lastStored) = (sink, sorts, lastStored)
  }

  var stored: UInt64 { sink.stored }
  var streams: [String] { sink.streams }

  func append(_ record: UnsafeRawBufferPointer, to stream: String, at timestamp: Int64, key: Int64, line: Int) throws {
    let number = try number(of: stream)
    let position = FramePosition(timestamp: timestamp, key: key)
    if let last = lasts[number], !(last < position) {
      throw RowRefusal(
        line: line,
        reason: "its time \(timestamp) is not after \(last.timestamp), the last one of stream "
          + "'\(PrintableText.string(stream))'\(sorts ? " in the store" : "")")
    }
    if !sorts { lasts[number] = position }
    unsafe bytes.append(contentsOf: record)
    held.append(
      Held(
        timestamp: timestamp, key: key, stream: number, bytes: (bytes.count - record.count)..<bytes.count, line: line))
  }

  func finish() throws {
    if sorts { held.sort { ($0.timestamp, $0.key, $0.line) < ($1.timestamp, $1.key, $1.line) } }
    var lasts: [FramePosition?] = Array(repeating: nil, count: names.count)
    for frame in held {
      var position = FramePosition(timestamp: frame.timestamp, key: frame.key)
      // Of equal times the later line comes later.
      if let last = lasts[frame.stream], !(last < position) {
        guard last.key < .max else {
          throw RowRefusal(line: frame.line, reason: "its time and its key \(last.key) are those of another row")
        }
        position = FramePosition(timestamp: last.timestamp, key: last.key + 1)
      }
      lasts[frame.stream] = position
      try unsafe bytes.withUnsafeBytes { bytes in
        try unsafe sink.append(
          UnsafeRawBufferPointer(rebasing: bytes[frame.bytes]), to: names[frame.stream], at: position.timestamp,
          key: position.key, line: frame.line)
      }
    }
    try sink.finish()
  }

  private func number(of stream: String) throws -> Int {
    if let number = numbers[stream] { return number }
    numbers[stream] = names.count
    names.append(stream)
    lasts.append(try lastStored(stream))
    return names.count - 1
  }
}
