import Foundation

/// Runs `body` on a thread of its own and awaits its result, so that work which blocks does not hold up other tests.
func onThread<R: Sendable>(_ body: @escaping @Sendable () throws -> R) async throws -> R {
  try await withCheckedThrowingContinuation { continuation in
    Thread.detachNewThread { continuation.resume(with: Result { try body() }) }
  }
}
