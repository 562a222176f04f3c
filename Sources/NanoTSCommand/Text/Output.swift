import Glibc

/// Thrown when whoever read stdout has gone away. The command then ends quietly.
struct OutputClosed: Error {}

/// Reading and writing through file descriptors, with the interruptions that the system calls may meet.
enum Descriptor {
  static func writeAll(_ bytes: Span<UInt8>, to descriptor: Int32) throws {
    var written = 0
    while written < bytes.count {
      let rest = bytes.extracting(written..<bytes.count)
      // The buffer is read by write() during the call only, and its count goes along with it.
      let result = unsafe rest.withUnsafeBytes { unsafe write(descriptor, $0.baseAddress, $0.count) }
      if result >= 0 {
        written += result
      } else if errno == EAGAIN {
        wait(for: POLLOUT, on: descriptor)
      } else if errno == EPIPE {
        throw OutputClosed()
      } else if errno != EINTR {
        throw CommandFailure.system("cannot write the output")
      }
    }
  }

  /// Fills the front of `buffer` with what one read gives, and says how much that is; 0 at the end.
  static func readSome(into buffer: inout [UInt8], from descriptor: Int32) throws -> Int {
    while true {
      // The buffer is written by read() during the call only, and its count goes along with it.
      let count = unsafe buffer.withUnsafeMutableBytes { unsafe read(descriptor, $0.baseAddress, $0.count) }
      if count >= 0 { return count }
      if errno == EAGAIN {
        wait(for: POLLIN, on: descriptor)
      } else if errno != EINTR {
        throw CommandFailure.system("cannot read the input")
      }
    }
  }

  /// True when nobody can read what is written there any more: the other end of the pipe is closed, the terminal is gone.
  static func hasNoReader(_ descriptor: Int32) -> Bool {
    var request = pollfd(fd: descriptor, events: 0, revents: 0)
    return unsafe poll(&request, 1, 0) == 1 && request.revents & Int16(POLLERR | POLLHUP) != 0
  }

  /// Somebody who shares the terminal or pipe may have made it non-blocking.
  private static func wait(for event: Int32, on descriptor: Int32) {
    var request = pollfd(fd: descriptor, events: Int16(event), revents: 0)
    unsafe poll(&request, 1, -1)
  }
}

/// Buffered stdout. Nothing is written before `flush()` or, when enough has gathered, `flushIfFull()`.
final class StandardOutput {
  private static let flushThreshold = 64 * 1024

  /// What is to be written next. Whoever makes lines appends them here, with no string between.
  var buffer: [UInt8] = []

  init() {
    buffer.reserveCapacity(2 * Self.flushThreshold)
  }

  func write(_ text: String) {
    buffer.append(contentsOf: text.utf8)
  }

  func flushIfFull() throws {
    if buffer.count >= Self.flushThreshold { try flush() }
  }

  func flush() throws {
    defer { buffer.removeAll(keepingCapacity: true) }
    try Descriptor.writeAll(buffer.span, to: STDOUT_FILENO)
  }
}

/// A failure of the command itself (not of the engine, not of usage): a message for stderr, exit code 1.
struct CommandFailure: Error {
  let message: String

  init(_ message: String) {
    self.message = message
  }

  /// What failed, with the system's word for the reason.
  static func system(_ action: String, _ code: Int32 = errno) -> CommandFailure {
    CommandFailure("\(action): \(unsafe String(cString: strerror(code)))")
  }
}

/// Lines on stderr, all of the form `nanots: message`.
enum Diagnostics {
  static func say(_ message: String) {
    let line = Array("nanots: \(message)\n".utf8)
    // Where stderr itself is gone there is nobody left to tell: the result is of no use.
    _ = try? Descriptor.writeAll(line.span, to: STDERR_FILENO)
  }
}
