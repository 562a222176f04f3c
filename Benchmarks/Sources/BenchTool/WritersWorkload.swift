internal import NanoTS

/// Writers on streams of their own, each on a thread, all of them into one store; beside C loops that each have a ring of
/// their own. The figure is the time for each of all their frames: with a processor for each writer, two take half as long.
///
/// *In the cache*: each writer goes round in two blocks that its processor's cache holds. Else all of them go round in
/// 128 MiB, and wait for memory, which they share.
struct WritersWorkload: Workload {
  let name = "writers"
  private static let counts = [1, 2, 4, 8]
  private static let size = 64
  private static let framesOfWriter = 1_000_000

  /// The blocks of one writer.
  private struct Ring {
    let title: String
    let blockSize: Int
    let blocks: Int
    /// Whether each stream keeps to its own blocks.
    let isKept: Bool
  }

  private static let rings = [
    Ring(title: "64 B in the cache", blockSize: 512 << 10, blocks: 2, isKept: true),
    Ring(title: "64 B in memory", blockSize: 1 << 20, blocks: 16, isKept: false),
  ]

  func run(_ options: RunOptions, _ scratch: Scratch) throws -> [Comparison] {
    try Self.rings.flatMap { ring in [try engine(ring, options, scratch), try limit(ring, options, scratch)] }
  }

  private func compare(
    _ title: String, _ options: RunOptions, _ append: @escaping (_ writer: Int) throws -> Void
  ) throws -> Comparison {
    try Comparison.interleaved(
      title, rounds: options.rounds,
      Self.counts.map { count in
        Contender(name: "\(count) × writer") {
          try Crew.time(count, operations: count * Self.framesOfWriter, append)
        }
      })
  }

  private func engine(_ ring: Ring, _ options: RunOptions, _ scratch: Scratch) throws -> Comparison {
    let path = scratch.path()
    let most = Self.counts.max()!
    let store = try Store.create(at: path, StoreOptions(blockSize: ring.blockSize, blockCount: most * ring.blocks))
    defer { try? scratch.remove(path) }
    let streams = try (0..<most).map { index in
      if ring.isKept { try store.setQuota(StreamQuota(maximumBlocks: ring.blocks), of: "\(index)") }
      return AppendingStream(
        try store.writer(for: "\(index)", options: WriterOptions(durability: .none)), size: Self.size)
    }
    // Every block is in use and its pages were touched before anything counts.
    while try store.statistics().freeBlocks > 0 { for stream in streams { try stream.append(Self.framesOfWriter) } }
    return try compare("append \(ring.title), NanoTS", options) { try streams[$0].append(Self.framesOfWriter) }
  }

  private func limit(_ ring: Ring, _ options: RunOptions, _ scratch: Scratch) throws -> Comparison {
    let rings = try (0..<Self.counts.max()!).map { _ in
      AppendingRing(
        try LimitRing(at: scratch.path(), blockSize: ring.blockSize, blockCount: ring.blocks), size: Self.size)
    }
    for ring in rings { ring.append(Self.framesOfWriter) }
    return try compare("append \(ring.title), C loops", options) { rings[$0].append(Self.framesOfWriter) }
  }
}
