public import NanoTS

/// A record with its place in the stream.
public struct TimedRecord<R: Record>: Sendable {
  public let timestamp: Int64
  public let key: Int64
  public let flags: UInt32
  public let record: R
}

/// Steps through the records of a stream, each of which was said to be an `R` by whoever wrote it.
///
/// Thread rules, and what happens when blocks are recycled, are those of `Cursor`.
public struct RecordCursor<R: Record> {
  private var cursor: Cursor
  private let stream: String
  private let layout: RecordLayout
  private let last: Int64
  private var checked = CheckedSegment()

  init(_ cursor: Cursor, _ stream: String, _ range: ClosedRange<Int64>?) throws(NanoTSError) {
    self.cursor = cursor
    self.stream = stream
    layout = try R.layout()
    last = range?.upperBound ?? .max
    if let range { try self.cursor.place(before: FramePosition(timestamp: range.lowerBound, key: .min)) }
  }

  /// The next record, or nil when there is none yet in the range.
  ///
  /// Throws as `Cursor.next`, and `.layoutMismatch` for a record of a segment that holds something else, with both
  /// layouts; the call after it goes on behind that record. O(1).
  public mutating func next() throws(NanoTSError) -> TimedRecord<R>? {
    guard let frame = try cursor.next() else { return nil }
    guard frame.timestamp <= last else {
      _ = try cursor.previous()
      return nil
    }
    try check(frame)
    return TimedRecord(
      timestamp: frame.timestamp, key: frame.key, flags: frame.flags, record: try frame.load(as: R.self))
  }

  /// The records from `next`'s on that lie in one block, as columns that are not copied; nil when `next` would return nil.
  /// Calls `body` with their timestamps and the records. Throws as `next`; `.overwritten` when the block was recycled while
  /// `body` ran, whose result counts for nothing then.
  public mutating func nextBatch<Result>(
    _ body: (StridedView<Int64>, StridedView<R>) -> Result
  ) throws(NanoTSError) -> Result? {
    guard let batch = try cursor.nextBatch(through: last) else { return nil }
    try check(try batch.frame(at: 0))
    var times: StridedView<Int64>?
    try batch.withTimestamps { times = $0 }
    // Bound: the two views are of one batch, and the inner call checks that its block was not recycled meanwhile.
    return try batch.withValues(as: R.self) { body(times!, $0) }
  }

  private mutating func check(_ frame: Frame) throws(NanoTSError) {
    guard !checked.isSegment(of: frame) else { return }
    let metadata = try frame.metadata()
    let stored = RecordLayout(metadata: metadata)
    guard stored?.fields.map(\.withoutUnit) == layout.fields.map(\.withoutUnit), stored?.byteCount == layout.byteCount
    else {
      throw NanoTSError(
        .layoutMismatch,
        "stream '\(stream)', segment \(frame.segment): \(R.self) is \(layout), but the segment holds "
          + (stored.map(\.description) ?? (metadata.isEmpty ? "bytes without a layout" : "'\(metadata.prefix(200))'")))
    }
    checked = CheckedSegment(frame)
  }
}

extension RecordField {
  /// What decides where a value lies. Units are for people.
  fileprivate var withoutUnit: RecordField { RecordField(name, type, offset: offset) }
}

/// The segment whose layout was looked at last, by block too: a stream that is made anew counts its segments from 0 again.
struct CheckedSegment {
  private var segment: UInt64 = 0
  private var block: UInt64 = 0
  private var isKnown = false

  init() {}

  init(_ frame: Frame) {
    (segment, block, isKnown) = (frame.segment, frame.blockSequence, true)
  }

  func isSegment(of frame: Frame) -> Bool { isKnown && segment == frame.segment && block == frame.blockSequence }
}

extension Store {
  /// A cursor over the records of `stream`, in `range` or all of them.
  ///
  /// Throws as `Store.cursor(of:options:)`, and `.invalidArgument` when `R` has no layout.
  public func records<R: Record>(
    of stream: String, as type: R.Type = R.self, in range: ClosedRange<Int64>? = nil
  ) throws(NanoTSError) -> RecordCursor<R> {
    try RecordCursor(cursor(of: stream), stream, range)
  }
}
