internal import CLimit
internal import NanoTS

/// Reading every frame and summing the first 8 bytes of each, over data that lies in the processor's outer cache.
struct ScanWorkload: Workload {
  let name = "scan"
  private static let sizes = [16, 64, 4096]

  func run(_ options: RunOptions, _ scratch: Scratch) throws -> [Comparison] {
    try ScanWorkload.sizes.map { try compare($0, options, scratch) } + [try ranges(of: 64, options, scratch)]
  }

  /// A thousand frames at a time, from places one behind the other, with the look-up of the first one.
  private func ranges(of size: Int, _ options: RunOptions, _ scratch: Scratch) throws -> Comparison {
    let data = try ScanData(size, scratch)
    defer { data.remove() }
    let (scan, store) = (data.scan, data.store)
    return try Comparison.interleaved(
      "\(size) B frames, in ranges of \(ScanLoop.rangeLength)", rounds: options.rounds,
      [
        Contender(name: "NanoTS, all at once, for frame in") { try scan.run { try ScanLoop.sequence(store) } },
        Contender(name: "NanoTS, for frame in a range") { try scan.run { try ScanLoop.ranges(store, scan.frames) } },
        Contender(name: "NanoTS, cursor.seek and next") { try scan.run { try ScanLoop.seeks(store, scan.frames) } },
      ])
  }

  private func compare(_ size: Int, _ options: RunOptions, _ scratch: Scratch) throws -> Comparison {
    let data = try ScanData(size, scratch)
    defer { data.remove() }
    let (scan, store) = (data.scan, data.store)
    return try Comparison.interleaved(
      "\(size) B frames, \(scan.frames) of them", rounds: options.rounds,
      [
        Contender(name: "C, bounds checked") { try scan.run { unsafe data.limitScan(limit_scan) } },
        Contender(name: "C, and generation checked") { try scan.run { unsafe data.limitScan(limit_scan_guarded) } },
        Contender(name: "NanoTS, for frame in") { try scan.run { try ScanLoop.sequence(store) } },
        Contender(name: "NanoTS, cursor.next") { try scan.run { try ScanLoop.cursor(store) } },
        Contender(name: "NanoTS, batches") { try scan.run { try ScanLoop.batches(store) } },
        Contender(name: "NanoTS, backward, for in") { try scan.run { try ScanLoop.reversed(store) } },
        Contender(name: "NanoTS, cursor.previous") { try scan.run { try ScanLoop.previous(store) } },
        Contender(name: "C, each checksum verified") { try scan.run { unsafe data.limitScan(limit_scan_verified) } },
        Contender(name: "NanoTS, each checksum verified") { try scan.run { try ScanLoop.verifying(store) } },
      ])
  }
}

/// The same 8 MiB of frames in a store and in a ring of the C limit. The first 8 bytes of each are its number.
final class ScanData {
  private static let blockSize = 1 << 20
  private static let dataSize = 8 << 20
  private static let framesInSample = 2_000_000

  let scan: RepeatedScan
  let store: Store
  private let limit: LimitRing
  private let lastBlock: Int
  private let path: String
  private let scratch: Scratch

  init(_ size: Int, _ scratch: Scratch) throws {
    let frames = ScanData.dataSize / (size + FrameRun.entrySize)
    let blockCount = ScanData.dataSize / ScanData.blockSize + 2
    scan = RepeatedScan(
      frames: frames, passes: max(1, ScanData.framesInSample / frames / (size > 256 ? 4 : 1)),
      expected: UInt64(frames) * UInt64(frames - 1) / 2)
    limit = try LimitRing(at: scratch.path(), blockSize: ScanData.blockSize, blockCount: blockCount)
    lastBlock = ScanData.fill(limit, frames, size)
    self.scratch = scratch
    path = scratch.path()
    store = try Store.create(at: path, StoreOptions(blockSize: ScanData.blockSize, blockCount: blockCount))
    try ScanData.fill(store, frames, size)
  }

  func limitScan(_ scan: (UnsafePointer<limit_ring>, Int) -> UInt64) -> UInt64 {
    var ring = unsafe limit.ring
    return unsafe scan(&ring, lastBlock)
  }

  func remove() { try? scratch.remove(path) }

  /// Returns the last block used.
  private static func fill(_ limit: LimitRing, _ frames: Int, _ size: Int) -> Int {
    var writer = unsafe limit_writer_make(limit.ring)
    var payload: [UInt8] = Array(repeating: 0, count: size)
    unsafe limit_append_numbered(&writer, &payload, size, frames)
    return unsafe writer.block
  }

  private static func fill(_ store: Store, _ frames: Int, _ size: Int) throws {
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

  static let rangeLength = 1_000

  static func ranges(_ store: Store, _ frames: Int) throws -> UInt64 {
    var sum: UInt64 = 0
    for first in stride(from: 0, to: Int64(frames), by: rangeLength) {
      for frame in try store.frames(of: stream, in: first...(first + Int64(rangeLength) - 1)) {
        sum &+= try unsafe frame.withUnsafeBytes { unsafe $0.loadUnaligned(as: UInt64.self) }
      }
    }
    return sum
  }

  static func seeks(_ store: Store, _ frames: Int) throws -> UInt64 {
    var sum: UInt64 = 0
    var cursor = try store.cursor(of: stream)
    for first in stride(from: 0, to: Int64(frames), by: rangeLength) {
      var found = try cursor.seek(to: first)
      while let frame = found, frame.timestamp < first + Int64(rangeLength) {
        sum &+= try unsafe frame.withUnsafeBytes { unsafe $0.loadUnaligned(as: UInt64.self) }
        found = try cursor.next()
      }
    }
    return sum
  }

  static func verifying(_ store: Store) throws -> UInt64 {
    var sum: UInt64 = 0
    var cursor = try store.cursor(of: stream, options: CursorOptions(verifiesChecksums: true))
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
