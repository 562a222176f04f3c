internal import NanoTS

/// Opening a store for reading, and getting at its first frame. Closing is not measured.
struct OpenWorkload: Workload {
  let name = "open"
  private static let opensInSample = 20

  func run(_ options: RunOptions, _ scratch: Scratch) throws -> [Comparison] {
    let shapes = options.allowed([10_000, 1_000_000]).flatMap { blocks in
      [1, 100].map { FilledStore.Shape(blocks: blocks, streams: $0) }
    }
    let stores = try shapes.map { try scratch.filledStore($0) }
    return [
      try Comparison.interleaved(
        "open", rounds: options.rounds, baseline: false,
        stores.map { store in Contender(name: store.shape.name) { try open(store) } }),
      try Comparison.interleaved(
        "open and first frame", rounds: options.rounds, baseline: false,
        stores.map { store in Contender(name: store.shape.name) { try openAndRead(store) } }),
      try memory(stores),
    ]
  }

  /// What the process holds of its own for an opened store and a cursor on its first frame: the pages of the file are not
  /// its own. Measured once, the largest store last, so that nothing that was freed before is used again.
  private func memory(_ stores: [FilledStore]) throws -> Comparison {
    var kept: [Cursor] = []
    let series = try stores.sorted { $0.shape.blocks < $1.shape.blocks }.map { filled in
      let before = Machine.ownMemory
      var cursor = try Store(at: filled.path, .readOnly).cursor(of: FilledStore.streamName(0))
      _ = try cursor.next()
      kept.append(cursor)
      return Series(
        name: filled.shape.name, samples: [Double(Machine.ownMemory - before)], fewestFaults: 0, mostFaults: 0)
    }
    withExtendedLifetime(kept) {}
    return Comparison(title: "memory of a store with a cursor", unit: "bytes", series: series, hasBaseline: false)
  }

  private func open(_ filled: FilledStore) throws -> Sample {
    var stores: [Store] = []
    stores.reserveCapacity(OpenWorkload.opensInSample)
    return try Stopwatch.time(operations: OpenWorkload.opensInSample) {
      for _ in 0..<OpenWorkload.opensInSample { stores.append(try Store(at: filled.path, .readOnly)) }
    }
  }

  private func openAndRead(_ filled: FilledStore) throws -> Sample {
    var cursor: Cursor?
    var frame: Frame?
    let sample = try Stopwatch.time(operations: 1) {
      let store = try Store(at: filled.path, .readOnly)
      cursor = try store.cursor(of: FilledStore.streamName(0))
      frame = try cursor?.next()
    }
    guard frame?.timestamp == 0 else { throw BenchmarkError("the first frame of \(filled.path) was not found") }
    return sample
  }
}
