import NanoTS
import TestAgent

extension Store {
  /// What is wrong with what is left of `stream`, or nil: its frames are right and follow on each other, and it ends where
  /// its writer was, which had acknowledged so many and may have committed some more. What is not there was reclaimed.
  func problem(
    with stream: ProvingStream, acknowledged: UInt64, atMostMore more: UInt64 = 1
  ) throws(NanoTSError) -> String? {
    var cursor = try cursor(of: stream.name)
    let reclaimed = try statistics(of: stream.name)?.reclaimedFrames ?? 0
    guard var frame = try cursor.first() else {
      return reclaimed >= acknowledged ? nil : "nothing is left of \(acknowledged) frames, \(reclaimed) were reclaimed"
    }
    let first = frame.ordinal
    guard reclaimed >= first else { return "\(first) frames are gone, and \(reclaimed) were reclaimed" }
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
}
