import NanoTS
import Testing

/// What is reckoned before anything is written is what writers do then.
@Suite struct BlockRoomTests {
  @Test(arguments: [Compression.off, .lz4(), .lz4(chunkByteCount: 512)])
  func largestFramesAreThoseOfTheWriter(_ compression: Compression) throws {
    let directory = try TemporaryDirectory()
    for (number, blockSize) in [4_096, 65_536, 1 << 20].enumerated() {
      let store = try Store.create(
        at: directory.path("\(number).nts"), StoreOptions(blockSize: blockSize, blockCount: 4, compression: compression)
      )
      for (name, metadata) in [("a", ""), ("stream", String(repeating: "m", count: 700))] {
        let writer = try store.writer(for: name, metadata: metadata)
        let room = try BlockRoom(
          blockSize: blockSize, nameByteCount: name.utf8.count, metadataByteCount: metadata.utf8.count, compression,
          isKeyed: false)
        #expect(writer.maximumFrameByteCount == room.largestFrameByteCount, "\(blockSize), \(metadata.count)")
        try writer.close()
      }
    }
  }

  @Test(arguments: [Compression.off, .lz4(chunkByteCount: 512)], [false, true])
  func blocksHoldAsManyAsItSays(_ compression: Compression, _ isKeyed: Bool) throws {
    let directory = try TemporaryDirectory()
    // Bytes that do not become smaller, the same in each run.
    var state: UInt64 = 2_026
    for byteCount in [1, 8, 36, 500] {
      let store = try Store.create(
        at: directory.path("\(byteCount).nts"), StoreOptions(blockSize: 8192, blockCount: 40, compression: compression))
      let room = try BlockRoom(
        blockSize: 8192, nameByteCount: 1, metadataByteCount: 0, compression, isKeyed: isKeyed)
      let frames = 10 * room.leastFrames(of: byteCount)
      let writer = try store.writer(for: "s", options: WriterOptions(durability: .none))
      for time in 0..<frames {
        let payload = (0..<byteCount).map { _ in
          state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
          return UInt8(state >> 56)
        }
        try writer.append(payload, at: Int64(time), key: isKeyed ? 1 : 0)
      }
      try writer.close()
      #expect(try #require(try store.statistics(of: "s")).blocks <= 10)
    }
  }
}
