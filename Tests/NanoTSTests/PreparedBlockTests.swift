import Testing

@testable import NanoTS

/// Blocks that wait to be written are blocks without frames: they must cost the store and its streams little.
@Suite struct PreparedBlockTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func spares(_ store: Store) -> Int {
    (0..<store.file.usedSlots).count { store.file.slot($0).spareBlock.relaxed != 0 }
  }

  private func finish(_ writer: Writer) throws { try unsafe writer.core.pointee.background?.finish() }

  /// More writers than half the blocks: all of them write on, as with a policy that prepares nothing.
  @Test(arguments: [Durability.none, .onSeal, .interval(milliseconds: 50)])
  func manyWritersOfFewBlocks(_ durability: Durability) throws {
    let store = try directory.store(blocks: 64, streams: 64)
    var writers: [Writer] = []
    for index in Int64(0)..<48 {
      let writer = try store.writer(for: "s\(index)", options: WriterOptions(durability: durability))
      for time in 1...5 { try writer.appendHalfBlock(at: Int64(time) + index * 10) }
      try finish(writer)
      writers.append(writer)
    }
    #expect(spares(store) <= 2)
    let frameBlocks = (0..<48).reduce(0) { $0 + Int(store.file.slot($1).blockCount.relaxed) }
    #expect(frameBlocks >= 62)
    for (index, writer) in writers.enumerated() {
      try writer.appendHalfBlock(at: Int64(index) * 10 + 6)
      try writer.close()
    }
    #expect(spares(store) == 0)
    #expect(try store.verify().isClean)
  }

  /// What is promised to be kept is frames, not an empty block.
  @Test(arguments: [Durability.none, .onSeal]) func aMinimumIsKeptInFrames(_ durability: Durability) throws {
    let store = try directory.store(blocks: 64)
    let options = WriterOptions(durability: durability)
    try store.setQuota(StreamQuota(minimumBlocks: 4), of: "a")
    let a = try store.writer(for: "a", options: options)
    for time in Int64(1)...12 { try a.appendHalfBlock(at: time) }
    try finish(a)
    let b = try store.writer(for: "b", options: options)
    for time in Int64(100)...400 { try b.appendHalfBlock(at: time) }
    try finish(b)
    #expect(try store.provenTimes(of: "a") == Array(5...12))
  }

  @Test(arguments: [Durability.none, .onSeal]) func minimumsThatFillTheStore(_ durability: Durability) throws {
    let store = try directory.store(blocks: 64)
    let options = WriterOptions(durability: durability)
    for name in ["a", "b"] { try store.setQuota(StreamQuota(minimumBlocks: 32), of: name) }
    let (a, b) = (try store.writer(for: "a", options: options), try store.writer(for: "b", options: options))
    for time in Int64(1)...200 {
      try a.appendHalfBlock(at: time)
      try b.appendHalfBlock(at: time)
    }
    try finish(a)
    try finish(b)
    #expect((0..<2).map { store.file.slot($0).blockCount.relaxed } == [32, 32])
  }
}
