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
  /// Where the bools of a record lie: a stored one may be any byte, and Swift's are 0 or 1.
  private let bools: [RecordField]
  private var checked = CheckedSegment()

  init(_ cursor: Cursor, _ stream: String, _ range: ClosedRange<Int64>?) throws(NanoTSError) {
    self.cursor = cursor
    self.stream = stream
    layout = try R.layout()
    bools = layout.fields.filter { $0.type == .bool }
    last = range?.upperBound ?? .max
    if let range { try self.cursor.place(before: FramePosition(timestamp: range.lowerBound, key: .min)) }
  }

  /// The next record, or nil when there is none yet in the range. A bool is true where the stored byte is any but 0.
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
      timestamp: frame.timestamp, key: frame.key, flags: frame.flags, record: try record(of: frame))
  }

  private func record(of frame: Frame) throws(NanoTSError) -> R {
    // A payload that is too short is what `load` refuses.
    guard !bools.isEmpty, frame.byteCount >= MemoryLayout<R>.size else { return try frame.load(as: R.self) }
    return try unsafe frame.withUnsafeBytes { payload in
      unsafe withUnsafeTemporaryAllocation(byteCount: MemoryLayout<R>.size, alignment: MemoryLayout<R>.alignment) {
        copy in
        // Bound: the payload has at least the record's bytes, which was looked at above, and the copy as many. Each bool is
        // one of the record's fields. What is tidied is the copy: a writer may recycle the payload at any time.
        unsafe copy.copyMemory(from: UnsafeRawBufferPointer(rebasing: payload[..<copy.count]))
        for bool in bools { unsafe copy[bool.offset] = unsafe copy[bool.offset] == 0 ? 0 : 1 }
        return unsafe copy.load(as: R.self)
      }
    }
  }

  /// The records from `next`'s on that lie in one block, as columns that are not copied; nil when `next` would return nil.
  /// Calls `body` with their timestamps and the records. Throws as `next`; `.overwritten` when the block was recycled while
  /// `body` ran, whose result counts for nothing then.
  ///
  /// Throws `.invalidArgument` for a batch with a bool whose byte is neither 0 nor 1, which no `Bool` in place can be: `next`
  /// reads those records, from the first of the batch on. Looking for them is O(records * bools); O(log records of a block)
  /// for an `R` without bools.
  public mutating func nextBatch<Result>(
    _ body: (StridedView<Int64>, StridedView<R>) -> Result
  ) throws(NanoTSError) -> Result? {
    guard let batch = try cursor.nextBatch(through: last) else { return nil }
    let first = try batch.frame(at: 0)
    try check(first)
    try checkBools(batch, first)
    var times: StridedView<Int64>?
    try batch.withTimestamps { times = $0 }
    // Bound: the two views are of one batch, and the inner call checks that its block was not recycled meanwhile.
    return try batch.withValues(as: R.self) { body(times!, $0) }
  }

  private mutating func checkBools(_ batch: FrameBatch, _ first: Frame) throws(NanoTSError) {
    for bool in bools {
      let strange = try batch.withValues(as: UInt8.self, at: bool.offset) { bytes in
        bytes.firstIndex { $0 > 1 }.map { (index: $0, byte: bytes[$0]) }
      }
      guard let strange else { continue }
      // No two frames of a stream have one position: `next` comes to the batch's first.
      try cursor.place(before: first.position)
      throw NanoTSError(
        .invalidArgument,
        "stream '\(stream)': '\(bool.name)' of the record with ordinal \(batch.firstOrdinal + UInt64(strange.index)) is the "
          + "byte \(strange.byte), and a Bool in a batch is 0 or 1; read these records one by one, with next()")
    }
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
