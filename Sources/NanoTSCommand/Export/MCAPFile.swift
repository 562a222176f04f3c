/// The records of an MCAP file (mcap.dev, version 0): messages of channels in chunks, with an index behind them.
///
/// ```
/// magic, Header, Chunk { Schema, Channel, Message … }, MessageIndex …, DataEnd,
/// Schema …, Channel …, ChunkIndex …, Statistics, SummaryOffset …, Footer, magic
/// ```
/// A record is an opcode, a length of 8 bytes, and so many bytes. Numbers are little-endian; texts have a length of 4 bytes
/// before them. Checksums that are 0 say nothing; the chunks' are left so, since the engine has checked the frames.
struct MCAPFile {
  struct Schema {
    let name: String
    let encoding: String
    let data: [UInt8]
  }

  struct Channel {
    let topic: String
    /// Nil where the messages are bytes.
    let schema: Schema?
    let encoding: String
  }

  private enum Opcode: UInt8 {
    case header = 1, footer, schema, channel, message, chunk, messageIndex, chunkIndex
    case statistics = 0x0B
    case summaryOffset = 0x0E
    case dataEnd = 0x0F
  }

  private struct ChunkPlace {
    let start: UInt64
    let byteCount: UInt64
    let times: ClosedRange<UInt64>
    let messageIndexes: [(channel: UInt16, offset: UInt64)]
    let indexByteCount: UInt64
    let compressedByteCount: UInt64
    let byteCountBefore: UInt64
  }

  private static let magic: [UInt8] = [0x89] + Array("MCAP0\r\n".utf8)
  private static let chunkByteCount = 1 << 20

  private let file: ExportFile
  private let channels: [Channel]
  private let compression: String
  private let compress: ([UInt8]) throws -> [UInt8]
  /// The records of the present chunk, and of each of its messages the channel, time and place.
  private var chunk: [UInt8] = []
  private var messages: [(channel: Int, time: UInt64, offset: UInt64)] = []
  /// A chunk can be read by itself: it says what the channels of its messages are.
  private var channelsInChunk: Set<Int> = []
  private var messageByteCount = 0
  private var chunks: [ChunkPlace] = []
  private var counts: [UInt64]
  private var sequences: [UInt32]
  private var times: ClosedRange<UInt64>?

  init(
    _ file: ExportFile, channels: [Channel], compression: String, compress: @escaping ([UInt8]) throws -> [UInt8]
  ) {
    (self.file, self.channels, self.compression, self.compress) = (file, channels, compression, compress)
    counts = Array(repeating: 0, count: channels.count)
    sequences = Array(repeating: 0, count: channels.count)
    file.buffer += Self.magic
    var header: [UInt8] = []
    Self.append("", to: &header)
    Self.append("nanots", to: &header)
    Self.append(.header, header, to: &file.buffer)
  }

  /// Appends a message of channel number `channel` at `time`, in nanoseconds.
  mutating func append(_ message: [UInt8], to channel: Int, at time: UInt64) throws {
    if channelsInChunk.insert(channel).inserted { appendChannel(channel, to: &chunk) }
    messages.append((channel, time, UInt64(chunk.count)))
    var record: [UInt8] = []
    record.reserveCapacity(message.count + 22)
    Self.append(UInt16(channel), to: &record)
    Self.append(sequences[channel], to: &record)
    Self.append(time, to: &record)
    Self.append(time, to: &record)
    record += message
    Self.append(.message, record, to: &chunk)
    messageByteCount += record.count + 9
    counts[channel] += 1
    sequences[channel] &+= 1
    times = min(times?.lowerBound ?? time, time)...max(times?.upperBound ?? time, time)
    if messageByteCount >= Self.chunkByteCount { try endChunk() }
  }

  mutating func finish() throws {
    try endChunk()
    // No checksum of the data.
    Self.append(.dataEnd, [0, 0, 0, 0], to: &file.buffer)
    let summary = file.position
    var groups: [(Opcode, UInt64)] = []
    for opcode in [Opcode.schema, .channel, .chunkIndex, .statistics] {
      groups.append((opcode, file.position))
      switch opcode {
      case .schema: for index in channels.indices { appendSchema(index, to: &file.buffer) }
      case .channel: for index in channels.indices { appendChannelAlone(index, to: &file.buffer) }
      case .chunkIndex: for chunk in chunks { appendIndex(of: chunk) }
      default: appendStatistics()
      }
      try file.flushIfFull()
    }
    let offsets = file.position
    for (index, (opcode, start)) in groups.enumerated() {
      let end = index + 1 < groups.count ? groups[index + 1].1 : offsets
      guard end > start else { continue }
      var record: [UInt8] = [opcode.rawValue]
      Self.append(start, to: &record)
      Self.append(end - start, to: &record)
      Self.append(.summaryOffset, record, to: &file.buffer)
    }
    var footer: [UInt8] = []
    Self.append(summary, to: &footer)
    Self.append(offsets, to: &footer)
    Self.append(UInt32(0), to: &footer)
    Self.append(.footer, footer, to: &file.buffer)
    file.buffer += Self.magic
  }

  private mutating func endChunk() throws {
    guard !messages.isEmpty else { return }
    let span = messages.map(\.time).min()!...messages.map(\.time).max()!
    let packed = try compress(chunk)
    var record: [UInt8] = []
    record.reserveCapacity(packed.count + 64)
    Self.append(span.lowerBound, to: &record)
    Self.append(span.upperBound, to: &record)
    Self.append(UInt64(chunk.count), to: &record)
    Self.append(UInt32(0), to: &record)
    Self.append(compression, to: &record)
    Self.append(UInt64(packed.count), to: &record)
    record += packed
    let start = file.position
    Self.append(.chunk, record, to: &file.buffer)
    let indexes = file.position
    var places: [(channel: UInt16, offset: UInt64)] = []
    for (channel, entries) in Dictionary(grouping: messages, by: \.channel).sorted(by: { $0.key < $1.key }) {
      places.append((UInt16(channel), file.position))
      var index: [UInt8] = []
      Self.append(UInt16(channel), to: &index)
      Self.append(UInt32(entries.count * 16), to: &index)
      for entry in entries {
        Self.append(entry.time, to: &index)
        Self.append(entry.offset, to: &index)
      }
      Self.append(.messageIndex, index, to: &file.buffer)
    }
    chunks.append(
      ChunkPlace(
        start: start, byteCount: indexes - start, times: span, messageIndexes: places,
        indexByteCount: file.position - indexes, compressedByteCount: UInt64(packed.count),
        byteCountBefore: UInt64(chunk.count)))
    chunk.removeAll(keepingCapacity: true)
    messages.removeAll(keepingCapacity: true)
    channelsInChunk.removeAll(keepingCapacity: true)
    messageByteCount = 0
    try file.flushIfFull()
  }

  // MARK: Records

  private func appendChannel(_ index: Int, to bytes: inout [UInt8]) {
    appendSchema(index, to: &bytes)
    appendChannelAlone(index, to: &bytes)
  }

  /// Schemas are numbered from 1; 0 is none.
  private func appendSchema(_ index: Int, to bytes: inout [UInt8]) {
    guard let schema = channels[index].schema else { return }
    var record: [UInt8] = []
    Self.append(UInt16(index + 1), to: &record)
    Self.append(schema.name, to: &record)
    Self.append(schema.encoding, to: &record)
    Self.append(UInt32(schema.data.count), to: &record)
    record += schema.data
    Self.append(.schema, record, to: &bytes)
  }

  private func appendChannelAlone(_ index: Int, to bytes: inout [UInt8]) {
    let channel = channels[index]
    var record: [UInt8] = []
    Self.append(UInt16(index), to: &record)
    Self.append(UInt16(channel.schema == nil ? 0 : index + 1), to: &record)
    Self.append(channel.topic, to: &record)
    Self.append(channel.encoding, to: &record)
    Self.append(UInt32(0), to: &record)
    Self.append(.channel, record, to: &bytes)
  }

  private func appendIndex(of chunk: ChunkPlace) {
    var record: [UInt8] = []
    Self.append(chunk.times.lowerBound, to: &record)
    Self.append(chunk.times.upperBound, to: &record)
    Self.append(chunk.start, to: &record)
    Self.append(chunk.byteCount, to: &record)
    Self.append(UInt32(chunk.messageIndexes.count * 10), to: &record)
    for (channel, offset) in chunk.messageIndexes {
      Self.append(channel, to: &record)
      Self.append(offset, to: &record)
    }
    Self.append(chunk.indexByteCount, to: &record)
    Self.append(compression, to: &record)
    Self.append(chunk.compressedByteCount, to: &record)
    Self.append(chunk.byteCountBefore, to: &record)
    Self.append(.chunkIndex, record, to: &file.buffer)
  }

  private func appendStatistics() {
    var record: [UInt8] = []
    Self.append(counts.reduce(0, +), to: &record)
    Self.append(UInt16(channels.count { $0.schema != nil }), to: &record)
    Self.append(UInt32(channels.count), to: &record)
    Self.append(UInt32(0), to: &record)
    Self.append(UInt32(0), to: &record)
    Self.append(UInt32(chunks.count), to: &record)
    Self.append(times?.lowerBound ?? 0, to: &record)
    Self.append(times?.upperBound ?? 0, to: &record)
    Self.append(UInt32(channels.count * 10), to: &record)
    for (index, count) in counts.enumerated() {
      Self.append(UInt16(index), to: &record)
      Self.append(count, to: &record)
    }
    Self.append(.statistics, record, to: &file.buffer)
  }

  private static func append(_ opcode: Opcode, _ record: [UInt8], to bytes: inout [UInt8]) {
    bytes.append(opcode.rawValue)
    append(UInt64(record.count), to: &bytes)
    bytes += record
  }

  private static func append<T: FixedWidthInteger>(_ value: T, to bytes: inout [UInt8]) {
    for byte in 0..<(T.bitWidth / 8) { bytes.append(UInt8(truncatingIfNeeded: value >> T(byte * 8))) }
  }

  private static func append(_ text: String, to bytes: inout [UInt8]) {
    append(UInt32(text.utf8.count), to: &bytes)
    bytes += Array(text.utf8)
  }
}
