internal import CNanoTS

/// What the guard against SIGBUS knows of one mapping: whether a page of it was lost.
@safe
struct GuardedMapping: @unchecked Sendable {
  /// Bound: valid until `end`. Nil when there was no memory for it; such a mapping is not guarded.
  private let entry: OpaquePointer?

  init(_ base: UnsafeMutableRawPointer, _ byteCount: Int, writable: Bool) {
    unsafe entry = nts_guard_add(base, byteCount, writable ? 1 : 0)
  }

  /// Of memory that needs no guard.
  init() { unsafe entry = nil }

  /// Before the mapping goes.
  func end() { unsafe nts_guard_remove(entry) }

  /// Throws `.ioFailure` when a page was lost. One load, no system call.
  @inline(__always)
  func check(_ path: @autoclosure () -> String) throws(NanoTSError) {
    let errno = unsafe nts_guard_lost(entry)
    if errno != 0 { throw GuardedMapping.failure(errno, path()) }
  }

  /// What is thrown for a page that was lost.
  private static func failure(_ errno: Int32, _ path: String) -> NanoTSError {
    NanoTSError(
      .ioFailure,
      "\(path): a mapped page could not be read (SIGBUS): the file was cut while it was open, or the disk failed; open the "
        + "store anew, and restore it from a copy if it is refused", systemError: errno)
  }

  /// The error for the mapping that `address` lies in, if a page of it was lost. O(mappings).
  static func failure(at address: UnsafeRawPointer) -> NanoTSError? {
    let errno = unsafe nts_guard_lost_at(address)
    return errno == 0 ? nil : failure(errno, "the store")
  }

  /// Installs the guard for the process. Throws `.ioFailure`.
  static func install() throws(NanoTSError) {
    try SystemCall.check(nts_guard_install(), "sigaction", "SIGBUS")
  }
}
