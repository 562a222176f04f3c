import Testing

@testable import NanoTS

/// Frames, names and metadata that a writer must refuse: each refusal says why and leaves everything as it was.
@Suite struct BadInputWritingTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  // MARK: Names and metadata

  @Test func anEmptyStreamNameIsRefusedEverywhere() throws {
    let store = try directory.plainStore()
    expectError(.invalidName, naming: ["empty"]) { try store.writer(for: "") }
    expectError(.invalidName, naming: ["empty"]) { try store.cursor(of: "") }
    expectError(.invalidName, naming: ["empty"]) { try store.frames(of: "") }
    expectError(.invalidName, naming: ["empty"]) { try store.frameCount(of: "") }
    expectError(.invalidName, naming: ["empty"]) { try store.segments(of: "") }
    expectError(.invalidName, naming: ["empty"]) { try store.contiguousRuns(of: "") }
    expectError(.invalidName, naming: ["empty"]) { try store.statistics(of: "") }
    expectError(.invalidName, naming: ["empty"]) { try store.free("", in: 0...1) }
    expectError(.invalidName, naming: ["empty"]) { try store.free(stream: "") }
    #expect(try store.streams() == [])
  }

  @Test func aStreamNameOf192BytesWorksAndOneMoreIsRefusedWithTheLimit() throws {
    let store = try directory.plainStore()
    let longest = String(repeating: "é", count: 96)
    try store.writer(for: longest).append([1], at: 1)
    #expect(try store.streams() == [longest])
    #expect(try store.timestamps(of: longest) == [1])
    #expect(try Store(at: store.path, .readOnly).timestamps(of: longest) == [1])
    let longer = longest + "x"
    expectError(.invalidName, naming: [String(longer.prefix(40)), "193 bytes", "192"]) { try store.writer(for: longer) }
    expectError(.invalidName, naming: [String(longer.prefix(40)), "193 bytes", "192"]) { try store.cursor(of: longer) }
    #expect(try store.streams() == [longest])
  }

  @Test func aStreamNameWithANULByteIsRefused() throws {
    let store = try directory.plainStore()
    expectError(.invalidName, naming: ["a\0b", "NUL"]) { try store.writer(for: "a\0b") }
    #expect(try store.streams() == [])
  }

  @Test func oneStreamMoreThanTheCapacityIsRefusedUntilOneIsFreed() throws {
    let store = try directory.plainStore(streams: 2)
    for name in ["a", "b"] { try store.writer(for: name).append([1], at: 1) }
    expectError(.tooManyStreams, naming: ["'c'", "2 streams", store.path]) { try store.writer(for: "c") }
    #expect(try store.streams() == ["a", "b"])
    try store.writer(for: "b").append([2], at: 2)
    try store.free(stream: "a")
    try store.writer(for: "c").append([3], at: 0)
    #expect(try store.streams() == ["b", "c"])
    #expect(try store.timestamps(of: "b") == [1, 2])
    #expect(try store.timestamps(of: "c") == [0])
    expectError(.tooManyStreams, naming: ["'a'", "2 streams"]) { try store.writer(for: "a") }
  }

  @Test func metadataOfAQuarterBlockWorksAndOneMoreByteIsRefusedWithTheLimit() throws {
    let store = try directory.plainStore()
    let longest = String(repeating: "m", count: 1024)
    try store.writer(for: "s", metadata: longest).append([1], at: 1)
    #expect(try store.segments(of: "s").map(\.metadata) == [longest])
    let metadata = try store.frames(of: "s").map { try $0.metadata() }
    #expect(metadata == [longest])
    expectError(.metadataTooLarge, naming: ["1025 bytes", "1024"]) {
      try store.writer(for: "s", metadata: longest + "m")
    }
    expectError(.metadataTooLarge, naming: ["1026 bytes", "1024"]) {
      try store.writer(for: "t", metadata: String(repeating: "é", count: 513))
    }
    #expect(try store.streams() == ["s"])
  }

  @Test func theLongestNameAndMetadataTogetherLeaveRoomForFrames() throws {
    let store = try directory.plainStore()
    let name = String(repeating: "n", count: 192)
    let writer = try store.writer(for: name, metadata: String(repeating: "m", count: 1024))
    let payload = [UInt8](repeating: 9, count: writer.maximumFrameByteCount)
    #expect(payload.count > 2048)
    try writer.append(payload, at: 1)
    #expect(try store.contents(of: name) == [StoredFrame(1, payload, ordinal: 0)])
  }

  // MARK: Sizes

  @Test(arguments: [4096, 8192, 65_536])
  func theLargestFrameWorksAndOneMoreByteIsRefusedWithTheLimit(_ blockSize: Int) throws {
    let store = try directory.plainStore(blockSize: blockSize)
    let writer = try store.writer(for: "s", metadata: "m")
    let limit = writer.maximumFrameByteCount
    // The preamble takes 128 bytes and the index entry 24.
    #expect(limit == blockSize - 128 - 24)
    let largest = (0..<limit).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    try writer.append([1], at: 1)
    expectError(.frameTooLarge, naming: ["\(limit + 1) bytes", "limit is \(limit) "]) {
      try writer.append(largest + [0], at: 2)
    }
    #expect(writer.last == FramePosition(timestamp: 1))
    try writer.append(largest, at: 2)
    expectError(.frameTooLarge, naming: ["\(limit * 3) bytes", "limit is \(limit) "]) {
      try writer.append(Array(repeating: 0, count: limit * 3), at: 3)
    }
    try writer.append([3], at: 3)
    try writer.close()
    let expected = [
      StoredFrame(1, [1], ordinal: 0), StoredFrame(2, largest, ordinal: 1), StoredFrame(3, [3], ordinal: 2),
    ]
    #expect(try store.contents(of: "s") == expected)
    #expect(try store.verify().findings.isEmpty)
  }

  @Test func aKeyTakesEightBytesMoreOfTheLargestFrame() throws {
    let store = try directory.plainStore()
    let writer = try store.writer(for: "s")
    let limit = writer.maximumFrameByteCount
    expectError(.frameTooLarge, naming: ["\(limit) bytes", "limit is \(limit - 8) "]) {
      try writer.append(Array(repeating: 0, count: limit), at: 1, key: 1)
    }
    try writer.append(Array(repeating: 1, count: limit - 8), at: 1, key: 1)
    #expect(writer.maximumFrameByteCount == limit - 8)
    #expect(try store.contents(of: "s").map(\.payload.count) == [limit - 8])
  }

  @Test func aFrameOfNoBytesComesBack() throws {
    let store = try directory.plainStore()
    let writer = try store.writer(for: "s")
    try writer.append([UInt8](), at: 1, flags: 5)
    try unsafe writer.append(UnsafeRawBufferPointer(start: nil, count: 0), at: 2)
    try writer.append([7], at: 3)
    try writer.append([UInt8](), at: 4)
    let expected = [
      StoredFrame(1, flags: 5, ordinal: 0), StoredFrame(2, ordinal: 1), StoredFrame(3, [7], ordinal: 2),
      StoredFrame(4, ordinal: 3),
    ]
    #expect(try store.contents(of: "s") == expected)
    try writer.close()
    #expect(try Store(at: store.path, .readOnly).contents(of: "s") == expected)
    var cursor = try store.cursor(of: "s")
    let first = try #require(try cursor.next())
    #expect(first.byteCount == 0)
    #expect(try first.withBytes { $0.byteCount } == 0)
    #expect(try first.text() == "")
    expectError(.invalidArgument, naming: ["0 bytes", "needs 8"]) { try first.load(as: UInt64.self) }
    #expect(try store.verify().findings.isEmpty)
  }

  // MARK: Order

  @Test(arguments: [Durability.none, .onSeal, .everyFrame])
  func aFrameThatIsNotLaterIsRefusedWithBothPositionsAndTheWriterGoesOn(_ durability: Durability) throws {
    let store = try directory.plainStore()
    let writer = try store.writer(for: "s", options: WriterOptions(durability: durability))
    try writer.append([1], at: 100)
    for earlier in [Int64(100), 99, 0, -5, .min] {
      expectError(.outOfOrder, naming: ["timestamp \(earlier),", "timestamp 100,"]) {
        try writer.append([9], at: earlier)
      }
    }
    #expect(writer.last == FramePosition(timestamp: 100))
    #expect(try store.timestamps(of: "s") == [100])
    try writer.append([2], at: 101)
    try writer.close()
    let next = try store.writer(for: "s")
    #expect(next.last == FramePosition(timestamp: 101))
    expectError(.outOfOrder, naming: ["timestamp 101, key 0", "(timestamp 101, key 0)"]) {
      try next.append([9], at: 101)
    }
    try next.append([3], at: 102)
    #expect(try store.contents(of: "s").map(\.ordinal) == [0, 1, 2])
    #expect(try store.contents(of: "s").map(\.payload) == [[1], [2], [3]])
  }

  @Test func keysOrderFramesOfEqualTimestamp() throws {
    let store = try directory.plainStore()
    let writer = try store.writer(for: "s")
    let keys: [Int64] = [.min, -2, -1, 0, 1, 2, .max]
    for key in keys { try writer.append([1], at: 5, key: key) }
    for key in [Int64.max, 2, 0, .min] {
      expectError(.outOfOrder, naming: ["timestamp 5, key \(key))", "timestamp 5, key \(Int64.max))"]) {
        try writer.append([9], at: 5, key: key)
      }
    }
    try writer.append([2], at: 6, key: -7)
    expectError(.outOfOrder, naming: ["timestamp 6, key -7", "timestamp 6, key -8"]) {
      try writer.append([9], at: 6, key: -8)
    }
    let frames = try store.contents(of: "s")
    #expect(frames.map(\.key) == keys + [-7])
    #expect(frames.map(\.timestamp) == Array(repeating: 5, count: 7) + [6])
    var cursor = try store.cursor(of: "s")
    #expect(try cursor.seek(to: 5, key: -1)?.key == -1)
    #expect(try cursor.seek(to: 5)?.key == .min)
    #expect(try cursor.seek(to: 5, key: 3)?.key == .max)
    #expect(try cursor.seek(to: 6, key: -6) == nil)
  }

  @Test func theExtremeTimestampsAreStoredAndFound() throws {
    let store = try directory.plainStore()
    let writer = try store.writer(for: "s")
    try writer.append([1], at: .min)
    expectError(.outOfOrder, naming: ["\(Int64.min)"]) { try writer.append([9], at: .min) }
    try writer.append([2], at: 0)
    try writer.append([3], at: .max)
    expectError(.outOfOrder, naming: ["timestamp \(Int64.max), key 0", "timestamp \(Int64.max), key -1"]) {
      try writer.append([9], at: .max, key: -1)
    }
    expectError(.outOfOrder, naming: ["\(Int64.max)"]) { try writer.append([9], at: .max) }
    try writer.append([4], at: .max, key: 1)
    try writer.append([5], at: .max, key: .max)
    expectError(.outOfOrder, naming: ["key \(Int64.max))"]) { try writer.append([9], at: .max, key: .max) }
    for isClosed in [false, true] {
      if isClosed { try writer.close() }
      #expect(try store.timestamps(of: "s") == [.min, 0, .max, .max, .max])
      var cursor = try store.cursor(of: "s")
      #expect(try cursor.seek(to: .min)?.ordinal == 0)
      #expect(try cursor.seek(to: .min + 1)?.ordinal == 1)
      #expect(try cursor.seek(to: .max)?.ordinal == 2)
      #expect(try cursor.seek(to: .max, key: 2)?.ordinal == 4)
      #expect(try cursor.last()?.ordinal == 4)
      #expect(try store.frameCount(of: "s") == 5)
      #expect(try store.frameCount(of: "s", in: .max ... .max) == 3)
      #expect(try store.frameCount(of: "s", in: .min ... .min) == 1)
      #expect(try store.frameCount(of: "s", in: (.min + 1)...(.max - 1)) == 1)
      #expect(try store.frames(of: "s", in: .max ... .max).map(\.ordinal) == [2, 3, 4])
      #expect(try store.frames(of: "s", in: .min ... .min).reversed().map(\.ordinal) == [0])
      #expect(try store.frames(of: "s", in: 0 ... .max).reversed().map(\.ordinal) == [4, 3, 2, 1])
      #expect(try store.streams(in: .max ... .max) == ["s"])
      #expect(try store.statistics().first == .min)
      #expect(try store.statistics().last == .max)
    }
    expectError(.outOfOrder, naming: ["\(Int64.max)"]) { try store.writer(for: "s").append([9], at: 3) }
  }

  // MARK: Clamping

  @Test func aClampingWriterStoresALateFrameOneUnitAfterTheLastAndMarksIt() throws {
    let store = try directory.plainStore()
    let writer = try store.writer(for: "s", options: WriterOptions(outOfOrder: .clamp))
    try writer.append([1], at: 10, key: 3)
    try writer.append([2], at: 4, key: 7, flags: 0xFFFF_FFFF)
    try writer.append([3], at: 11)
    try writer.append([4], at: 20)
    try writer.append([5], at: .max)
    expectError(.outOfOrder, naming: ["timestamp 21,", "timestamp \(Int64.max),"]) { try writer.append([9], at: 21) }
    expectError(.outOfOrder, naming: ["timestamp \(Int64.max), key 0", "\(Int64.max)"]) {
      try writer.append([9], at: .max)
    }
    let expected = [
      StoredFrame(10, key: 3, [1], ordinal: 0),
      StoredFrame(11, flags: 0xFFFF_FFFF, [2], ordinal: 1, wasClamped: true),
      StoredFrame(12, [3], ordinal: 2, wasClamped: true), StoredFrame(20, [4], ordinal: 3),
      StoredFrame(.max, [5], ordinal: 4),
    ]
    #expect(try store.contents(of: "s") == expected)
    try writer.close()
    #expect(try Store(at: store.path, .readOnly).contents(of: "s") == expected)
    #expect(try store.verify().findings.isEmpty)
  }

  @Test func aClampingBatchStoresEachLateFrameAfterTheOneBefore() throws {
    let store = try directory.plainStore()
    let writer = try store.writer(for: "s", options: WriterOptions(outOfOrder: .clamp))
    let frames = [5, 3, 6, 7, 100].map { (time: Int64) in
      unsafe NewFrame(timestamp: time, payload: UnsafeRawBufferPointer(start: nil, count: 0))
    }
    try writer.append(contentsOf: frames)
    let stored = try store.contents(of: "s")
    #expect(stored.map(\.timestamp) == [5, 6, 7, 8, 100])
    #expect(stored.map(\.wasClamped) == [false, true, true, true, false])
  }
}
