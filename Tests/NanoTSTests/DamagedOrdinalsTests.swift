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

  @Test func aWalkBackPastABlockThatIsGoneDoesNotGoForward() throws {
    let directory = try TemporaryDirectory()
    let store = try directory.store(blockSize: 4096, blocks: 8)
    try store.appendHalfBlocks(0...5, to: "s")
    // Of the stream's last two blocks the layout is not known, and one begins far behind the other, say their headers.
    for block in 1...2 {
      let header = store.file.header(block)
      header.bodyLayout.storeRelaxed(0)
      if block == 1 { header.firstOrdinal.storeRelaxed(1 << 62) }
      let values = try #require(header.values())
      header.identityChecksum.storeRelaxed(values.computedIdentityChecksum)
    }
    let opened = try Store(at: store.path)
    var cursor = try opened.cursor(of: "s")
    try cursor.seekToEnd()
    #expect(try opened.free("s", in: 0...1).blocks == 1)
    var errors: [NanoTSError.Code] = []
    for _ in 0..<20 {
      do {
        guard let frame = try cursor.previous() else { break }
        Issue.record("there is no frame left at \(frame.timestamp)")
      } catch {
        errors.append(error.code)
      }
    }
    #expect(errors == [.unsupportedFeature, .unsupportedFeature, .overwritten])
    #expect(try cursor.previous() == nil)
  }
}
