/// What one opening of a store for writing means to the file: the boot it happened in, and whether it ended cleanly.
///
/// SharedState says in which boot a writer last had the store open and whether everything was synced when the last one
/// left. A store of another boot that was not left cleanly is suspect: its table may be older than its bodies.
final class StoreSession: Sendable {
  private struct State {
    /// Writers, and changes that are being made.
    var changers = 0
    var isClosed = false
    var isMarkedOpen = false
    var isUnsynced = false
    var presence: FileDescriptor?
  }

  private let file: StoreFile
  /// Idle but for what the session's writers give it to do; ends with the session.
  let background = SyncThread()
  /// What the thread takes locks through.
  let taskDescriptor: TaskDescriptor
  private let state: ProcessLock<State>

  /// True when the machine has restarted since a writer had the store open and did not leave it cleanly.
  static func isSuspect(_ file: StoreFile) -> Bool {
    let shared = file.shared
    guard shared.closedCleanly.acquired != 1 else { return false }
    let boot = Machine.bootID()
    return boot == .unknown || shared.bootID != boot
  }

  /// Begins a session that may write: settles a suspect store first, and makes this process's presence known, so that
  /// only the last one to leave calls the store clean.
  init(beginning file: StoreFile) throws(NanoTSError) {
    self.file = file
    taskDescriptor = TaskDescriptor(for: file.mapped.descriptor)
    let presence = try FileDescriptor(reopening: file.mapped.descriptor, .readWrite)
    let presenceLock = FileLock(file: presence, offset: StoreFile.LockOffset.writers)
    let wasClean = file.shared.closedCleanly.acquired == 1
    try AllocationLock(file, through: presence).withLock { pool throws(NanoTSError) in
      // Whoever else has the store open for writing settled it before; its open blocks are not to be touched.
      let isAlone = try presenceLock.tryLock(.exclusive)
      if isAlone, StoreSession.isSuspect(file) {
        try pool.settle(checkingAll: file.shared.unorderedReuse.relaxed == 1)
        try file.mapped.syncAll()
        try pool.noteSettled()
        try file.mapped.syncAll()
      }
      // A growth that power loss took back, or a file that was cut.
      if Int(file.shared.availableBlocks.relaxed) > (try file.blocksInFileUnderLock()) { try pool.rebuild() }
      let boot = Machine.bootID()
      if isAlone, file.shared.bootID != boot { file.shared.bootID = boot }
      try presenceLock.lock(.shared)
    }
    // A rebuild has changed it already.
    let isMarkedOpen = wasClean && file.shared.closedCleanly.acquired != 1
    state = ProcessLock(State(isMarkedOpen: isMarkedOpen, presence: presence))
  }

  deinit { background.stop() }

  /// Must be called before the first change of this session reaches the file; a writer also says whether it syncs.
  func willChange(durably: Bool) throws(NanoTSError) {
    try state.withLock { state throws(NanoTSError) in
      let shared = file.shared
      let mustFlag = !durably && shared.unorderedReuse.relaxed == 0
      if !durably { state.isUnsynced = true }
      guard !state.isMarkedOpen || mustFlag || shared.closedCleanly.relaxed == 1 else { return }
      shared.closedCleanly.storeRelaxed(0)
      if mustFlag { shared.unorderedReuse.storeRelaxed(1) }
      try file.syncShared()
      state.isMarkedOpen = true
    }
  }

  /// Runs `body`, the first step of somebody who changes the store. From before it until `changerEnded` the store is not
  /// called clean, and its thread goes on; when `body` throws, that is over already. Throws `.closed`, or what `body`
  /// throws.
  func beginningChanges<R>(_ body: () throws(NanoTSError) -> R) throws(NanoTSError) -> R {
    try state.withLock { state throws(NanoTSError) in
      guard !state.isClosed else {
        throw NanoTSError(.closed, "the store \(file.path) was closed; open it again")
      }
      state.changers += 1
    }
    do throws(NanoTSError) {
      return try body()
    } catch let first {
      // It is what the caller is told of, also when the end of a store that was closed meanwhile fails as well.
      do throws(NanoTSError) { try changerEnded() } catch { throw first }
      throw first
    }
  }

  /// The last one of a closed store ends the session.
  func changerEnded() throws(NanoTSError) {
    try end { state in
      state.changers -= 1
      return state.isClosed && state.changers == 0
    }
  }

  /// Closes the store: the session ends now, or with the last one who changes it.
  func close() throws(NanoTSError) {
    try end { state in
      guard !state.isClosed else { return false }
      state.isClosed = true
      return state.changers == 0
    }
  }

  private func end(_ isOver: (inout State) -> Bool) throws(NanoTSError) {
    try state.withLock { state throws(NanoTSError) in
      guard isOver(&state), let presence = state.presence else { return }
      state.presence = nil
      background.stop()
      if state.isMarkedOpen && !state.isUnsynced { try markClean(presence) }
      try FileLock(file: presence, offset: StoreFile.LockOffset.writers).unlock()
    }
  }

  /// Calls the store clean if nobody else may be writing it.
  private func markClean(_ presence: FileDescriptor) throws(NanoTSError) {
    try AllocationLock(file, through: presence).withLock { _ throws(NanoTSError) in
      guard try FileLock(file: presence, offset: StoreFile.LockOffset.writers).tryLock(.exclusive) else { return }
      try file.mapped.syncAll()
      file.shared.unorderedReuse.storeRelaxed(0)
      file.shared.closedCleanly.storeReleased(1)
      try file.mapped.syncAll()
    }
  }
}
