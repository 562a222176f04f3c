import Synchronization

/// State that threads of this process share, reached only under a lock.
///
/// The one place where the engine uses a lock of the standard library: a build for a platform without one replaces this
/// file. Never held while waiting for another process, except around the sync that ends a session.
final class ProcessLock<State>: Sendable {
  private let mutex: Mutex<State>

  init(_ initial: sending State) { mutex = Mutex(initial) }

  /// Runs `body` with the state, alone.
  func withLock<R, Failure: Error>(_ body: (inout sending State) throws(Failure) -> sending R) throws(Failure) -> R {
    try mutex.withLock(body)
  }
}
