internal import NanoTS

/// A writer that goes on in a stream after a crash.
struct Continuation {
  /// What the stream holds now: what was left, and what was appended.
  private(set) var log: FrameLog
  /// The frames that were appended; nil when none was.
  private(set) var appended: Range<UInt64>?

  /// Appends a few frames. That no block may be taken is no failure: all of them may be kept.
  init(
    _ store: Store, _ promise: StreamPromise, _ left: [UInt64], _ clock: inout Int64, _ random: inout SeededRandom
  ) throws {
    let next = try CrashImage.nextOrdinal(of: promise.name, at: store.path, streams: store.statistics().streamCapacity)
    log = FrameLog(of: promise.log, upTo: left.last.map { $0 + 1 } ?? 0, next: next)
    let writer = try store.writer(
      for: promise.name, options: WriterOptions(durability: random.pick([.none, .onSeal, .everyFrame])))
    try append(writer, &clock, &random)
    try writer.close()
  }

  private mutating func append(
    _ writer: Writer, _ clock: inout Int64, _ random: inout SeededRandom
  ) throws(NanoTSError) {
    do throws(NanoTSError) {
      for _ in 0..<random.int(1...6) {
        clock += Int64(random.int(1...3))
        try append(writer, at: clock, byteCount: random.int(0...500))
      }
    } catch  where error.code == .noFreeBlocks {}
  }

  private mutating func append(_ writer: Writer, at timestamp: Int64, byteCount: Int) throws(NanoTSError) {
    let ordinal = log.next
    let entry = log.add(at: timestamp, key: 0, byteCount: byteCount)
    do throws(NanoTSError) {
      try writer.append(entry.payload, at: timestamp, flags: entry.flags)
    } catch {
      log.removeAll(from: ordinal)
      throw error
    }
    appended = (appended?.lowerBound ?? ordinal)..<(ordinal + 1)
  }
}
