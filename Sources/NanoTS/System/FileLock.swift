internal import CNanoTS

/// An exclusive or shared lock on one byte of the file, owned by an open file description.
///
/// Linux's open-file-description locks exclude two descriptions of one process as they do two processes, and the
/// kernel drops them when the description's last descriptor is closed, also by a kill. A forked child shares its
/// parent's descriptions until it execs: a lock is therefore always given up by `unlock`, not by closing alone, and a
/// program that forks without exec must not use the store in the child.
struct FileLock {
  let file: FileDescriptor
  let offset: UInt64

  enum Kind {
    case shared
    case exclusive
  }

  /// Waits for the lock. One holder keeps it for microseconds, except around a growth of the file.
  func lock(_ kind: Kind = .exclusive) throws(NanoTSError) {
    try SystemCall.check(nts_lock(file.number, offset, kind == .exclusive ? 1 : 0, 1), "fcntl(F_OFD_SETLKW)", file.path)
  }

  /// Takes the lock if nobody else has it; false if somebody has.
  func tryLock(_ kind: Kind = .exclusive) throws(NanoTSError) -> Bool {
    let result = nts_lock(file.number, offset, kind == .exclusive ? 1 : 0, 0)
    if result == -ErrorNumber.tryAgain { return false }
    try SystemCall.check(result, "fcntl(F_OFD_SETLK)", file.path)
    return true
  }

  func unlock() throws(NanoTSError) {
    try SystemCall.check(nts_unlock(file.number, offset), "fcntl(F_OFD_SETLK)", file.path)
  }

  /// True when another description holds the byte. Needs only read permission.
  func isHeldByAnother() throws(NanoTSError) -> Bool {
    try SystemCall.check(nts_lock_is_held(file.number, offset), "fcntl(F_OFD_GETLK)", file.path) == 1
  }
}
