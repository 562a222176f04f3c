import Foundation
import Synchronization

/// A thread of its own for work that blocks, with its result.
final class WorkerThread<Value: Sendable>: Sendable {
  private let result: Mutex<Result<Value, any Error>?> = Mutex(nil)

  struct TooSlow: Error {}

  init(_ work: @escaping @Sendable () throws -> Value) {
    Thread.detachNewThread { [self] in
      let value = Result { try work() }
      result.withLock { $0 = value }
    }
  }

  var isRunning: Bool { result.withLock { $0 == nil } }

  /// Waits for the thread, which was told to stop; throws what it threw, or `TooSlow`.
  func finish(withinSeconds seconds: Double = 30) async throws -> Value {
    let limit = Date() + seconds
    while isRunning, Date() < limit { try await Task.sleep(for: .milliseconds(2)) }
    guard let value = result.withLock({ $0 }) else { throw TooSlow() }
    return try value.get()
  }
}
