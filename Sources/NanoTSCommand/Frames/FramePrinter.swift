import NanoTS

/// Prints frames as lines on stdout, and says on stderr how many were missed before one of them.
final class FramePrinter {
  private let output = StandardOutput()
  private var line: FrameLine
  private var streams: [String]
  /// Per stream, the frames that could not be read and that nobody has been told of yet.
  private var missed: [UInt64]

  init(_ line: FrameLine, streams: [String]) {
    self.line = line
    self.streams = streams
    missed = Array(repeating: 0, count: streams.count)
  }

  /// More streams: their numbers follow on those that are there.
  func add(_ more: [String]) {
    line.add(more)
    streams += more
    missed += more.map { _ in 0 }
  }

  /// See `FrameLine.forgetLayout(of:)`.
  func forgetLayout(of stream: Int) { line.forgetLayout(of: stream) }

  /// Prints the frame, of stream number `stream`, at the latest with the next `flush`. False for a frame that was
  /// recycled meanwhile: it counts as missed.
  @discardableResult
  func print(_ frame: Frame, of stream: Int) throws -> Bool {
    missed[stream] &+= frame.missed
    // What is said about a gap comes between the lines that it lies between, where both go to one terminal.
    if missed[stream] > 0 { try output.flush() }
    do {
      try line.append(frame, of: stream, to: &output.buffer)
    } catch {
      guard error.code == .overwritten else { throw error }
      missed[stream] &+= 1
      return false
    }
    report(stream)
    try output.flushIfFull()
    return true
  }

  /// Frames of a stream that were missed behind the last one that was printed.
  func addMissed(_ count: UInt64, of stream: Int) { missed[stream] &+= count }

  func flush() throws { try output.flush() }

  /// Prints what is left and tells of frames missed at the end.
  func finish() throws {
    try output.flush()
    for stream in streams.indices { report(stream) }
  }

  private func report(_ stream: Int) {
    let count = missed[stream]
    guard count > 0 else { return }
    missed[stream] = 0
    Diagnostics.say(
      "stream '\(PrintableText.string(streams[stream]))': \(NumberText.counted(count, "frame")) missed: recycled or "
        + "damaged before \(count == 1 ? "it" : "they") could be read")
  }
}
