import Foundation
import NanoTS
import NanoTSRecords
import Testing

@testable import NanoTSCommand

/// `nanots ingest --strict` stores everything or nothing, and rows that are held find room.
@Suite struct StrictIngestTests: IngestSuite {
  let scratch: Scratch

  init() throws { scratch = try Scratch() }

  private func nothingIsStored(_ outcome: Program.Outcome, _ says: String) {
    #expect(outcome.status == 1 && outcome.errors.contains(says), "\(outcome)")
    #expect(outcome.errors.contains("nothing was stored"), "\(outcome)")
    #expect(!FileManager.default.fileExists(atPath: store))
  }

  @Test func namesAreLookedAtBefore() throws {
    let long = String(repeating: "n", count: 193)
    for (name, says) in [("", "line 3: its stream has no name"), (long, "has 193 bytes"), ("a\0b", "NUL byte")] {
      nothingIsStored(
        try ingest("t,s,v\n1,a,1\n2,\(name),2\n", "--stream-column", "s", "--strict"), says)
    }
    #expect(try ingest("t,s,v\n1,\(long.dropLast()),1\n", "--stream-column", "s", "--strict").status == 0)
  }

  @Test func namesThatNoStoreTakesAreRefusedByThemselves() throws {
    let outcome = try ingest("t,s,v\n1,a,1\n2,,2\n3,a\0b,3\n4,b,4\n", "--stream-column", "s")
    #expect(outcome.status == 1 && outcome.output.hasPrefix("ingested 2 rows into 2 streams (a, b), 2 rows refused"))
    #expect(
      outcome.errors.contains("line 3: its stream has no name") && outcome.errors.contains("line 4: its stream's"))
    let whole = try ingest("t,v\n1,1\n", "--stream", "")
    #expect(whole.status == 1 && whole.errors.contains("--stream says which it is"), "\(whole)")
  }

  @Test func streamsAndSizesAreReckonedBefore() throws {
    let many = "t,s,v\n" + (0..<1_025).map { "\($0),s\($0),1\n" }.joined()
    nothingIsStored(try ingest(many, "--stream-column", "s", "--strict"), "room for 1024 more")
    // The second stream's name is longer, and leaves less for its frames.
    let metadataByteCount = try metadata(of: 3_000).utf8.count
    func limit(_ nameByteCount: Int) throws -> Int {
      try BlockRoom(
        blockSize: 4096, nameByteCount: nameByteCount, metadataByteCount: metadataByteCount, .off, isKeyed: false
      ).largestFrameByteCount
    }
    let (short, long) = ("a", String(repeating: "b", count: 150))
    let most = try limit(150)
    #expect(try limit(1) > most)
    let text = "t,s,v\n1,\(short),x\n2,\(long),y\n"
    let options = ["--stream-column", "s", "--strict", "--block-size", "4KiB"]
    nothingIsStored(try ingest(text, options + ["--types", "v=text:\(most + 8)"]), "line 3: a frame of")
    #expect(try ingest(text, options + ["--types", "v=text:\(most)"]).status == 0)
  }

  private func metadata(of byteCount: Int) throws -> String {
    try RecordLayout([RecordField("v", .text(byteCount: byteCount), offset: 0)], byteCount: byteCount).metadata
  }

  @Test func aRingOfTooFewBlocksIsRefused() throws {
    let text = "t,s,v\n1,a,1\n2,b,2\n3,c,3\n"
    nothingIsStored(
      try ingest(text, "--stream-column", "s", "--strict", "--blocks", "2", "--block-size", "4KiB"),
      "3 streams need 3 blocks")
    try #require(try ingest("t,v\n1,1\n", "--blocks", "2", "--block-size", "4KiB").status == 0)
    let opened = try Store(at: store)
    try opened.protect("t", in: 0...Int64.max)
    try opened.close()
    let full = try ingest("t,s,v\n1,a,1\n2,b,2\n", "--stream-column", "s", "--strict", named: "u.csv")
    #expect(full.status == 1 && full.errors.contains("2 streams need 2 blocks, and of the 2 of the store 1"), "\(full)")
    #expect(try Store(at: store, .readOnly).streams() == ["t"])
  }

  /// A stream of which no frame is left, because others took its blocks, is further than it looks.
  @Test func aStreamThatWasRecycledIsNotWrittenBehindItsEnd() throws {
    try #require(try ingest("t,v\n5,1\n", "--blocks", "2", "--block-size", "4KiB").status == 0)
    let many = "t,v\n" + (0..<1_000).map { "\($0),1\n" }.joined()
    try #require(try ingest(many, named: "a.csv").status == 0)
    try #require(try Store(at: store, .readOnly).frameCount(of: "t") == 0)
    let outcome = try ingest("t,s,v\n2000,a,1\n2,t,2\n", "--stream-column", "s", "--strict", named: "u.csv")
    #expect(outcome.status == 1 && outcome.errors.contains("line 3: its time"), "\(outcome)")
    #expect(outcome.errors.contains("nothing was stored"))
    #expect(try rows("a").last?[0] == "999000000000")
  }

  /// Keys that are told apart come before anything is stored.
  @Test func keysThatCannotBeToldApartLeaveNoStore() throws {
    nothingIsStored(
      try ingest(
        "t,k,v\n0,0,1\n1,\(Int64.max),2\n1,\(Int64.max),3\n", "--key-column", "k", "--out-of-order", "sort"),
      "line 4: its time and its key")
  }

  @Test func aStoreThatIsMadeHasRoomForWideTexts() throws {
    let long = String(repeating: "x", count: 1_500)
    let text = "t,v\n0,\(long)\n" + (1..<3_000).map { "\($0),y\n" }.joined()
    for (file, options) in [("plain", []), ("held", ["--strict"]), ("lz4", ["--strict", "--compress", "lz4"])] {
      let other = scratch.path("\(file).nts")
      let table = try scratch.file("t.csv", Data(text.utf8))
      let outcome = try Program.run(["ingest", other, table, "--block-size", "4KiB"] + options)
      #expect(outcome.status == 0 && outcome.output == "ingested 3,000 rows into 1 stream (t)\n", "\(outcome)")
    }
    let piped = try Program.run(
      ["ingest", store, "--stream", "s", "--block-size", "4KiB"], input: Data(text.utf8))
    #expect(piped.status == 0 && piped.output == "ingested 3,000 rows into 1 stream (s)\n", "\(piped)")
  }

  /// Keys that come late in each of many streams, in blocks that a few frames fill.
  @Test func heldRowsFitExactly() throws {
    let rows = (0..<3_000).map { "\($0),\($0 < 1_500 ? 0 : 7),s\($0 % 60),x\n" }.joined()
    let outcome = try ingest(
      "t,k,s,v\n" + rows, "--key-column", "k", "--stream-column", "s", "--types", "v=text:900", "--block-size", "4KiB",
      "--strict")
    #expect(outcome.status == 0 && outcome.output.hasPrefix("ingested 3,000 rows into 60 streams"), "\(outcome)")
    let opened = try Store(at: store, .readOnly)
    #expect(try opened.statistics().frames == 3_000)
  }

  @Test func equalTimesOfSeveralFilesKeepTheirOrder() throws {
    let one = try scratch.file("1.csv", Data("t,v\n1,0\n1,1\n5,2\n".utf8))
    let two = try scratch.file("2.csv", Data("t,v\n5,3\n1,4\n".utf8))
    let outcome = try Program.run(
      "ingest", store, one, two, "--stream", "s", "--unit", "s", "--out-of-order", "sort")
    #expect(outcome.status == 0)
    #expect(
      try self.rows("s") == [
        ["1", "0", "v=0"], ["1", "1", "v=1"], ["1", "2", "v=4"], ["5", "0", "v=2"], ["5", "1", "v=3"],
      ])
  }
}
