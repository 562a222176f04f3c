internal import CNanoTS

/// Appends frames to one stream. There is one writer for a stream at a time, in all processes.
///
/// When `append` returns, every reader in every process sees the frame, and a kill of this process does not lose it; what
/// power loss may take is the writer's `Durability`. A refused frame (out of order, too large, no free block) leaves
/// the store as it was and the writer usable.
///
/// Thread rules: calls of one writer must not overlap. Closing happens at the latest when the writer is deinitialised.
@safe
public final class Writer {
  /// The name of the stream.
  public let stream: String

  let store: Store
  let session: StoreSession
  let options: WriterOptions
  let core: UnsafeMutablePointer<WriterCore>

  init(_ store: Store, _ stream: String, _ metadata: String, _ options: WriterOptions) throws(NanoTSError) {
    try options.durability.check()
    session = try store.writableSession()
    self.store = store
    self.stream = stream
    self.options = options
    let name = try StreamTable.checkedName(stream)
    let metadata = Array(metadata.utf8)
    guard metadata.count <= store.file.layout.maximumMetadataByteCount else {
      throw NanoTSError(
        .metadataTooLarge,
        "segment metadata of \(metadata.count) bytes is longer than \(store.file.layout.maximumMetadataByteCount), a "
          + "quarter of the block size")
    }
    // Before a stream is made for what cannot be written.
    _ = try options.compression?.layout(blockSize: store.blockSize)
    let session = session
    let core = try session.beginningChanges { () throws(NanoTSError) in
      try session.willChange(durably: options.durability != .none)
      let lease = try StreamLease(store.file, name, durable: options.durability != .none)
      let handover = BlockHandover(
        lease: lease, durability: options.durability, autoReclaim: options.autoReclaim, metadata: metadata,
        chunks: try store.chunks(asked: options.compression, for: lease.slot))
      return WriterCore(
        lease, handover, try BackgroundSync(handover, session.background, session.taskDescriptor), options)
    }
    // Bound: one core, initialised here and deinitialised with the writer. A pointer, because a class's own variables
    // are checked for exclusive access at each use, which costs more than the append. In cache lines of its own, by pairs as
    // processors fetch them: each append changes it, and beside it may lie what another thread's append changes.
    let pair = 128
    let bytes = UnsafeMutableRawPointer.allocate(
      byteCount: MemoryLayout<WriterCore>.size.roundedUp(to: pair), alignment: pair)
    unsafe self.core = unsafe bytes.initializeMemory(as: WriterCore.self, to: core)
  }

  deinit {
    // A deinitialiser cannot throw: a failed sync here is one that the caller chose not to hear of by not closing.
    try? close()
    unsafe core.deinitialize(count: 1)
    unsafe core.deallocate()
  }

  // MARK: Appending

  /// Appends a frame with the bytes of `span`.
  ///
  /// Throws `.outOfOrder` when (timestamp, key) is not after the stream's last frame (unless the writer clamps),
  /// `.frameTooLarge`, `.noFreeBlocks`, `.closed`, or `.ioFailure` when a sync failed. O(bytes), no system call but those
  /// that the ``Durability`` asks for; at a block's end a handover, which costs the same for any number of blocks.
  @inlinable @inline(__always)
  public func append(
    _ span: RawSpan, at timestamp: Int64, key: Int64 = 0, flags: UInt32 = 0
  ) throws(NanoTSError) {
    let isDone = unsafe span.withUnsafeBytes { unsafe appendBytes($0.baseAddress, $0.count, timestamp, key, flags) }
    if !isDone { throw takeError() }
  }

  /// Appends a frame with the bytes of `buffer`. Throws as the form with a span.
  @inlinable @inline(__always)
  public func append(
    _ buffer: UnsafeRawBufferPointer, at timestamp: Int64, key: Int64 = 0, flags: UInt32 = 0
  ) throws(NanoTSError) {
    if unsafe !appendBytes(buffer.baseAddress, buffer.count, timestamp, key, flags) { throw takeError() }
  }

  /// Appends a frame with `bytes`. Throws as the form with a span.
  @inlinable @inline(__always)
  public func append(
    _ bytes: [UInt8], at timestamp: Int64, key: Int64 = 0, flags: UInt32 = 0
  ) throws(NanoTSError) {
    let isDone = unsafe bytes.withUnsafeBytes { unsafe appendBytes($0.baseAddress, $0.count, timestamp, key, flags) }
    if !isDone { throw takeError() }
  }

  /// Appends a frame with the bytes of `value` as they lie in memory. Throws as the form with a span.
  @inlinable @inline(__always)
  public func append<T: BitwiseCopyable>(
    value: T, at timestamp: Int64, key: Int64 = 0, flags: UInt32 = 0
  ) throws(NanoTSError) {
    let isDone = unsafe withUnsafeBytes(of: value) {
      unsafe appendBytes($0.baseAddress, $0.count, timestamp, key, flags)
    }
    if !isDone { throw takeError() }
  }

  @usableFromInline @inline(never)
  func appendBytes(
    _ bytes: UnsafeRawPointer?, _ byteCount: Int, _ timestamp: Int64, _ key: Int64, _ flags: UInt32
  ) -> Bool {
    guard let start = unsafe bytes else { return unsafe appendOther(bytes, byteCount, timestamp, key, flags) }
    let position = FramePosition(timestamp: timestamp, key: key)
    switch unsafe core.pointee.appendShort(start, byteCount, position, flags) {
    case .all: return true
    case .allButWake: return wakeFollowers()
    case .nothing: return unsafe appendOther(bytes, byteCount, timestamp, key, flags)
    }
  }

  /// Any frame. Its arguments and result are those of `appendBytes`, which leaves by a jump to here.
  @inline(never)
  private func appendOther(
    _ bytes: UnsafeRawPointer?, _ byteCount: Int, _ timestamp: Int64, _ key: Int64, _ flags: UInt32
  ) -> Bool {
    unsafe core.pointee.announceEnd()
    return unsafe core.pointee.append(bytes, byteCount, FramePosition(timestamp: timestamp, key: key), flags)
  }

  /// Returns true: of a frame that was appended.
  @inline(never)
  private func wakeFollowers() -> Bool {
    unsafe core.pointee.appender?.wake()
    return true
  }

  /// Appends the frame if that takes no lock and no system call, and nothing is to be refused. Returns false, and does
  /// nothing, otherwise.
  package func appendAtOnce(
    _ buffer: UnsafeRawBufferPointer, at timestamp: Int64, key: Int64, flags: UInt32
  ) -> Bool {
    let position = FramePosition(timestamp: timestamp, key: key)
    return unsafe core.pointee.appendAtOnce(buffer.baseAddress, buffer.count, position, flags)
  }

  @usableFromInline @inline(never)
  func takeError() -> NanoTSError { unsafe core.pointee.takeError() }

  /// Appends a frame of up to `byteCount` bytes that `fill` produces in place, with no copy.
  ///
  /// `fill` gets the bytes to write, whose content is undefined, and returns how many of them it used. Nothing is seen
  /// of the frame before it returns. It must not use this writer. Throws as the other forms, and `.invalidArgument` when
  /// `byteCount` is negative or `fill` returns a number outside 0...byteCount; then nothing was appended.
  public func append(
    byteCount: Int, at timestamp: Int64, key: Int64 = 0, flags: UInt32 = 0,
    fill: (UnsafeMutableRawBufferPointer) -> Int
  ) throws(NanoTSError) {
    let position = FramePosition(timestamp: timestamp, key: key)
    guard let place = unsafe core.pointee.reserve(byteCount, position) else { throw takeError() }
    let used = unsafe fill(UnsafeMutableRawBufferPointer(start: place, count: byteCount))
    if unsafe !core.pointee.finish(place, used, of: byteCount, flags) { throw takeError() }
  }

  /// Appends `frames` in order, making those of a block visible at once.
  ///
  /// Order and sizes are checked before anything is stored: `.outOfOrder`, `.frameTooLarge` and `.closed` leave the
  /// store unchanged (a clamping writer stores late frames one unit after the one before). When `.noFreeBlocks` or
  /// `.ioFailure` comes up part-way, the frames before it are stored; the message says how many. O(bytes).
  public func append(contentsOf frames: UnsafeBufferPointer<NewFrame>) throws(NanoTSError) {
    if unsafe !core.pointee.append(batch: frames) { throw takeError() }
  }

  /// Appends `frames` in order. Throws as the form with a buffer.
  public func append(contentsOf frames: [NewFrame]) throws(NanoTSError) {
    let isDone = unsafe frames.withUnsafeBufferPointer { unsafe core.pointee.append(batch: $0) }
    if !isDone { throw takeError() }
  }

  /// Appends the frames of `columns` in order. Throws as the form with a buffer.
  package func append(contentsOf columns: NewFrameColumns) throws(NanoTSError) {
    if unsafe !core.pointee.append(batch: columns) { throw takeError() }
  }

  // MARK: State

  /// The largest payload that a frame of this session can have, in bytes.
  public var maximumFrameByteCount: Int { unsafe core.pointee.maximumFrameByteCount }

  /// The position of the stream's last frame, also one of an earlier session; nil when there is none.
  public var last: FramePosition? { unsafe core.pointee.last }

  /// Makes every frame appended so far survive power loss, whatever the durability. Throws `.ioFailure` or `.closed`.
  /// Waits for the disk.
  public func flush() throws(NanoTSError) {
    if unsafe !core.pointee.flush() { throw takeError() }
  }

  /// Seals the open block, syncs it as the durability says, and lets the stream go. Idempotent. Throws `.ioFailure`
  /// when the sync failed, or an earlier one had; the writer is closed all the same.
  public func close() throws(NanoTSError) {
    guard unsafe core.pointee.isOpen else { return }
    let isDone = unsafe core.pointee.close()
    let error = isDone ? nil : takeError()
    do throws(NanoTSError) {
      if unsafe !core.pointee.isOpen { try session.changerEnded() }
    } catch let later {
      throw error ?? later
    }
    if let error { throw error }
  }
}

extension Store {
  /// Opens the writer of `stream`, which is made if it does not exist. Its frames form a new segment with `metadata`.
  ///
  /// Throws `.readOnly`, `.closed`, `.invalidName`, `.invalidArgument` (an interval outside its limits),
  /// `.metadataTooLarge` (more than a quarter of the block size), `.tooManyStreams`, `.streamBusy` (with the process id of the writer that has the stream) or `.ioFailure`. What a
  /// killed writer left open is recovered here: O(bytes of one block).
  public func writer(
    for stream: String, metadata: String = "", options: WriterOptions = WriterOptions()
  ) throws(NanoTSError) -> Writer {
    try Writer(self, stream, metadata, options)
  }
}
