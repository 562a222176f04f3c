import Dispatch
import Foundation
import Synchronization

/// A thread of its own for work that blocks, with its result.
final class WorkerThread<Value: Sendable>: Sendable {
  private let done = DispatchSemaphore(value: 0)
  private let result: Mutex<Result<Value, any Error>?> = Mutex(nil)

  struct TooSlow: Error {}

  init(_ work: @escaping @Sendable () throws -> Value) {
    Thread.detachNewThread { [self] in
      let value = Result { try work() }
      result.withLock { $0 = value }
      done.signal()
    }
  }

  /// Waits for the thread, which was told to stop; throws what it threw, or `TooSlow`.
  func finish(withinSeconds seconds: Double = 30) throws -> Value {
    guard done.wait(timeout: .now() + seconds) == .success, let value = result.withLock({ $0 }) else { throw TooSlow() }
    return try value.get()
  }
}
