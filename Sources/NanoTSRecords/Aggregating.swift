public import NanoTS

/// The aggregates of a field over time.
public struct FieldAggregates: Sendable {
  /// In the order of time; spans without a value are left out.
  public internal(set) var spans: [FieldAggregate] = []
  /// Frames that were recycled, or are damaged, and are in none of them. Damaged ones just behind the range may be among them:
  /// their times are not to be believed.
  public internal(set) var missedFrames: UInt64 = 0
  /// Frames whose segment has no such field.
  public internal(set) var framesWithoutField: UInt64 = 0
}

extension Store {
  /// Count, least, greatest, sum, first and last value of a field for each span of `width` units of time.
  ///
  /// Spans begin at `origin` and at multiples of `width` from it. Without `width` there is one, of all of `range`. Numbers
  /// are added up as `Double`: integers beyond 2^53 are rounded. Frames of other segments than those that have the field are
  /// counted and passed over.
  ///
  /// Throws `.invalidArgument` when `width` is not positive, the field is a text in one of the segments, or payloads of a
  /// segment are not of one size or end before the field does; otherwise as
  /// `Store.cursor(of:options:)`. O(frames in the range), about as fast as they are read, with no copy.
  ///
  /// With `options.verifiesChecksums`, frames that do not match their checksum are in no span and count as missed. Frames are
  /// read one by one then, which takes several times as long; payloads may differ in size.
  public func aggregates(
    of field: String, in stream: String, during range: ClosedRange<Int64>? = nil, every width: Int64? = nil,
    from origin: Int64 = 0, options: CursorOptions = CursorOptions()
  ) throws(NanoTSError) -> FieldAggregates {
    if let width, width <= 0 {
      throw NanoTSError(.invalidArgument, "spans of \(width) units of time: the least is 1")
    }
    let fold = FieldFold(field, stream, during: range, width: width.map(UInt64.init), origin: origin)
    return try folded(fold, during: range, options)
  }

  /// The least and the greatest value of a field, with the first and the last, for each of `count` equal spans of `range`: what a
  /// plot as many dots wide has to show, so that no peak is lost. `options`, errors and time are those of `aggregates`, and
  /// `.invalidArgument` when `count` is not positive.
  public func peaks(
    of field: String, in stream: String, during range: ClosedRange<Int64>, spans count: Int,
    options: CursorOptions = CursorOptions()
  ) throws(NanoTSError) -> FieldAggregates {
    guard count > 0 else { throw NanoTSError(.invalidArgument, "a plot of \(count) spans: the least is 1") }
    // One less than the units of time in the range, which may be one more than a UInt64 says: as is the width of one span of
    // them all.
    let distance = UInt64(bitPattern: range.upperBound &- range.lowerBound)
    let (width, overflows) = (distance / UInt64(count)).addingReportingOverflow(1)
    let fold = FieldFold(field, stream, during: range, width: overflows ? nil : width, origin: range.lowerBound)
    return try folded(fold, during: range, options)
  }

  private func folded(
    _ fold: FieldFold, during range: ClosedRange<Int64>?, _ options: CursorOptions
  ) throws(NanoTSError) -> FieldAggregates {
    var fold = fold
    var cursor = try cursor(of: fold.stream, options: options)
    try cursor.place(before: FramePosition(timestamp: range?.lowerBound ?? .min, key: .min))
    var isOver = false
    while !isOver {
      do throws(NanoTSError) {
        isOver =
          options.verifiesChecksums
          ? try !fold.addFrame(from: &cursor, through: range?.upperBound ?? .max)
          : try !fold.addBatch(from: &cursor, through: range?.upperBound ?? .max)
      } catch {
        // The cursor goes on behind what cannot be read.
        guard [.overwritten, .corrupt, .unsupportedFeature].contains(error.code) else { throw error }
        fold.result.missedFrames += error.missedFrames
      }
    }
    return fold.result
  }
}

/// Takes frames of a stream into aggregates, batch by batch or, since no checksum is verified in a batch, one by one.
private struct FieldFold {
  var result = FieldAggregates()
  private let name: String
  let stream: String
  private let width: UInt64?
  private let origin: Int64
  private let first: Int64
  private var checked = CheckedSegment()
  /// The field in the present segment.
  private var field: RecordField?

  init(_ name: String, _ stream: String, during range: ClosedRange<Int64>?, width: UInt64?, origin: Int64) {
    (self.name, self.stream, self.width) = (name, stream, width)
    self.origin = origin
    first = range?.lowerBound ?? .min
  }

  /// False when there is no frame up to `last`.
  mutating func addFrame(from cursor: inout Cursor, through last: Int64) throws(NanoTSError) -> Bool {
    guard let frame = try cursor.next(), frame.timestamp <= last else { return false }
    try enterSegment(of: frame)
    if let field {
      try add(frame, field)
    } else {
      result.framesWithoutField += 1
    }
    return true
  }

  /// As `addFrame`, with all frames up to `last` that lie in the cursor's block.
  mutating func addBatch(from cursor: inout Cursor, through last: Int64) throws(NanoTSError) -> Bool {
    guard let batch = try cursor.nextBatch(through: last) else { return false }
    try add(batch)
    return true
  }

  private mutating func enterSegment(of frame: Frame) throws(NanoTSError) {
    guard !checked.isSegment(of: frame) else { return }
    field = RecordLayout(metadata: try frame.metadata())?.field(name)
    checked = CheckedSegment(frame)
  }

  private mutating func add(_ frame: Frame, _ field: RecordField) throws(NanoTSError) {
    if case .text = field.type { throw textHasNoAggregates }
    // Bound: the value is copied before the view of the payload ends.
    guard let number = try unsafe frame.withUnsafeBytes({ unsafe field.value(in: $0)?.number }) else {
      throw NanoTSError(
        .invalidArgument,
        "frame \(frame.ordinal) of stream '\(stream)' has \(frame.byteCount) bytes, and its field '\(name)' ends at "
          + "\(field.end); write a segment's frames in the size that its layout says")
    }
    guard !number.isNaN else { return }
    let start = span(of: frame.timestamp).lowerBound
    if result.spans.last?.start != start { result.spans.append(FieldAggregate(start: start)) }
    result.spans[result.spans.count - 1].add(number)
  }

  private mutating func add(_ batch: FrameBatch) throws(NanoTSError) {
    let frame = try batch.frame(at: 0)
    result.missedFrames += frame.missed
    try enterSegment(of: frame)
    guard let field else {
      result.framesWithoutField += UInt64(batch.count)
      return
    }
    let (spans, last) = (result.spans.count, result.spans.last)
    do throws(NanoTSError) {
      try add(batch, field)
    } catch {
      // Recycled while it was read: what was added counts for nothing.
      result.spans.removeLast(max(0, result.spans.count - spans))
      if let last, spans > 0 { result.spans[spans - 1] = last }
      throw error
    }
  }

  private mutating func add(_ batch: FrameBatch, _ field: RecordField) throws(NanoTSError) {
    switch field.type {
    case .i8: try add(batch, field, Int8.self)
    case .i16: try add(batch, field, Int16.self)
    case .i32: try add(batch, field, Int32.self)
    case .i64: try add(batch, field, Int64.self)
    case .u8: try add(batch, field, UInt8.self)
    case .u16: try add(batch, field, UInt16.self)
    case .u32: try add(batch, field, UInt32.self)
    case .u64: try add(batch, field, UInt64.self)
    case .f32: try add(batch, field, Float.self)
    case .f64: try add(batch, field, Double.self)
    case .bool: try add(batch, field, StoredBool.self)
    case .text: throw textHasNoAggregates
    }
  }

  private var textHasNoAggregates: NanoTSError {
    NanoTSError(.invalidArgument, "field '\(name)' of stream '\(stream)' is a text, of which there are no aggregates")
  }

  private mutating func add<T: ColumnNumber>(
    _ batch: FrameBatch, _ field: RecordField, _ type: T.Type
  ) throws(NanoTSError) {
    var times: StridedView<Int64>?
    try batch.withTimestamps { times = $0 }
    let timestamps = times!
    // Bound: both views are of one batch, whose block `withValues` finds alive once the closure is done.
    try batch.withValues(as: type, at: field.offset) { values in
      var index = 0
      while index < timestamps.count {
        let span = span(of: timestamps[index])
        let end = endOfSpan(span, timestamps, from: index)
        if result.spans.last?.start != span.lowerBound {
          result.spans.append(FieldAggregate(start: span.lowerBound))
        }
        result.spans[result.spans.count - 1].add(values, index..<end)
        if result.spans[result.spans.count - 1].count == 0 { result.spans.removeLast() }
        index = end
      }
    }
  }

  /// The timestamps of the span in which `timestamp` lies: of those that there are, where the span goes beyond them. Exact
  /// for all times, widths and origins, since two times are never farther apart than a UInt64 says.
  private func span(of timestamp: Int64) -> ClosedRange<Int64> {
    guard let width else { return first ... .max }
    let back: UInt64
    if timestamp >= origin {
      back = UInt64(bitPattern: timestamp &- origin) % width
    } else {
      let ahead = UInt64(bitPattern: origin &- timestamp) % width
      back = ahead == 0 ? 0 : width - ahead
    }
    let rest = width - 1 - back
    let start = back > UInt64(bitPattern: timestamp &- .min) ? .min : timestamp &- Int64(bitPattern: back)
    let last = rest > UInt64(bitPattern: .max &- timestamp) ? .max : timestamp &+ Int64(bitPattern: rest)
    return start...last
  }

  /// The index behind the last timestamp of `span`, in which the one at `index` lies. O(log distance).
  private func endOfSpan(_ span: ClosedRange<Int64>, _ timestamps: StridedView<Int64>, from index: Int) -> Int {
    guard span.upperBound < .max else { return timestamps.count }
    var (low, step) = (index, 1)
    while low + step < timestamps.count, timestamps[low + step] <= span.upperBound {
      low += step
      step *= 2
    }
    var high = min(low + step, timestamps.count)
    while low + 1 < high {
      let middle = (low + high) / 2
      if timestamps[middle] <= span.upperBound { low = middle } else { high = middle }
    }
    return high
  }
}
