import Foundation
import Testing

struct AppendTests {
  /// The payloads of a stream as text, oldest first.
  private func payloads(_ store: String, _ stream: String) throws -> [String] {
    try frames(store, stream).map { try #require($0["data"] as? String) }
  }

  private func frames(_ store: String, _ stream: String) throws -> [[String: Any]] {
    try Program.run("cat", store, stream, "--json").lines.map {
      try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
    }
  }

  @Test func aLineIsAFrame() throws {
    let scratch = try Scratch()
    let store = try scratch.store()
    // An empty line is an empty frame, a carriage return is a byte like others, and the last line needs no newline.
    let outcome = try Program.run("append", store, "log", input: "one\n\nthree\r\nlast")
    #expect(outcome.status == 0)
    #expect(outcome.output == "appended 4 frames, 13 B\n")
    #expect(try payloads(store, "log") == ["one", "", "three\r", "last"])
  }

  @Test func nothingIsNoFrame() throws {
    let scratch = try Scratch()
    let store = try scratch.store()
    let outcome = try Program.run("append", store, "log")
    #expect(outcome.status == 0)
    #expect(outcome.output == "appended 0 frames, 0 B\n")
  }

  @Test func aFileIsAFrame() throws {
    let scratch = try Scratch()
    let store = try scratch.store()
    let binary = Data([0, 10, 13, 255, 0])
    let first = try scratch.file("first", binary)
    let second = try scratch.file("second", Data("text\n".utf8))
    let outcome = try Program.run("append", store, "files", "--file", first, second, input: "not read\n")
    #expect(outcome.status == 0)
    let frames = try frames(store, "files")
    #expect(frames.map { $0["hex"] as? String } == ["000a0dff00", nil])
    #expect(frames.map { $0["data"] as? String } == [nil, "text\n"])
  }

  @Test func filesThatCannotBeReadAreReportedAndTheRestGoesOn() throws {
    let scratch = try Scratch()
    let store = try scratch.store()
    let good = try scratch.file("good", Data("good".utf8))
    let huge = try scratch.file("huge", Data(count: 100_000))
    let missing = scratch.path("missing")
    let outcome = try Program.run("append", store, "files", "--file", missing, huge, scratch.url.path, good)
    #expect(outcome.status == 1)
    let errors = outcome.errors.split(separator: "\n")
    #expect(errors.count == 3)
    #expect(errors.allSatisfy { $0.hasPrefix("nanots: \(scratch.url.path)") })
    #expect(outcome.output == "appended 1 frame, 4 B, 3 refused\n")
    #expect(try payloads(store, "files") == ["good"])
  }

  @Test func timeKeyFlagsAndMetadataAreKept() throws {
    let scratch = try Scratch()
    let store = try scratch.store()
    let outcome = try Program.run(
      "append", store, "s", "--time", "2026-11-23T04:34:44.123456789Z", "--key", "-5", "--flags", "7", "--metadata",
      "{\"lens\":\"35mm\"}", input: "x\n")
    #expect(outcome.status == 0)
    let frame = try #require(try frames(store, "s").first)
    #expect(frame["timestamp"] as? Int64 == 1_795_408_484_123_456_789)
    #expect(frame["time"] as? String == "2026-11-23T04:34:44.123456789Z")
    #expect(frame["key"] as? Int == -5)
    #expect(frame["flags"] as? Int == 7)
    let segments = try #require(try Program.run("segments", store, "--json").json() as? [[String: Any]])
    #expect(segments.map { $0["metadata"] as? String } == ["{\"lens\":\"35mm\"}"])
  }

  @Test func presentTimeIsTheDefault() throws {
    let scratch = try Scratch()
    let store = try scratch.store()
    let before = Date().timeIntervalSince1970
    _ = try Program.run("append", store, "s", input: "x\ny\n")
    let after = Date().timeIntervalSince1970
    for frame in try frames(store, "s") {
      let seconds = Double(try #require(frame["timestamp"] as? Int64)) / 1e9
      #expect((before...after).contains(seconds))
    }
  }

  @Test func linesThatCarryTheirTimes() throws {
    let scratch = try Scratch()
    let store = try scratch.store()
    let input =
      "100\tfirst\n1970-01-01T00:00:00.000000200Z\tsecond\twith a tab\n150\tbackwards\nno time\nx\tbad\n300\t\n"
    let outcome = try Program.run("append", store, "s", "--timestamps", input: input)
    #expect(outcome.status == 1)
    let errors = outcome.errors.split(separator: "\n").map(String.init)
    #expect(errors.count == 3)
    #expect(errors[0].hasPrefix("nanots: line 3: ") && errors[0].contains("150") && errors[0].contains("200"))
    #expect(errors[1].hasPrefix("nanots: line 4: "))
    #expect(errors[2].hasPrefix("nanots: line 5: 'x' is no time"))
    #expect(outcome.output == "appended 3 frames, 22 B, 3 refused\n")
    #expect(try payloads(store, "s") == ["first", "second\twith a tab", ""])
    #expect(try frames(store, "s").map { $0["timestamp"] as? Int } == [100, 200, 300])
  }

  @Test func aLineTooLongForABlockIsRefusedAndTheRestGoesOn() throws {
    let scratch = try Scratch()
    let store = try scratch.store()
    let long = String(repeating: "x", count: 1_000_000)
    let outcome = try Program.run("append", store, "s", input: "before\n\(long)\nafter\n")
    #expect(outcome.status == 1)
    #expect(outcome.errors.hasPrefix("nanots: line 2: "))
    #expect(try payloads(store, "s") == ["before", "after"])
  }

  /// Longer than what is read from the pipe at a time.
  @Test func longLinesStayWhole() throws {
    let scratch = try Scratch()
    let store = scratch.path("long.nts")
    try #require(try Program.run("create", store, "--blocks", "4").status == 0)
    let lines = [300_000, 65_536, 0, 65_535, 131_072].map { String(repeating: "abcdefg", count: $0 / 7) + "." }
    try #require(try Program.run("append", store, "s", input: lines.joined(separator: "\n")).status == 0)
    #expect(try payloads(store, "s") == lines)
  }

  /// What is piped in slowly can be read before the pipe is closed.
  @Test func aFrameIsThereAsSoonAsItsLineIs() throws {
    let scratch = try Scratch()
    let store = try scratch.store()
    let appending = try Program.Running(nanots: "append", store, "live")
    appending.sendPart(Data("early\n".utf8))
    var seen: [String] = []
    for _ in 0..<200 where seen.isEmpty {
      usleep(10_000)
      seen = (try? payloads(store, "live")) ?? []
    }
    #expect(seen == ["early"])
    appending.send(Data("late\n".utf8))
    #expect(appending.outcome().status == 0)
    #expect(try payloads(store, "live") == ["early", "late"])
  }

  @Test func timestampsGoesWithNeitherTimeNorFile() throws {
    let scratch = try Scratch()
    let store = try scratch.store()
    #expect(try Program.run("append", store, "s", "--timestamps", "--time", "5").status == 64)
    #expect(try Program.run("append", store, "s", "--timestamps", "--file", store).status == 64)
    #expect(try Program.run("append", store, "s", "--time", "half past nine").status == 64)
    #expect(try Program.run("append", store, "s", "--flags", "-1").status == 64)
    #expect(try Program.run("append", store).status == 64)
  }

  @Test(arguments: ["", String(repeating: "n", count: 1_000)])
  func refusesNamesThatAreEmptyOrTooLong(_ name: String) throws {
    let scratch = try Scratch()
    let store = try scratch.store()
    let outcome = try Program.run("append", store, name, input: "x\n")
    #expect(outcome.status == 1)
    #expect(outcome.errors.hasPrefix("nanots: "))
    #expect(try Program.run("streams", store, "--json").json() as? [String] == [])
  }

  @Test func refusesMetadataThatIsTooLong() throws {
    let scratch = try Scratch()
    let store = try scratch.store()
    let metadata = String(repeating: "m", count: 40_000)
    let outcome = try Program.run("append", store, "s", "--metadata", metadata, input: "x\n")
    #expect(outcome.status == 1)
    #expect(outcome.errors.hasPrefix("nanots: "))
  }

  /// A limit on the sizes of files ends a process that writes beyond it, and must not end one that appends to what is there.
  @Test func aLimitOnFileSizesIsNoMatter() throws {
    let scratch = try Scratch()
    let store = scratch.path("large.nts")
    try #require(try Program.run("create", store, "--block-size", "1MiB", "--blocks", "64").status == 0)
    let payload = try scratch.file("payload", Data(count: 900_000))
    let first = try Program.run(["append", store, "before", "--file"] + Array(repeating: payload, count: 8))
    try #require(first.status == 0, "\(first)")
    // The next block is one of which nothing is in memory, and is filled with zeros where that may be.
    let file = unsafe open(store, O_RDONLY)
    defer { close(file) }
    #expect(fsync(file) == 0 && posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED) == 0)
    let limited = ["/usr/bin/env", "--default-signal=XFSZ", "bash", "-c", "ulimit -f 512 && exec \"$@\"", "limited"]
    let outcome = try Program.run(["append", store, "log"], input: Data("one\n".utf8), through: limited)
    #expect(outcome.status == 0 && outcome.output == "appended 1 frame, 3 B\n", "\(outcome)")
  }
}
