/// A place in a stream, to step forward and back from.
///
/// A cursor stands on a frame, before the first one, or past the last one. `next` and `previous` move it and return
/// the frame that it then stands on; at either end they return nil, and asked again later `next` sees frames committed
/// since. A step within a block takes no lock, allocates nothing and makes no system call.
///
/// When the block under a cursor is recycled, the next call throws `.overwritten`, once, with the exact number of
/// frames missed; the call after it goes on from the oldest frame left. The same holds for a block that the cursor knew
/// of and that was recycled or freed before the cursor came to it.
///
/// A cursor is a value: a copy is an independent cursor at the same place, which may go to another thread. It keeps the
/// mapping alive. One thread at a time may use it.
// Unchecked: the pointers in it are into the mapping, which is shared by design and kept alive by the store; what it
// shares with its copies never changes.
public struct Cursor: @unchecked Sendable {
  let store: Store
  let name: [UInt8]
  let verifiesChecksums: Bool
  /// The stream, once it exists.
  var stream: StreamTable.Stream?
  var directory = StreamDirectory()
  /// What the stream's slot said just before `directory` was taken.
  var directoryMark: DirectoryMark?
  /// Index in `directory` of the block that `window` shows.
  var blockIndex = 0
  /// The ordinal that `next` should come to; nil until the cursor has a place.
  var expectedOrdinal: UInt64?
  /// True when `next` or `previous` has told of the present block's fault.
  var hasReportedFault = false
  /// Frames with lower ordinals that lie behind the directory's last block were gone when the cursor was placed, or
  /// were reported: they are not missed when a next block comes.
  var passedOrdinal: UInt64 = 0

  /// The block that the cursor stands in; nil before the first block was entered.
  @usableFromInline var window: BlockWindow?
  /// Slots from `fastStart` to below `fastEnd` may be stepped to without a further look: those within the window's reach, or
  /// none when each frame must be verified. `upcoming` is not below `fastStart`, or there are none.
  @usableFromInline var fastStart = 0
  @usableFromInline var fastEnd = 0
  /// The last open block of which the writer was seen to live: looking costs a system call.
  var trustedLife: WrittenBlock?
  /// How many frames were compared with their checksums together the last time, negative going back; 0 after a seek.
  var runLength = 0
  /// The present block of a snapshot, or one that copies of the cursor share.
  var image: BlockImage?
  /// What brings frames of chunked blocks; nil before the first of them. Its own, unless it is shared with copies: then none
  /// of them uses it for anything else than what is in it.
  var loader: ChunkLoader?
  /// True when the next frame was looked for and what lies behind it may not be wanted.
  var wantsFrameAlone = false

  /// The slot that `next` comes to.
  @usableFromInline var upcoming = 0
  /// 1 when the cursor stands on a frame (the one before `upcoming`), else 0.
  @usableFromInline var standing = 0

  init(_ store: Store, _ name: [UInt8], _ options: CursorOptions) {
    self.store = store
    self.name = name
    verifiesChecksums = options.verifiesChecksums
  }

  /// Steps to the next frame and returns it, or returns nil when there is none yet.
  ///
  /// Throws `.overwritten` (see above), `.corrupt` for a damaged frame or block, `.unsupportedFeature` for a block of a
  /// later release (after both, the next call goes on behind it), or `.ioFailure`. O(1); O(log blocks) at a block's end.
  @inlinable @inline(__always)
  public mutating func next() throws(NanoTSError) -> Frame? {
    if upcoming < fastEnd, let frame = unsafe window.unsafelyUnwrapped.frame(upcoming) {
      upcoming &+= 1
      standing = 1
      return frame
    }
    return try nextSlowly()
  }

  /// Steps to the frame before and returns it, or returns nil when there is none: the cursor is then before the first.
  ///
  /// Throws as `next`. Frames missed going back are those that the cursor would have come to, down to the oldest that
  /// it knew of. O(1); O(log blocks) at a block's start.
  @inlinable @inline(__always)
  public mutating func previous() throws(NanoTSError) -> Frame? {
    let slot = upcoming &- 1 &- standing
    if slot >= fastStart, slot < fastEnd, let frame = unsafe window.unsafelyUnwrapped.frame(slot) {
      upcoming = slot &+ 1
      standing = 1
      return frame
    }
    return try previousSlowly()
  }
}

/// The fields of a stream's slot that change whenever its list of blocks does.
struct DirectoryMark: Equatable {
  let removals: UInt32
  let nextSequence: UInt64
  let head: UInt32

  init(of slot: StreamSlot) {
    // Removals first: they never come back, but the sequence of a block that was given back does.
    removals = slot.removals.acquired
    nextSequence = slot.nextSequence.acquired
    head = slot.head.acquired
  }
}
