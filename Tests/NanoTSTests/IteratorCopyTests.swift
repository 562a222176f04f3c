import NanoTS
import Testing

/// A copy of an iterator goes on by itself, whatever the other does: across blocks, up and down, plain and compressed.
@Suite struct IteratorCopyTests {
  private static let frames = 600

  private func store(_ directory: TemporaryDirectory, _ compression: Compression) throws -> Store {
    let store = try Store.create(
      at: directory.path("a.nts"), StoreOptions(blockSize: 4096, blockCount: 40, compression: compression))
    let writer = try store.writer(for: "s", options: WriterOptions(durability: .none))
    for time in 0..<Self.frames { try writer.append(value: Int64(time), at: Int64(time)) }
    try writer.close()
    return store
  }

  /// Steps on and checks that each frame is the one that comes next.
  private func take<I: IteratorProtocol>(_ count: Int, of iterator: inout I, from first: Int, by step: Int) throws
  where I.Element == Frame {
    for index in 0..<count {
      let next = iterator.next()
      let frame = try #require(next)
      let expected = Int64(first + index * step)
      #expect(frame.timestamp == expected && frame.ordinal == UInt64(expected))
      #expect(try frame.load(as: Int64.self) == expected)
    }
  }

  @Test(arguments: [Compression.off, .lz4(chunkByteCount: 512)])
  func goesOnByItself(_ compression: Compression) throws {
    let directory = try TemporaryDirectory()
    let store = try store(directory, compression)
    let sequence = try store.frames(of: "s")
    var up = sequence.makeIterator()
    try take(50, of: &up, from: 0, by: 1)
    var other = up
    try take(400, of: &up, from: 50, by: 1)
    var third = up
    try take(Self.frames - 50, of: &other, from: 50, by: 1)
    #expect(other.next() == nil)
    try take(Self.frames - 450, of: &up, from: 450, by: 1)
    try take(Self.frames - 450, of: &third, from: 450, by: 1)
    #expect(up.next() == nil && third.next() == nil)

    var down = sequence.reversed().makeIterator()
    try take(50, of: &down, from: Self.frames - 1, by: -1)
    var copy = down
    try take(Self.frames - 50, of: &down, from: Self.frames - 51, by: -1)
    try take(Self.frames - 50, of: &copy, from: Self.frames - 51, by: -1)
    #expect(down.next() == nil && copy.next() == nil)
  }
}
