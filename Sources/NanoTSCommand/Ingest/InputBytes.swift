import Glibc

/// The command was told to stop while it waited for input.
struct InputStopped: Error {}

/// The bytes of files, one after the other, or of stdin, in pieces; what of a piece was not used stays for the next one.
///
/// Bounds: `start..<end` are bytes that were read; the memory has `capacity` bytes.
@safe
final class InputBytes {
  private(set) var path: String
  private var descriptor: Int32 = -1
  private(set) nonisolated(unsafe) var base: UnsafeMutablePointer<UInt8>
  private var capacity = 1 << 20
  private(set) var start = 0
  private(set) var end = 0
  /// True when no more comes behind `end`.
  private(set) var isAtEnd = false
  /// Bytes read so far.
  private(set) var bytesRead: UInt64 = 0

  /// `path`: "-" for stdin.
  init(path: String) throws {
    self.path = path
    unsafe base = .allocate(capacity: capacity)
    descriptor = path == "-" ? dup(STDIN_FILENO) : unsafe open(path, O_RDONLY | O_CLOEXEC)
    // A named pipe is waited for here, until somebody writes it.
    if descriptor < 0, errno == EINTR, StopSignal.isRequested { throw InputStopped() }
    guard descriptor >= 0 else { throw CommandFailure.system("cannot open \(PrintableText.string(path))") }
  }

  deinit {
    if descriptor >= 0 { close(descriptor) }
    unsafe base.deallocate()
  }

  var count: Int { end - start }

  /// Bytes up to `offset` behind `start` are done with.
  func drop(_ offset: Int) { start += offset }

  /// Reads on. False, with nothing changed, at the end of the input. Throws `InputStopped` when the command is to stop: what
  /// was read of a row is then not the whole of it.
  func readMore() throws -> Bool {
    guard !isAtEnd else { return false }
    if end == capacity { makeRoom() }
    while true {
      try waitForInput()
      let result = unsafe read(descriptor, base + end, capacity - end)
      if result > 0 {
        end += result
        bytesRead += UInt64(result)
        return true
      }
      if result == 0 {
        isAtEnd = true
        return false
      }
      if errno != EINTR, errno != EAGAIN { throw CommandFailure.system("cannot read \(PrintableText.string(path))") }
    }
  }

  /// Waits in short turns: a signal that comes just before a call that waits does not end it.
  private func waitForInput() throws {
    var request = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    while true {
      guard !StopSignal.isRequested else { throw InputStopped() }
      let result = unsafe poll(&request, 1, Self.longestWaitMilliseconds)
      if result > 0 || (result < 0 && errno != EINTR) { return }
    }
  }

  private static let longestWaitMilliseconds: Int32 = 200

  private func makeRoom() {
    if start > capacity / 2 || (start > 0 && count < capacity / 2) {
      unsafe base.update(from: base + start, count: count)
    } else {
      let larger = UnsafeMutablePointer<UInt8>.allocate(capacity: 2 * capacity)
      unsafe larger.update(from: base + start, count: count)
      unsafe base.deallocate()
      unsafe base = unsafe larger
      capacity *= 2
    }
    (start, end) = (0, count)
  }
}
