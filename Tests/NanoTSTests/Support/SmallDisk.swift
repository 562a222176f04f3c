import Foundation

/// A file system in memory with little room, mounted for one test.
final class SmallDisk: Sendable {
  private let directory: TemporaryDirectory

  /// Whether this process may mount file systems.
  static let isPossible: Bool = (try? SmallDisk(byteCount: 1 << 20)) != nil

  struct Refused: Error {
    let systemError: Int32
  }

  init(byteCount: Int) throws {
    directory = try TemporaryDirectory()
    let result = unsafe "size=\(byteCount)".withCString { options in
      unsafe mount("nanots-test", directory.path, "tmpfs", 0, options)
    }
    guard result == 0 else { throw Refused(systemError: errno) }
  }

  deinit { _ = unsafe umount2(directory.path, Int32(MNT_DETACH)) }

  /// From now on nobody writes to it. Refused while a file is open for writing: also for the moment in which a child that
  /// another test starts still has this process's files, so that is waited for.
  func makeReadOnly() throws {
    let flags = UInt(MS_REMOUNT | MS_RDONLY)
    for attempt in 0... {
      if unsafe mount("nanots-test", directory.path, "tmpfs", flags, nil) == 0 { return }
      guard errno == EBUSY, attempt < 500 else { throw Refused(systemError: errno) }
      usleep(10_000)
    }
  }

  func path(_ name: String) -> String { directory.path(name) }
  func contents() throws -> [String] { try directory.contents() }
}
