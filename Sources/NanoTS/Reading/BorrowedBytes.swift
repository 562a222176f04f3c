// What a caller keeps who takes frames out of Swift, as plain memory: addresses, and what tells whether they still hold.

/// One life of a block, as two words.
@frozen @usableFromInline
@safe
package struct LifeMark {
  /// Bound: the block's header, in a mapping that must be alive when `isOver` is asked.
  @usableFromInline package let header: UnsafeRawPointer
  @usableFromInline package let generation: UInt64

  @inlinable
  package init(header: UnsafeRawPointer, generation: UInt64) {
    unsafe self.header = unsafe header
    self.generation = generation
  }

  /// True once the block was recycled: what was read of it before this call may be of its next life. One load.
  @inlinable
  package var isOver: Bool {
    unsafe !BlockHeader(base: UnsafeMutableRawPointer(mutating: header)).isStill(generation)
  }
}

extension Frame {
  /// The life in which the frame's bytes are its own.
  @inlinable
  package var life: LifeMark { unsafe LifeMark(header: UnsafeRawPointer(header.base), generation: generation) }
}

extension FrameBatch {
  /// Where the values of a batch lie.
  @safe
  package struct Columns {
    /// Bound: `count` timestamps at distances of `timestampStride` from here are in the block.
    package let timestamps: UnsafeRawPointer
    package let timestampStride: Int
    /// Bound: `count` payloads of `byteCount` bytes at distances of `payloadStride` from here are in the block. Nil when
    /// they differ in size.
    package let payloads: UnsafeRawPointer?
    package let payloadStride: Int
    package let byteCount: Int
  }

  /// The life in which the batch's bytes are its own.
  package var life: LifeMark {
    unsafe LifeMark(header: UnsafeRawPointer(window.life.base), generation: window.lifeGeneration)
  }

  /// Where the values lie. Throws `.overwritten` or `.corrupt`.
  package func columns() throws(NanoTSError) -> Columns {
    let times = try withTimestamps { $0 }
    guard let length = try uniformByteCount() else {
      return unsafe Columns(
        timestamps: times.base, timestampStride: times.stride, payloads: nil, payloadStride: 0, byteCount: 0)
    }
    guard length > 0 else {
      return unsafe Columns(
        timestamps: times.base, timestampStride: times.stride, payloads: window.start, payloadStride: 0, byteCount: 0)
    }
    let payloads = try withValues(as: UInt8.self) { $0 }
    return unsafe Columns(
      timestamps: times.base, timestampStride: times.stride, payloads: payloads.base, payloadStride: payloads.stride,
      byteCount: length)
  }
}
