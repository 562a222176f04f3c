import Foundation
import Synchronization
import Testing

@testable import NanoTS

/// Blocks that wait to be written are blocks without frames: they must cost the store and its streams little.
@Suite struct PreparedBlockTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func spares(_ store: Store) -> Int {
    (0..<store.file.usedSlots).count { store.file.slot($0).spareBlock.relaxed != 0 }
  }

  /// What the file has there; of it, nothing comes to be in memory that was not.
  private func peek(_ descriptor: Int32, at start: off_t) -> [UInt8] {
    defer { posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED) }
    return unsafe [UInt8](unsafeUninitializedCapacity: 4096) { buffer, count in
      count = unsafe max(0, pread(descriptor, buffer.baseAddress, 4096, start))
    }
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

  /// The power could go when the zeros are on the disk and the end of the block's life is not.
  @Test(.enabled(if: TemporaryDirectory.isOnDisk, "temporary files are in memory here"))
  func aBlockIsFilledWithZerosOnlyOnceItsEndIsOnTheDisk() throws {
    // So large that the newest block, which is read when the writer comes, does not bring the oldest one in with it.
    let blockSize = 256 << 10
    var random = SeededGenerator(seed: 5)
    let payload = random.bytes(200_000)
    do {
      let full = try directory.store(blockSize: blockSize, blocks: 64)
      let writer = try full.writer(for: "s")
      for time in Int64(1)...64 { try writer.append(payload, at: time) }
      try writer.close()
      try full.close()
    }
    let path = directory.path("a.nts")
    let descriptor = unsafe open(path, O_RDONLY)
    defer { close(descriptor) }
    #expect(fsync(descriptor) == 0)
    let store = try Store(at: path)
    let file = store.file
    let start = off_t(file.bodyStart(0))
    let body = peek(descriptor, at: start)
    /// At each sync after the oldest block was claimed: whether its body was still whole.
    let whole = Mutex<[Bool]>([])
    let hook = CallHook { call in
      if call == .syncRange, Generation.isOdd(file.header(0).generation.relaxed) {
        whole.withLock { $0.append(peek(descriptor, at: start) == body) }
      }
      return 0
    }
    try hook.interposed {
      let writer = try store.writer(for: "s")
      try writer.append(payload, at: 65)
      try writer.close()
    }
    #expect(whole.withLock { $0.first } == true)
    #expect(peek(descriptor, at: start) != body)
    // The thread has claimed the block after it as well.
    #expect(try store.contents(of: "s").map(\.timestamp) == Array(3...65))
  }

  /// The same for a writer that comes before the thread is done, and waits: then the next block is made ready while the disk
  /// writes the last one, and that, too, must leave it as it is.
  @Test func aBodyIsLeftAsItIsAlsoWhereTheWriterWaits() throws {
    let (blockSize, changes) = (256 << 10, 8)
    var random = SeededGenerator(seed: 6)
    let payload = random.bytes(200_000)
    let store = try directory.store(blockSize: blockSize, blocks: 64)
    let writer = try store.writer(for: "s")
    for time in Int64(1)...64 { try writer.append(payload, at: time) }
    try writer.flush()
    let file = store.file
    let descriptor = unsafe open(store.path, O_RDONLY)
    defer { close(descriptor) }
    #expect(fsync(descriptor) == 0)
    let bodies = (0..<changes).map { peek(descriptor, at: off_t(file.bodyStart($0))) }
    let lives = (0..<changes).map { file.header($0).generation.relaxed }
    /// Of each block, at the first sync after it was claimed: whether its body was still whole.
    let whole = Mutex<[Int: Bool]>([:])
    let hook = CallHook { call in
      guard call == .syncRange else { return 0 }
      for block in 0..<changes where file.header(block).generation.relaxed == Generation.ending(lives[block]) {
        whole.withLock { found in
          if found[block] == nil { found[block] = peek(descriptor, at: off_t(file.bodyStart(block))) == bodies[block] }
        }
      }
      usleep(20_000)
      return 0
    }
    // The first one's thread is another's: it was started before.
    store.session!.background.stop()
    try hook.interposed { for time in Int64(65)...72 { try writer.append(payload, at: time) } }
    try writer.close()
    let found = whole.withLock { $0 }
    #expect(found.count >= changes - 2, "\(found)")
    #expect(found.values.allSatisfy { $0 }, "\(found)")
    #expect(try store.contents(of: "s").map(\.timestamp).last == 72)
  }
}
