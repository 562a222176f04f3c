internal import CLimit
internal import NanoTS

/// Handovers to blocks that the store's thread has prepared: frames of 64 B, `onSeal`, in a full ring of small blocks.
///
/// In each block the writer pauses, looking at the clock, so that the thread can be done: what is measured is the append that
/// takes the next block, which is timed alone (the clock adds about 20 ns). A thread that has to wait for a disk needs longer
/// than the short pause; after the long one, the processor has forgotten much of what a handover needs.
final class PreparedHandovers {
  private let path: String
  private let store: Store
  private let writer: Writer
  private let framesInBlock: Int
  private var timestamp: Int64 = 0
  private let payload: [UInt8] = Array(repeating: 7, count: 64)
  private static let blockSize = 1 << 16
  private static let blockCount = 128
  static let pausesMicroseconds: [UInt64] = [300, 3_000]
  private static let handoversInRun = 200

  init(_ scratch: Scratch) throws {
    path = scratch.path()
    store = try Store.create(
      at: path, StoreOptions(blockSize: PreparedHandovers.blockSize, blockCount: PreparedHandovers.blockCount))
    writer = try store.writer(for: "frames", options: WriterOptions(durability: .onSeal))
    var appended: Int64 = 0
    while try store.blocks().allSatisfy({ $0.state != .sealed }) {
      try writer.append(payload, at: appended)
      appended += 1
    }
    // The last one is in the second block.
    framesInBlock = Int(appended - 1)
    timestamp = appended
    while try store.statistics().freeBlocks > 0 { try append(framesInBlock) }
    try writer.flush()
  }

  private func append(_ count: Int) throws {
    for _ in 0..<count {
      try writer.append(payload, at: timestamp)
      timestamp += 1
    }
  }

  /// Nanoseconds of each handover of a run.
  func run(pauseMicroseconds: UInt64) throws -> [Double] {
    var times: [Double] = []
    times.reserveCapacity(PreparedHandovers.handoversInRun)
    // To the end of the open block.
    try append((framesInBlock - Int(timestamp) % framesInBlock) % framesInBlock)
    for _ in 0..<PreparedHandovers.handoversInRun {
      let start = limit_clock()
      try append(1)
      times.append(Double(limit_clock() - start))
      try append(framesInBlock / 2)
      let end = limit_clock() + pauseMicroseconds * 1_000
      while limit_clock() < end {}
      try append(framesInBlock - framesInBlock / 2 - 1)
    }
    return times
  }

  func remove(_ scratch: Scratch) throws {
    try writer.close()
    try store.close()
    try scratch.remove(path)
  }
}
