internal import CLimit
internal import NanoTS

/// Appending without a sync: the C limit, NanoTS and other engines, each into a file that the run before has filled.
///
/// NanoTS and the C limit recycle 64 blocks of 1 MiB and compute a checksum over each payload, which LMDB and SQLite do
/// not do; so there is a row without. The others are emptied before each run, and commit for each MiB of payload.
struct EnginesAppendWorkload: Workload {
  let name = "engines-append"
  private static let sizes = [16, 64, 256, 4 << 10, 64 << 10]
  private static let blockSize = 1 << 20
  private static let blockCount = 64

  var notes: [String] { Engine.notes(\.unsynced) }

  func run(_ options: RunOptions, _ scratch: Scratch) throws -> [Comparison] {
    let bytes = EnginesAppendWorkload.blockSize * EnginesAppendWorkload.blockCount * 7 / 8
    let runs = EnginesAppendWorkload.sizes.map { FrameRun.filling(bytes, size: $0) } + [FrameRun(videoOf: 3_600)]
    return try runs.map { try compare($0, options, scratch) }
  }

  private func compare(_ frames: FrameRun, _ options: RunOptions, _ scratch: Scratch) throws -> Comparison {
    let (blockSize, blockCount) = (EnginesAppendWorkload.blockSize, EnginesAppendWorkload.blockCount)
    let limit = try LimitRing(at: scratch.path(), blockSize: blockSize, blockCount: blockCount)
    let (path, uncheckedPath) = (scratch.path(), scratch.path())
    var shape = StoreOptions(blockSize: blockSize, blockCount: blockCount)
    let ring = SwiftRing(try Store.create(at: path, shape))
    shape.checksums = false
    let unchecked = SwiftRing(try Store.create(at: uncheckedPath, shape))
    defer { for path in [path, uncheckedPath] { try? scratch.remove(path) } }
    for ring in [ring, unchecked] { try ring.fill(frames) }
    let appenders = try Engine.all.map { try EngineAppender($0, frames, scratch) }
    defer { for appender in appenders { try? appender.remove() } }
    return try Comparison.interleaved(
      frames.name, rounds: options.rounds,
      limits(limit, frames) + [
        Contender(name: "NanoTS") { try ring.run(frames) },
        Contender(name: "NanoTS, checksums off") { try unchecked.run(frames) },
      ]
        + appenders.map { appender in Contender(name: appender.name) { try appender.run() } })
  }

  private func limits(_ limit: LimitRing, _ frames: FrameRun) -> [Contender] {
    let payload = unsafe UnsafeRawPointer(frames.payload.baseAddress!)
    guard frames.lengths.isEmpty else {
      return [
        Contender(name: "C, call for each frame") {
          var writer = unsafe limit_writer_make(limit.ring)
          return Stopwatch.time(operations: frames.count) {
            unsafe limit_append_mixed(&writer, payload, frames.lengths, 1, frames.count)
          }
        }
      ]
    }
    return [
      Contender(name: "C, inlined loop") {
        unsafe LimitAppend.run(limit, payload, frames.size, frames.count, limit_append_inlined)
      },
      Contender(name: "C, call for each frame") {
        unsafe LimitAppend.run(limit, payload, frames.size, frames.count, limit_append_called)
      },
    ]
  }
}

/// Appends the same frames again and again to an engine that is emptied before.
final class EngineAppender {
  var name: String { store.name }
  private let store: EngineStore
  private let frames: FrameRun
  private let path: String
  private let scratch: Scratch

  init(_ engine: Engine, _ frames: FrameRun, _ scratch: Scratch, batch: Int = 1 << 20, synced: Bool = false) throws {
    path = scratch.path()
    store = try EngineStore(
      engine, at: path, capacity: EngineAppender.capacity(frames.count, frames.payloadByteCount), batch: batch,
      synced: synced)
    self.frames = frames
    self.scratch = scratch
  }

  /// Room for the frames with what an engine adds to each, several times over, as emptied pages may not be free at once.
  static func capacity(_ count: Int, _ payloadByteCount: Int) -> Int {
    4 * (payloadByteCount + count * 64) + 256 << 20
  }

  func run() throws -> Sample {
    try store.clear()
    return try Stopwatch.time(operations: frames.count) {
      try store.append(frames, from: 0)
      try store.commit()
    }
  }

  func remove() throws {
    try store.close()
    try scratch.remove(path)
  }
}
