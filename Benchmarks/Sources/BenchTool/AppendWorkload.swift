internal import CLimit
internal import NanoTS

/// Appending to memory that is ready: mapped, touched, dirty.
///
/// A block is recycled by a new writer before each run, so that its pages were touched in the run before and no handover
/// is measured: once a block of 1 MiB, which stays in the processor's cache and shows the instructions, and once one of
/// 64 MiB, which shows the memory. The third comparison has 64 blocks of 1 MiB, and their handovers are measured.
struct AppendWorkload: Workload {
  let name = "append"
  private static let sizes = [16, 64, 256, 4096]

  func run(_ options: RunOptions, _ scratch: Scratch) throws -> [Comparison] {
    try LimitRing.checkChecksum()
    return try AppendWorkload.sizes.flatMap { size in
      [
        try compare(
          "\(size) B frames, one 1 MiB block", size, blockSize: 1 << 20, blockCount: 1, rounds: options.rounds * 20,
          scratch),
        try compare(
          "\(size) B frames, one 64 MiB block", size, blockSize: 64 << 20, blockCount: 1, rounds: options.rounds,
          scratch),
        try compare(
          "\(size) B frames, 64 blocks of 1 MiB, with handovers", size, blockSize: 1 << 20, blockCount: 64,
          rounds: options.rounds, scratch),
      ]
    }
  }

  private func compare(
    _ title: String, _ size: Int, blockSize: Int, blockCount: Int, rounds: Int, _ scratch: Scratch
  ) throws -> Comparison {
    // A little less than the ring holds, so that one block takes all of them behind the preamble and the first frame.
    let frames = blockSize * blockCount / (size + FrameRun.entrySize) * 15 / 16
    let payload = (0..<size).map { UInt8(truncatingIfNeeded: $0) }
    let limit = try LimitRing(at: scratch.path(), blockSize: blockSize, blockCount: blockCount)
    let path = scratch.path()
    let store = try Store.create(at: path, StoreOptions(blockSize: blockSize, blockCount: blockCount))
    defer { try? scratch.remove(path) }
    let ring = SwiftRing(store)
    return try Comparison.interleaved(
      title, rounds: rounds,
      [
        Contender(name: "C, inlined loop") {
          unsafe LimitAppend.run(limit, payload, size, frames, limit_append_inlined)
        },
        Contender(name: "C, call for each frame") {
          unsafe LimitAppend.run(limit, payload, size, frames, limit_append_called)
        },
        Contender(name: "NanoTS, buffer") { try ring.run(frames) { try AppendLoop.buffer($0, payload, $1, $2) } },
        Contender(name: "NanoTS, RawSpan") { try ring.run(frames) { try AppendLoop.span($0, payload, $1, $2) } },
      ])
  }
}

enum LimitAppend {
  typealias Loop = (UnsafeMutablePointer<limit_writer>, UnsafeRawPointer, Int, Int64, Int) -> Void

  static func run(
    _ ring: LimitRing, _ payload: UnsafeRawPointer, _ size: Int, _ frames: Int, _ loop: Loop
  ) -> Sample {
    var writer = unsafe limit_writer_make(ring.ring)
    return Stopwatch.time(operations: frames) {
      unsafe loop(&writer, payload, size, 1, frames)
    }
  }
}

/// A store whose blocks are written over and over.
final class SwiftRing {
  private let store: Store
  private var timestamp: Int64 = 0

  init(_ store: Store) { self.store = store }

  /// Takes every block, and touches its pages.
  func fill(_ frames: FrameRun) throws {
    while try store.statistics().freeBlocks > 0 { _ = try run(frames) }
  }

  func run(_ frames: FrameRun) throws -> Sample {
    try run(frames.count - 1) { try frames.append(to: $0, from: $1, $2) }
  }

  /// A new writer's first frame takes it into a new block; from then on time counts. `append` gets the first timestamp and
  /// the number of frames.
  func run(_ frames: Int, _ append: (Writer, Int64, Int) throws -> Void) throws -> Sample {
    let writer = try store.writer(for: "frames", options: WriterOptions(durability: .none))
    try append(writer, timestamp, 1)
    let sample = try Stopwatch.time(operations: frames) { try append(writer, timestamp + 1, frames) }
    timestamp += Int64(frames) + 1
    try writer.close()
    return sample
  }
}

/// The measured loops, as a program that uses the library would write them.
enum AppendLoop {
  static func buffer(_ writer: Writer, _ payload: [UInt8], _ first: Int64, _ frames: Int) throws {
    try unsafe payload.withUnsafeBytes { bytes in
      for frame in 0..<frames { try unsafe writer.append(bytes, at: first + Int64(frame)) }
    }
  }

  static func span(_ writer: Writer, _ payload: [UInt8], _ first: Int64, _ frames: Int) throws {
    let bytes = unsafe payload.span.bytes
    for frame in 0..<frames { try writer.append(bytes, at: first + Int64(frame)) }
  }
}
