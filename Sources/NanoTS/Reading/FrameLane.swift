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
  /// Few, because frames of 4 KiB have their first bytes in one set of the processor's nearest cache, which has 8 or 12 places.
  @inlinable static var framesAhead: Int { 4 }

  /// The index entry of the frame that comes next.
  @usableFromInline private(set) var upcoming: UnsafeRawPointer
  /// So many frames are left, that one among them.
  @usableFromInline private(set) var left = 0
  /// Bytes from an entry to that of the next frame.
  @usableFromInline private(set) var step = 0
  /// The ordinal of a frame behind the last one. From here all others are reckoned, where they are asked for.
  @usableFromInline private(set) var endOrdinal: UInt64 = 0
  @usableFromInline private(set) var payloadEnd = 0
  @usableFromInline private(set) var start: UnsafeRawPointer
  @usableFromInline private(set) var header: BlockHeader
  @usableFromInline private(set) var generation: UInt64 = 0
  @usableFromInline private(set) var segment: UInt64 = 0
  @usableFromInline private(set) var sequence: UInt64 = 0
  @usableFromInline private(set) var isKeyed = false

  /// From `slot` on to the one before `end`, up or down. Bound: the entries of all of them are in the window.
  @usableFromInline
  init(_ window: BlockWindow, slot: Int, end: Int) {
    unsafe upcoming = unsafe window.indexTop + (slot + 1) * window.entryStride
    left = abs(end - slot)
    step = end < slot ? -window.entryStride : window.entryStride
    endOrdinal = window.firstOrdinal &+ UInt64(bitPattern: Int64(end))
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
    unsafe start = UnsafeRawPointer(empty)
    header = unsafe BlockHeader(base: empty)
  }

  /// Becomes `other`, word for word: a copy of it as a whole would be made in memory, and the lane kept there.
  @inlinable @inline(__always)
  mutating func take(_ other: FrameLane) {
    unsafe upcoming = unsafe other.upcoming
    left = other.left
    step = other.step
    endOrdinal = other.endOrdinal
    payloadEnd = other.payloadEnd
    unsafe start = unsafe other.start
    header = other.header
    generation = other.generation
    segment = other.segment
    sequence = other.sequence
    isKeyed = other.isKeyed
  }

  @inlinable var isOver: Bool { left == 0 }

  /// The ordinal of the frame that comes next.
  @inlinable @inline(__always)
  func ordinal(goingBack: Bool) -> UInt64 {
    let count = UInt64(truncatingIfNeeded: left)
    return goingBack ? endOrdinal &+ count : endOrdinal &- count
  }

  /// Steps over the frame that comes next, and returns it, if it lies within its block, that is alive, and the frame is not
  /// behind `last` (going back: not before it).
  ///
  /// Bound: as `BlockWindow.frame`; the lane is not over.
  @inlinable @inline(__always)
  mutating func next(goingBack: Bool, to last: Int64) -> Frame? {
    let entry = unsafe IndexEntry(at: upcoming, keyed: isKeyed)
    if entry.length >= FrameLane.prefetchedFrom {
      // What lies a page or more apart, the processor does not fetch ahead by itself. A guess: nothing is read there.
      let ahead = goingBack ? -FrameLane.framesAhead : FrameLane.framesAhead
      unsafe nts_prefetch(start + Int(entry.offset) + ahead &* entry.length)
    }
    let isInRange = goingBack ? entry.timestamp >= last : entry.timestamp <= last
    guard
      _fastPath(
        entry.liesWithin(BlockWindow.payloadsFrom, payloadEnd) && header.isStill(generation) && isInRange)
    else { return nil }
    let frame = unsafe Frame(
      entry, ordinal: ordinal(goingBack: goingBack), segment: segment, blockSequence: sequence, blockStart: start,
      header: header, generation: generation)
    unsafe upcoming += step
    left &-= 1
    return frame
  }
}
