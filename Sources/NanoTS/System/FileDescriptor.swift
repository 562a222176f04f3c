internal import CNanoTS

/// An open file description of a regular file, closed when the last reference goes.
final class FileDescriptor: Sendable {
  enum Mode {
    case read
    case readWrite
    case createExclusively

    fileprivate var flag: Int32 {
      switch self {
      case .read: Int32(NTS_OPEN_READ)
      case .readWrite: Int32(NTS_OPEN_READ_WRITE)
      case .createExclusively: Int32(NTS_OPEN_CREATE_EXCLUSIVE)
      }
    }
  }

  let number: Int32
  let path: String

  /// Opens `path`. Throws `.notFound`, `.cannotOpen`, `.readOnly`, `.alreadyExists`, `.outOfSpace` or `.ioFailure`.
  init(opening path: String, _ mode: Mode) throws(NanoTSError) {
    try FileDescriptor.check(path)
    number = try unsafe SystemCall.check(nts_open(path, mode.flag), "open", path)
    self.path = path
    // Everything is initialised: an error from here on runs the deinitialiser, which closes.
    let kind = nts_check_regular(number)
    if kind < 0 { throw FileDescriptor.failure(ofKind: kind, "fstat", path) }
  }

  private static func check(_ path: String) throws(NanoTSError) {
    guard !path.isEmpty, !path.utf8.contains(0) else {
      throw NanoTSError(.invalidArgument, "the path '\(path)' is empty or holds a NUL byte")
    }
  }

  private static func failure(ofKind result: Int32, _ call: StaticString, _ path: String) -> NanoTSError {
    result == -ErrorNumber.invalid
      ? NanoTSError(.cannotOpen, "\(path) is not a regular file; give the path of a store")
      : SystemCall.failure(-result, result == -ErrorNumber.isDirectory ? "open" : call, path)
  }

  /// Throws `.cannotOpen` or `.invalidArgument` when no file may be put under the name `path`: a directory or a device is
  /// there. True when what is there is `file`, by whatever name.
  static func checkPlace(_ path: String, for file: FileDescriptor?) throws(NanoTSError) -> Bool {
    try check(path)
    let result = unsafe nts_check_place(file?.number ?? -1, path)
    guard result >= 0 else { throw failure(ofKind: result, "stat", path) }
    return result == 1
  }

  /// Takes from others every permission that they have not on `other`.
  func limitPermissions(to other: FileDescriptor) throws(NanoTSError) {
    try SystemCall.check(nts_limit_mode(number, other.number), "fstat or fchmod", path)
  }

  /// A new description of the same file: locks belong to descriptions, so each holder of a lock has its own.
  init(reopening other: FileDescriptor, _ mode: Mode) throws(NanoTSError) {
    path = other.path
    number = try unsafe SystemCall.check(nts_reopen(other.number, other.path, mode.flag), "open", other.path)
  }

  deinit { nts_close(number) }

  /// The file's length in bytes.
  func size() throws(NanoTSError) -> UInt64 {
    var size: UInt64 = 0
    try unsafe SystemCall.check(nts_file_size(number, &size), "fstat", path)
    return size
  }

  func setSize(_ size: Int) throws(NanoTSError) {
    try SystemCall.check(nts_set_file_size(number, UInt64(size)), "ftruncate", path)
  }

  /// Gives `range` of the file real space on the disk and grows the file to hold it: by posix_fallocate, or by writing
  /// zeros where the file system has no such call. Throws `.outOfSpace` when there is not enough.
  func reserve(_ range: Range<Int>) throws(NanoTSError) {
    guard !range.isEmpty else { return }
    let result = nts_reserve(number, UInt64(range.lowerBound), UInt64(range.count))
    guard result == -ErrorNumber.notSupported || result == -ErrorNumber.invalid else {
      try SystemCall.check(result, "posix_fallocate", path)
      return
    }
    try SystemCall.check(
      nts_write_zeros(number, UInt64(range.lowerBound), UInt64(range.count)), "write", path)
  }

  /// Fills as much of `buffer` from `offset` as the file has; returns how many bytes that was.
  func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(NanoTSError) -> Int {
    unsafe Int(
      try SystemCall.check(
        nts_read_at(number, buffer.baseAddress, buffer.count, UInt64(offset)), "pread", path))
  }

  /// Fills all of `buffer` from `offset`. Throws `.ioFailure`, or `.truncated` when the file ends before.
  func fill(_ buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(NanoTSError) {
    let found = try unsafe read(into: buffer, at: offset)
    guard found == buffer.count else { throw FileDescriptor.cutOff(path) }
  }

  /// What is thrown for bytes that the file had when it was opened and has no longer.
  static func cutOff(_ path: String) -> NanoTSError {
    NanoTSError(
      .truncated,
      "\(path): pread came to the file's end, which was cut off while it was open; restore it from a copy, or save what is "
        + "left with 'nanots recover'")
  }

  /// Makes everything written to the file, mapped or not, survive power loss. Throws as `syncing`.
  func sync() throws(NanoTSError) {
    try syncing(.file) { nts_sync_file(number) }
  }

  private let syncs = SyncHistory()

  /// Makes the sync call `body`; see ``SyncHistory``.
  func syncing(_ kind: SyncHistory.Call, _ body: () -> Int32) throws(NanoTSError) {
    try syncs.record(kind, path, body)
  }
}
