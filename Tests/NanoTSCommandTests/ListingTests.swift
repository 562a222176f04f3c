import Foundation
import Testing

/// info, streams, segments and free.
struct ListingTests {
  private let scratch: Scratch
  private let store: String

  init() throws {
    scratch = try Scratch()
    store = try scratch.store()
    for (stream, input) in [("b", "100\tb1\n200\tb2\n"), ("a", "150\ta1\n"), ("b", "300\tb3\n")] {
      let outcome = try Program.run(
        "append", store, stream, "--timestamps", "--metadata", "of \(input.count)", input: input)
      try #require(outcome.status == 0, "\(outcome.errors)")
    }
  }

  private func records(_ arguments: String...) throws -> [[String: Any]] {
    try #require(try Program.run(arguments).json() as? [[String: Any]])
  }

  @Test func streamsAsJSON() throws {
    let streams = try records("streams", store, "--json")
    #expect(streams.map { $0["name"] as? String } == ["a", "b"])
    #expect(streams.map { $0["frames"] as? Int } == [1, 3])
    #expect(streams.map { $0["bytes"] as? Int } == [2, 6])
    #expect(streams.map { $0["first"] as? Int } == [150, 100])
    #expect(streams.map { $0["last"] as? Int } == [150, 300])
    #expect(streams.map { $0["segments"] as? Int } == [1, 2])
    #expect(streams.allSatisfy { ($0["blocks"] as? Int ?? 0) >= 1 })
    #expect(streams.last?["lastTime"] as? String == "1970-01-01T00:00:00.000000300Z")
  }

  @Test func streamsAsATable() throws {
    let lines = try Program.run("streams", store, "--raw-times").lines
    #expect(lines.count == 3)
    #expect(lines[0].hasPrefix("stream"))
    let row = lines[2].split(separator: " ").map(String.init)
    #expect(row.prefix(4) == ["b", "3", "6", "B"])
    #expect(row.contains("100") && row.contains("300"))
    #expect(try Program.run("streams", store).output.contains("1970-01-01T00:00:00.000000300Z"))
  }

  @Test func anEmptyStoreHasNoStreams() throws {
    let empty = scratch.path("empty.nts")
    try #require(try Program.run("create", empty, "--block-size", "4KiB", "--blocks", "2").status == 0)
    #expect(try records("streams", empty, "--json").isEmpty)
    #expect(try records("segments", empty, "--json").isEmpty)
    #expect(try Program.run("cat", empty).output.isEmpty)
    let info = try Program.run("info", empty)
    #expect(info.status == 0)
    #expect(info.output.contains("  ..\n"))
  }

  @Test func segmentsOfAStream() throws {
    let segments = try records("segments", store, "b", "--json")
    #expect(segments.map { $0["first"] as? Int } == [100, 300])
    #expect(segments.map { $0["frames"] as? Int } == [2, 1])
    #expect(segments.map { $0["metadata"] as? String } == ["of 14", "of 7"])
    #expect(segments.map { $0["isOpen"] as? Bool } == [false, false])
    #expect(try records("segments", store, "--json").count == 3)
    #expect(try records("segments", store, "--json", "--from", "201").count == 1)
    let table = try Program.run("segments", store, "b").lines
    #expect(table.count == 3)
    #expect(table[1].hasSuffix("closed  of 14"))
  }

  @Test func infoShowsThePicture() throws {
    let info = try Program.run("info", store)
    #expect(info.status == 0)
    let picture = try #require(info.lines.first { $0.hasSuffix("..") })
    #expect(picture.filter { $0 == "A" }.count == 1)
    #expect(picture.filter { $0 == "B" }.count >= 1)
    #expect(info.lines.contains("  A a (1)"))
    #expect(info.output.contains("8, 64 KiB each"))
    #expect(info.output.contains("1970-01-01T00:00:00.000000100Z to 1970-01-01T00:00:00.000000300Z"))
    #expect(!info.output.contains("\u{1B}"))
    let record = try #require(try Program.run("info", store, "--json").json() as? [String: Any])
    #expect(record["frames"] as? Int == 4)
    #expect((record["blocks"] as? [Any])?.count == 8)
    #expect((record["streams"] as? [Any])?.count == 2)
    #expect(record["last"] as? Int == 300)
  }

  @Test func freesWholeBlocksOfARange() throws {
    // Nothing that could be stored in less.
    var random = SystemRandomNumberGenerator()
    let input = (1...200).map { time in
      let digits = (0..<63).map { _ in String(random.next(), radix: 16) }.joined()
      return "\(time)\t\(digits)\n"
    }
    .joined()
    try #require(try Program.run("append", store, "big", "--timestamps", input: input).status == 0)
    func frames() throws -> Int {
      try #require(try records("streams", store, "--json").first { $0["name"] as? String == "big" }?["frames"] as? Int)
    }
    #expect(try frames() == 200)
    let outcome = try Program.run("free", store, "big", "--to", "100")
    #expect(outcome.status == 0)
    let left = try frames()
    #expect(left < 200 && left >= 100)
    #expect(outcome.output == "freed 1 block, \(200 - left) frames\n")
    #expect(try Program.run("cat", store, "big", "--raw-times").lines.count == left)
  }

  @Test func freesAStream() throws {
    let outcome = try Program.run("free", store, "b", "--all")
    #expect(outcome.status == 0)
    #expect(outcome.output.contains("3 frames"))
    #expect(try records("streams", store, "--json").map { $0["name"] as? String } == ["a"])
    #expect(try Program.run("append", store, "b", "--time", "5", input: "again\n").status == 0)
    #expect(try Program.run("cat", store, "b", "--raw-times").output == "5  b  again\n")
  }

  @Test func freeMustBeToldWhat() throws {
    #expect(try Program.run("free", store, "b").status == 64)
    #expect(try Program.run("free", store, "b", "--all", "--from", "5").status == 64)
    #expect(try Program.run("free", store, "nowhere", "--all").status == 1)
    let turned = try Program.run("free", store, "b", "--from", "300", "--to", "100")
    #expect(turned.status == 1)
    #expect(turned.errors.contains("300") && turned.errors.contains("100"))
    #expect(try Program.run("cat", store, "b").lines.count == 3)
  }
}
