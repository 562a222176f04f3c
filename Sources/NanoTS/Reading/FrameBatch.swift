/// Consecutive frames of one block, seen as columns: timestamps, and equal-sized payloads as values.
///
/// For aggregates and arrays: nothing is done for each frame. Valid as a `Frame` is; every function checks that the
/// block was not recycled and throws `.overwritten` otherwise.
public struct FrameBatch {
  let window: BlockWindow
  let firstSlot: Int
  /// The number of frames, at least 1.
  public let count: Int

  /// The ordinal of the first frame; the others follow one by one.
  public var firstOrdinal: UInt64 { window.ordinal(firstSlot) }

  /// The frame at `index`, below `count`. Throws `.overwritten` or `.corrupt`.
  public func frame(at index: Int) throws(NanoTSError) -> Frame {
    precondition(index >= 0 && index < count, "index out of range")
    guard let frame = window.frame(firstSlot + index) else { throw failure() }
    return frame
  }

  /// Calls `body` with the timestamps in order. Throws `.overwritten`. O(1) besides `body`.
  public func withTimestamps<R>(_ body: (StridedView<Int64>) -> R) throws(NanoTSError) -> R {
    // Entries grow down: a later frame's entry lies one entry size lower. Bound: both ends are entries of the window.
    let base = unsafe window.indexTop - (firstSlot + 1) * window.entrySize
    return try unsafe checked(body(StridedView(base: base, stride: -window.entrySize, count: count)))
  }

  /// The length that every payload of the batch has, or nil when they differ. O(1) when the whole block is equal-sized,
  /// else O(count).
  public func uniformByteCount() throws(NanoTSError) -> Int? {
    let length = window.entry(firstSlot).length
    // A block's header says it of all its frames, while the block lives; of a chunked one, few are looked at.
    let isUniform =
      (window.chunks == nil && Int(window.header.uniformLength.relaxed) == length)
      || (firstSlot..<(firstSlot + count)).allSatisfy { window.entry($0).length == length }
    return try checked(isUniform ? length : nil)
  }

  /// Calls `body` with the payloads as values of `type`, or with the values that lie `offset` bytes behind each payload's
  /// start, without a copy.
  ///
  /// Throws `.invalidArgument` when the payloads differ in size, end before a value does, or `offset` is negative; `.corrupt`
  /// when they do not lie as the format says, `.overwritten` when the block was recycled meanwhile.
  public func withValues<T: BitwiseCopyable, R>(
    as type: T.Type, at offset: Int = 0, _ body: (StridedView<T>) -> R
  ) throws(NanoTSError) -> R {
    guard let length = try uniformByteCount() else {
      throw NanoTSError(.invalidArgument, "the batch's payloads differ in size; read them frame by frame")
    }
    guard offset >= 0, offset <= length, length - offset >= MemoryLayout<T>.size else {
      throw NanoTSError(
        .invalidArgument,
        "the batch's payloads have \(length) bytes; the value asked for needs \(MemoryLayout<T>.size)"
          + (offset == 0 ? "" : " from byte \(offset) on"))
    }
    let stride = length.roundedUp(to: 8)
    let first = window.entry(firstSlot)
    let last = window.entry(firstSlot + count - 1)
    // Payloads are dense: the distance between the outer two decides where all of them lie. Bound: both were checked to
    // lie among the payloads with this length, whatever the header's hint says.
    guard first.liesWithin(BlockWindow.payloadsFrom, window.payloadEnd), first.offset & 7 == 0,
      last.liesWithin(BlockWindow.payloadsFrom, window.payloadEnd), first.length == length, last.length == length,
      Int(last.offset) - Int(first.offset) == (count - 1) * stride
    else { throw failure() }
    return try unsafe checked(
      body(StridedView(base: window.start + Int(first.offset) + offset, stride: stride, count: count)))
  }

  private func checked<R>(_ result: R) throws(NanoTSError) -> R {
    guard window.life.isStill(window.lifeGeneration) else { throw overwritten }
    return result
  }

  private var overwritten: NanoTSError {
    if let failure = unsafe GuardedMapping.failure(at: window.start) { return failure }
    let reason =
      Generation.isOdd(window.lifeGeneration)
      ? "lay in memory of their reader's, which has brought others there since; use a batch before going on"
      : "were recycled while they were read"
    return NanoTSError(
      .overwritten, "\(count) frames from ordinal \(firstOrdinal) \(reason)",
      missedFrames: UInt64(count))
  }

  private func failure() -> NanoTSError {
    guard window.life.isStill(window.lifeGeneration) else { return overwritten }
    return NanoTSError(
      .corrupt, "block \(window.block): the index entries from ordinal \(firstOrdinal) on contradict its bounds")
  }
}

extension Cursor {
  /// Takes the frames from `next`'s on, to the end of the present block or to the last one at or before `last`, as one
  /// batch, and steps behind them. Nil when `next` would return nil or a frame after `last`; the cursor is then before
  /// that frame.
  ///
  /// Throws as `next`. O(log frames of a block). Checksums are not verified.
  public mutating func nextBatch(through last: Int64 = .max) throws(NanoTSError) -> FrameBatch? {
    guard let frame = try next() else { return nil }
    let first = upcoming - 1
    guard frame.timestamp <= last else {
      (upcoming, standing) = (first, 0)
      return nil
    }
    // Of a chunked block, as far as the chunk goes.
    bringRest(from: first)
    let window = window!
    let end = last == .max ? window.readyEnd : window.lowerBound(after: last, from: first)
    guard window.life.isStill(window.lifeGeneration) else {
      (upcoming, standing) = (first, 0)
      return try nextBatch(through: last)
    }
    upcoming = max(end, first + 1)
    return FrameBatch(window: window, firstSlot: first, count: upcoming - first)
  }
}
