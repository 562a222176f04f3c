internal import FoundationEssentials

/// The directory in which a run keeps its files.
final class Scratch {
  private let directory: String
  private var filled: [FilledStore.Shape: FilledStore] = [:]
  private var serial = 0

  /// Makes a directory of its own below `parent`.
  init(in parent: String) throws {
    directory = "\(parent)/nanots-bench-\(UInt64.random(in: 0...UInt64.max))"
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
  }

  /// A path that nothing has.
  func path() -> String {
    serial += 1
    return "\(directory)/\(serial)"
  }

  /// A store of that shape, made at its first use and kept for later workloads.
  func filledStore(_ shape: FilledStore.Shape) throws -> FilledStore {
    if let store = filled[shape] { return store }
    let store = try FilledStore(shape, at: path())
    filled[shape] = store
    return store
  }

  /// Removes one file; the bytes of large stores are wanted again.
  func remove(_ path: String) throws { try FileManager.default.removeItem(atPath: path) }

  /// Removes everything. A file that cannot be removed is left and named.
  func remove() {
    do {
      try FileManager.default.removeItem(atPath: directory)
    } catch {
      Progress.say("\(directory) could not be removed: \(error)")
    }
  }
}
