internal import NanoTS

/// What readers find of one stream.
struct StreamReading {
  /// In order.
  let ordinals: [UInt64]

  /// Reads the stream in every way and holds each frame to what was written.
  init(_ store: Store, _ name: String, _ log: FrameLog, _ random: inout SeededRandom) throws {
    ordinals = try StreamReading.forward(store, name, log)
    try readBackward(store, name)
    try seek(store, name, log, &random)
    let count = try store.frameCount(of: name)
    guard count == UInt64(ordinals.count) else {
      throw BrokenPromise("\(name): \(ordinals.count) frames are found and \(count) counted")
    }
  }

  /// The ordinals alone.
  static func forward(_ store: Store, _ name: String, _ log: FrameLog) throws -> [UInt64] {
    var ordinals: [UInt64] = []
    var cursor = try store.cursor(of: name)
    while let frame = try steppingOverGaps({ () throws(NanoTSError) in try cursor.next() }) {
      if let fault = try log.fault(of: frame) { throw BrokenPromise("\(name): \(fault)") }
      if let last = ordinals.last, frame.ordinal <= last {
        throw BrokenPromise("\(name): frame \(frame.ordinal) comes after frame \(last)")
      }
      ordinals.append(frame.ordinal)
    }
    return ordinals
  }

  /// A cursor tells of a gap by an error, once for each.
  private static func steppingOverGaps(_ step: () throws(NanoTSError) -> Frame?) throws(NanoTSError) -> Frame? {
    do throws(NanoTSError) {
      return try step()
    } catch  where error.code == .overwritten {
      return try step()
    }
  }

  private func readBackward(_ store: Store, _ name: String) throws {
    var cursor = try store.cursor(of: name)
    try cursor.seekToEnd()
    var left = ordinals.count
    while let frame = try StreamReading.steppingOverGaps({ () throws(NanoTSError) in try cursor.previous() }) {
      guard left > 0, ordinals[left - 1] == frame.ordinal else {
        throw BrokenPromise("\(name): frame \(frame.ordinal) is found going back and not going forward")
      }
      left -= 1
    }
    guard left == 0 else { throw BrokenPromise("\(name): going back ends behind frame \(ordinals[left - 1])") }
  }

  private func seek(_ store: Store, _ name: String, _ log: FrameLog, _ random: inout SeededRandom) throws {
    guard !ordinals.isEmpty else { return }
    var cursor = try store.cursor(of: name)
    for _ in 0..<3 {
      let ordinal = random.pick(ordinals)
      let entry = log.entries[Int(ordinal)]
      let found = try cursor.seek(to: entry.timestamp, key: entry.key)?.ordinal
      guard found == ordinal else {
        throw BrokenPromise("\(name): seeking frame \(ordinal) finds \(found.map { "\($0)" } ?? "nothing")")
      }
    }
    guard try cursor.last()?.ordinal == ordinals.last, try cursor.first()?.ordinal == ordinals.first else {
      throw BrokenPromise("\(name): first and last are not \(ordinals.first!) and \(ordinals.last!)")
    }
  }
}
