import Testing

@testable import NanoTS

/// Batches, frames filled in place, and a store without a free block: what is refused changes nothing.
@Suite struct BatchAndFillTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  /// Appends frames of `sizes` bytes at `times` as one batch, each filled with its time.
  private func appendBatch(_ writer: Writer, _ frames: [(time: Int64, key: Int64, size: Int)]) throws {
    let bytes = UnsafeMutableRawBufferPointer.allocate(
      byteCount: max(1, frames.reduce(0) { $0 + $1.size }), alignment: 8)
    defer { unsafe bytes.deallocate() }
    var at = 0
    let batch = frames.map { frame in
      let part = unsafe UnsafeMutableRawBufferPointer(rebasing: bytes[at..<(at + frame.size)])
      for index in part.indices { unsafe part[index] = UInt8(truncatingIfNeeded: frame.time) }
      at += frame.size
      return unsafe NewFrame(timestamp: frame.time, key: frame.key, payload: UnsafeRawBufferPointer(part))
    }
    try writer.append(contentsOf: batch)
  }

  // MARK: Batches

  @Test func aBatchOverSeveralBlocksComesBackInOrder() throws {
    let store = try directory.plainStore()
    let writer = try store.writer(for: "s")
    try appendBatch(writer, [])
    #expect(try store.contents(of: "s") == [])
    let frames = (0..<40).map { (time: Int64($0), key: Int64($0 == 30 ? 1 : 0), size: ($0 as Int * 37) % 500) }
    try appendBatch(writer, frames)
    let expected = frames.enumerated().map { index, frame in
      StoredFrame(
        frame.time, key: frame.key, Array(repeating: UInt8(frame.time), count: frame.size), ordinal: UInt64(index))
    }
    #expect(try store.contents(of: "s") == expected)
    #expect(try store.statistics(of: "s")!.blocks > 2)
    try writer.close()
    #expect(try store.verify().findings.isEmpty)
  }

  @Test func aBatchWithOneFrameOutOfOrderIsRefusedWhole() throws {
    let store = try directory.plainStore()
    let writer = try store.writer(for: "s")
    try writer.append([1], at: 10)
    let before = try StoreBytes.read(store.path)
    expectError(.outOfOrder, naming: ["timestamp 12, key 0", "timestamp 12, key 0"]) {
      try appendBatch(writer, [(11, 0, 8), (12, 0, 8), (12, 0, 8), (13, 0, 8)])
    }
    expectError(.outOfOrder, naming: ["timestamp 10,", "timestamp 10,"]) { try appendBatch(writer, [(10, 0, 8)]) }
    #expect(try StoreBytes.read(store.path) == before)
    #expect(writer.last == FramePosition(timestamp: 10))
    try appendBatch(writer, [(11, 0, 8), (12, 0, 8)])
    #expect(try store.timestamps(of: "s") == [10, 11, 12])
  }

  @Test func aBatchWithOneFrameTooLargeIsRefusedWhole() throws {
    let store = try directory.plainStore()
    let writer = try store.writer(for: "s")
    try writer.append([1], at: 10)
    let limit = writer.maximumFrameByteCount
    let before = try StoreBytes.read(store.path)
    expectError(.frameTooLarge, naming: ["\(limit + 1) bytes", "limit is \(limit) "]) {
      try appendBatch(writer, [(11, 0, 8), (12, 0, limit + 1)])
    }
    // A key earlier in the batch makes every later entry larger.
    expectError(.frameTooLarge, naming: ["\(limit) bytes", "limit is \(limit - 8) "]) {
      try appendBatch(writer, [(11, 1, 8), (12, 0, limit)])
    }
    #expect(try StoreBytes.read(store.path) == before)
    try appendBatch(writer, [(11, 0, limit), (12, 1, limit - 8)])
    #expect(try store.timestamps(of: "s") == [10, 11, 12])
  }

  @Test func aBatchOnAClosedWriterIsRefused() throws {
    let store = try directory.plainStore()
    let writer = try store.writer(for: "s")
    try writer.close()
    expectError(.closed) { try appendBatch(writer, [(1, 0, 8)]) }
    expectError(.closed) { try appendBatch(writer, []) }
    #expect(try store.contents(of: "s") == [])
  }

  // MARK: No free block

  @Test func withoutReclaimAFullStoreRefusesAndTakesWhatStillFits() throws {
    let store = try directory.plainStore(blocks: 2)
    let writer = try store.writer(for: "s", options: WriterOptions(autoReclaim: false))
    for time in 0..<4 { try writer.append(Array(repeating: 1, count: 1900), at: Int64(time)) }
    #expect(try store.statistics().freeBlocks == 0)
    for _ in 0..<3 {
      let error = expectError(.noFreeBlocks, naming: ["2 in \(store.path)", "auto-reclaim"]) {
        try writer.append(Array(repeating: 1, count: 1900), at: 4)
      }
      #expect(error?.missedFrames == 0)
    }
    #expect(writer.last == FramePosition(timestamp: 3))
    // The rest of the block has room for this one.
    try writer.append([5, 5], at: 5)
    #expect(try store.timestamps(of: "s") == [0, 1, 2, 3, 5])
    let freed = try store.free("s", in: 0...1)
    #expect(freed.blocks == 1)
    #expect(freed.frames == 2)
    try writer.append(Array(repeating: 6, count: 1900), at: 6)
    expectError(.noFreeBlocks) { try writer.append(Array(repeating: 1, count: 3000), at: 7) }
    try writer.close()
    #expect(try store.contents(of: "s").map(\.ordinal) == [2, 3, 4, 5])
    #expect(try store.timestamps(of: "s") == [2, 3, 5, 6])
    #expect(try store.verify().findings.isEmpty)
  }

  @Test func aBatchThatRunsOutOfBlocksSaysHowManyFramesItStored() throws {
    let store = try directory.plainStore(blocks: 2)
    let writer = try store.writer(for: "s", options: WriterOptions(autoReclaim: false))
    expectError(.noFreeBlocks, naming: ["4 of the batch's 6 frames"]) {
      try appendBatch(writer, (0..<6).map { (Int64($0), 0, 1900) })
    }
    #expect(try store.timestamps(of: "s") == [0, 1, 2, 3])
    #expect(writer.last == FramePosition(timestamp: 3))
  }

  @Test func withReclaimAStoreOfOneBlockGoesOnForEver() throws {
    let store = try directory.plainStore(blocks: 1)
    let writer = try store.writer(for: "s")
    for time in 0..<20 { try writer.append(Array(repeating: UInt8(time), count: 1900), at: Int64(time)) }
    #expect(try store.timestamps(of: "s") == [18, 19])
    #expect(try store.statistics(of: "s")?.reclaimedFrames == 18)
    // The only block is another writer's open one.
    let other = try store.writer(for: "t")
    expectError(.noFreeBlocks, naming: ["1 in \(store.path)", "being written"]) { try other.append([1], at: 1) }
    try writer.close()
    try other.append([1], at: 1)
    #expect(try store.timestamps(of: "s") == [])
    let again = try store.writer(for: "s")
    #expect(again.last == FramePosition(timestamp: 19))
    expectError(.noFreeBlocks) { try again.append([1], at: 20) }
    expectError(.outOfOrder, naming: ["timestamp 19,"]) { try again.append([1], at: 19) }
  }

  // MARK: Filling in place

  @Test func aFrameFilledInPlaceHasTheBytesThatWereUsed() throws {
    let store = try directory.plainStore()
    let writer = try store.writer(for: "s")
    for (time, used) in [0, 1, 7, 8, 9, 100].enumerated() {
      try unsafe writer.append(byteCount: 100, at: Int64(time), key: 0, flags: UInt32(used)) { bytes in
        for index in bytes.indices { unsafe bytes[index] = UInt8(index) ^ 0xFF }
        return used
      }
    }
    let expected = [0, 1, 7, 8, 9, 100].enumerated().map { time, used in
      StoredFrame(Int64(time), flags: UInt32(used), (0..<used).map { UInt8($0) ^ 0xFF }, ordinal: UInt64(time))
    }
    #expect(try store.contents(of: "s") == expected)
    try writer.close()
    #expect(try store.verify().findings.isEmpty)
  }

  @Test(arguments: [-1, 101, Int.min, Int.max])
  func aClosureThatUsedAnImpossibleNumberOfBytesAppendsNothing(_ used: Int) throws {
    let store = try directory.plainStore()
    let writer = try store.writer(for: "s")
    try writer.append([1], at: 1)
    expectError(.invalidArgument, naming: ["used \(used) bytes", "the 100 "]) {
      try unsafe writer.append(byteCount: 100, at: 2) { _ in used }
    }
    #expect(writer.last == FramePosition(timestamp: 1))
    try writer.append([2], at: 2)
    #expect(try store.timestamps(of: "s") == [1, 2])
  }

  @Test func orderHoldsAfterTheFirstFrameOfAllWasNotFilled() throws {
    let store = try directory.plainStore()
    let writer = try store.writer(for: "s")
    expectError(.invalidArgument) { try unsafe writer.append(byteCount: 8, at: 50) { _ in -1 } }
    #expect(writer.last == nil)
    #expect(try store.contents(of: "s") == [])
    try writer.append([1], at: 10)
    #expect(writer.last == FramePosition(timestamp: 10))
    expectError(.outOfOrder, naming: ["timestamp 5,", "timestamp 10,"]) { try writer.append([2], at: 5) }
    #expect(try store.timestamps(of: "s") == [10])
  }

  @Test func aNegativeReservationIsRefused() throws {
    let store = try directory.plainStore()
    let writer = try store.writer(for: "s")
    for count in [-1, Int.min] {
      expectError(.invalidArgument, naming: ["\(count) bytes"]) {
        try unsafe writer.append(byteCount: count, at: 1) { _ in 0 }
      }
    }
    expectError(.frameTooLarge, naming: ["\(Int.max) bytes"]) {
      try unsafe writer.append(byteCount: .max, at: 1) { _ in 0 }
    }
    try unsafe writer.append(byteCount: 0, at: 1) { $0.count }
    #expect(try store.contents(of: "s") == [StoredFrame(1, ordinal: 0)])
  }

  @Test func usingTheWriterInsideTheClosureIsRefusedAndHarmless() throws {
    let store = try directory.plainStore()
    let writer = try store.writer(for: "s")
    try writer.append([1], at: 1)
    try unsafe writer.append(byteCount: 8, at: 2) { bytes in
      for index in bytes.indices { unsafe bytes[index] = 2 }
      for time in [Int64(3), .max] {
        expectError(.invalidArgument, naming: ["closure"]) { try writer.append([9], at: time) }
        expectError(.invalidArgument, naming: ["closure"]) { try writer.append([9], at: time, key: .max) }
      }
      expectError(.invalidArgument, naming: ["closure"]) { try unsafe writer.append(byteCount: 8, at: 3) { _ in 8 } }
      expectError(.invalidArgument, naming: ["closure"]) { try appendBatch(writer, [(3, 0, 8)]) }
      expectError(.invalidArgument, naming: ["closure"]) { try writer.flush() }
      #expect((try? store.timestamps(of: "s")) == [1])
      return 8
    }
    try writer.append([3], at: 3)
    #expect(
      try store.contents(of: "s") == [
        StoredFrame(1, [1], ordinal: 0), StoredFrame(2, Array(repeating: 2, count: 8), ordinal: 1),
        StoredFrame(3, [3], ordinal: 2),
      ])
  }

  @Test func insideTheClosureTheLastFrameIsStillTheOneBefore() throws {
    let store = try directory.plainStore()
    let writer = try store.writer(for: "s")
    try writer.append([1], at: 1)
    try unsafe writer.append(byteCount: 8, at: 2) { _ in
      #expect(writer.last == FramePosition(timestamp: 1))
      return 8
    }
  }

  @Test func closingTheWriterInsideTheClosureIsRefusedOrHarmless() async throws {
    await #expect(processExitsWith: .success) {
      let directory = try TemporaryDirectory()
      let store = try directory.plainStore()
      let writer = try store.writer(for: "s")
      try writer.append([1], at: 1)
      do {
        try unsafe writer.append(byteCount: 8, at: 2) { _ in
          try? writer.close()
          return 8
        }
      } catch {
        print("refused, which is as good: \(error)")
      }
      #expect(try store.timestamps(of: "s").first == 1)
      #expect(try store.verify().isClean)
    }
  }
}
