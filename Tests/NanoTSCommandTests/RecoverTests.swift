import Foundation
import Testing

struct RecoverTests {
  /// A store with two streams of 1,000 lines each, a second apart from time 0 on.
  private func makeStore(_ scratch: Scratch) throws -> String {
    let store = try scratch.store("--unit", "s", "--compress", "none")
    for stream in ["a", "b"] {
      let lines = (0..<1000).map { "\($0)\t\(stream) \($0)\n" }.joined()
      try #require(try Program.run("append", store, stream, "--timestamps", input: lines).status == 0)
    }
    return store
  }

  private func frames(_ store: String) throws -> [String] { try Program.run("cat", store, "--json").lines }

  private func damage(_ store: String, _ change: (inout Data) throws -> Void) throws {
    var bytes = try Data(contentsOf: URL(fileURLWithPath: store))
    try change(&bytes)
    try bytes.write(to: URL(fileURLWithPath: store))
  }

  private func names(_ scratch: Scratch) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: scratch.url.path).sorted()
  }

  @Test func aStoreWithoutItsTablesComesBackWhole() throws {
    let scratch = try Scratch()
    let (store, good) = (try makeStore(scratch), scratch.path("good.nts"))
    let before = try frames(store)
    try damage(store) { $0.replaceSubrange(0..<8192, with: Data(count: 8192)) }
    let damaged = try Data(contentsOf: URL(fileURLWithPath: store))
    #expect(try Program.run("cat", store).status == 1)
    let outcome = try Program.run("recover", store, "-o", good)
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.lines.first?.hasPrefix("stream") == true)
    #expect(
      outcome.lines.contains { $0.hasPrefix("a ") && $0.contains("1,000") && $0.contains("1970-01-01T00:00:00Z") })
    #expect(outcome.output.contains("whole: recovered 2 streams, 2,000 frames, "))
    #expect(outcome.errors.contains("nanots: the file header does not prove itself"))
    #expect(!outcome.output.contains("\r") && !outcome.output.contains("\u{1B}"))
    #expect(try frames(good) == before)
    #expect(try Program.run("verify", good).status == 0)
    #expect(try Program.run("append", good, "a", "--time", "1000", input: "more\n").status == 0)
    #expect(try Data(contentsOf: URL(fileURLWithPath: store)) == damaged)
    #expect(try names(scratch) == ["good.nts", "store.nts"])
  }

  @Test func lossesAreListedByStreamAndTimeWithExitCode3() throws {
    let scratch = try Scratch()
    let (store, good) = (try makeStore(scratch), scratch.path("good.nts"))
    let before = try frames(store)
    try damage(store) { bytes in
      let place = try #require(bytes.range(of: Data("b 500".utf8)))
      bytes[place.lowerBound] ^= 1
    }
    let outcome = try Program.run("recover", store, "--output", good)
    #expect(outcome.status == 3)
    #expect(outcome.output.contains("with losses: recovered 2 streams, 1,999 frames"))
    let loss = try #require(outcome.lines.first { $0.hasPrefix("b ") && $0.contains("checksum") })
    #expect(loss.contains("500") && loss.contains("00:08:19Z") && loss.contains("00:08:21Z"))
    #expect(try frames(good).count == before.count - 1)
    let json = try Program.run("recover", store, "-o", good, "--replace", "--json")
    #expect(json.status == 3)
    let report = try #require(try json.json() as? [String: Any])
    #expect(report["isWhole"] as? Bool == false && report["frames"] as? Int == 1999 && report["unit"] as? String == "s")
    let record = try #require((report["losses"] as? [[String: Any]])?.first)
    #expect(record["stream"] as? String == "b" && record["firstOrdinal"] as? Int == 500)
    #expect(record["lastOrdinal"] as? Int == 500 && record["from"] as? Int == 499 && record["to"] as? Int == 501)
    let streams = try #require(report["streams"] as? [[String: Any]])
    #expect(streams.map { $0["frames"] as? Int } == [1000, 999])
    #expect(streams.map { $0["lostFrames"] as? Int } == [0, 1])
  }

  @Test func whatIsHopelessOrBadInputIsToldInOneLine() throws {
    let scratch = try Scratch()
    let (store, good) = (try makeStore(scratch), scratch.path("good.nts"))
    func expectRefusal(_ arguments: [String], naming text: String) throws {
      let outcome = try Program.run(["recover"] + arguments)
      #expect(outcome.status == 1, "\(arguments)")
      #expect(outcome.errors.hasPrefix("nanots: ") && outcome.errors.split(separator: "\n").count == 1)
      #expect(outcome.errors.contains(text), "\(outcome.errors)")
      #expect(outcome.output.isEmpty)
      #expect(!FileManager.default.fileExists(atPath: good))
    }
    try expectRefusal([try scratch.file("empty", Data()), "-o", good], naming: "nothing to recover")
    try expectRefusal([try scratch.file("zeros", Data(count: 1 << 20)), "-o", good], naming: "nothing to recover")
    try expectRefusal([try scratch.file("text", Data("no store\n".utf8)), "-o", good], naming: "nothing to recover")
    try expectRefusal([scratch.path("missing.nts"), "-o", good], naming: "missing.nts")
    try expectRefusal([scratch.url.path, "-o", good], naming: "directory")
    try expectRefusal([store, "-o", store, "--replace"], naming: "onto itself")
    try expectRefusal([store, "-o", try scratch.file("there", Data("x".utf8))], naming: "--replace")
    #expect(try Data(contentsOf: URL(fileURLWithPath: scratch.path("there"))) == Data("x".utf8))
    #expect(try Program.run("recover", store).status == 64)
    #expect(try Program.run("recover", "--help").output.contains("exit code is 0"))
  }

  @Test func verifySaysThatRecoverMayHelp() throws {
    let scratch = try Scratch()
    let store = try makeStore(scratch)
    try damage(store) { $0[200] ^= 1 }
    let outcome = try Program.run("verify", store)
    #expect(outcome.status == 1)
    #expect(outcome.errors.contains("checksum") && outcome.errors.contains("nanots recover"))
    #expect(outcome.errors.contains("2 blocks"))
    try damage(store) { $0 = Data($0.prefix($0.count - 100)) }
    #expect(try Program.run("verify", store).errors.contains("nanots recover"))
    let text = try Program.run("verify", try scratch.file("text", Data("no store\n".utf8)))
    #expect(!text.errors.contains("nanots recover"))
  }
}
