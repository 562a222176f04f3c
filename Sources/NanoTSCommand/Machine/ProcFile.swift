import Glibc

/// A file of /proc, kept open and read again from its beginning for each sample, into memory that is used again.
struct ProcFile: ~Copyable {
  let path: String
  private let descriptor: Int32
  private var buffer = [UInt8](repeating: 0, count: 16 * 1024)
  private var count = 0

  /// Nothing in /proc that is sampled comes near this; it bounds what a strange machine can make of us.
  private static let mostBytes = 16 << 20

  init(_ path: String) throws {
    self.path = path
    descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw CommandFailure.system("cannot open \(path)") }
  }

  deinit {
    close(descriptor)
  }

  /// Reads the file as it is now. /proc makes the text while it is read, and may give less than a whole file at a time.
  mutating func read() throws {
    count = 0
    while true {
      if count == buffer.count { try grow() }
      let start = count
      // The rest of the buffer after `start`, which is below its count, is written during the call only.
      let result = unsafe buffer.withUnsafeMutableBytes { bytes in
        unsafe pread(descriptor, bytes.baseAddress?.advanced(by: start), bytes.count - start, off_t(start))
      }
      if result == 0 { return }
      if result > 0 {
        count += result
      } else if errno != EINTR {
        throw CommandFailure.system("cannot read \(path)")
      }
    }
  }

  private mutating func grow() throws {
    guard buffer.count < Self.mostBytes else {
      throw CommandFailure("\(path) is longer than \(NumberText.size(UInt64(Self.mostBytes)))")
    }
    buffer.append(contentsOf: repeatElement(0, count: buffer.count))
  }

  /// What was read last.
  func withText<Result>(_ body: (Span<UInt8>) throws -> Result) rethrows -> Result {
    try body(buffer.span.extracting(..<count))
  }
}
