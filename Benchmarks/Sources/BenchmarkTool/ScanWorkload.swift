internal import CLimit
internal import NanoTS

/// Reading every frame and summing the first 8 bytes of each, over data that lies in the processor's outer cache.
struct ScanWorkload: Workload {
  let name = "scan"
  private static let sizes = [16, 64, 4096]
  private static let blockSize = 1 << 20
  private static let dataSize = 8 << 20
  private static let framesInSample = 2_000_000
  private static let entrySize = 24

  func run(_ options: RunOptions, _ scratch: Scratch) throws -> [Comparison] {
    try ScanWorkload.sizes.map { try compare($0, options, scratch) }
  }

  private func compare(_ size: Int, _ options: RunOptions, _ scratch: Scratch) throws -> Comparison {
    let frames = ScanWorkload.dataSize / (size + ScanWorkload.entrySize)
    let blockCount = ScanWorkload.dataSize / ScanWorkload.blockSize + 2
    let scan = RepeatedScan(
      frames: frames, passes: max(1, ScanWorkload.framesInSample / frames / (size > 256 ? 4 : 1)),
      expected: UInt64(frames) * UInt64(frames - 1) / 2)
    let limit = try LimitRing(at: scratch.path(), blockSize: ScanWorkload.blockSize, blockCount: blockCount)
    let lastBlock = fill(limit, frames, size)
    let path = scratch.path()
    let store = try Store.create(
      at: path, StoreOptions(blockSize: ScanWorkload.blockSize, blockCount: blockCount))
    defer { try? scratch.remove(path) }
    try fill(store, frames, size)
    return try Comparison.interleaved(
      "\(size) B frames, \(frames) of them", rounds: options.rounds,
      [
        Contender(name: "C, bounds checked") { try scan.run { unsafe limitScan(limit, lastBlock, limit_scan) } },
        Contender(name: "C, and generation checked") {
          try scan.run { unsafe limitScan(limit, lastBlock, limit_scan_guarded) }
        },
        Contender(name: "NanoTS, for frame in") { try scan.run { try ScanLoop.sequence(store) } },
        Contender(name: "NanoTS, cursor.next") { try scan.run { try ScanLoop.cursor(store) } },
        Contender(name: "NanoTS, batches") { try scan.run { try ScanLoop.batches(store) } },
        Contender(name: "NanoTS, backward, for in") { try scan.run { try ScanLoop.reversed(store) } },
        Contender(name: "NanoTS, cursor.previous") { try scan.run { try ScanLoop.previous(store) } },
      ])
  }

  private func limitScan(
    _ limit: LimitRing, _ lastBlock: Int, _ scan: (UnsafePointer<limit_ring>, Int) -> UInt64
  ) -> UInt64 {
    var ring = unsafe limit.ring
    return unsafe scan(&ring, lastBlock)
  }

  /// Returns the last block used.
  private func fill(_ limit: LimitRing, _ frames: Int, _ size: Int) -> Int {
    var writer = unsafe limit_writer_make(limit.ring)
    var payload: [UInt8] = Array(repeating: 0, count: size)
    unsafe limit_append_numbered(&writer, &payload, size, frames)
    return unsafe writer.block
  }

  private func fill(_ store: Store, _ frames: Int, _ size: Int) throws {
    let writer = try store.writer(for: ScanLoop.stream, options: WriterOptions(durability: .none))
    var payload: [UInt8] = Array(repeating: 0, count: size)
    for frame in 0..<frames {
      unsafe payload.withUnsafeMutableBytes { unsafe $0.storeBytes(of: UInt64(frame), as: UInt64.self) }
      try writer.append(payload, at: Int64(frame))
    }
    try writer.close()
  }
}

/// Several passes over the same frames, each of which must give the right sum.
struct RepeatedScan {
  let frames: Int
  let passes: Int
  let expected: UInt64

  func run(_ scan: () throws -> UInt64) throws -> Sample {
    var sum: UInt64 = 0
    let sample = try Stopwatch.time(operations: frames * passes) {
      for _ in 0..<passes { sum &+= try scan() }
    }
    guard sum == expected &* UInt64(passes) else {
      throw BenchmarkError("a scan gave \(sum): not every frame was read")
    }
    return sample
  }
}

/// The measured loops, as a program that uses the library would write them.
enum ScanLoop {
  static let stream = "frames"

  static func sequence(_ store: Store) throws -> UInt64 {
    var sum: UInt64 = 0
    for frame in try store.frames(of: stream) {
      sum &+= try unsafe frame.withUnsafeBytes { unsafe $0.loadUnaligned(as: UInt64.self) }
    }
    return sum
  }

  static func cursor(_ store: Store) throws -> UInt64 {
    var sum: UInt64 = 0
    var cursor = try store.cursor(of: stream)
    while let frame = try cursor.next() {
      sum &+= try unsafe frame.withUnsafeBytes { unsafe $0.loadUnaligned(as: UInt64.self) }
    }
    return sum
  }

  static func batches(_ store: Store) throws -> UInt64 {
    var sum: UInt64 = 0
    var cursor = try store.cursor(of: stream)
    while let batch = try cursor.nextBatch() {
      sum &+= try batch.withValues(as: UInt64.self) { values in
        var sum: UInt64 = 0
        for value in values { sum &+= value }
        return sum
      }
    }
    return sum
  }

  static func reversed(_ store: Store) throws -> UInt64 {
    var sum: UInt64 = 0
    for frame in try store.frames(of: stream).reversed() {
      sum &+= try unsafe frame.withUnsafeBytes { unsafe $0.loadUnaligned(as: UInt64.self) }
    }
    return sum
  }

  static func previous(_ store: Store) throws -> UInt64 {
    var sum: UInt64 = 0
    var cursor = try store.cursor(of: stream)
    try cursor.seekToEnd()
    while let frame = try cursor.previous() {
      sum &+= try unsafe frame.withUnsafeBytes { unsafe $0.loadUnaligned(as: UInt64.self) }
    }
    return sum
  }
}
