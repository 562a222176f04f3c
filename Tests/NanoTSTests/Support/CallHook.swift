import CNanoTS

@testable import NanoTS

/// Does something before the system calls of one thread and of the engine's threads for it, or after those that succeeded.
final class CallHook: Sendable {
  private let isAfter: Bool
  private let body: @Sendable (CallKind) -> Int32

  /// `body` returns 0 to let the call go on, or the negated error number that it fails with.
  init(_ body: @escaping @Sendable (CallKind) -> Int32) {
    isAfter = false
    self.body = body
  }

  init(after body: @escaping @Sendable (CallKind) -> Void) {
    isAfter = true
    self.body = { call in
      body(call)
      return 0
    }
  }

  func interposed<R>(_ run: () throws -> R) rethrows -> R {
    // Threads that the engine starts may call it until the process ends.
    let context = unsafe Unmanaged.passRetained(self).toOpaque()
    unsafe nts_interpose(
      { context, request in
        let hook = unsafe Unmanaged<CallHook>.fromOpaque(context!).takeUnretainedValue()
        guard unsafe request!.pointee.is_done == (hook.isAfter ? 1 : 0),
          let call = unsafe CallKind(rawValue: request!.pointee.call.rawValue)
        else { return 0 }
        return hook.body(call)
      }, context)
    defer { nts_interpose(nil, nil) }
    return try run()
  }
}
