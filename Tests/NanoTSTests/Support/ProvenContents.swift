import NanoTS
import TestAgent

extension Store {
  /// What is wrong with what is left of `stream`, or nil: its frames are right and follow on each other, and it ends where
  /// its writer was, which had acknowledged so many and may have committed some more. What is not there was reclaimed.
  func problem(
    with stream: ProvingStream, acknowledged: UInt64, atMostMore more: UInt64 = 1
  ) throws(NanoTSError) -> String? {
    var cursor = try cursor(of: stream.name)
    // First, because a block may come back by it.
    let oldest = try cursor.first()?.ordinal ?? acknowledged
    if let problem = try problem(withFramesGoneOf: stream, upTo: oldest) { return problem }
    guard var frame = try cursor.first() else { return nil }
    let first = frame.ordinal
    var end = first
    while true {
      guard frame.ordinal == end else { return "frame \(end) is missing, \(frame.ordinal) comes" }
      guard try stream.isRight(frame) else { return "frame \(end) is wrong" }
      end += 1
      guard let next = try cursor.next() else { break }
      frame = next
    }
    let count = try frameCount(of: stream.name)
    guard count == end - first else { return "\(count) frames are counted, \(end - first) are there" }
    return (acknowledged...(acknowledged + more)).contains(end)
      ? nil : "it ends at \(end), \(acknowledged) frames were acknowledged"
  }

  /// A complaint unless the frames up to `end` were reclaimed.
  func problem(withFramesGoneOf stream: ProvingStream, upTo end: UInt64) throws(NanoTSError) -> String? {
    if try (statistics(of: stream.name)?.reclaimedFrames ?? 0) >= end { return nil }
    // A block that its reclaimer was killed over, before it counted it, comes back with the next holder of the lock,
    // which each opening for writing is.
    _ = try Store(at: path)
    var cursor = try cursor(of: stream.name)
    let oldest = try cursor.first()?.ordinal ?? end
    let reclaimed = try statistics(of: stream.name)?.reclaimedFrames ?? 0
    return reclaimed >= oldest ? nil : "the oldest frame is \(oldest), and \(reclaimed) were reclaimed"
  }
}
