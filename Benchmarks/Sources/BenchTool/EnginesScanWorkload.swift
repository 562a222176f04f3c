internal import CLimit
internal import NanoTS

/// Reading every frame and summing the first 8 bytes of each, forward and backward: the same data in each engine.
struct EnginesScanWorkload: Workload {
  let name = "engines-scan"
  private static let sizes = [16, 64, 4 << 10]

  var notes: [String] { Engine.notes(\.reading) }

  func run(_ options: RunOptions, _ scratch: Scratch) throws -> [Comparison] {
    try EnginesScanWorkload.sizes.map { try compare($0, options, scratch) }
  }

  private func compare(_ size: Int, _ options: RunOptions, _ scratch: Scratch) throws -> Comparison {
    let data = try ScanData(size, scratch)
    defer { data.remove() }
    let frames = FrameRun(size: size, count: data.scan.frames, numbered: true)
    let paths = Engine.all.map { _ in scratch.path() }
    defer { for path in paths { try? scratch.remove(path) } }
    let stores = try zip(Engine.all, paths).map { engine, path in
      let store = try EngineStore(
        engine, at: path, capacity: EngineAppender.capacity(frames.count, frames.payloadByteCount))
      try store.append(frames, from: 0)
      try store.settle()
      return store
    }
    let scan = data.scan
    return try Comparison.interleaved(
      "\(frames.name), \(frames.count) of them", rounds: options.rounds,
      [
        Contender(name: "C, bounds checked") { try scan.run { unsafe data.limitScan(limit_scan) } },
        Contender(name: "NanoTS, for frame in") { try scan.run { try ScanLoop.sequence(data.store) } },
        Contender(name: "NanoTS, backward") { try scan.run { try ScanLoop.reversed(data.store) } },
        Contender(name: "NanoTS, batches") { try scan.run { try ScanLoop.batches(data.store) } },
      ]
        + stores.flatMap { store in
          [
            Contender(name: store.name) { try scan.run { try store.scan(backward: false) } },
            Contender(name: "\(store.name), backward") { try scan.run { try store.scan(backward: true) } },
          ]
        })
  }
}
