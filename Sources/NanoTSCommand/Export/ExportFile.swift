import Glibc

/// A file that is written from its start to its end, under another name until it is whole; or stdout.
final class ExportFile {
  private static let flushThreshold = 256 * 1024

  let path: String
  private let partPath: String
  private let descriptor: Int32
  private var isFinished = false
  /// What is to be written next.
  var buffer: [UInt8] = []
  /// Bytes that were written before those in `buffer`.
  private(set) var written: UInt64 = 0

  /// `path`: "-" for stdout. Throws when a file is there and is not to be replaced, or is `source`, by whatever name.
  init(_ path: String, replacing: Bool, from source: String) throws {
    self.path = path
    // A name that nobody else's file has.
    partPath = "\(path).\(getpid()).part"
    guard path != "-" else {
      descriptor = dup(STDOUT_FILENO)
      return
    }
    try Self.check(path, replacing: replacing, from: source)
    descriptor = unsafe open(partPath, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw CommandFailure.system("cannot write \(PrintableText.string(path))") }
  }

  /// Throws when a file is there and is not to be replaced, or is `source`.
  static func check(_ path: String, replacing: Bool, from source: String) throws {
    guard path != "-" else { return }
    if areOneFile(path, source) {
      throw CommandFailure("\(PrintableText.string(path)) is the store that is read; take another path")
    }
    if !replacing, unsafe access(path, F_OK) == 0 {
      throw CommandFailure("\(PrintableText.string(path)) exists already; --replace replaces it")
    }
  }

  private static func areOneFile(_ one: String, _ other: String) -> Bool {
    var (first, second) = (stat(), stat())
    guard unsafe stat(one, &first) == 0, unsafe stat(other, &second) == 0 else { return false }
    return first.st_dev == second.st_dev && first.st_ino == second.st_ino
  }

  /// What was not finished leaves nothing.
  deinit {
    close(descriptor)
    if !isFinished, path != "-" { unsafe _ = unlink(partPath) }
  }

  /// Where the next byte goes.
  var position: UInt64 { written + UInt64(buffer.count) }

  func flushIfFull() throws {
    if buffer.count >= Self.flushThreshold { try flush() }
  }

  func flush() throws {
    // Out of the object: its bytes are lent to the system call.
    let bytes = buffer
    try Descriptor.writeAll(bytes.span, to: descriptor)
    written += UInt64(buffer.count)
    buffer.removeAll(keepingCapacity: true)
  }

  /// Everything is in `buffer` or written: the file gets its name.
  func finish() throws {
    try flush()
    guard path != "-" else { return }
    guard fsync(descriptor) == 0, unsafe rename(partPath, path) == 0 else {
      throw CommandFailure.system("cannot finish \(PrintableText.string(path))")
    }
    isFinished = true
  }

  /// One line on stdout, unless the file is stdout.
  func sayWhatWasWritten() throws {
    guard path != "-" else { return }
    let output = StandardOutput()
    output.write("wrote \(PrintableText.string(path)), \(NumberText.size(written))\n")
    try output.flush()
  }
}
