import Testing

@testable import NanoTS

/// Headers that claim ordinals out of order, as damage or somebody else may leave them.
@Suite struct DamagedOrdinalsTests {
  @Test func aWalkPastABlockThatIsGoneDoesNotGoBack() throws {
    let directory = try TemporaryDirectory()
    let store = try directory.store(blockSize: 4096, blocks: 8)
    try store.appendHalfBlocks(0...5, to: "s")
    // The stream's second block begins far behind its third one, says its header.
    let header = store.file.header(1)
    header.firstOrdinal.storeRelaxed(.max - 16)
    let values = try #require(header.values())
    header.identityChecksum.storeRelaxed(values.computedIdentityChecksum)
    let opened = try Store(at: store.path)
    var cursor = try opened.cursor(of: "s")
    #expect(try cursor.next()?.timestamp == 0)
    #expect(try opened.free("s", in: 4...5).blocks == 1)
    var times: [Int64] = []
    for _ in 0..<20 {
      do {
        guard let frame = try cursor.next() else { break }
        times.append(frame.timestamp)
      } catch {
        #expect(error.code == .overwritten)
      }
    }
    #expect(times == [1, 2, 3])
    #expect(try cursor.next() == nil)
  }
}
