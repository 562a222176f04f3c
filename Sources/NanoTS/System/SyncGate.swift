/// Lets one sync of a whole file serve all who ask for one at the same time (group commit).
///
/// A sync makes durable what was stored before it began. So whoever asks while one is going on waits for the next one,
/// and one of those who wait makes it for all of them.
final class SyncGate: Sendable {
  private struct State {
    /// Syncs that were begun, and the latest of them that was done.
    var begun: UInt64 = 0
    var done: UInt64 = 0
    var isUnderway = false
  }

  private let state = ProcessLock(State())
  private let changes = WaitCounter()

  /// Returns when a sync has been done that began after this call. Throws what `sync` throws: who waited for one that
  /// failed makes the next one by itself, so that nobody takes a failed one for done.
  func pass(_ sync: () throws(NanoTSError) -> Void) throws(NanoTSError) {
    let needed = state.withLock { $0.begun + 1 }
    while true {
      let seen = changes.value
      let (isDone, isMine) = state.withLock { state in
        if state.done >= needed { return (true, false) }
        if state.isUnderway { return (false, false) }
        state.isUnderway = true
        state.begun += 1
        return (false, true)
      }
      if isDone { return }
      if isMine { return try lead(sync) }
      changes.wait(while: seen)
    }
  }

  /// Makes the sync that was begun last.
  private func lead(_ sync: () throws(NanoTSError) -> Void) throws(NanoTSError) {
    let result: Result<Void, NanoTSError>
    do throws(NanoTSError) {
      result = .success(try sync())
    } catch {
      result = .failure(error)
    }
    state.withLock { state in
      state.isUnderway = false
      if case .success = result { state.done = state.begun }
    }
    changes.increment()
    try result.get()
  }
}
