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
  private let target: TargetStore
  private let record: RecordShape
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

  init(_ target: TargetStore, _ record: RecordShape, clamps: Bool) {
    (self.target, self.record) = (target, record)
    options = WriterOptions(
      autoReclaim: target.reclaims, outOfOrder: clamps ? .clamp : .reject, compression: target.compression)
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

  /// Makes ready for what was held, of which the store can take everything as it looks; throws `RowRefusal` where one of the
  /// streams is further than what can be read of it: its newest frames may have been freed.
  func prepare(_ streams: [HeldStream], firsts: [FramePosition]) throws {
    do {
      try target.check(streams, record)
    } catch let failure as CommandFailure {
      throw CommandFailure(failure.message + "; nothing was stored")
    }
    guard !streams.isEmpty else { return }
    let store = try openFirst(for: streams)
    do {
      for (stream, first) in zip(streams, firsts) {
        guard let last = try writer(of: stream.name).last, !(last < first) else { continue }
        throw Self.outOfOrder(stream.line, first.timestamp, after: last.timestamp, in: store.timeUnit, key: first.key)
      }
    } catch {
      target.discard(store)
      throw error
    }
  }

  private func openFirst(for streams: [HeldStream]? = nil) throws -> Store {
    let store = try target.open(record, for: streams)
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
    let writer = try store.writer(for: stream, metadata: record.metadata, options: options)
    (writers[stream], present) = (writer, writer)
    streams.append(stream)
    return writer
  }
}

/// Keeps all frames until the last row was read, and stores them then: in the order of their times, or as they came once it
/// is sure that each can be stored.
final class HeldSink: FrameSink {
  private struct Held {
    var position: FramePosition
    let flags: UInt32
    let stream: Int
    let bytes: Range<Int>
    let line: Int
  }

  private let sink: StoreSink
  private let target: TargetStore
  private let sorts: Bool
  /// In the order in which they came.
  private var held: [Held] = []
  private var bytes: [UInt8] = []
  private var names: [String] = []
  private var numbers: [String: Int] = [:]
  private var lasts: [FramePosition?] = []

  init(_ sink: StoreSink, _ target: TargetStore, sorts: Bool) {
    (self.sink, self.target, self.sorts) = (sink, target, sorts)
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
      throw StoreSink.outOfOrder(line, timestamp, after: last.timestamp, in: target.unit, key: key)
    }
    if !sorts { lasts[number] = position }
    unsafe bytes.append(contentsOf: record)
    held.append(
      Held(
        position: position, flags: flags, stream: number, bytes: (bytes.count - record.count)..<bytes.count, line: line)
    )
  }

  func finish() throws {
    // By number where positions are equal: rows come from several files, whose lines begin with 1 each.
    let order = sorts ? held.indices.sorted { (held[$0].position, $0) < (held[$1].position, $1) } : Array(held.indices)
    if sorts { try tellApart(order) }
    try prepare(order)
    for index in order {
      let frame = held[index]
      try unsafe bytes.withUnsafeBytes { bytes in
        try unsafe sink.append(
          UnsafeRawBufferPointer(rebasing: bytes[frame.bytes]), to: names[frame.stream], at: frame.position.timestamp,
          key: frame.position.key, flags: frame.flags, line: frame.line)
      }
    }
    try sink.finish()
  }

  /// Gives frames of equal times keys, so that what came later is later.
  private func tellApart(_ order: [Int]) throws {
    var lasts: [FramePosition?] = Array(repeating: nil, count: names.count)
    for index in order {
      let frame = held[index]
      if let last = lasts[frame.stream], !(last < frame.position) {
        guard last.key < .max else {
          throw RowRefusal(line: frame.line, reason: "its time and its key \(last.key) are those of another row")
        }
        held[index].position = FramePosition(timestamp: last.timestamp, key: last.key + 1)
      }
      lasts[frame.stream] = held[index].position
    }
  }

  private func prepare(_ order: [Int]) throws {
    var streams: [HeldStream?] = Array(repeating: nil, count: names.count)
    var firsts: [FramePosition?] = streams.map { _ in nil }
    for index in order {
      let frame = held[index]
      var stream = streams[frame.stream] ?? HeldStream(name: names[frame.stream], line: frame.line)
      if firsts[frame.stream] == nil { firsts[frame.stream] = frame.position }
      if stream.keyed > 0 || frame.position.key != 0 { stream.keyed += 1 } else { stream.unkeyed += 1 }
      streams[frame.stream] = stream
    }
    // A stream that is known by refused rows alone has no frame.
    try sink.prepare(streams.compactMap(\.self), firsts: firsts.compactMap(\.self))
  }

  /// The last position that a stream has in the store.
  private func lastStored(_ stream: String) throws -> FramePosition? {
    guard let existing = target.existing else { return nil }
    var cursor = try existing.cursor(of: stream)
    return try cursor.last()?.position
  }

  private func number(of stream: String) throws -> Int {
    if let number = numbers[stream] { return number }
    numbers[stream] = names.count
    names.append(stream)
    lasts.append(try lastStored(stream))
    return names.count - 1
  }
}
