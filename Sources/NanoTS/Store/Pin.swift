/// The blocks of a range of time, held so that no writer takes them while others are left.
///
/// For readers that must keep what they are looking at: an export, a player. A pin covers the blocks that were there when
/// it was made, the open one included, which stays pinned when it is sealed; blocks that come later are not covered. It
/// ends with `release`, when the last reference goes, or with its process, and leaves nothing behind. Nobody need know
/// of it: it is a lock of the kernel, which a store opened read-only takes as well.
///
/// While blocks are pinned, writers of a full store take newer ones that are not. Pin what is needed, and no longer than
/// that: with all of a full store pinned they take what they have just sealed.
///
/// A pin does not stop a recorder. When nothing but pinned blocks is left the writer takes the oldest one, readers are
/// told by `.overwritten`, and `isIntact` is false. In a store made with ``PinPolicy/hold`` the append throws
/// `.noFreeBlocks` instead. ``Store/free(_:in:)`` takes pinned blocks too unless pins hold.
///
/// Thread rules: may be used from any thread. It keeps the mapping alive, also after the store was closed, and takes one
/// file descriptor.
public final class Pin: Sendable {
  /// The stream.
  public let stream: String
  /// Blocks that were pinned; 0 where the range held none.
  public let blocks: Int
  /// The timestamps of the first and the last frame that were pinned; nil where there was none. Blocks are pinned whole:
  /// it may reach beyond the range asked for, or fall short of it.
  public let range: ClosedRange<Int64>?

  private let file: StoreFile
  private let descriptor: FileDescriptor?
  private let lives: [Life]

  private struct Life {
    let block: Int
    let generation: UInt64
  }

  private init(_ store: Store, _ stream: String, _ blocks: [StreamSurvey.Block], _ descriptor: FileDescriptor?) {
    self.stream = stream
    self.blocks = blocks.count
    self.descriptor = descriptor
    file = store.file
    lives = blocks.map { Life(block: $0.block, generation: $0.generation) }
    // A damaged file may say that the last frame is before the first.
    let ends = blocks.first.flatMap { first in blocks.last.map { (first.first, max(first.first, $0.last)) } }
    range = ends.map { $0.0...$0.1 }
  }

  deinit { release() }

  /// How many of the blocks were taken since. O(blocks), no system call.
  public var lostBlocks: Int { lives.count { !isAlive($0) } }

  /// True while none of the blocks was taken: everything read from them up to now was theirs. O(blocks).
  public var isIntact: Bool { lives.allSatisfy(isAlive) }

  private func isAlive(_ life: Life) -> Bool { file.header(life.block).isStill(life.generation) }

  /// Lets the blocks go. Idempotent.
  public func release() {
    guard let descriptor else { return }
    // What cannot be unlocked goes with the descriptor.
    try? FileLock(file: descriptor, offsets: StoreFile.LockOffset.pins).unlock()
  }
}

extension Store {
  /// Pins the blocks of `stream` that have frames with timestamps in `range`, both ends included.
  ///
  /// Works on a store opened read-only. A stream that is unknown or has nothing there gives a pin that holds no block.
  /// Blocks that are recycled while it is made are not in it. Throws `.invalidName`, `.closed`, `.ioFailure`, or
  /// `.overwritten` when the ring turns over faster than it can be pinned. O(log blocks + blocks in the range).
  public func pin(
    _ stream: String, in range: ClosedRange<Int64> = Int64.min...Int64.max
  ) throws(NanoTSError) -> Pin {
    try checkLive(to: "pin")
    return try answering { () throws(NanoTSError) in try Pin.make(self, stream, range) }
  }
}

extension Pin {
  fileprivate static func make(_ store: Store, _ stream: String, _ range: ClosedRange<Int64>) throws(NanoTSError) -> Pin
  {
    let name = try StreamTable.checkedName(stream)
    let descriptor = try FileDescriptor(reopening: store.file.mapped.descriptor, .read)
    for _ in 0..<Cursor.attempts {
      guard let found = StreamTable(file: store.file).find(name) else { return Pin(store, stream, [], nil) }
      let wanted = try StreamSurvey(store, found, in: range).blocks
      guard let first = wanted.first, let last = wanted.last, first.sequence <= last.sequence else {
        return Pin(store, stream, [], nil)
      }
      let offsets = PinLocks.offsets(
        slot: found.slot, identifier: found.identifier, sequences: first.sequence...last.sequence)
      for run in offsets { try lock(run, descriptor) }
      // A writer may have taken blocks before the lock was there. Those that are alive now will not be taken unseen.
      let alive = wanted.filter { store.file.header($0.block).isStill($0.generation) }
      if !alive.isEmpty { return Pin(store, stream, alive, descriptor) }
      for run in offsets { try FileLock(file: descriptor, offsets: run).unlock() }
    }
    throw NanoTSError.overwritten(missing: 0, of: stream)
  }

  /// Writers have the bytes of all blocks exclusively for the moment in which they look for one.
  private static func lock(_ offsets: ClosedRange<UInt64>, _ descriptor: FileDescriptor) throws(NanoTSError) {
    let lock = FileLock(file: descriptor, offsets: offsets)
    for attempt in 0..<5_000 {
      if try lock.tryLock(.shared) { return }
      if attempt > 20 { MonotonicClock.sleep(until: MonotonicClock.now + 1_000_000) }
    }
    throw NanoTSError(
      .ioFailure,
      "\(descriptor.path): blocks have been changing hands for 5 seconds; a process that writes the store is stopped: let "
        + "it go on, or end it", systemError: ErrorNumber.tryAgain)
  }
}
