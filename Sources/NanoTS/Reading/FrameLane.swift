// Public, because the prefetch is inlined into programs' loops.
public import CNanoTS

/// The part of a cursor's place that a step within a block needs, as plain values.
///
/// It is kept apart from the cursor and passed by value, never by address, so that a loop over frames keeps it in
/// registers: whatever has its address taken is written to memory and read again at each frame, because of the fence in
/// the generation check.
@frozen @usableFromInline
@safe
struct FrameLane {
  @inlinable static var prefetchedFrom: Int { 1024 }
  @inlinable static var framesAhead: Int { 8 }

  /// The index entry of the frame that comes next.
  @usableFromInline var upcoming: UnsafeRawPointer
  /// Where `upcoming` is when the lane is over. A whole number of steps lies between the two.
  @usableFromInline let end: UnsafeRawPointer
  /// Bytes from an entry to that of the next frame.
  @usableFromInline let step: Int
  /// The ordinal of the frame that comes next. Counted along, so that no step has to find it out.
  @usableFromInline var ordinal: UInt64
  @usableFromInline let firstOrdinal: UInt64
  @usableFromInline let payloadEnd: Int
  @usableFromInline let start: UnsafeRawPointer
  @usableFromInline let header: BlockHeader
  @usableFromInline let generation: UInt64
  @usableFromInline let segment: UInt64
  @usableFromInline let sequence: UInt64
  @usableFromInline let isKeyed: Bool

  /// From `slot` on to the one before `end`, up or down. Bound: the entries of all of them are in the window.
  @usableFromInline
  init(_ window: BlockWindow, slot: Int, end: Int) {
    unsafe upcoming = unsafe window.indexTop + (slot + 1) * window.entryStride
    unsafe self.end = unsafe window.indexTop + (end + 1) * window.entryStride
    step = end < slot ? -window.entryStride : window.entryStride
    ordinal = window.firstOrdinal &+ UInt64(bitPattern: Int64(slot))
    firstOrdinal = window.firstOrdinal
    payloadEnd = window.payloadEnd
    unsafe start = unsafe window.start
    header = window.life
    generation = window.lifeGeneration
    segment = window.segment
    sequence = window.sequence
    isKeyed = window.isKeyed
  }

  /// Nothing to step through.
  init(empty: UnsafeMutableRawPointer) {
    unsafe upcoming = UnsafeRawPointer(empty)
    unsafe end = UnsafeRawPointer(empty)
    step = 0
    ordinal = 0
    firstOrdinal = 0
    payloadEnd = 0
    unsafe start = UnsafeRawPointer(empty)
    header = unsafe BlockHeader(base: empty)
    generation = 0
    segment = 0
    sequence = 0
    isKeyed = false
  }

  @inlinable var isOver: Bool { unsafe upcoming == end }

  /// The slot of the frame that comes next.
  @inlinable var slot: Int { Int(truncatingIfNeeded: ordinal &- firstOrdinal) }

  /// The frame that comes next, if it lies within its block and that is alive. `ahead`: how many frames further on one is
  /// fetched into the cache.
  ///
  /// Bound: as `BlockWindow.frame`; the lane is not over.
  @inlinable @inline(__always)
  func frame(ahead: Int) -> Frame? {
    let entry = unsafe IndexEntry(at: upcoming, keyed: isKeyed)
    if entry.length >= FrameLane.prefetchedFrom {
      // What lies a page or more apart, the processor does not fetch ahead by itself. A guess: nothing is read there.
      unsafe nts_prefetch(start + Int(entry.offset) + ahead &* entry.length)
    }
    guard entry.liesWithin(BlockWindow.payloadsFrom, payloadEnd), header.isStill(generation) else { return nil }
    return unsafe Frame(
      entry, ordinal: ordinal, segment: segment, blockSequence: sequence, blockStart: start, header: header,
      generation: generation)
  }

  /// Steps over the frame that came next; `count` is 1 on the way up and -1 on the way down.
  @inlinable @inline(__always)
  mutating func pass(_ count: Int64) {
    unsafe upcoming += step
    ordinal &+= UInt64(bitPattern: count)
  }
}
