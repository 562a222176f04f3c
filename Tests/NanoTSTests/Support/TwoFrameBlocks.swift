@testable import NanoTS

/// Frames of 1500 bytes, two of which fill a block of 4 KiB: frames 0 and 1 are the stream's first block, and so on. They do
/// not shrink, so that this holds for compressed streams too.
enum TwoFrameBlocks {
  /// The payload tells the frame.
  static func payload(_ time: Int64, of stream: String) -> [UInt8] {
    var random = SeededGenerator(seed: UInt64(bitPattern: time &* 256 &+ Int64(stream.utf8.first ?? 0)))
    return random.bytes(1500)
  }
}

extension Writer {
  func appendHalfBlock(at time: Int64) throws(NanoTSError) {
    try append(TwoFrameBlocks.payload(time, of: stream), at: time)
  }
}

extension Store {
  /// Appends at `times` with a writer of its own.
  func appendHalfBlocks(
    _ times: ClosedRange<Int64>, to stream: String, options: WriterOptions = WriterOptions()
  ) throws(NanoTSError) {
    let writer = try writer(for: stream, options: options)
    for time in times { try writer.appendHalfBlock(at: time) }
    try writer.close()
  }

  /// The timestamps of the stream's frames, each of which was found to be the one that was appended.
  func provenTimes(of stream: String) throws -> [Int64] {
    try contents(of: stream).map { frame in
      let isRight = frame.payload == TwoFrameBlocks.payload(frame.timestamp, of: stream)
      guard isRight else { throw WrongPayload(frame: frame) }
      return frame.timestamp
    }
  }
}

struct WrongPayload: Error {
  let frame: StoredFrame
}
