internal import CNanoTS

/// An exclusive or shared lock on one byte of the file, or on several in a row, owned by an open file description.
///
/// Linux's open-file-description locks exclude two descriptions of one process as they do two processes, and the
/// kernel drops them when the description's last descriptor is closed, also by a kill. A forked child shares its
/// parent's descriptions until it execs: a lock is therefore always given up by `unlock`, not by closing alone, and a
/// program that forks without exec must not use the store in the child.
struct FileLock {
  let file: FileDescriptor
  let offsets: ClosedRange<UInt64>

  init(file: FileDescriptor, offset: UInt64) { self.init(file: file, offsets: offset...offset) }

  init(file: FileDescriptor, offsets: ClosedRange<UInt64>) {
    self.file = file
    self.offsets = offsets
  }

  enum Kind {
    case shared
    case exclusive
  }

  private var count: UInt64 { offsets.upperBound - offsets.lowerBound + 1 }

  /// Waits for the lock. One holder keeps it for microseconds, except around a growth of the file.
  func lock(_ kind: Kind = .exclusive) throws(NanoTSError) {
    try SystemCall.check(
      nts_lock(file.number, offsets.lowerBound, count, kind == .exclusive ? 1 : 0, 1), "fcntl(F_OFD_SETLKW)", file.path)
  }

  /// Takes the lock if nobody else has any byte of it; false if somebody has.
  func tryLock(_ kind: Kind = .exclusive) throws(NanoTSError) -> Bool {
    let result = nts_lock(file.number, offsets.lowerBound, count, kind == .exclusive ? 1 : 0, 0)
    if result == -ErrorNumber.tryAgain { return false }
    try SystemCall.check(result, "fcntl(F_OFD_SETLK)", file.path)
    return true
  }

  /// Gives the lock back. Tried twice: what stays locked holds up every other writer until the description is closed.
  func unlock() throws(NanoTSError) {
    if nts_unlock(file.number, offsets.lowerBound, count) == 0 { return }
    try SystemCall.check(nts_unlock(file.number, offsets.lowerBound, count), "fcntl(F_OFD_SETLK)", file.path)
  }

  /// True when another description holds one of the bytes. Needs only read permission.
  func isHeldByAnother() throws(NanoTSError) -> Bool { try conflict() != nil }

  /// One lock of another description on some of the bytes: its kind and all that it covers, which may reach beyond them.
  /// Of several, whichever the kernel meets first. Needs only read permission.
  func conflict() throws(NanoTSError) -> (kind: Kind, offsets: ClosedRange<UInt64>)? {
    var (first, last): (UInt64, UInt64) = (0, 0)
    let kind = try unsafe SystemCall.check(
      nts_find_lock(file.number, offsets.lowerBound, count, &first, &last), "fcntl(F_OFD_GETLK)", file.path)
    guard kind != 0, first <= last else { return nil }
    return (kind == Int32(NTS_LOCK_SHARED) ? .shared : .exclusive, first...last)
  }
}
