internal import CNanoTS

/// State that threads of this process share, reached only under a lock.
///
/// A pthread mutex: the thread sanitizer understands it, and a build without the standard library's locks has it too.
/// Never held while waiting for another process, except around the sync that ends a session.
@safe
package final class ProcessLock<State>: @unchecked Sendable {
  private let mutex: OpaquePointer
  private var state: State

  package init(_ initial: sending State) {
    guard let mutex = unsafe nts_mutex_make() else { fatalError("no memory is left for a lock") }
    unsafe self.mutex = mutex
    state = initial
  }

  deinit { unsafe nts_mutex_free(mutex) }

  /// Runs `body` with the state, alone.
  package func withLock<R, Failure: Error>(_ body: (inout State) throws(Failure) -> R) throws(Failure) -> R {
    unsafe nts_mutex_lock(mutex)
    defer { unsafe nts_mutex_unlock(mutex) }
    return try body(&state)
  }
}
