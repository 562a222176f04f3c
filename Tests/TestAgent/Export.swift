import NanoTS

/// A reader that must not miss a frame: it pins a part of a stream and reads it while the writer goes on.
enum Export {
  /// Says at the end how many frames were read, how many were wrong, how many pins were lost, and how often frames were
  /// missed under a pin that was not.
  static func run(_ path: String, _ stream: ProvingStream, rounds: Int) throws {
    let store = try Store(at: path, .readOnly)
    let name = stream.name
    var (frames, wrong, lost, missed) = (0, 0, 0, 0)
    var round = 0
    while round < rounds {
      guard let range = try part(of: name, round, in: store) else { continue }
      let pin = try store.pin(name, in: range)
      guard let pinned = pin.range else { continue }
      round += 1
      let result = try read(pinned, of: stream, store)
      let isIntact = pin.isIntact
      pin.release()
      frames += result.right
      wrong += result.wrong
      if !isIntact { lost += 1 } else if result.missed { missed += 1 }
    }
    print("\(frames) \(wrong) \(lost) \(missed)")
  }

  /// The older half of one of the parts that other pins have left standing apart.
  private static func part(of name: String, _ round: Int, in store: Store) throws -> ClosedRange<Int64>? {
    let runs = try store.contiguousRuns(of: name)
    guard !runs.isEmpty else { return nil }
    let run = runs[(round &* 7919) % runs.count]
    return run.firstTimestamp...(run.firstTimestamp + (run.lastTimestamp - run.firstTimestamp) / 2)
  }

  /// Reads the range, of which every frame is pinned: what is counted in it must be what is read.
  private static func read(
    _ range: ClosedRange<Int64>, of stream: ProvingStream, _ store: Store
  ) throws -> (right: Int, wrong: Int, missed: Bool) {
    var (right, wrong, missed) = (0, 0, false)
    let count = try store.frameCount(of: stream.name, in: range)
    var (first, last): (Int64?, Int64?)
    for frame in try store.frames(of: stream.name, in: range) {
      do {
        if try stream.isRight(frame) { right += 1 } else { wrong += 1 }
      } catch {
        missed = true
      }
      if frame.missed > 0 { missed = true }
      first = first ?? frame.timestamp
      last = frame.timestamp
    }
    return (
      right, wrong,
      missed || UInt64(right) != count || first != range.lowerBound || last != range.upperBound
    )
  }
}
