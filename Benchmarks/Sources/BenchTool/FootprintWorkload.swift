internal import NanoTS

/// Bytes on the disk for each frame, and how long opening and closing takes with what was written.
struct FootprintWorkload: Workload {
  let name = "footprint"
  private static let sizes = [16, 64, 256, 4 << 10, 64 << 10]
  private static let byteCount = 64 << 20

  var notes: [String] { Engine.notes(\.unsynced) }

  func run(_ options: RunOptions, _ scratch: Scratch) throws -> [Comparison] {
    var comparisons: [Comparison] = []
    for size in FootprintWorkload.sizes {
      let frames = FrameRun.filling(FootprintWorkload.byteCount, size: size)
      Progress.say("footprint of \(frames.count) \(frames.name)")
      let stored = try [StoredFrames(frames, scratch)] + Engine.all.map { try StoredFrames(frames, $0, scratch) }
      comparisons.append(FootprintWorkload.footprint(frames, stored))
      if size == 64 { comparisons += try FootprintWorkload.opening(frames, stored, options) }
      for stored in stored { try scratch.remove(stored.path) }
    }
    return comparisons
  }

  /// Measured once: it is the same each time.
  private static func footprint(_ frames: FrameRun, _ stored: [StoredFrames]) -> Comparison {
    let bytes =
      [("payload alone", Double(frames.size))]
      + stored.map { ($0.name, Double(Engine.diskBytes($0.path)) / Double(frames.count)) }
    return Comparison(
      title: "\(frames.name), \(frames.count) of them: on the disk for each frame", unit: "bytes",
      series: bytes.map { Series(name: $0.0, samples: [$0.1], fewestFaults: 0, mostFaults: 0) })
  }

  private static func opening(
    _ frames: FrameRun, _ stored: [StoredFrames], _ options: RunOptions
  ) throws -> [Comparison] {
    var closings: [[Sample]] = Array(repeating: [], count: stored.count)
    let title = "\(frames.name), \(frames.count) of them"
    let opening = try Comparison.interleaved(
      "\(title): open for reading", rounds: options.rounds,
      stored.indices.map { index in
        Contender(name: stored[index].name) {
          var close: (() throws -> Void)?
          let sample = try Stopwatch.time(operations: 1) { close = try stored[index].open() }
          closings[index].append(try Stopwatch.time(operations: 1) { try close?() })
          return sample
        }
      })
    let closing = zip(stored, closings).map { stored, samples in
      // The first run of each is not counted.
      let samples = samples.dropFirst()
      return Series(
        name: stored.name, samples: samples.map(\.value), fewestFaults: samples.map(\.faults).min() ?? 0,
        mostFaults: samples.map(\.faults).max() ?? 0)
    }
    return [opening, Comparison(title: "\(title): close", series: closing)]
  }
}

/// Frames in a file or directory that nobody has open.
private struct StoredFrames {
  let name: String
  let path: String
  /// Opens what is stored for reading and returns what closes it.
  let open: () throws -> () throws -> Void

  /// In NanoTS: as many blocks of 1 MiB as they need.
  init(_ frames: FrameRun, _ scratch: Scratch) throws {
    let (blockSize, preamble) = (1 << 20, 128)
    let framesInBlock = (blockSize - preamble) / (frames.size + FrameRun.entrySize)
    let blockCount = (frames.count + framesInBlock - 1) / framesInBlock
    let path = scratch.path()
    let store = try Store.create(at: path, StoreOptions(blockSize: blockSize, blockCount: blockCount))
    let writer = try store.writer(for: "frames", options: WriterOptions(durability: .none, autoReclaim: false))
    try frames.append(to: writer, from: 0, frames.count)
    try writer.close()
    try store.close()
    name = "NanoTS"
    self.path = path
    open = {
      let store = try Store(at: path, .readOnly)
      return { try store.close() }
    }
  }

  init(_ frames: FrameRun, _ engine: Engine, _ scratch: Scratch) throws {
    let path = scratch.path()
    let capacity = EngineAppender.capacity(frames.count, frames.payloadByteCount)
    let store = try EngineStore(engine, at: path, capacity: capacity)
    try store.append(frames, from: 0)
    try store.settle()
    try store.close()
    name = engine.name
    self.path = path
    open = {
      let store = try EngineStore(engine, at: path, capacity: capacity, readonly: true)
      return { try store.close() }
    }
  }
}
