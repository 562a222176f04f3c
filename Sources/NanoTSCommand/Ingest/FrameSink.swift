import NanoTS

/// Where rows go that were taken: into the store at once, or into memory until all of them were read.
protocol FrameSink: AnyObject {
  /// Takes a frame of the present row. Throws `RowRefusal` when it cannot be stored.
  func append(
    _ record: UnsafeRawBufferPointer, to stream: String, at timestamp: Int64, key: Int64, flags: UInt32, line: Int
  ) throws

  /// Everything was appended.
  func finish() throws

  /// Frames that are in the store.
  var stored: UInt64 { get }

  /// Of these, how many have another time than their row said.
  var clamped: UInt64 { get }

  /// How many frames that were in the store, these or older ones, made room.
  var recycled: UInt64 { get }

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
  private(set) var clamped: UInt64 = 0
  private(set) var recycled: UInt64 = 0
  private(set) var streams: [String] = []
  /// Frames that had made room before.
  private var recycledBefore: UInt64 = 0

  init(metadata: String, _ options: WriterOptions, open: @escaping () throws -> Store) {
    (self.metadata, self.options, self.open) = (metadata, options, open)
  }

  func append(
    _ record: UnsafeRawBufferPointer, to stream: String, at timestamp: Int64, key: Int64, flags: UInt32, line: Int
  ) throws {
    let writer = try writer(of: stream)
    do throws(NanoTSError) {
      try unsafe writer.append(record, at: timestamp, key: key, flags: flags)
    } catch {
      switch error.code {
      case .outOfOrder:
        throw Self.outOfOrder(
          line, timestamp, after: writer.last?.timestamp ?? .max, in: store?.timeUnit ?? .nanoseconds, key: key)
      case .frameTooLarge: throw RowRefusal(line: line, reason: error.message)
      default: throw error
      }
    }
    if options.outOfOrder == .clamp, writer.last?.timestamp != timestamp { clamped += 1 }
    stored += 1
  }

  static func outOfOrder(
    _ line: Int, _ timestamp: Int64, after last: Int64, in unit: TimeUnit, key: Int64
  ) -> RowRefusal {
    var times = TimeText(unit: unit, isRaw: false)
    let withKey = timestamp == last ? ", nor is its key \(key)" : ""
    return RowRefusal(
      line: line,
      reason:
        "its time \(times.string(timestamp)) is not after \(times.string(last)), the last one of its stream\(withKey)",
      isOutOfOrder: true)
  }

  func finish() throws {
    for stream in streams { try writers[stream]!.close() }
    guard let store else { return }
    recycled = try store.statistics().reclaimedFrames &- recycledBefore
    try store.close()
  }

  private func openFirst() throws -> Store {
    let store = try open()
    recycledBefore = try store.statistics().reclaimedFrames
    self.store = store
    return store
  }

  private func writer(of stream: String) throws -> Writer {
    if let present, present.stream == stream { return present }
    if let writer = writers[stream] {
      present = writer
      return writer
    }
    let store = try self.store ?? openFirst()
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
    let flags: UInt32
    let stream: Int
    let bytes: Range<Int>
    let line: Int
  }

  private let sink: StoreSink
  private let sorts: Bool
  private let unit: TimeUnit
  /// The last position that a stream has in the store.
  private let lastStored: (String) throws -> FramePosition?
  private var held: [Held] = []
  private var bytes: [UInt8] = []
  private var names: [String] = []
  private var numbers: [String: Int] = [:]
  private var lasts: [FramePosition?] = []

  init(_ sink: StoreSink, sorts: Bool, unit: TimeUnit, lastStored: @escaping (String) throws -> FramePosition?) {
    (self.sink, self.sorts, self.unit, self.lastStored) = (sink, sorts, unit, lastStored)
  }

  var stored: UInt64 { sink.stored }
  var clamped: UInt64 { sink.clamped }
  var recycled: UInt64 { sink.recycled }
  var streams: [String] { sink.streams }

  func append(
    _ record: UnsafeRawBufferPointer, to stream: String, at timestamp: Int64, key: Int64, flags: UInt32, line: Int
  ) throws {
    let number = try number(of: stream)
    let position = FramePosition(timestamp: timestamp, key: key)
    if let last = lasts[number], !(last < position) {
      throw StoreSink.outOfOrder(line, timestamp, after: last.timestamp, in: unit, key: key)
    }
    if !sorts { lasts[number] = position }
    unsafe bytes.append(contentsOf: record)
    held.append(
      Held(
        timestamp: timestamp, key: key, flags: flags, stream: number, bytes: (bytes.count - record.count)..<bytes.count,
        line: line))
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
          key: position.key, flags: frame.flags, line: frame.line)
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
