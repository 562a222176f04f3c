import Foundation

@testable import NanoTS

/// How stores of tests keep their streams where the test does not say: plain, or with `NANOTS_TEST_CHUNK=n` compressed in
/// chunks of n bytes, so that one suite is run over both.
enum TestCompression {
  static let chosen: Compression =
    ProcessInfo.processInfo.environment["NANOTS_TEST_CHUNK"].flatMap { Int($0) }.map { .lz4(chunkByteCount: $0) }
    ?? .off
}

extension TemporaryDirectory {
  /// A new store of few small blocks.
  func store(
    _ name: String = "a.nts", blockSize: Int = 4096, blocks: Int = 8, initial: Int? = nil, streams: Int = 4,
    compression: Compression = TestCompression.chosen
  ) throws -> Store {
    try Store.create(
      at: path(name),
      StoreOptions(
        blockSize: blockSize, blockCount: blocks, initialBlockCount: initial, streamCapacity: streams,
        compression: compression))
  }

  /// The same for tests that count on what fits into a block, or change bytes of its index.
  func plainStore(
    _ name: String = "a.nts", blockSize: Int = 4096, blocks: Int = 8, initial: Int? = nil, streams: Int = 4
  ) throws -> Store {
    try store(
      name, blockSize: blockSize, blocks: blocks, initial: initial, streams: streams, compression: .off)
  }
}

/// Everything that a frame carries, as values that can be compared.
struct StoredFrame: Equatable, CustomStringConvertible {
  var timestamp: Int64
  var key: Int64 = 0
  var flags: UInt32 = 0
  var payload: [UInt8] = []
  var ordinal: UInt64
  var segment: UInt64 = 0
  var wasClamped = false

  init(_ frame: Frame) throws(NanoTSError) {
    timestamp = frame.timestamp
    key = frame.key
    flags = frame.flags
    payload = try frame.copyBytes()
    ordinal = frame.ordinal
    segment = frame.segment
    wasClamped = frame.wasClamped
  }

  init(
    _ timestamp: Int64, key: Int64 = 0, flags: UInt32 = 0, _ payload: [UInt8] = [], ordinal: UInt64,
    segment: UInt64 = 0, wasClamped: Bool = false
  ) {
    self.timestamp = timestamp
    self.key = key
    self.flags = flags
    self.payload = payload
    self.ordinal = ordinal
    self.segment = segment
    self.wasClamped = wasClamped
  }

  var description: String {
    "#\(ordinal) at (\(timestamp), \(key)) segment \(segment) flags \(flags) \(payload.count) bytes"
      + (wasClamped ? " clamped" : "")
  }
}

extension Store {
  /// Every frame of the stream as a cursor finds it; any error of the cursor is thrown.
  func contents(of stream: String) throws(NanoTSError) -> [StoredFrame] {
    var cursor = try cursor(of: stream, options: CursorOptions(verifiesChecksums: true))
    var frames: [StoredFrame] = []
    while let frame = try cursor.next() { frames.append(try StoredFrame(frame)) }
    return frames
  }

  /// The timestamps of every frame of the stream.
  func timestamps(of stream: String) throws(NanoTSError) -> [Int64] { try contents(of: stream).map(\.timestamp) }
}
