import Testing

@testable import NanoTS

/// Copies of a store that lost power, made before any writer has settled it: what its readers see, and no longer suspect.
@Suite struct CopySuspectTests {
  private let directory: TemporaryDirectory
  private let path: String
  private let store: Store

  init() throws {
    directory = try TemporaryDirectory()
    path = directory.path("copy.nts")
    store = try directory.plainStore(blocks: 12)
    let writer = try store.writer(for: "s", metadata: "m")
    for time in 0..<Int64(420) { try writer.append(value: time, at: time) }
    try writer.abandon()
  }

  /// Copies the store as a power loss leaves it, and expects what a reader of it sees.
  private func copyLost(
    _ lost: String, nextOrdinal: UInt64? = nil, sourceLocation: SourceLocation = #_sourceLocation
  ) throws -> CopyReport {
    let bytes = try StoreBytes.read(lost)
    let reader = try Store(at: lost, .readOnly)
    #expect(reader.isSuspect, sourceLocation: sourceLocation)
    let report = try reader.copy(to: path, replacing: true)
    try expectCopy(
      at: path, has: try reader.content(), nextOrdinals: nextOrdinal.map { ["s": $0] } ?? [:],
      sourceLocation: sourceLocation)
    #expect(try StoreBytes.read(lost) == bytes, sourceLocation: sourceLocation)
    return report
  }

  @Test func aWholeOneIsCopiedWhole() throws {
    let report = try copyLost(directory.lostStore(of: store))
    #expect(report.isComplete && report.unprovenFrames == 0 && report.frames == 420)
    #expect(try copyLost(directory.lostStore(of: store, unordered: true)).frames == 420)
  }

  @Test func tornFramesAtTheEndAreLeftOutAndGiveTheirOrdinalsBack() throws {
    try store.flipPayload(of: 410, in: "s")
    let report = try copyLost(directory.lostStore(of: store))
    #expect(report.frames == 410 && report.unprovenFrames == 10)
    #expect(report.isComplete)
  }

  @Test func aTornBlockInTheMiddleLeavesAGapThatIsSeen() throws {
    let blocks = try store.blocks().filter { $0.frames > 0 }.sorted { $0.sequence < $1.sequence }
    let torn = UInt64(try #require(blocks[1].firstTimestamp)) + 7
    try store.flipPayload(of: torn, in: "s")
    let report = try copyLost(directory.lostStore(of: store))
    #expect(report.unprovenFrames == UInt64(blocks[1].frames) - 7)
    #expect(report.frames == 420 - report.unprovenFrames)
    #expect(try Store(at: path, .readOnly).contiguousRuns(of: "s").map(\.frames).first == torn)
  }

  /// Its header is of the earlier life, its body of a later one.
  @Test func aBlockThatWasBeingRecycledIsLeftOut() throws {
    let lost = try directory.lostStore(of: store)
    let blocks = try store.blocks().filter { $0.frames > 0 }.sorted { $0.sequence < $1.sequence }
    let body = store.file.layout.fileSize(blocks: blocks[0].index)
    try StoreBytes.patch(lost, at: body, Array(repeating: 0x5A, count: 4096))
    let report = try copyLost(lost)
    #expect(report.unprovenFrames == UInt64(blocks[0].frames))
    #expect(report.findings.isEmpty)
  }

  @Test func countersThatAreOldDoNotMatter() throws {
    let early = try directory.plainStore("early.nts", blocks: 12)
    let earlyBytes = try StoreBytes.read(early.path)
    let lost = try directory.lostStore(of: store)
    try StoreBytes.patch(lost, at: 8192 + 64, Array(earlyBytes[(8192 + 64)..<(8192 + 128)]))
    try StoreBytes.patch(lost, at: 4096, Array(earlyBytes[4096..<(4096 + 28)]))
    #expect(try copyLost(lost).frames == 420)
  }

  /// A store that was settled by the time it is copied is one like any other.
  @Test func itIsCopiedAlsoAfterAWriterPutItRight() throws {
    try store.flipPayload(of: 410, in: "s")
    let lost = try directory.lostStore(of: store)
    let settled = try Store(at: lost)
    let report = try settled.copy(to: path)
    #expect(report.frames == 410 && report.unprovenFrames == 0)
    try expectCopy(at: path, has: try settled.content())
  }
}
