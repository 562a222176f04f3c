internal import CLimit
internal import NanoTS

/// Writing as fast as the disk takes it: what is written is synced each 1 MiB and each 10 MiB.
///
/// NanoTS has 64 blocks of that size, in which its thread syncs while the next block fills; so does the first C loop. The
/// other engines commit and sync a batch of so many bytes of payload. A run ends when everything is on the disk.
struct SustainedWorkload: Workload {
  let name = "sustained"
  private static let sizes = [64, 256, 4 << 10]
  private static let blockCount = 64

  var notes: [String] { Engine.notes(\.synced) }

  func run(_ options: RunOptions, _ scratch: Scratch) throws -> [Comparison] {
    try [(1 << 20, 32), (10 << 20, 8)].flatMap { blockSize, blocksInRun in
      try SustainedWorkload.sizes.map { size in
        let count = blockSize * blocksInRun / (size + FrameRun.entrySize)
        return try compare(FrameRun(size: size, count: count), blockSize, blocksInRun, options, scratch)
      }
    }
  }

  private func compare(
    _ frames: FrameRun, _ blockSize: Int, _ blocksInRun: Int, _ options: RunOptions, _ scratch: Scratch
  ) throws -> Comparison {
    let title = "\(frames.name), synced each \(blockSize >> 20) MiB"
    Progress.say("\(title): filling the rings")
    let onThread = try SyncedRing(at: scratch.path(), blockSize, SustainedWorkload.blockCount, onThread: true)
    let inLoop = try SyncedRing(at: scratch.path(), blockSize, SustainedWorkload.blockCount, onThread: false)
    let recorder = try SealingRecorder(at: scratch.path(), blockSize, SustainedWorkload.blockCount)
    let disk = try Disk(at: scratch.path(), chunk: blockSize, count: blocksInRun)
    try onThread.fill(frames)
    try inLoop.fill(frames)
    try recorder.fill(frames)
    let appenders = try Engine.all.map { try EngineAppender($0, frames, scratch, batch: blockSize, synced: true) }
    let comparison = try Comparison.interleaved(
      title, rounds: options.rounds,
      [
        Contender(name: "C, msync on a thread") { try onThread.run(frames) },
        Contender(name: "C, msync in the loop") { try inLoop.run(frames) },
        Contender(name: "NanoTS, onSeal") { try recorder.run(frames) },
      ] + appenders.map { appender in Contender(name: appender.name) { try appender.run() } } + [
        Contender(name: "the disk: write and fdatasync") { try disk.run(operations: frames.count) }
      ])
    try recorder.remove(scratch)
    for appender in appenders { try appender.remove() }
    return comparison
  }
}

/// The C limit that syncs each full block, in a ring that is written over and over.
@safe
final class SyncedRing {
  private let ring: LimitRing
  private let blockSize: Int
  private let blockCount: Int
  private let synced: OpaquePointer
  private var timestamp: Int64 = 0

  init(at path: String, _ blockSize: Int, _ blockCount: Int, onThread: Bool) throws {
    ring = try LimitRing(at: path, blockSize: blockSize, blockCount: blockCount)
    (self.blockSize, self.blockCount) = (blockSize, blockCount)
    guard let synced = unsafe limit_synced_make(ring.ring, onThread) else {
      throw BenchmarkError("a thread that syncs cannot be made")
    }
    unsafe self.synced = unsafe synced
  }

  deinit { unsafe limit_synced_free(synced) }

  /// Writes a whole lap, so that every page was touched.
  func fill(_ frames: FrameRun) throws {
    try append(frames, count: blockSize * blockCount / (frames.size + FrameRun.entrySize))
    try check(unsafe limit_synced_flush(synced))
  }

  func run(_ frames: FrameRun) throws -> Sample {
    try Stopwatch.time(operations: frames.count) {
      try append(frames, count: frames.count)
      try check(unsafe limit_synced_flush(synced))
    }
  }

  func append(_ frames: FrameRun, count: Int) throws {
    try check(unsafe limit_synced_append(synced, frames.payload.baseAddress, frames.size, timestamp, count))
    timestamp += Int64(count)
  }

  private func check(_ result: Int32) throws {
    guard result == 0 else { throw BenchmarkError("a sync failed with errno \(-result)") }
  }
}

/// A writer that syncs each full block, in a full ring.
final class SealingRecorder {
  private let path: String
  private let store: Store
  private let writer: Writer
  private var timestamp: Int64 = 0

  init(at path: String, _ blockSize: Int, _ blockCount: Int) throws {
    self.path = path
    store = try Store.create(at: path, StoreOptions(blockSize: blockSize, blockCount: blockCount))
    writer = try store.writer(for: "frames", options: WriterOptions(durability: .onSeal))
  }

  /// Takes every block.
  func fill(_ frames: FrameRun) throws {
    let count = store.blockSize / (frames.size + FrameRun.entrySize)
    while try store.statistics().freeBlocks > 0 { try append(frames, count) }
    try writer.flush()
  }

  func run(_ frames: FrameRun) throws -> Sample {
    try Stopwatch.time(operations: frames.count) {
      try append(frames, frames.count)
      try writer.flush()
    }
  }

  func append(_ frames: FrameRun, _ count: Int) throws {
    try frames.append(to: writer, from: timestamp, count)
    timestamp += Int64(count)
  }

  func remove(_ scratch: Scratch) throws {
    try writer.close()
    try store.close()
    try scratch.remove(path)
  }
}

/// The speed of the disk by itself.
private final class Disk {
  private let file: Int32
  private let bytes: [UInt8]
  private let count: Int

  init(at path: String, chunk: Int, count: Int) throws {
    file = unsafe limit_disk_file(path, chunk * count)
    guard file >= 0 else { throw BenchmarkError("\(path) cannot be made: errno \(-file)") }
    bytes = Array(repeating: 7, count: chunk)
    self.count = count
  }

  deinit { limit_disk_close(file) }

  func run(operations: Int) throws -> Sample {
    var result: Int32 = 0
    let sample = Stopwatch.time(operations: operations) {
      result = unsafe limit_disk_write(file, bytes, bytes.count, count)
    }
    guard result == 0 else { throw BenchmarkError("writing failed with errno \(-result)") }
    return sample
  }
}
