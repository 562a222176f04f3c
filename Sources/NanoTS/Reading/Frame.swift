/// One record of a stream, as found in the store.
///
/// Its fields were read and validated when the frame was handed out and never change. Its bytes lie in the store and
/// are reached without a copy; the writer may recycle them at any time. The functions that take a closure or copy check
/// afterwards and throw `.overwritten` rather than return what was made from recycled bytes.
///
/// A frame holds no reference: it may be used as long as its store, or the cursor or sequence that it came from, is
/// alive. Copy what must live longer.
@frozen
@safe
public struct Frame {
  /// When, in the store's time unit.
  public let timestamp: Int64
  /// Orders frames of equal timestamp; 0 where no key is used.
  public let key: Int64
  /// The caller's 32 bits.
  public let flags: UInt32
  /// Length of the payload.
  public let byteCount: Int
  /// The frame's number in its stream, from 0, with none left out: two ordinals tell how many frames lie between.
  public let ordinal: UInt64
  /// The number of the segment (writer session) within the stream, from 0.
  public let segment: UInt64
  /// The number of the block within the stream, from 0.
  public let blockSequence: UInt64
  /// In a `FrameSequence`: how many frames just before this one were recycled or damaged before they could be read.
  public var missed: UInt64
  /// True when the writer's clock was behind and `OutOfOrderPolicy.clamp` set the timestamp.
  public let wasClamped: Bool

  @usableFromInline let payload: UnsafeRawPointer
  @usableFromInline let blockStart: UnsafeRawPointer
  @usableFromInline let header: BlockHeader
  @usableFromInline let generation: UInt64

  /// Bound: the caller checked that the payload of `entry` lies inside the block that begins at `blockStart`.
  @inlinable @inline(__always)
  init(
    _ entry: IndexEntry, ordinal: UInt64, segment: UInt64, blockSequence: UInt64, blockStart: UnsafeRawPointer,
    header: BlockHeader, generation: UInt64
  ) {
    timestamp = entry.timestamp
    key = entry.key
    flags = entry.flags
    byteCount = entry.length
    wasClamped = entry.isClamped
    self.ordinal = ordinal
    self.segment = segment
    self.blockSequence = blockSequence
    missed = 0
    unsafe payload = unsafe blockStart + Int(entry.offset)
    unsafe self.blockStart = unsafe blockStart
    self.header = header
    self.generation = generation
  }

  /// Timestamp and key.
  @inlinable
  public var position: FramePosition { FramePosition(timestamp: timestamp, key: key) }

  // MARK: Bytes, checked

  /// Calls `body` with the payload and returns its result, unless the block was recycled meanwhile: then throws
  /// `.overwritten`, and whatever `body` saw may have been another frame's bytes.
  ///
  /// `body` must not act on the bytes beyond its result. No copy; O(1) besides `body`.
  @inlinable @inline(__always)
  public func withBytes<R>(_ body: (RawSpan) -> R) throws(NanoTSError) -> R {
    let result = unsafe body(RawSpan(_unsafeStart: payload, byteCount: byteCount))
    if !isIntact { throw Frame.void(header, generation, ordinal, timestamp) }
    return result
  }

  /// As `withBytes`, with an unsafe view. The view must not leave `body`.
  @inlinable @inline(__always)
  public func withUnsafeBytes<R>(_ body: (UnsafeRawBufferPointer) -> R) throws(NanoTSError) -> R {
    let result = unsafe body(unvalidatedBytes)
    if !isIntact { throw Frame.void(header, generation, ordinal, timestamp) }
    return result
  }

  /// A copy of the payload. Throws `.overwritten`. O(byteCount).
  @inlinable
  public func copyBytes() throws(NanoTSError) -> [UInt8] {
    try unsafe withUnsafeBytes { unsafe Array($0) }
  }

  /// The payload as a value of `type`, copied. Throws `.overwritten`, and `.invalidArgument` when the payload is shorter
  /// than the value; bytes after it are left alone.
  @inlinable
  public func load<T: BitwiseCopyable>(as type: T.Type) throws(NanoTSError) -> T {
    guard byteCount >= MemoryLayout<T>.size else { throw Frame.tooShort(ordinal, byteCount, MemoryLayout<T>.size) }
    return try unsafe withUnsafeBytes { unsafe $0.loadUnaligned(as: T.self) }
  }

  /// The payload as text. Throws `.overwritten`. Bytes that are not UTF-8 are replaced by U+FFFD.
  public func text() throws(NanoTSError) -> String {
    try unsafe withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) }
  }

  // MARK: Bytes, on the caller's own responsibility

  /// The payload with no check at all: it may be recycled while it is looked at. Whoever uses it asks `isIntact`
  /// afterwards and discards what was made from it when that is false.
  @inlinable @inline(__always)
  public var unvalidatedBytes: UnsafeRawBufferPointer {
    unsafe UnsafeRawBufferPointer(start: payload, count: byteCount)
  }

  /// True when the block has not been recycled up to now: everything read from `unvalidatedBytes` before this call was
  /// this frame's. One load, no system call.
  @inlinable @inline(__always)
  public var isIntact: Bool { header.isStill(generation) }

  // MARK: Where the frame lies

  /// The metadata of the segment that the frame belongs to. Throws `.overwritten`, and `.corrupt` when the block's
  /// preamble is damaged. O(metadata).
  public func metadata() throws(NanoTSError) -> String {
    String(decoding: try preamble().metadata, as: UTF8.self)
  }

  private func preamble() throws(NanoTSError) -> BlockPreamble {
    // Bound: the payload lies inside the block, behind the preamble, so these bytes do too.
    var bytes = unsafe UnsafeRawBufferPointer(start: blockStart, count: payload - blockStart)
    var block = (header: header, generation: generation)
    if Generation.isOdd(generation) {
      // The frame was unpacked; the preamble is in its block.
      guard let source = unsafe FrameMemory.source(of: header, generation) else {
        throw Frame.void(header, generation, ordinal, timestamp)
      }
      unsafe bytes = unsafe source.bytes
      block = unsafe (source.header, source.generation)
    }
    let preamble = unsafe BlockPreamble(checking: bytes)
    guard block.header.isStill(block.generation) else {
      throw Frame.void(block.header, block.generation, ordinal, timestamp)
    }
    guard let preamble, preamble.generation == block.generation else {
      throw NanoTSError(
        .corrupt, "the preamble of the block that holds frame \(ordinal) is damaged; run 'nanots verify'")
    }
    return preamble
  }

  @usableFromInline @inline(never)
  static func void(
    _ header: BlockHeader, _ generation: UInt64, _ ordinal: UInt64, _ timestamp: Int64
  ) -> NanoTSError {
    if let failure = unsafe GuardedMapping.failure(at: header.base) { return failure }
    if Generation.isOdd(generation) {
      return NanoTSError(
        .overwritten,
        "frame \(ordinal) at \(timestamp) lay in memory of its reader's, which has brought other frames there since; use or "
          + "copy a frame's bytes before going on, or read with a cursor of its own",
        missedFrames: 1)
    }
    return NanoTSError(
      .overwritten,
      "frame \(ordinal) at \(timestamp) was recycled while it was read; go on from the oldest frame left, or give the "
        + "store more blocks",
      missedFrames: 1)
  }

  @usableFromInline @inline(never)
  static func tooShort(_ ordinal: UInt64, _ byteCount: Int, _ size: Int) -> NanoTSError {
    NanoTSError(.invalidArgument, "frame \(ordinal) has \(byteCount) bytes; the value asked for needs \(size)")
  }
}
