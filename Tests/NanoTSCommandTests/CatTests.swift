import Foundation
import Testing

struct CatTests {
  private let scratch: Scratch
  private let store: String

  /// Two streams, at 100, 200, 300 and at 150, 200, 250.
  init() throws {
    scratch = try Scratch()
    store = try scratch.store()
    for (stream, input) in [("b", "100\tb1\n200\tb2\n300\tb3\n"), ("a", "150\ta1\n200\ta2\n250\ta3\n")] {
      try #require(try Program.run("append", store, stream, "--timestamps", input: input).status == 0)
    }
  }

  private func payloads(_ arguments: String...) throws -> [String] {
    let outcome = try Program.run(["cat", store] + arguments)
    try #require(outcome.status == 0, "\(outcome.errors)")
    return outcome.lines.map { String($0.split(separator: " ").last ?? "") }
  }

  @Test func printsTimeStreamAndPayload() throws {
    #expect(
      try Program.run("cat", store, "b").output == """
        1970-01-01T00:00:00.000000100Z  b  b1
        1970-01-01T00:00:00.000000200Z  b  b2
        1970-01-01T00:00:00.000000300Z  b  b3

        """)
    #expect(try Program.run("cat", store, "b", "--limit", "1", "--raw-times").output == "100  b  b1\n")
  }

  @Test func mergesByTimeThenStream() throws {
    #expect(try payloads() == ["b1", "a1", "a2", "b2", "a3", "b3"])
    #expect(try payloads("--reverse") == ["b3", "a3", "b2", "a2", "a1", "b1"])
  }

  @Test func takesStreamsRangeAndLimit() throws {
    #expect(try payloads("a") == ["a1", "a2", "a3"])
    #expect(try payloads("a", "a") == ["a1", "a2", "a3"])
    #expect(try payloads("--from", "200", "--to", "250") == ["a2", "b2", "a3"])
    #expect(try payloads("--from", "200", "--to", "250", "--reverse") == ["a3", "b2", "a2"])
    #expect(try payloads("--from", "251", "--to", "299").isEmpty)
    #expect(try payloads("--to", "1970-01-01T00:00:00.00000015Z") == ["b1", "a1"])
    #expect(try payloads("--limit", "2") == ["b1", "a1"])
    #expect(try payloads("--limit", "2", "--reverse") == ["b3", "a3"])
    #expect(try payloads("--limit", "0").isEmpty)
    // The frames are of 1970.
    #expect(try payloads("--from", "-5m").isEmpty)
    #expect(try payloads("--to", "-5m").count == 6)
  }

  @Test func printsJSONLines() throws {
    let line = try #require(try Program.run("cat", store, "a", "--json", "--from", "200").lines.first)
    #expect(
      line == #"{"time":"1970-01-01T00:00:00.000000200Z","timestamp":200,"key":0,"flags":0,"stream":"a","#
        + #""ordinal":1,"data":"a2"}"#)
    #expect(try Program.run("cat", store, "a", "--json", "--hex", "--limit", "1").output.contains(#""hex":"6131"}"#))
    #expect(try !Program.run("cat", store, "a", "--json", "--raw-times").output.contains("\"time\""))
  }

  @Test func printsHex() throws {
    #expect(try payloads("a", "--hex") == ["6131", "6132", "6133"])
  }

  /// Payloads are other people's bytes: they must not reach the terminal as they are.
  @Test func bytesThatAreNoTextAreNotPrintedAsText() throws {
    let binary = try scratch.file("binary", Data([0xFF, 0x00]))
    let escape = try scratch.file("escape", Data("\u{1B}[2Jüber\n".utf8))
    try #require(try Program.run("append", store, "odd", "--file", binary, escape).status == 0)
    let lines = try Program.run("cat", store, "odd").lines
    #expect(lines.map { $0.suffix(16).split(separator: " ").last.map(String.init) } == ["0xff00", "\\x1b[2Jüber\\n"])
  }

  @Test func namesBothTimesOfARangeThatIsTurnedRound() throws {
    let outcome = try Program.run("cat", store, "--from", "2026-01-02", "--to", "2026-01-01")
    #expect(outcome.status == 1)
    #expect(outcome.errors.hasPrefix("nanots: --from 2026-01-02 "))
    #expect(outcome.errors.contains("is after --to 2026-01-01 "))
    #expect(outcome.output.isEmpty)
  }

  @Test func namesTheStreamsThereAre() throws {
    let outcome = try Program.run("cat", store, "a", "nowhere")
    #expect(outcome.status == 1)
    #expect(outcome.errors.contains("no stream 'nowhere'"))
    #expect(outcome.errors.contains("its streams are a, b"))
    #expect(outcome.output.isEmpty)
  }

  @Test(arguments: [
    ["--from", "soon"], ["--to", ""], ["--from"], ["--limit", "-1"], ["--limit", "x"], ["--from", "2026-02-30"],
  ])
  func refusesBadOptions(_ options: [String]) throws {
    #expect(try Program.run(["cat", store] + options).status == 64)
  }

  /// `nanots cat … | head -1`
  @Test func endsQuietlyWhenTheReaderHasGone() throws {
    let lines = (0..<20_000).map { "line \($0)\n" }.joined()
    let large = scratch.path("large.nts")
    try #require(try Program.run("create", large, "--block-size", "1MiB", "--blocks", "4").status == 0)
    try #require(try Program.run("append", large, "many", input: lines).status == 0)
    #expect(try Program.run("cat", large).lines.count == 20_000)
    let script = #"set -o pipefail; "$0" cat "$1" | head -n 1"#
    let piped = try Program.Running(["/bin/bash", "-c", script, Program.url.path, large])
    piped.send(Data())
    let outcome = piped.outcome()
    #expect(outcome.status == 0)
    #expect(outcome.lines.count == 1)
    #expect(outcome.errors.isEmpty)
  }

  /// Frames of a chunk are in memory only until the next chunk is brought: each is printed before that.
  @Test(arguments: [false, true]) func printsEveryFrameOfACompressedStream(_ isReversed: Bool) throws {
    let store = scratch.path("compressed.nts")
    try #require(
      try Program.run("create", store, "--block-size", "64KiB", "--blocks", "16", "--compress", "lz4:1KiB").status == 0)
    for (stream, first) in [("odd", 1), ("even", 2)] {
      let lines = stride(from: first, to: 6_000, by: 2).map { "\($0)\tline \($0) of many\n" }.joined()
      try #require(try Program.run("append", store, stream, "--timestamps", input: lines).status == 0)
    }
    let order = isReversed ? ["--reverse"] : []
    let outcome = try Program.run(["cat", store, "--json"] + order)
    #expect(outcome.status == 0 && outcome.errors == "")
    let data = try outcome.lines.map { line in
      try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])["data"] as? String
    }
    let expected = (1..<6_000).map { "line \($0) of many" }
    #expect(data == (isReversed ? expected.reversed() : expected))
    let tail = try Program.run("tail", store, "-n", "3000")
    #expect(tail.lines.count == 3_000 && tail.errors == "")
  }

  /// A ring that is written while it is read: every line is a frame that was appended, in order, and what is missing
  /// is what stderr says.
  @Test func saysHowManyFramesWereOverwritten() throws {
    let ring = scratch.path("ring.nts")
    try #require(
      try Program.run("create", ring, "--block-size", "64KiB", "--blocks", "16", "--compress", "none").status == 0)
    let filler = String(repeating: "x", count: 100)
    func append(_ numbers: Range<Int>) throws {
      let input = Data(numbers.map { "\($0)\t\($0) \(filler)\n" }.joined().utf8)
      try #require(try Program.run(["append", ring, "s", "--timestamps"], input: input).status == 0)
    }
    try append(1..<8_000)
    // The reader fills its pipe and waits there until the writer has lapped it.
    let marker = scratch.path("lapped")
    let script = #""$0" cat "$1" --json | (while [ ! -e "$2" ]; do sleep 0.02; done; cat)"#
    let reading = try Program.Running(["/bin/bash", "-c", script, Program.url.path, ring, marker])
    reading.send(Data())
    usleep(500_000)
    try append(8_000..<30_000)
    _ = try scratch.file("lapped", Data())
    let outcome = reading.outcome()
    #expect(outcome.status == 0)
    let timestamps = try outcome.lines.map { line in
      let frame = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
      let timestamp = try #require(frame["timestamp"] as? Int)
      #expect(frame["data"] as? String == "\(timestamp) \(filler)")
      return timestamp
    }
    // What was there when the reading began, from the oldest on, and a word of what was gone when its turn came.
    #expect(timestamps.count > 100)
    let first = try #require(timestamps.first)
    #expect(timestamps == Array(first..<(first + timestamps.count)))
    let gone = 8_000 - (first + timestamps.count)
    #expect(gone > 0)
    let told = outcome.errors.split(separator: "\n").compactMap { line in
      Int((line.split(separator: " ").dropFirst(3).first ?? "").filter(\.isNumber))
    }
    #expect(told.reduce(0, +) == gone)
  }
}
