internal import CNanoTS

/// A writer's state and its hot path. Functions return false when they refuse, and keep the error for `takeError`: an
/// error made on the hot path would cost it more than the append.
struct WriterCore {
  /// Nil once the writer is closed.
  var lease: StreamLease?
  let handover: BlockHandover
  let durability: Durability
  /// Nil when the writer syncs by itself, or not at all.
  let background: BackgroundSync?
  private let clamps: Bool
  /// Makes the chunks of one block after the other; nil where blocks are plain.
  private let encoder: ChunkEncoder?
  /// True when more is due after each append than the append.
  let mustFollowUp: Bool

  /// The block being written, if any frame was appended yet.
  var appender: BlockAppender?
  /// True while `appender` takes short frames, and nothing is due after an append but the append.
  private var takesShort = false
  private var lastTimestamp: Int64
  private var lastKey: Int64
  private var hasLast: Bool
  private(set) var usesKeys: Bool
  private var nextOrdinal: UInt64
  private let segment: UInt64
  var error: NanoTSError?
  /// A sync that failed: what it was to make durable may be lost, and no later success makes up for it. Or a block that
  /// could not be begun.
  var syncFailure: NanoTSError?
  /// The frame whose payload the caller is filling.
  private var pending: FrameStamp?
  /// The last position, while `lastTimestamp` and `lastKey` keep every append off the hot path.
  private var heldLast: FramePosition??

  init(
    _ lease: StreamLease, _ handover: BlockHandover, _ background: BackgroundSync?, _ options: WriterOptions
  ) {
    self.lease = lease
    self.handover = handover
    self.background = background
    durability = options.durability
    mustFollowUp = durability == .everyFrame || durability.intervalMilliseconds != nil
    clamps = options.outOfOrder == .clamp
    encoder = handover.chunks.map { _ in ChunkEncoder() }
    let last = lease.end.last
    lastTimestamp = last?.timestamp ?? .min
    lastKey = last?.key ?? .min
    hasLast = last != nil
    usesKeys = lease.end.isKeyed
    nextOrdinal = lease.slot.nextOrdinal.relaxed
    segment = lease.slot.nextSegment.relaxed
  }

  var isOpen: Bool { lease != nil }

  var isFilling: Bool { pending != nil }

  static let inUseByFill = NanoTSError(
    .invalidArgument, "the closure that fills a frame must not append to, flush or close the writer that called it")

  var last: FramePosition? {
    if let heldLast { return heldLast }
    return hasLast ? FramePosition(timestamp: lastTimestamp, key: lastKey) : nil
  }

  var maximumFrameByteCount: Int { handover.maximumFrameByteCount(keyed: usesKeys) }

  mutating func takeError() -> NanoTSError {
    defer { error = nil }
    return error ?? NanoTSError(.closed, "the writer was closed")
  }

  // MARK: One frame

  /// The commonest case, in line with its caller: a short frame that is in order, like those before it, and fits into the
  /// open block.
  @inline(__always)
  mutating func appendShort(
    _ bytes: UnsafeRawPointer, _ byteCount: Int, _ position: FramePosition, _ flags: UInt32
  ) -> BlockAppender.ShortAppend {
    guard takesShort,
      position.timestamp > lastTimestamp || (position.timestamp == lastTimestamp && position.key > lastKey)
    else { return .nothing }
    let done = unsafe withUnsafeMutablePointer(to: &appender) {
      unsafe WriterCore.openAppender($0).pointee.appendShort(bytes, byteCount, position, flags)
    }
    if done != .nothing { (lastTimestamp, lastKey) = (position.timestamp, position.key) }
    return done
  }

  /// The open block's appender where it lies: an optional's value is at its start. To ask so large an optional whether it
  /// has one takes a call. Bound: there is one, which `takesShort` says.
  @inline(__always)
  private static func openAppender(_ place: UnsafeMutablePointer<BlockAppender?>) -> UnsafeMutablePointer<BlockAppender>
  {
    unsafe UnsafeMutableRawPointer(place).assumingMemoryBound(to: BlockAppender.self)
  }

  @inline(__always)
  mutating func append(_ bytes: UnsafeRawPointer?, _ byteCount: Int, _ position: FramePosition, _ flags: UInt32)
    -> Bool
  {
    if unsafe appendToOpenBlock(bytes, byteCount, position, flags) { return !mustFollowUp || followUp() }
    return unsafe appendSlowly(bytes, byteCount, position, flags)
  }

  /// Near the end of a block that short frames fill, once: has the thread ready for the change of blocks.
  mutating func announceEnd() {
    guard takesShort, appender?.isEndNear == true else { return }
    appender?.noteAnnounced()
    background?.expectChange()
  }

  /// The common case of a compressed stream: in order, and it fits into the staging area.
  private mutating func appendStaged(
    _ bytes: UnsafeRawPointer?, _ byteCount: Int, _ position: FramePosition, _ flags: UInt32
  ) -> Bool {
    guard encoder != nil, FramePosition(timestamp: lastTimestamp, key: lastKey) < position,
      unsafe appender?.appendStaged(bytes, byteCount, position, flags) == true
    else { return false }
    (lastTimestamp, lastKey, hasLast) = (position.timestamp, position.key, true)
    return true
  }

  /// The common case: in order, and it fits into the open block.
  @inline(__always)
  private mutating func appendToOpenBlock(
    _ bytes: UnsafeRawPointer?, _ byteCount: Int, _ position: FramePosition, _ flags: UInt32
  ) -> Bool {
    guard position.timestamp > lastTimestamp || (position.timestamp == lastTimestamp && position.key > lastKey),
      unsafe appender?.append(bytes, byteCount, position, flags) == true
    else { return false }
    (lastTimestamp, lastKey, hasLast) = (position.timestamp, position.key, true)
    return true
  }

  /// The common case alone, of a writer that need not wait for the disk after it.
  mutating func appendAtOnce(
    _ bytes: UnsafeRawPointer?, _ byteCount: Int, _ position: FramePosition, _ flags: UInt32
  ) -> Bool {
    guard !mustFollowUp else { return false }
    if let start = unsafe bytes {
      switch unsafe appendShort(start, byteCount, position, flags) {
      case .all: return true
      case .allButWake:
        appender?.wake()
        return true
      case .nothing: if takesShort, appender?.isEndNear == true { return false }
      }
    }
    return unsafe appendToOpenBlock(bytes, byteCount, position, flags)
      || appendStaged(bytes, byteCount, position, flags)
  }

  @inline(never)
  private mutating func appendSlowly(
    _ bytes: UnsafeRawPointer?, _ byteCount: Int, _ position: FramePosition, _ flags: UInt32
  ) -> Bool {
    if unsafe appendStaged(bytes, byteCount, position, flags) { return !mustFollowUp || followUp() }
    guard let (stamp, place) = unsafe prepare(byteCount, position, flags) else { return false }
    unsafe appender!.copy(bytes, byteCount, to: place)
    unsafe add(stamp, place, byteCount)
    appender!.commit()
    return !mustFollowUp || followUp()
  }

  /// Adds the frames from `first` on that are in order and go into the open block, and returns how many. They are not
  /// shown to readers yet.
  mutating func addInOrder(_ frames: some NewFrames, from first: Int) -> Int {
    guard appender != nil else { return 0 }
    var last = FramePosition(timestamp: lastTimestamp, key: lastKey)
    let added = appender!.add(frames, from: first, after: &last)
    guard added > 0 else { return 0 }
    (lastTimestamp, lastKey, hasLast) = (last.timestamp, last.key, true)
    return added
  }

  mutating func add(_ stamp: FrameStamp, _ place: UnsafeMutableRawPointer, _ byteCount: Int) {
    unsafe appender!.addEntry(place, byteCount, stamp)
    (lastTimestamp, lastKey, hasLast) = (stamp.timestamp, stamp.key, true)
  }

  /// Checks the frame and finds its place, in a new block if it must be.
  private mutating func prepare(
    _ byteCount: Int, _ position: FramePosition, _ flags: UInt32
  ) -> (FrameStamp, UnsafeMutableRawPointer)? {
    do throws(NanoTSError) {
      try checkUsable()
      let stamp = try stamp(position, flags, after: last)
      try checkSize(byteCount, key: stamp.key)
      return unsafe (stamp, try place(for: stamp, byteCount))
    } catch {
      self.error = error
      return nil
    }
  }

  func checkUsable() throws(NanoTSError) {
    guard isOpen else { throw NanoTSError(.closed, "the writer of this stream was closed; open another") }
    guard !isFilling else { throw Self.inUseByFill }
    if let syncFailure { throw syncFailure }
  }

  /// The frame as it will be stored after `last`: as given, or clamped. Throws `.outOfOrder`.
  func stamp(
    _ position: FramePosition, _ flags: UInt32, after last: FramePosition?
  ) throws(NanoTSError) -> FrameStamp {
    guard let last, !(last < position) else {
      return FrameStamp(timestamp: position.timestamp, key: position.key, flags: flags, isClamped: false)
    }
    if clamps, last.timestamp < .max {
      return FrameStamp(timestamp: last.timestamp + 1, key: 0, flags: flags, isClamped: true)
    }
    throw NanoTSError(
      .outOfOrder,
      "the frame at (timestamp \(position.timestamp), key \(position.key)) is not after the stream's last one at "
        + "(timestamp \(last.timestamp), key \(last.key)); time only goes forward within a stream")
  }

  func checkSize(_ byteCount: Int, key: Int64) throws(NanoTSError) {
    let limit = handover.maximumFrameByteCount(keyed: usesKeys || key != 0)
    guard byteCount >= 0, byteCount <= limit else {
      throw NanoTSError(
        byteCount < 0 ? .invalidArgument : .frameTooLarge,
        "a frame of \(byteCount) bytes does not fit: the limit is \(limit) bytes with this block size, stream name and "
          + "metadata; use larger blocks")
    }
  }

  /// Where the payload goes: in the open block, or in a new one when it does not fit there.
  mutating func place(for stamp: FrameStamp, _ byteCount: Int) throws(NanoTSError) -> UnsafeMutableRawPointer {
    if let place = unsafe appender?.place(byteCount: byteCount, key: stamp.key) { return unsafe place }
    if let place = try unsafe placeInChunks(byteCount, key: stamp.key) { return unsafe place }
    try moveToNextBlock(for: stamp)
    return unsafe appender!.place(byteCount: byteCount, key: stamp.key)
      ?? appender!.place(ofLarge: byteCount, key: stamp.key)!
  }

  /// In a chunked block, makes a chunk of what is staged. Nil where the payload does not fit into the block all the same.
  private mutating func placeInChunks(_ byteCount: Int, key: Int64) throws(NanoTSError) -> UnsafeMutableRawPointer? {
    guard appender?.chunks != nil, key == 0 || usesKeys else { return nil }
    if appender!.stagedCount > 0 {
      guard
        try keepingFailure({ core throws(NanoTSError) in
          try core.handover.turnStaging(&core.appender!, core.background)
        })
      else { return nil }
    }
    return unsafe appender!.place(byteCount: byteCount, key: key) ?? appender!.place(ofLarge: byteCount, key: key)
  }

  /// Installs a new block for `stamp`. The claim comes before the seal, so that when no block is to be had the open one
  /// stays open and takes frames that still fit it; only a reclaiming writer that finds nothing else seals its own
  /// block to recycle it.
  private mutating func moveToNextBlock(for stamp: FrameStamp) throws(NanoTSError) {
    try keepingFailure { core throws(NanoTSError) in try core.background?.finish() }
    let prepared = background?.takePrepared()
    var claimed = prepared
    if claimed == nil { claimed = try handover.claim() }
    if claimed == nil, handover.autoReclaim, appender != nil {
      try endBlock()
      claimed = try handover.claim()
    }
    guard let block = claimed else { throw try handover.noFreeBlocks() }
    let isSyncedLater = background?.preparesBlocks ?? false
    let isFirstOfThread = isSyncedLater && prepared == nil && appender == nil
    let sealed = try sealOpenBlock(syncing: !isSyncedLater)
    let keyed = usesKeys || stamp.key != 0
    // When the last step fails, the block may be in the stream's list all the same: the next writer puts it right.
    try keepingFailure { core throws(NanoTSError) in
      try core.syncHeaders(sealed: isSyncedLater ? nil : sealed, claimed: prepared == nil ? block : nil)
      if isFirstOfThread { core.handover.prepareFirst(block) }
      core.appender = try core.handover.install(
        block, segment: core.segment, firstOrdinal: core.nextOrdinal,
        first: FramePosition(timestamp: stamp.timestamp, key: stamp.key), keyed: keyed, core.encoder,
        announcesEnd: isSyncedLater)
    }
    usesKeys = keyed
    takesShort = appender!.takesShort && !mustFollowUp
    background?.changed(from: sealed, to: appender!.life)
  }

  /// Seals the open block, if there is one with frames in it; its header is not synced yet, nor its frames unless
  /// `syncing`.
  private mutating func sealOpenBlock(syncing: Bool) throws(NanoTSError) -> WrittenBlock? {
    guard appender != nil else { return nil }
    nextOrdinal = appender!.firstOrdinal &+ UInt64(appender!.count)
    takesShort = false
    defer { appender = nil }
    let isSynced = syncing && durability != .none && syncFailure == nil
    return try keepingFailure { core throws(NanoTSError) in
      try core.handover.seal(&core.appender!, core.background, syncing: isSynced)
    }
  }

  /// Seals the open block and, unless the policy is that nothing is synced, makes it survive power loss.
  mutating func endBlock() throws(NanoTSError) {
    let sealed = try sealOpenBlock(syncing: true)
    if let syncFailure { throw syncFailure }
    try keepingFailure { core throws(NanoTSError) in try core.syncHeaders(sealed: sealed, claimed: nil) }
  }

  private func syncHeaders(sealed: WrittenBlock?, claimed: Int?) throws(NanoTSError) {
    if durability != .none { try handover.syncHeaders(sealed: sealed, claimed: claimed) }
  }

  /// Runs `body`; when it throws, this writer must not go on, and every later append reports the error.
  mutating func keepingFailure<R>(
    _ body: (inout WriterCore) throws(NanoTSError) -> R
  ) throws(NanoTSError) -> R {
    do throws(NanoTSError) {
      return try body(&self)
    } catch {
      failSync(error)
      throw error
    }
  }

  /// Nothing is after the greatest position: every append takes the slow path, which says why it is refused.
  private mutating func leaveHotPath() {
    let last = last
    heldLast = .some(last)
    (lastTimestamp, lastKey) = (.max, .max)
  }

  private mutating func returnToHotPath() {
    guard let last = heldLast else { return }
    heldLast = nil
    (lastTimestamp, lastKey) = (last?.timestamp ?? .min, last?.key ?? .min)
  }

  /// Keeps a failed sync: every later append reports it.
  private mutating func failSync(_ error: NanoTSError) {
    syncFailure = error
    leaveHotPath()
  }

  // MARK: In place

  /// A place for `byteCount` bytes that the caller fills before `finish`.
  mutating func reserve(_ byteCount: Int, _ position: FramePosition) -> UnsafeMutableRawPointer? {
    guard let (stamp, place) = unsafe prepare(byteCount, position, 0) else { return nil }
    pending = stamp
    // An append from within the closure is refused.
    leaveHotPath()
    return unsafe place
  }

  /// Appends the `used` bytes at `place`, unless there cannot be so many.
  mutating func finish(_ place: UnsafeMutableRawPointer, _ used: Int, of byteCount: Int, _ flags: UInt32) -> Bool {
    var stamp = pending!
    pending = nil
    stamp.flags = flags
    returnToHotPath()
    guard used >= 0, used <= byteCount else {
      error = NanoTSError(
        .invalidArgument, "the closure said that it used \(used) bytes of the \(byteCount) it was given")
      return false
    }
    unsafe appender!.pad(place, used)
    unsafe add(stamp, place, used)
    appender!.commit()
    return !mustFollowUp || followUp()
  }
}
