import NanoTS
import NanoTSRecords

/// One stream that is being recorded: how to read it, its writer, and what has been written so far.
final class RecordedStream {
  let stream: MachineStream
  let rate: Double

  private let store: Store
  private let compression: Compression?
  /// Nil while the machine has nothing of the kind, such as after its last disk was taken away.
  private var reading: (any MachineReading)?
  private var writer: Writer?
  /// The record, used again for each sample.
  private var words: [UInt64] = []

  private(set) var frames: UInt64 = 0
  private(set) var bytes: UInt64 = 0
  private(set) var late: UInt64 = 0
  var skipped: UInt64 = 0

  /// Nil where the machine has nothing of the kind.
  init?(_ stream: MachineStream, in store: Store, rate: Double, compression: Compression? = nil, text: Span<UInt8>)
    throws
  {
    self.stream = stream
    self.rate = rate
    self.store = store
    self.compression = compression
    try startSegment(text)
    guard reading != nil else { return nil }
  }

  func sample(_ text: Span<UInt8>, at timestamp: Int64, isLate: Bool) throws {
    if reading?.fill(&words, from: text) != true {
      try startSegment(text)
      guard reading?.fill(&words, from: text) == true else { return }
    }
    // Words have no padding, so every byte of them has a value.
    let record = words
    try writer?.append(unsafe record.span.bytes, at: timestamp)
    frames += 1
    bytes += UInt64(words.count * MemoryLayout<UInt64>.size)
    if isLate { late += 1 }
  }

  func close() throws {
    try writer?.close()
    writer = nil
  }

  /// A layout holds for a segment: where the machine has changed, the next segment begins.
  private func startSegment(_ text: Span<UInt8>) throws {
    try close()
    reading = stream.reading(of: text)
    guard let reading else { return }
    words = [UInt64](repeating: 0, count: reading.wordCount)
    let layout = LayoutDocument(
      source: stream.path, rateHz: rate, ticksPerSecond: stream.ticksPerSecond, layout: reading.layout)
    // A clock that steps back must not end the recording: such frames follow the last one.
    writer = try store.writer(
      for: stream.rawValue, metadata: layout.metadata,
      options: WriterOptions(outOfOrder: .clamp, compression: compression))
  }
}
