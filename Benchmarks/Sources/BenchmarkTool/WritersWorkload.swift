internal import NanoTS

/// Writers on streams of their own, each on a thread, all of them into one store; beside C loops that each have a ring of
/// their own. The figure is the time for each of all their frames: with a processor for each writer, two take half as long.
struct WritersWorkload: Workload {
  let name = "writers"
  private static let counts = [1, 2, 4, 8]
  private static let size = 64
  private static let framesOfWriter = 1_000_000
  private static let (blockSize, blocksOfWriter) = (1 << 20, 16)

  func run(_ options: RunOptions, _ scratch: Scratch) throws -> [Comparison] {
    [try engine(options, scratch), try limit(options, scratch)]
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

  private func engine(_ options: RunOptions, _ scratch: Scratch) throws -> Comparison {
    let path = scratch.path()
    let most = Self.counts.max()!
    let store = try Store.create(
      at: path, StoreOptions(blockSize: Self.blockSize, blockCount: most * Self.blocksOfWriter))
    defer { try? scratch.remove(path) }
    let streams = try (0..<most).map { index in
      AppendingStream(try store.writer(for: "\(index)", options: WriterOptions(durability: .none)), size: Self.size)
    }
    // Every block is in use and its pages were touched before anything counts.
    while try store.statistics().freeBlocks > 0 { for stream in streams { try stream.append(Self.framesOfWriter) } }
    return try compare("append \(Self.size) B, NanoTS", options) { try streams[$0].append(Self.framesOfWriter) }
  }

  private func limit(_ options: RunOptions, _ scratch: Scratch) throws -> Comparison {
    let rings = try (0..<Self.counts.max()!).map { _ in
      AppendingRing(
        try LimitRing(at: scratch.path(), blockSize: Self.blockSize, blockCount: Self.blocksOfWriter), size: Self.size)
    }
    for ring in rings { ring.append(Self.framesOfWriter) }
    return try compare("append \(Self.size) B, C loops", options) { rings[$0].append(Self.framesOfWriter) }
  }
}
