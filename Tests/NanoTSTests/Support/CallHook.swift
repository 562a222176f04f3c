import CNanoTS

@testable import NanoTS

/// Does something before the system calls of one thread and of the engine's threads for it.
final class CallHook: Sendable {
  private let body: @Sendable (CallKind) -> Int32

  /// `body` returns 0 to let the call go on, or the negated error number that it fails with.
  init(_ body: @escaping @Sendable (CallKind) -> Int32) { self.body = body }

  func interposed<R>(_ run: () throws -> R) rethrows -> R {
    // Threads that the engine starts may call it until the process ends.
    let context = unsafe Unmanaged.passRetained(self).toOpaque()
    unsafe nts_interpose(
      { context, request in
        guard unsafe request!.pointee.is_done == 0, let call = unsafe CallKind(rawValue: request!.pointee.call.rawValue)
        else { return 0 }
        return unsafe Unmanaged<CallHook>.fromOpaque(context!).takeUnretainedValue().body(call)
      }, context)
    defer { nts_interpose(nil, nil) }
    return try run()
  }
}
