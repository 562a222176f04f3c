internal import Glibc

/// What the simulator does with files by itself, past the engine and its system calls.
package enum RawFile {
  package struct Failure: Error, CustomStringConvertible {
    package let description: String

    init(_ what: String, _ path: String) {
      description = "\(what) of \(path) failed with error number \(errno)"
    }
  }

  /// A new directory for crash images: in memory where the system has such a place, since every image is synced while it
  /// is checked. Otherwise in `fallback`.
  package static func scratchDirectory(or fallback: String) throws -> String {
    let parent = unsafe access("/dev/shm", W_OK) == 0 ? "/dev/shm" : fallback
    let template = parent + "/nanots-crash-XXXXXX"
    let made: String? = unsafe template.withCString { text in
      let copy = unsafe strdup(text)
      defer { unsafe free(copy) }
      guard let copy = unsafe copy, let name = unsafe mkdtemp(copy) else { return nil }
      return unsafe String(cString: name)
    }
    guard let made else { throw Failure("mkdtemp", template) }
    return made
  }

  /// Removes a directory that is empty.
  package static func removeDirectory(_ path: String) { unsafe _ = rmdir(path) }

  package static func remove(_ path: String) { unsafe _ = unlink(path) }

  /// Makes the file anew with `bytes`; one that is there is a file of its own afterwards, whoever has it open.
  package static func write(_ bytes: [UInt8], to path: String) throws {
    remove(path)
    let file = unsafe open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard file >= 0 else { throw Failure("open", path) }
    defer { close(file) }
    var done = 0
    while done < bytes.count {
      let count = unsafe bytes.withUnsafeBytes { unsafe Glibc.write(file, $0.baseAddress! + done, $0.count - done) }
      guard count > 0 else { throw Failure("write", path) }
      done += count
    }
  }

  /// `count` bytes from `offset` on.
  static func read(_ path: String, at offset: Int, count: Int) throws -> [UInt8] {
    let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { throw Failure("open", path) }
    defer { close(file) }
    var bytes = [UInt8](repeating: 0, count: count)
    let done = unsafe bytes.withUnsafeMutableBytes { unsafe pread(file, $0.baseAddress!, count, off_t(offset)) }
    guard done == count else { throw Failure("read", path) }
    return bytes
  }
}
