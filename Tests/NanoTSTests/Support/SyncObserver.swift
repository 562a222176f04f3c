import CNanoTS
import Synchronization

@testable import NanoTS

/// Sees the syncs that one thread and the engine's threads for it make, holds them back, and makes them fail.
final class SyncObserver: Sendable {
  struct Seen: Sendable {
    let call: CallKind
    /// True when the thread made it that the observer was put before.
    let isOwn: Bool
  }

  private struct State {
    var seen: [Seen] = []
    var isHeld = false
    var failure: Int32 = 0
    /// The result of starting a thread.
    var threadResult: Int32 = 0
    var threads = 0
  }

  private let state = Mutex(State())
  private let changes = WaitCounter()
  private let owner = WorkThread.current

  /// Runs `body` with this observer between the thread and its calls.
  func interposed<R>(_ body: () throws -> R) rethrows -> R {
    // Threads that the engine starts may call it until the process ends.
    let context = unsafe Unmanaged.passRetained(self).toOpaque()
    unsafe nts_interpose(
      { context, request in
        let observer = unsafe Unmanaged<SyncObserver>.fromOpaque(context!).takeUnretainedValue()
        return unsafe observer.see(request!.pointee)
      }, context)
    defer { nts_interpose(nil, nil) }
    return try body()
  }

  private func see(_ request: nts_request) -> Int32 {
    guard unsafe request.is_done == 0, let call = unsafe CallKind(rawValue: request.call.rawValue) else { return 0 }
    if call == .thread {
      return state.withLock { state in
        state.threads += 1
        return state.threadResult
      }
    }
    guard call == .syncRange || call == .syncFile else { return 0 }
    state.withLock { $0.seen.append(Seen(call: call, isOwn: WorkThread.current == owner)) }
    changes.increment()
    while true {
      let seen = changes.value
      let (isHeld, failure) = state.withLock { ($0.isHeld, $0.failure) }
      guard isHeld else { return failure }
      changes.wait(while: seen)
    }
  }

  var seen: [Seen] { state.withLock { $0.seen } }

  /// The syncs that the observer's own thread made.
  var own: Int { seen.count { $0.isOwn } }

  /// Threads that were asked for.
  var threads: Int { state.withLock { $0.threads } }

  func hold() { state.withLock { $0.isHeld = true } }

  func release() {
    state.withLock { $0.isHeld = false }
    changes.increment()
  }

  /// From now on each sync fails with the negated error number; 0: none does.
  func fail(with result: Int32) { state.withLock { $0.failure = result } }

  /// From now on no thread can be started.
  func failThreads() { state.withLock { $0.threadResult = -11 } }

  /// Waits until a sync of another thread than the owner's is held back.
  func waitUntilOthersAreHeld() {
    while true {
      let seen = changes.value
      if state.withLock({ $0.isHeld && $0.seen.contains { !$0.isOwn } }) { return }
      changes.wait(while: seen)
    }
  }
}
