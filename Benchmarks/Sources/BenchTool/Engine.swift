internal import CEngines

/// An engine that NanoTS is compared with. A build without the trait Peers has none.
@safe
struct Engine {
  fileprivate let functions: UnsafePointer<engine>

  static var all: [Engine] {
    var engines: [Engine] = []
    while let functions = unsafe engine_at(engines.count) { engines.append(unsafe Engine(functions: functions)) }
    return engines
  }

  var name: String { unsafe String(cString: functions.pointee.name) }

  var description: EngineDescription {
    unsafe EngineDescription(
      name: name, version: String(cString: functions.pointee.version()!),
      unsynced: String(cString: functions.pointee.unsynced), synced: String(cString: functions.pointee.synced),
      reading: String(cString: functions.pointee.reading))
  }

  /// A line for each engine, with what a reader of figures has to know of it.
  static func notes(_ what: KeyPath<EngineDescription, String>) -> [String] {
    all.map(\.description).map { "\($0.name) \($0.version): \($0[keyPath: what])" }
  }

  /// Bytes that the file, or the files in the directory, take on the disk.
  static func diskBytes(_ path: String) -> UInt64 { unsafe engine_disk_bytes(path) }
}

/// How an engine is used.
struct EngineDescription: Codable {
  let name: String
  let version: String
  let unsynced: String
  let synced: String
  let reading: String
}

/// What an engine keeps in one directory.
@safe
final class EngineStore {
  let name: String
  private let functions: UnsafePointer<engine>
  private var store: OpaquePointer?

  /// A batch ends with the frame that brings it to `batch` bytes of payload.
  init(
    _ engine: Engine, at path: String, capacity: Int, batch: Int = 1 << 20, synced: Bool = false, readonly: Bool = false
  ) throws {
    name = engine.name
    unsafe functions = engine.functions
    var options = engine_options(capacity: capacity, batch: batch, synced: synced, readonly: readonly)
    try check(unsafe functions.pointee.open(&store, path, &options))
  }

  deinit {
    guard let store = unsafe store else { return }
    if unsafe functions.pointee.close(store) != 0 { Progress.say("\(name): \(EngineStore.message)") }
  }

  func append(_ frames: FrameRun, from first: Int64) throws {
    try unsafe frames.withC(from: first) { frames in try check(unsafe functions.pointee.append(store, frames)) }
  }

  /// Ends the batch that is under way.
  func commit() throws { try check(unsafe functions.pointee.commit(store)) }

  /// Brings what is stored into the form that it is left in for good.
  func settle() throws { try check(unsafe functions.pointee.settle(store)) }

  func clear() throws { try check(unsafe functions.pointee.clear(store)) }

  func close() throws {
    let closed = unsafe store
    unsafe store = nil
    try check(unsafe functions.pointee.close(closed))
  }

  /// The sum of the first 8 bytes of every payload.
  func scan(backward: Bool) throws -> UInt64 {
    var sum: UInt64 = 0
    try check(unsafe functions.pointee.scan(store, backward, &sum))
    return sum
  }

  /// How many of the timestamps were found.
  func seek(_ timestamps: [Int64]) throws -> Int {
    var found = 0
    try check(unsafe functions.pointee.seek(store, timestamps, timestamps.count, &found))
    return found
  }

  private func check(_ result: Int32) throws {
    guard result == 0 else { throw BenchmarkError("\(name): \(EngineStore.message)") }
  }

  private static var message: String { unsafe String(cString: engine_message()) }
}
