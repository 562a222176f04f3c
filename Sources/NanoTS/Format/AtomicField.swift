public import Synchronization

// Fields of the mapping that another thread or process may change at any time are read and written only through these
// two views. Alignment is that of the field (every offset in Format/ is a multiple of its size) and the caller's
// structure states the bound.

/// A 64-bit atomic field in the mapping.
@frozen @usableFromInline
@safe
struct AtomicUInt64 {
  @usableFromInline let cell: UnsafeMutablePointer<Atomic<UInt64>>

  @inlinable @inline(__always)
  init(_ base: UnsafeMutableRawPointer, _ offset: Int) {
    unsafe cell = unsafe (base + offset).assumingMemoryBound(to: Atomic<UInt64>.self)
  }

  @inlinable @inline(__always)
  var relaxed: UInt64 { unsafe cell.pointee.load(ordering: .relaxed) }

  @inlinable @inline(__always)
  var acquired: UInt64 { unsafe cell.pointee.load(ordering: .acquiring) }

  @inlinable @inline(__always)
  func storeRelaxed(_ value: UInt64) { unsafe cell.pointee.store(value, ordering: .relaxed) }

  @inlinable @inline(__always)
  func storeReleased(_ value: UInt64) { unsafe cell.pointee.store(value, ordering: .releasing) }

  /// Raises the value to `value` if it is lower, with release.
  func raise(to value: UInt64) { unsafe cell.pointee.max(value, ordering: .releasing) }

  /// Stores `desired` if the value is still `expected`; false, and nothing changed, if it is not.
  func exchange(_ expected: UInt64, for desired: UInt64) -> Bool {
    unsafe cell.pointee.compareExchange(expected: expected, desired: desired, ordering: .acquiringAndReleasing)
      .exchanged
  }

  /// The reader's last step of a seqlock: true while no change has begun since `expected` was loaded. The acquire fence
  /// keeps every earlier load before this one (Boehm, "Can seqlocks get along with programming language memory
  /// models?", 2012).
  @inlinable @inline(__always)
  func isStill(_ expected: UInt64) -> Bool {
    atomicMemoryFence(ordering: .acquiring)
    return relaxed == expected
  }

  /// The writer's first step of a seqlock: an odd value, which every later store stays behind.
  func beginChange() {
    storeRelaxed(relaxed | 1)
    atomicMemoryFence(ordering: .releasing)
  }

  /// Every earlier load stays before those that follow.
  func fenceBeforeLoad() { atomicMemoryFence(ordering: .acquiring) }

  /// Every later store stays behind the one before.
  func fenceAfterStore() { atomicMemoryFence(ordering: .releasing) }

  /// The writer's last step: the next even value, after every earlier store.
  func endChange() { storeReleased((relaxed | 1) &+ 1) }
}

/// A 32-bit atomic field in the mapping.
@frozen @usableFromInline
@safe
struct AtomicUInt32 {
  @usableFromInline let cell: UnsafeMutablePointer<Atomic<UInt32>>

  @inlinable @inline(__always)
  init(_ base: UnsafeMutableRawPointer, _ offset: Int) {
    unsafe cell = unsafe (base + offset).assumingMemoryBound(to: Atomic<UInt32>.self)
  }

  @inlinable @inline(__always)
  var relaxed: UInt32 { unsafe cell.pointee.load(ordering: .relaxed) }

  @inlinable @inline(__always)
  var acquired: UInt32 { unsafe cell.pointee.load(ordering: .acquiring) }

  @inlinable @inline(__always)
  func storeRelaxed(_ value: UInt32) { unsafe cell.pointee.store(value, ordering: .relaxed) }

  @inlinable @inline(__always)
  func storeReleased(_ value: UInt32) { unsafe cell.pointee.store(value, ordering: .releasing) }

  /// Sets `bits`; every later load of this thread comes after it.
  func formUnion(_ bits: UInt32) { unsafe cell.pointee.bitwiseOr(bits, ordering: .sequentiallyConsistent) }

  /// Clears `bits`, with acquire and release.
  func subtract(_ bits: UInt32) { unsafe cell.pointee.bitwiseAnd(~bits, ordering: .acquiringAndReleasing) }

  /// Raises the value to `value` if it is lower, with release.
  func raise(to value: UInt32) { unsafe cell.pointee.max(value, ordering: .releasing) }

  /// Adds 1, with acquire and release.
  func increment() { unsafe cell.pointee.wrappingAdd(1, ordering: .acquiringAndReleasing) }

  /// The field's place, for a wait on it.
  var address: UnsafeMutablePointer<UInt32> {
    unsafe UnsafeMutableRawPointer(cell).assumingMemoryBound(to: UInt32.self)
  }
}
