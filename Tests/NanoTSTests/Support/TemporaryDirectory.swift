import CNanoTS
import Foundation

/// A new directory for one test, removed with everything in it when the last reference goes.
final class TemporaryDirectory: Sendable {
  private let root: String

  /// Makes a directory with a unique name where the system keeps temporary files; in memory, if the test does not need
  /// a disk and there is a file system for it.
  init(inMemory: Bool = false) throws {
    let memory = "/dev/shm"
    let usesMemory = inMemory && FileManager.default.isWritableFile(atPath: memory)
    root = (usesMemory ? memory : NSTemporaryDirectory()) + "/nanots-test-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
  }

  deinit {
    do {
      try FileManager.default.removeItem(atPath: root)
    } catch {
      print("the test directory \(root) was left behind: \(error)")
    }
  }

  /// False where temporary files are in memory, and never on a disk.
  static let isOnDisk: Bool = {
    let folder = unsafe open(NSTemporaryDirectory(), O_RDONLY)
    defer { close(folder) }
    return nts_is_in_memory(folder) == 0
  }()

  /// The directory itself.
  var path: String { root }

  /// The path of a file in the directory.
  func path(_ name: String) -> String { root + "/" + name }

  /// Removes a file of the directory.
  func remove(_ name: String) throws { try FileManager.default.removeItem(atPath: path(name)) }

  /// The names of everything in the directory, hidden files included.
  func contents() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: root).sorted() }
}
