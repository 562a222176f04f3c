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

  @usableFromInline var slot: Int
  @usableFromInline let end: Int
  @usableFromInline let payloadEnd: Int
  @usableFromInline let entryStride: Int
  @usableFromInline let indexTop: UnsafeRawPointer
  @usableFromInline let start: UnsafeRawPointer
  @usableFromInline let header: BlockHeader
  @usableFromInline let generation: UInt64
  @usableFromInline let firstOrdinal: UInt64
  @usableFromInline let segment: UInt64
  @usableFromInline let sequence: UInt64
  @usableFromInline let isKeyed: Bool

  @usableFromInline
  init(_ window: BlockWindow, slot: Int, end: Int) {
    self.slot = slot
    self.end = end
    payloadEnd = window.payloadEnd
    entryStride = window.entryStride
    unsafe indexTop = unsafe window.indexTop
    unsafe start = unsafe window.start
    header = window.life
    generation = window.lifeGeneration
    firstOrdinal = window.firstOrdinal
    segment = window.segment
    sequence = window.sequence
    isKeyed = window.isKeyed
  }

  /// Nothing to step through.
  init(empty: UnsafeMutableRawPointer) {
    slot = 0
    end = 0
    payloadEnd = 0
    entryStride = 0
    unsafe indexTop = UnsafeRawPointer(empty)
    unsafe start = UnsafeRawPointer(empty)
    header = unsafe BlockHeader(base: empty)
    generation = 0
    firstOrdinal = 0
    segment = 0
    sequence = 0
    isKeyed = false
  }

  /// Bound: as `BlockWindow.frame`; `slot` is below `end`.
  @inlinable @inline(__always)
  func frame() -> Frame? {
    let entry = unsafe IndexEntry(at: indexTop + (slot &+ 1) &* entryStride, keyed: isKeyed)
    if entry.length >= FrameLane.prefetchedFrom {
      // What lies a page or more apart, the processor does not fetch ahead by itself. A guess: nothing is read there.
      let ahead = end < slot ? -FrameLane.framesAhead : FrameLane.framesAhead
      unsafe nts_prefetch(start + Int(entry.offset) + ahead &* entry.length)
    }
    guard entry.liesWithin(BlockWindow.payloadsFrom, payloadEnd), header.isStill(generation) else { return nil }
    return unsafe Frame(
      entry, ordinal: firstOrdinal &+ UInt64(bitPattern: Int64(slot)), segment: segment, blockSequence: sequence,
      blockStart: start, header: header, generation: generation)
  }
}
