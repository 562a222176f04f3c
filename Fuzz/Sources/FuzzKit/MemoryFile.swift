import Glibc

/// A file that only exists in memory, mapped for writing, so that an input becomes a file without a write to a disk or a
/// look into a directory.
@safe
package final class MemoryFile {
  /// Opens the file for as long as this process lives.
  package let path: String
  private let descriptor: Int32
  private let capacity: Int
  private let base: UnsafeMutableRawPointer

  /// Room for `capacity` bytes; the file has none of them yet.
  package init(capacity: Int) {
    self.capacity = capacity
    let name = Scratch.directory + "/file"
    descriptor = unsafe open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    // The file lives on without a name, as long as somebody has it open.
    unsafe unlink(name)
    let address = unsafe mmap(nil, capacity, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0)
    guard descriptor >= 0, let address = unsafe address, unsafe address != MAP_FAILED else {
      fatalError("no file in memory: errno \(errno)")
    }
    unsafe base = unsafe address
    path = "/proc/self/fd/\(descriptor)"
  }

  deinit {
    unsafe munmap(base, capacity)
    close(descriptor)
  }

  /// Gives the file `byteCount` bytes and the caller all of them. The bytes are those that were there before.
  package func withBytes(_ byteCount: Int, _ body: (UnsafeMutableRawBufferPointer) -> Void) {
    precondition(byteCount <= capacity)
    var status = stat()
    let isKnown = unsafe fstat(descriptor, &status) == 0
    if !isKnown || Int(status.st_size) != byteCount {
      guard ftruncate(descriptor, byteCount) == 0 else { fatalError("no room in memory: errno \(errno)") }
    }
    // Bound: the file is so long now, and nobody else cuts it before `body` returns.
    unsafe body(UnsafeMutableRawBufferPointer(start: base, count: byteCount))
  }
}

/// Where a fuzzer makes files by name: in memory, and in a directory of its own that whoever started it removes.
package enum Scratch {
  package static let directory: String = {
    let parent = unsafe getenv("NANOTS_FUZZ_SCRATCH").map { unsafe String(cString: $0) } ?? "/dev/shm"
    let path = "\(parent)/nanots-fuzz-\(getpid())"
    guard unsafe mkdir(path, 0o700) == 0 || errno == EEXIST else { fatalError("cannot make \(path): errno \(errno)") }
    return path
  }()
}
