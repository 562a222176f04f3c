import Testing

@testable import NanoTS

/// Stepping, seeking, ranges and batches at every boundary.
@Suite struct CursorTests {
  private let directory: TemporaryDirectory
  private let store: Store

  init() throws {
    directory = try TemporaryDirectory()
    store = try directory.plainStore(blocks: 8)
  }

  /// Frames of 1200 bytes at 0, 10, 20, …: three fill a block. The last block stays open while the writer lives.
  private func append(_ count: Int, from first: Int = 0, to stream: String = "s", in store: Store? = nil) throws
    -> Writer
  {
    let writer = try (store ?? self.store).writer(for: stream)
    for index in first..<(first + count) {
      try writer.append(Array(repeating: UInt8(truncatingIfNeeded: index), count: 1200), at: Int64(index * 10))
    }
    return writer
  }

  // MARK: Stepping

  @Test(arguments: [0, 1, 2, 3, 4, 6, 7], [true, false])
  func steppingForwardAndBackMeetsEachFrameOnceAtEveryBoundary(_ count: Int, _ verifies: Bool) throws {
    let writer = try append(count)
    for isClosed in [false, true] {
      if isClosed { try writer.close() }
      var cursor = try store.cursor(of: "s", options: CursorOptions(verifiesChecksums: verifies))
      #expect(try cursor.previous() == nil)
      for _ in 0..<2 {
        for ordinal in 0..<count { #expect(try cursor.next()?.ordinal == UInt64(ordinal)) }
        #expect(try cursor.next() == nil)
        #expect(try cursor.next() == nil)
        for ordinal in (0..<count).reversed() { #expect(try cursor.previous()?.ordinal == UInt64(ordinal)) }
        #expect(try cursor.previous() == nil)
        #expect(try cursor.previous() == nil)
      }
    }
  }

  @Test func turningRoundOnAFrameGivesItsNeighbour() throws {
    let writer = try append(9)
    defer { try? writer.close() }
    for ordinal in UInt64(1)...7 {
      var cursor = try store.cursor(of: "s")
      #expect(try cursor.seek(to: Int64(ordinal) * 10)?.ordinal == ordinal)
      #expect(try cursor.previous()?.ordinal == ordinal - 1)
      #expect(try cursor.next()?.ordinal == ordinal)
      #expect(try cursor.next()?.ordinal == ordinal + 1)
      #expect(try cursor.previous()?.ordinal == ordinal)
      #expect(try cursor.previous()?.ordinal == ordinal - 1)
    }
  }

  @Test func framesAppendedBehindTheEndAppear() throws {
    let writer = try append(0)
    var cursor = try store.cursor(of: "s")
    var atEnd = try store.cursor(of: "s")
    for index in 0..<20 {
      #expect(try cursor.next() == nil)
      try atEnd.seekToEnd()
      #expect(try atEnd.next() == nil)
      try writer.append(Array(repeating: 1, count: 1200), at: Int64(index))
      #expect(try cursor.next()?.timestamp == Int64(index))
      #expect(try atEnd.next()?.timestamp == Int64(index))
      #expect(try atEnd.last()?.timestamp == Int64(index))
    }
    try writer.close()
    #expect(try cursor.next() == nil)
    let second = try store.writer(for: "s")
    #expect(try cursor.next() == nil)
    try second.append([1], at: 100)
    #expect(try cursor.next()?.segment == 1)
    #expect(try cursor.previous()?.timestamp == 19)
  }

  @Test func aCopyOfACursorIsIndependent() throws {
    let writer = try append(9)
    defer { try? writer.close() }
    var cursor = try store.cursor(of: "s")
    #expect(try cursor.seek(to: 40)?.ordinal == 4)
    var copy = cursor
    for ordinal in UInt64(5)...8 { #expect(try cursor.next()?.ordinal == ordinal) }
    #expect(try copy.next()?.ordinal == 5)
    #expect(try copy.previous()?.ordinal == 4)
    #expect(try copy.first()?.ordinal == 0)
    #expect(try cursor.next() == nil)
    #expect(try cursor.previous()?.ordinal == 8)
    #expect(try copy.next()?.ordinal == 1)
  }

  // MARK: Seeking

  @Test func seekFindsTheFirstFrameAtOrAfterAPlace() throws {
    let writer = try append(10)
    for isClosed in [false, true] {
      if isClosed { try writer.close() }
      var cursor = try store.cursor(of: "s")
      for time in Int64(-5)...95 {
        let expected = time <= 90 ? UInt64(max(0, (time + 9) / 10)) : nil
        #expect(try cursor.seek(to: time)?.ordinal == expected, "seek to \(time)")
        guard let expected else { continue }
        var back = cursor
        #expect(try back.previous()?.ordinal == (expected == 0 ? nil : expected - 1))
        #expect(try cursor.next()?.ordinal == (expected == 9 ? nil : expected + 1))
      }
      #expect(try cursor.seek(to: .min)?.ordinal == 0)
      #expect(try cursor.seek(to: .max) == nil)
      #expect(try cursor.previous()?.ordinal == 9)
      #expect(try cursor.first()?.ordinal == 0)
      #expect(try cursor.previous() == nil)
      #expect(try cursor.last()?.ordinal == 9)
      #expect(try cursor.next() == nil)
    }
  }

  @Test func framesOfEqualTimestampAcrossBlocksAreFoundByTheirKey() throws {
    let writer = try store.writer(for: "s")
    try writer.append(Array(repeating: 0, count: 1200), at: 1)
    for key in Int64(0)..<12 { try writer.append(Array(repeating: 1, count: 1200), at: 5, key: key * 2) }
    try writer.append(Array(repeating: 2, count: 1200), at: 9)
    var cursor = try store.cursor(of: "s")
    #expect(try cursor.seek(to: 5)?.key == 0)
    for key in Int64(0)..<12 {
      #expect(try cursor.seek(to: 5, key: key * 2)?.key == key * 2)
      #expect(try cursor.seek(to: 5, key: key * 2 - 1)?.key == key * 2)
    }
    #expect(try cursor.seek(to: 5, key: 23)?.timestamp == 9)
    #expect(try cursor.seek(to: 6, key: .min)?.timestamp == 9)
    #expect(try store.frameCount(of: "s", in: 5...5) == 12)
    #expect(try store.frames(of: "s", in: 5...5).map(\.key) == (0..<12).map { $0 * 2 })
    #expect(try store.frames(of: "s", in: 2...5).reversed().map(\.key) == (0..<12).reversed().map { $0 * 2 })
    #expect(try store.frames(of: "s", in: 6...8).map(\.key) == [])
    try writer.close()
    #expect(try store.verify().findings.isEmpty)
  }

  // MARK: Ranges

  /// A damaged time at an end of a block is not believed to be that of the frames before it.
  @Test(arguments: [false, true])
  func aDamagedTimeBringsNothingFromOutsideTheRange(_ goesBack: Bool) throws {
    let directory = try TemporaryDirectory()
    let store = try Store.create(
      at: directory.path("damaged.nts"), StoreOptions(blockSize: 4096, blockCount: 4, compression: .off))
    let writer = try store.writer(for: "s", options: WriterOptions(durability: .none))
    for time in Int64(0)..<100 { try writer.append([1], at: time) }
    try writer.close()
    let slot = goesBack ? 0 : 99
    let entry = store.blockSize - (slot + 1) * IndexEntry.byteCount
    unsafe store.file.body(0).storeBytes(of: 45, toByteOffset: entry, as: Int64.self)
    let frames = try store.frames(of: "s", in: 40...50)
    let times = goesBack ? frames.reversed().map(\.timestamp) : frames.map(\.timestamp)
    #expect(times == (goesBack ? Array((40...50).reversed()) : Array(40...50)))
  }

  @Test func rangesGiveTheirFramesForwardAndBack() throws {
    let writer = try append(9)
    defer { try? writer.close() }
    for low in stride(from: Int64(-5), through: 95, by: 5) {
      for high in stride(from: low, through: 95, by: 5) {
        let expected = (0..<9).filter { (low...high).contains(Int64($0) * 10) }.map { UInt64($0) }
        let frames = try store.frames(of: "s", in: low...high)
        #expect(frames.map(\.ordinal) == expected, "\(low)...\(high)")
        #expect(frames.reversed().map(\.ordinal) == expected.reversed(), "\(low)...\(high) reversed")
        #expect(frames.map(\.missed).allSatisfy { $0 == 0 })
        #expect(try store.frameCount(of: "s", in: low...high) == UInt64(expected.count))
        #expect(try store.streams(in: low...high) == (expected.isEmpty ? [] : ["s"]))
      }
    }
  }

  @Test func aSequenceCanBeWalkedTwiceAndThenHasWhatWasAppended() throws {
    let writer = try append(4)
    let frames = try store.frames(of: "s", in: 10 ... .max)
    #expect(frames.map(\.ordinal) == [1, 2, 3])
    #expect(frames.map(\.ordinal) == [1, 2, 3])
    try writer.append([1], at: 500)
    #expect(frames.map(\.ordinal) == [1, 2, 3, 4])
    #expect(frames.reversed().map(\.ordinal) == [4, 3, 2, 1])
  }

  // MARK: Batches

  @Test func batchesCoverEveryFrameOnceAndEndAtBlocksAndAtTheLimit() throws {
    let writer = try append(8)
    defer { try? writer.close() }
    var cursor = try store.cursor(of: "s")
    var sizes: [Int] = []
    while let batch = try cursor.nextBatch() {
      #expect(batch.firstOrdinal == UInt64(sizes.reduce(0, +)))
      #expect(
        try batch.withTimestamps { Array($0) } == (0..<batch.count).map { (Int64(batch.firstOrdinal) + Int64($0)) * 10 }
      )
      #expect(try batch.uniformByteCount() == 1200)
      #expect(try batch.frame(at: batch.count - 1).ordinal == batch.firstOrdinal + UInt64(batch.count) - 1)
      sizes.append(batch.count)
    }
    #expect(sizes == [3, 3, 2])
    #expect(try cursor.next() == nil)
    for last in Int64(-1)...75 {
      var limited = try store.cursor(of: "s")
      var times: [Int64] = []
      while let batch = try limited.nextBatch(through: last) { times += try batch.withTimestamps { Array($0) } }
      #expect(times == (0..<8).map { Int64($0) * 10 }.filter { $0 <= last }, "through \(last)")
      #expect(try limited.next()?.timestamp == (times.count == 8 ? nil : Int64(times.count) * 10))
    }
  }

  @Test func aBatchFromTheMiddleOfABlockBeginsThere() throws {
    let writer = try append(6)
    defer { try? writer.close() }
    var cursor = try store.cursor(of: "s")
    #expect(try cursor.seek(to: 10)?.ordinal == 1)
    let batch = try #require(try cursor.nextBatch())
    #expect(batch.firstOrdinal == 2)
    #expect(batch.count == 1)
    #expect(try cursor.previous()?.ordinal == 1)
    let second = try #require(try cursor.nextBatch(through: 29))
    #expect(second.count == 1)
    #expect(try cursor.next()?.ordinal == 3)
  }

  @Test func valuesAreSeenInPlaceAndOtherSizesAreRefused() throws {
    let writer = try store.writer(for: "s")
    for value in 0..<300 { try writer.append(value: UInt32(value) &* 77, at: Int64(value), key: Int64(value % 2)) }
    try writer.append([1, 2, 3], at: 1000)
    var cursor = try store.cursor(of: "s")
    var values: [UInt32] = []
    while let batch = try cursor.nextBatch(through: 999) {
      values += try batch.withValues(as: UInt32.self) { Array($0) }
      expectError(.invalidArgument, naming: ["4 bytes", "needs 8"]) {
        try batch.withValues(as: UInt64.self) { $0.count }
      }
    }
    #expect(values == (0..<300).map { UInt32($0) &* 77 })
    #expect(try cursor.previous()?.ordinal == 299)
    #expect(try cursor.previous()?.ordinal == 298)
    let mixed = try #require(try cursor.nextBatch())
    #expect(mixed.count == 2)
    #expect(try mixed.uniformByteCount() == nil)
    expectError(.invalidArgument, naming: ["differ in size"]) { try mixed.withValues(as: UInt8.self) { $0.count } }
  }

  // MARK: Recycled

  @Test func aCursorWhoseBlockIsRecycledIsToldTheExactNumberAndGoesOnAtTheOldestLeft() throws {
    for standing in 0..<6 {
      let store = try directory.plainStore("\(standing).nts", blocks: 4)
      let writer = try append(12, in: store)
      var cursor = try store.cursor(of: "s")
      let place = Int64(standing) * 10
      #expect(try cursor.seek(to: place)?.timestamp == place)
      for index in 12..<18 { try writer.append(Array(repeating: 1, count: 1200), at: Int64(index * 10)) }
      // Blocks 0 to 2 and 3 to 5 are gone; frame 6 is the oldest.
      let missed = UInt64(5 - standing)
      if missed > 0 {
        let error = expectError(.overwritten, naming: ["'s'", "\(missed) frames"]) { try cursor.next() }
        #expect(error?.missedFrames == missed, "standing on \(standing)")
      }
      var ordinals: [UInt64] = []
      while let frame = try cursor.next() { ordinals.append(frame.ordinal) }
      #expect(ordinals == Array(6..<18), "standing on \(standing)")
    }
  }

  @Test func aBatchOfARecycledBlockThrows() throws {
    let store = try directory.plainStore("b.nts", blocks: 2)
    let writer = try append(3, in: store)
    var cursor = try store.cursor(of: "s")
    let batch = try #require(try cursor.nextBatch())
    #expect(batch.count == 3)
    for index in 3..<9 { try writer.append(Array(repeating: 1, count: 1200), at: Int64(index * 10)) }
    expectError(.overwritten, naming: ["3 frames", "ordinal 0"]) { try batch.withTimestamps { Array($0) } }
    expectError(.overwritten, naming: ["3 frames"]) { try batch.withValues(as: UInt8.self) { Array($0) } }
    expectError(.overwritten, naming: ["3 frames"]) { try batch.frame(at: 0) }
  }

  // MARK: Everything gone

  @Test func aSeekWhoseBlockVanishesWithTheRestOfTheStreamLeavesNoPlaceBehind() throws {
    try append(6).close()
    var cursor = try store.cursor(of: "s")
    try cursor.placing { cursor throws(NanoTSError) in
      guard try cursor.enter(0) else { return true }
      cursor.upcoming = 1
      try store.free("s", in: 0...1000)
      return false
    }
    #expect(try cursor.next() == nil)
    #expect(try cursor.previous() == nil)
  }

  @Test func goingBackFromBlocksThatAreGoneIsToldOnceAndEndsBeforeTheOldestLeft() throws {
    let writer = try append(9)
    defer { try? writer.close() }
    var cursor = try store.cursor(of: "s")
    #expect(try cursor.seek(to: 30)?.ordinal == 3)
    // As a reader meets blocks that are being recycled: their generation is odd, and they are still in the list.
    for block in try store.blocks() where block.state == .sealed {
      store.file.header(block.index).generation.beginChange()
    }
    let error = expectError(.overwritten, naming: ["3 frames"]) { try cursor.previous() }
    #expect(error?.missedFrames == 3)
    #expect(try cursor.previous() == nil)
    #expect(try cursor.previous() == nil)
    // The frame that it stood on and those behind it in the block are gone too.
    #expect(expectError(.overwritten) { try cursor.next() }?.missedFrames == 3)
    #expect(try cursor.next()?.ordinal == 6)
  }

  // MARK: Growth

  @Test func aGrowableStoreGrowsToItsCapAndNoFurther() throws {
    let store = try directory.plainStore("g.nts", blocks: 7, initial: 1)
    let reading = try Store(at: store.path, .readOnly)
    var cursor = try reading.cursor(of: "s")
    let writer = try store.writer(for: "s")
    var sizes: [Int] = []
    for index in 0..<30 {
      try writer.append(Array(repeating: UInt8(index), count: 1200), at: Int64(index))
      #expect(try cursor.next()?.timestamp == Int64(index))
      let available = try store.statistics().availableBlocks
      if sizes.last != available { sizes.append(available) }
      #expect(try store.statistics().fileSize == UInt64(65_536 + available * 4096))
    }
    #expect(sizes == [1, 2, 4, 7])
    #expect(try store.statistics().isGrowable)
    #expect(try store.timestamps(of: "s") == Array(9...29))
    #expect(try reading.timestamps(of: "s") == Array(9...29))
    try writer.close()
    let again = try Store(at: store.path)
    #expect(try again.statistics().availableBlocks == 7)
    #expect(try again.timestamps(of: "s") == Array(9...29))
    #expect(try again.verify().findings.isEmpty)
  }
}
