import Synchronization

/// A time-series store: one file of fixed blocks that holds many streams of frames.
///
/// A store keeps what was promised at creation: the file never grows past its size, and once it is full the oldest
/// sealed block makes room. Any number of processes may have it open. One writer at a time appends to a stream; readers
/// take no lock and never slow a writer.
///
/// Thread rules: a `Store` may be used from any thread. Writers and cursors made by it belong to one thread at a time.
///
/// A process that forks must not use a store that it opened before the fork in the child.
public final class Store: Sendable {
  /// What a store is opened for.
  public enum Access: Sendable {
    /// Needs only read permission and works on a read-only file system; writes nothing to the file.
    case readOnly
    /// Reading, and being woken by writers: as `readOnly`, but the words through which followers ask for wakes are
    /// written. The blocks cannot be, and it does not count among those who have the store open for writing. Where the
    /// file may not be written it is the same as `readOnly`; `followMethod` tells.
    case following
    /// Appending, freeing, and everything else.
    case readWrite
    /// Reading what the store holds at the moment of opening, through `pread` into memory of the process: nothing of the file
    /// is mapped. For a file that may be cut off or changed by others, or that lies on a disk that may fail: what cannot be
    /// read is thrown as `.ioFailure` or `.truncated`, with no signal, and nobody else changes what was read. A frame's bytes
    /// stay until its cursor goes on to another block.
    ///
    /// Frames committed later are not seen. Blocks that are recycled before a cursor has its place are gone without a word, as
    /// those that were recycled before the snapshot; later ones are told as missed. Following, pins and copies need
    /// the file as it is now and throw `.invalidArgument`. Opening costs O(blocks), and the first step into each block a copy
    /// of it.
    case snapshot
  }

  let file: StoreFile
  let directories: DirectoryCache
  let session: StoreSession?
  /// What the store was opened for.
  public let access: Access
  /// True when frames must prove themselves before they are handed out: the machine restarted without the store having
  /// been left cleanly, and no writer has opened it since.
  var isSuspect: Bool { !file.trustsCounters.load(ordering: .relaxed) }

  /// Opens the store at `path`.
  ///
  /// A store that was open for writing when the machine lost power is put right here, without a repair step, when it
  /// is opened for writing; opened read-only, its frames are checked as they are read.
  ///
  /// Throws `.notFound`, `.cannotOpen`, `.readOnly`, `.notAStore`, `.unsupportedVersion`, `.unsupportedFeature`,
  /// `.corrupt`, `.truncated` or `.ioFailure`; the message has the values. O(1), and after power loss O(blocks).
  public init(at path: String, _ access: Access = .readWrite) throws(NanoTSError) {
    file = try StoreOpening.open(path, access)
    self.access = access
    session = access == .readWrite ? try StoreSession(beginning: file) : nil
    file.trustsCounters.store(!StoreSession.isSuspect(file), ordering: .relaxed)
    directories = DirectoryCache(file)
    try file.checkMapping()
  }

  /// Creates a store at `path` and opens it for writing.
  ///
  /// The file appears under its name only when it is whole. With `replacing`, a file that is there already is replaced;
  /// processes that have the earlier one open keep it.
  ///
  /// Throws `.alreadyExists`, `.invalidBlockSize`, `.invalidBlockCount`, `.invalidArgument`, `.outOfSpace` (nothing is
  /// left behind) or `.ioFailure`. O(block count); the space is really reserved.
  public static func create(
    at path: String, _ options: StoreOptions = StoreOptions(), replacing: Bool = false
  ) throws(NanoTSError) -> Store {
    try StoreCreation.create(at: path, options, replacing: replacing)
    return try Store(at: path, .readWrite)
  }

  deinit {
    // Nothing is required at close (I8); what close would report, the next open finds out by itself.
    try? session?.close()
  }

  /// The path that the store was opened with.
  public var path: String { file.path }
  /// What timestamps count.
  public var timeUnit: TimeUnit { TimeUnit(rawValue: file.timeUnit)! }
  /// Bytes of one block.
  public var blockSize: Int { file.layout.blockSize }
  /// The number of blocks; of a growable store, the cap.
  public var blockCount: Int { file.layout.blockCount }

  /// What happens to pinned blocks when no other is left.
  public var pinPolicy: PinPolicy { file.pinsHold ? .hold : .giveWay }

  /// Leaves the store: new writers and questions throw `.closed`. Idempotent.
  ///
  /// Writers, cursors and sequences that are still there keep the mapping and go on working; the store counts as
  /// cleanly left when the last writer has closed as well. Throws `.ioFailure` when the last changes could not be
  /// synced. Not required: a store that was never closed loses nothing that its durability promised.
  public func close() throws(NanoTSError) {
    isClosed.store(true, ordering: .releasing)
    try session?.close()
  }

  private let isClosed = Atomic<Bool>(false)

  /// Throws `.closed` after `close`.
  func checkOpen() throws(NanoTSError) {
    if isClosed.load(ordering: .acquiring) {
      throw NanoTSError(.closed, "the store \(path) was closed; open it again")
    }
  }

  /// Throws `.invalidArgument` in a snapshot, which cannot do `what`.
  func checkLive(to what: String) throws(NanoTSError) {
    if access == .snapshot {
      throw NanoTSError(
        .invalidArgument,
        "the store \(path) was opened as a snapshot, which sees nothing that comes later; open it read-only to \(what)")
    }
  }

  /// Answers a question: throws `.closed` after `close`, and `.ioFailure` when a page was lost before or meanwhile.
  func answering<R>(_ answer: () throws(NanoTSError) -> R) throws(NanoTSError) -> R {
    try checkOpen()
    return try file.reading(answer)
  }

  /// The session, or `.readOnly` or `.closed`.
  func writableSession() throws(NanoTSError) -> StoreSession {
    try checkOpen()
    guard let session else {
      throw NanoTSError(.readOnly, "the store \(path) was opened read-only; open it for reading and writing")
    }
    return session
  }
}
