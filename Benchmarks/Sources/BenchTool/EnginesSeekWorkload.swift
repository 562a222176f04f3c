internal import NanoTS

/// Seeking to random timestamps that exist, in stores with the same number of 16 B frames.
struct EnginesSeekWorkload: Workload {
  let name = "engines-seek"

  var notes: [String] { Engine.notes(\.reading) }

  func run(_ options: RunOptions, _ scratch: Scratch) throws -> [Comparison] {
    try SeekWorkload.shapes(options).map { shape in
      let filled = try scratch.filledStore(shape)
      let targets = SeekTargets(filled)
      let paths = Engine.all.map { _ in scratch.path() }
      defer { for path in paths { try? scratch.remove(path) } }
      let stores = try zip(Engine.all, paths).map { engine, path in
        try EnginesSeekWorkload.store(engine, at: path, frames: filled.framesInStream)
      }
      return try Comparison.interleaved(
        "\(filled.framesInStream) frames: \(shape.name)", rounds: options.rounds,
        try SeekWorkload.contenders(filled, targets)
          + stores.map { store in Contender(name: store.name) { try targets.run { try store.seek(targets.timestamps) } }
          })
    }
  }

  private static func store(_ engine: Engine, at path: String, frames count: Int) throws -> EngineStore {
    Progress.say("filling \(engine.name) with \(count) frames")
    let frames = FrameRun(size: FilledStore.payloadSize, count: count)
    let store = try EngineStore(
      engine, at: path, capacity: EngineAppender.capacity(frames.count, frames.payloadByteCount))
    try store.append(frames, from: 0)
    try store.settle()
    return store
  }
}
