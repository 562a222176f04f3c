import Testing

@testable import NanoTS

/// Frames go into a chunk and come out as they were, and nothing else that is called a chunk does harm.
@Suite(.enabled(if: LZ4.isAvailable, "this build is without LZ4")) struct ChunkTests {
  /// Frames in the plain layout, as a staging area has them.
  private struct Staged {
    let frames: [(IndexEntry, [UInt8])]
    let isKeyed: Bool

    func withFrames<R>(_ body: (PlainFrames) throws -> R) rethrows -> R {
      var payloads: [UInt8] = []
      var entries: [IndexEntry] = []
      for (entry, payload) in frames {
        var placed = entry
        placed.offset = UInt32(payloads.count)
        entries.append(placed)
        payloads += payload + [UInt8](repeating: 0, count: payload.count.roundedUp(to: 8) - payload.count)
      }
      let size = isKeyed ? IndexEntry.keyedByteCount : IndexEntry.byteCount
      let whole = payloads.count + entries.count * size
      let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: whole + 8, alignment: 8)
      defer { unsafe memory.deallocate() }
      unsafe memory.copyBytes(from: payloads)
      for (slot, entry) in entries.enumerated() {
        unsafe entry.write(to: memory.baseAddress! + whole - (slot + 1) * size, keyed: isKeyed)
      }
      return try unsafe body(
        PlainFrames(
          base: memory.baseAddress!, indexTop: memory.baseAddress! + whole, isKeyed: isKeyed, count: entries.count))
    }
  }

  private func staged(
    _ count: Int, keyed: Bool, clamped: Bool = false, flags: Bool = false, _ payload: (Int) -> [UInt8]
  ) -> Staged {
    var timestamp = Int64(1_600_000_000_000)
    let frames = (0..<count).map { index in
      timestamp += index % 7 == 3 ? 11 : 10
      let bytes = payload(index)
      return (
        IndexEntry(
          timestamp: index == 5 ? timestamp - 3 : timestamp, key: keyed ? Int64(index) - 2 : 0, offset: 0,
          lengthAndMarks: UInt32(bytes.count) | (clamped && index % 5 == 0 ? IndexEntry.clampedMark : 0), checksum: 0,
          flags: flags ? UInt32(truncatingIfNeeded: index &* 0x9E37_79B9) : 7), bytes
      )
    }
    return Staged(frames: frames, isKeyed: keyed)
  }

  /// What comes out of a chunk of `staged`, and its entry.
  private func roundTrip(
    _ staged: Staged, _ encoder: ChunkEncoder = ChunkEncoder(), room: Int = 1 << 20
  ) throws -> (entry: ChunkEntry, stored: [UInt8]) {
    var stored = [UInt8](repeating: 0, count: room)
    let made = staged.withFrames { frames in
      unsafe stored.withUnsafeMutableBytes { unsafe encoder.encode(frames, firstSlot: 9, into: $0) }
    }
    let entry = try #require(made)
    #expect(entry.firstSlot == 9 && Int(entry.frameCount) == staged.frames.count)
    stored.removeLast(stored.count - Int(entry.storedLength))
    try compare(staged, entry, stored, by: nil)
    try compare(staged, entry, stored, by: 1 + staged.frames.count / 3)
    return (entry, stored)
  }

  /// Unpacks a chunk, some frames at a time or all at once.
  private func compare(_ staged: Staged, _ entry: ChunkEntry, _ stored: [UInt8], by step: Int?) throws {
    let decoder = ChunkDecoder()
    let memory = ColumnBytes()
    unsafe stored.withUnsafeBytes { bytes in
      let frames = unsafe decode(decoder, entry, bytes, isKeyed: staged.isKeyed, memory, by: step)
      guard let frames, frames.count == staged.frames.count else {
        Issue.record("the chunk cannot be read")
        return
      }
      for (slot, (entry, payload)) in staged.frames.enumerated() {
        let found = frames.entry(slot)
        let bytes = unsafe [UInt8](frames.payload(of: found))
        guard found.timestamp == entry.timestamp, found.key == entry.key, found.flags == entry.flags,
          found.lengthAndMarks == entry.lengthAndMarks, found.offset % 8 == 0, bytes == payload
        else {
          Issue.record("frame \(slot) differs: \(found), \(bytes.count) bytes")
          return
        }
      }
    }
  }

  @Test(
    arguments: [1, 2, 3, 7, 8, 9, 100, 500], [0, 1, 2, 3, 4, 7, 8, 9, 16, 17, 36, 61, 64, 250])
  func equalFrames(count: Int, size: Int) throws {
    for keyed in [false, true] {
      let staged = staged(count, keyed: keyed) { index in
        (0..<size).map { UInt8(truncatingIfNeeded: $0 % 4 == 0 ? index : $0 % 4 == 1 ? index / 9 : 200) }
      }
      _ = try roundTrip(staged)
    }
  }

  @Test func everyFilterIsUsedAndUndone() throws {
    // In each, one byte of an item is noise, and the others are always the same.
    var random = SeededGenerator(seed: 6)
    let noise = random.bytes(20_000)
    var filters: Set<UInt8> = []
    for size in [2, 4, 16, 36] {
      let staged = staged(400, keyed: false) { index in
        (0..<36).map { $0 % size == 0 ? noise[index * 36 + $0] : UInt8(truncatingIfNeeded: $0 % size) }
      }
      filters.insert(try roundTrip(staged).entry.filter)
    }
    filters.insert(try roundTrip(self.staged(400, keyed: false) { _ in Array(0..<36) }).entry.filter)
    #expect(filters.count >= 3, "\(filters)")
  }

  @Test func framesOfAnyKind() throws {
    let seed = TestSeed.next()
    print("seed \(seed)")
    var random = SeededGenerator(seed: seed)
    let encoder = ChunkEncoder()
    for _ in 0..<300 {
      let (most, isText) = (Int.random(in: 0...300, using: &random), random.oneIn(2))
      var sizes = random
      let staged = staged(
        Int.random(in: 1...200, using: &random), keyed: random.oneIn(2), clamped: random.oneIn(3),
        flags: random.oneIn(2)
      ) { index in
        let size = Int.random(in: 0...most, using: &sizes)
        return isText ? (0..<size).map { UInt8(truncatingIfNeeded: $0 / 3 + index) } : sizes.bytes(size)
      }
      _ = try roundTrip(staged, encoder)
    }
  }

  @Test func timestampsAndKeysAtTheirEnds() throws {
    let ends: [Int64] = [.min, -1, 0, 1, .max, .min, .max]
    let frames = ends.map { end in
      (IndexEntry(timestamp: end, key: ~end, offset: 0, lengthAndMarks: 1, checksum: 0, flags: .max), [UInt8(3)])
    }
    _ = try roundTrip(Staged(frames: frames, isKeyed: true))
  }

  @Test func whatDoesNotShrinkIsKeptAsItIs() throws {
    var random = SeededGenerator(seed: 1)
    let payload = random.bytes(5000)
    let staged = staged(1, keyed: false) { _ in payload }
    let (entry, stored) = try roundTrip(staged)
    #expect(entry.method == ChunkEntry.raw && entry.filter == 0 && entry.storedLength == entry.rawLength)
    #expect(Array(stored.suffix(5000)) == payload)
    // Nil, and not half of it, without room.
    var small = [UInt8](repeating: 0, count: 4000)
    let none = staged.withFrames { frames in
      unsafe small.withUnsafeMutableBytes { unsafe ChunkEncoder().encode(frames, firstSlot: 0, into: $0) }
    }
    #expect(none == nil)
  }

  @Test func regularTimestampsTakeNearlyNothing() throws {
    let frames = (0..<1000).map { index in
      (
        IndexEntry(timestamp: Int64(index) * 10, key: 0, offset: 0, lengthAndMarks: 8, checksum: 0, flags: 0),
        [UInt8](repeating: 1, count: 8)
      )
    }
    let entry = try roundTrip(Staged(frames: frames, isKeyed: false)).entry
    #expect(entry.storedLength < 300)
  }

  /// The frames of a chunk, in memory of `decoder`'s caller; nil when it is none.
  private func decode(
    _ decoder: ChunkDecoder, _ entry: ChunkEntry, _ stored: UnsafeRawBufferPointer, isKeyed: Bool,
    _ memory: ColumnBytes,
    by step: Int? = nil
  ) -> PlainFrames? {
    _ = unsafe decoder.take(stored)
    var limited = entry
    // As `ChunkIndex` has it: the stored length is that of the bytes.
    limited.storedLength = UInt32(stored.count)
    let size = decoder.open(
      limited, isKeyed: isKeyed, payloadStart: 128, mostRawBytes: ChunkTests.mostRawBytes, blockSize: 4096)
    guard let size else { return nil }
    memory.reserve(size + 64)
    unsafe memory.part(0..<(size + 64)).initializeMemory(as: UInt8.self, repeating: 0xEE)
    let whole = Int(entry.frameCount)
    let target = unsafe memory.part(0..<size)
    guard unsafe decoder.writeEntries(to: target, wholly: step == nil) else { return nil }
    for start in stride(from: 0, to: whole, by: step ?? whole) {
      let end = min(whole, start + (step ?? whole))
      guard unsafe decoder.writePayloads(of: start..<end, to: target) else { return nil }
    }
    #expect(unsafe memory.part(size..<(size + 64)).allSatisfy { $0 == 0xEE })
    return unsafe PlainFrames(
      base: UnsafeRawPointer(target.baseAddress!), indexTop: UnsafeRawPointer(target.baseAddress! + size),
      isKeyed: isKeyed, count: whole)
  }

  private static let mostRawBytes = 1 << 18

  // MARK: Damage

  @Test func aBombIsNoChunk() throws {
    var (entry, stored) = try roundTrip(staged(100, keyed: false) { _ in [UInt8](repeating: 0, count: 100) })
    #expect(entry.method == ChunkEntry.lz4)
    let decoder = ChunkDecoder()
    func isRefused(_ change: (inout ChunkEntry) -> Void) -> Bool {
      var changed = entry
      change(&changed)
      let memory = ColumnBytes()
      return unsafe stored.withUnsafeBytes { unsafe decode(decoder, changed, $0, isKeyed: false, memory) == nil }
    }
    #expect(!isRefused { _ in })
    #expect(isRefused { $0.rawLength = .max })
    #expect(isRefused { $0.rawLength += 1 })
    #expect(isRefused { $0.rawLength -= 1 })
    #expect(isRefused { $0.rawLength = UInt32(ChunkTests.mostRawBytes) + 1 })
    #expect(isRefused { $0.frameCount = .max })
    #expect(isRefused { $0.frameCount = 0 })
    #expect(isRefused { $0.frameCount = 99 })
    #expect(isRefused { $0.frameCount = 1 })
    #expect(isRefused { $0.payloadBytes = .max })
    #expect(isRefused { $0.payloadBytes -= 1 })
    #expect(isRefused { $0.method = 2 })
    #expect(isRefused { $0.method = ChunkEntry.raw })
    #expect(isRefused { $0.filter = 3 })
    stored = []
    #expect(isRefused { _ in })
  }

  @Test func damagedBytesAreRefusedOrGiveFramesWithinBounds() throws {
    let seed = TestSeed.next()
    print("seed \(seed)")
    var random = SeededGenerator(seed: seed)
    let decoder = ChunkDecoder()
    for keyed in [false, true] {
      let (entry, stored) = try roundTrip(
        staged(150, keyed: keyed, clamped: true, flags: true) { index in
          [UInt8](repeating: UInt8(truncatingIfNeeded: index / 4), count: index % 50)
        })
      var plain = entry
      plain.method = ChunkEntry.raw
      for round in 0..<4000 {
        var (damaged, changed) = (stored, round % 2 == 0 ? entry : plain)
        if changed.method == ChunkEntry.raw { damaged = random.bytes(Int(entry.rawLength)) }
        for _ in 0..<Int.random(in: 1...4, using: &random) {
          damaged[Int.random(in: 0..<damaged.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
        }
        if random.oneIn(4) { changed.payloadBytes = UInt32.random(in: 0...changed.rawLength, using: &random) }
        if random.oneIn(4) { changed.frameCount = UInt32.random(in: 0...400, using: &random) }
        if random.oneIn(4) { changed.filter = [0, 1, 2, 4].randomElement(using: &random)! }
        let memory = ColumnBytes()
        let sum = unsafe damaged.withUnsafeBytes { bytes -> Int? in
          guard let frames = unsafe decode(decoder, changed, bytes, isKeyed: keyed, memory) else { return nil }
          return (0..<frames.count).reduce(0) { sum, slot in
            unsafe frames.payload(of: frames.entry(slot)).reduce(sum) { $0 &+ Int($1) }
          }
        }
        #expect(sum.map { $0 >= 0 } ?? true)
      }
    }
  }
}
