import Foundation
import NanoTS
import Testing

/// The last frames, and those that come.
struct TailTests {
  private let scratch: Scratch
  private let store: String

  /// Two streams, at 100, 200, 300 and at 150, 200, 250.
  init() throws {
    scratch = try Scratch()
    store = try scratch.store()
    try append("b", "100\tb1\n200\tb2\n300\tb3\n")
    try append("a", "150\ta1\n200\ta2\n250\ta3\n")
  }

  private func append(_ stream: String, _ lines: String, to path: String? = nil) throws {
    let outcome = try Program.run("append", path ?? store, stream, "--timestamps", input: lines)
    try #require(outcome.status == 0, "\(outcome.errors)")
  }

  private func payloads(of output: String) -> [String] {
    output.split(separator: "\n").map { String($0.split(separator: " ").last ?? "") }
  }

  private func tail(_ arguments: String...) throws -> [String] {
    let outcome = try Program.run(["tail", store] + arguments)
    try #require(outcome.status == 0, "\(outcome.errors)")
    return payloads(of: outcome.output)
  }

  // MARK: What there is

  @Test func printsTheLastFramesOfAllStreamsTogether() throws {
    #expect(try tail() == ["b1", "a1", "a2", "b2", "a3", "b3"])
    #expect(try tail("-n", "4") == ["a2", "b2", "a3", "b3"])
    #expect(try tail("-n3") == ["b2", "a3", "b3"])
    #expect(try tail("--frames", "1") == ["b3"])
    #expect(try tail("-n", "0").isEmpty)
    #expect(try tail("-n", "2", "a") == ["a2", "a3"])
    #expect(try tail("b", "a", "-n", "4") == ["b2", "a2", "a3", "b3"])
    #expect(try tail("b", "b", "-n", "3", "a") == ["a2", "a3", "b3"])
    #expect(try tail("-n", "9223372036854775807", "a") == ["a1", "a2", "a3"])
    try append("many", (0..<5_000).map { "\(1_000 + $0)\tm\($0)\n" }.joined())
    #expect(try tail() == (4_990..<5_000).map { "m\($0)" })
    #expect(try tail("-n", "5002").prefix(3) == ["a3", "b3", "m0"])
    let empty = scratch.path("empty.nts")
    try #require(try Program.run("create", empty, "--block-size", "4KiB", "--blocks", "2").status == 0)
    #expect(try Program.run("tail", empty).output.isEmpty)
  }

  @Test(arguments: [[], ["--json"], ["--hex"], ["--raw-times"], ["--json", "--hex", "--raw-times"]])
  func linesLookAsThoseOfCat(_ options: [String]) throws {
    #expect(try Program.run(["tail", store] + options).output == Program.run(["cat", store] + options).output)
  }

  @Test func namesTheStreamsThereAre() throws {
    let outcome = try Program.run("tail", store, "a", "nowhere")
    #expect(outcome.status == 1)
    #expect(outcome.errors.contains("no stream 'nowhere'") && outcome.errors.contains("its streams are a, b"))
    #expect(outcome.output.isEmpty)
  }

  @Test(arguments: [["-n", "-1"], ["-n", "x"], ["-n", "+3"], ["-n"], ["-q"]])
  func refusesBadOptions(_ options: [String]) throws {
    #expect(try Program.run(["tail", store] + options).status == 64)
  }

  // MARK: What comes

  private func follow(_ arguments: String...) throws -> Program.Running {
    let running = try Program.Running([Program.url.path, "tail", "-f", store] + arguments)
    running.send(Data())
    return running
  }

  /// Each line must come without another one behind it, from one writer after the other.
  @Test func followsOneWriterAfterAnother() throws {
    let tail = try follow("-n", "2")
    #expect(tail.prints("b3\n"))
    for round in 0..<3 {
      let writer = try Program.Running(nanots: "append", store, "a", "--metadata", "round \(round)")
      for line in 0..<20 {
        writer.sendPart(Data("live \(round).\(line)\n".utf8))
        #expect(tail.prints("live \(round).\(line)\n"))
      }
      writer.send(Data())
      #expect(writer.outcome().status == 0)
    }
    tail.signal(SIGINT)
    let outcome = tail.outcome()
    #expect(outcome.status == 0 && outcome.errors.isEmpty)
    let expected = ["a3", "b3"] + (0..<3).flatMap { round in (0..<20).map { "\(round).\($0)" } }
    #expect(payloads(of: outcome.output) == expected)
    let all = try Program.run("cat", store).output
    #expect(all.hasSuffix(outcome.output))
  }

  @Test func beginsBehindTheEndWithoutFrames() throws {
    let tail = try follow("-n", "0", "b")
    // It has its place when it asks to be woken.
    let wantedWakes = 4096 + 64
    let deadline = Date() + 60
    while try Data(contentsOf: URL(fileURLWithPath: store))[wantedWakes] == 0 {
      try #require(Date() < deadline)
      usleep(1_000)
    }
    try append("b", "400\tb4\n")
    try append("a", "500\ta4\n")
    try append("b", "600\tb5\n")
    #expect(tail.prints("b5\n"))
    tail.signal(SIGTERM)
    let outcome = tail.outcome()
    #expect(outcome.status == 0)
    #expect(payloads(of: outcome.output) == ["b4", "b5"])
  }

  @Test func waitsForStreamsThatAreNotThere() throws {
    let tail = try follow("-n", "1", "later", "a")
    #expect(tail.prints("a3\n"))
    #expect(tail.says("stream 'later' is not there yet"))
    try append("later", "1\tl1\n")
    #expect(tail.prints("l1\n"))
    tail.signal(SIGINT)
    #expect(payloads(of: tail.outcome().output) == ["a3", "l1"])
  }

  @Test func findsStreamsThatAreMadeLater() throws {
    let path = scratch.path("empty.nts")
    try #require(try Program.run("create", path, "--block-size", "4KiB", "--blocks", "8").status == 0)
    let tail = try Program.Running(nanots: "tail", path, "-f", "--raw-times")
    try append("first", "1\tf1\n2\tf2\n", to: path)
    #expect(tail.prints("2  first  f2\n"))
    try append("second", "3\ts1\n", to: path)
    #expect(tail.prints("3  second  s1\n"))
    try append("first", "4\tf3\n", to: path)
    #expect(tail.prints("4  first   f3\n"))
    tail.signal(SIGINT)
    let outcome = tail.outcome()
    #expect(payloads(of: outcome.output) == ["f1", "f2", "s1", "f3"])
    #expect(outcome.errors.isEmpty)
  }

  /// What a stream lost between its making and its finding was missed. The follower is stopped meanwhile, so that it
  /// cannot find it earlier.
  @Test func countsWhatAStreamLostBeforeItWasFound() throws {
    let path = scratch.path("small.nts")
    try #require(
      try Program.run("create", path, "--block-size", "4KiB", "--blocks", "4", "--compress", "none").status == 0)
    try append("a", "0\tfirst\n", to: path)
    let tail = try Program.Running(nanots: "tail", path, "-f", "--json")
    #expect(tail.prints("first"))
    tail.signal(SIGSTOP)
    let filler = String(repeating: "x", count: 200)
    try append("s", (1...100).map { "\($0)\t\($0) \(filler)\n" }.joined(), to: path)
    tail.signal(SIGCONT)
    #expect(tail.prints("\"timestamp\":100,"))
    tail.signal(SIGINT)
    let outcome = tail.outcome()
    #expect(outcome.status == 0)
    let left = try Program.run("cat", path, "s", "--json").output
    #expect(outcome.output.hasSuffix("\n" + left))
    let count = left.split(separator: "\n").count
    #expect(count < 100)
    #expect(outcome.errors.contains("stream 's': \(100 - count) frames missed"))
  }

  /// A stream that is made anew has other layouts in segments and blocks of the same numbers.
  @Test func followsAStreamMadeAnew() throws {
    func layout(_ name: String) -> String {
      #"{"byteOrder":"little","source":"x","rateHz":1,"layout":[{"name":"\#(name)","type":"u64","unit":"","offset":0}]}"#
    }
    let tail = try follow("-n", "0", "s")
    #expect(tail.says("not there yet"))
    for (round, name) in ["old", "new"].enumerated() {
      let word = try scratch.file("word", Data([UInt8(round + 1), 0, 0, 0, 0, 0, 0, 0]))
      try #require(try Program.run("append", store, "s", "--metadata", layout(name), "--file", word).status == 0)
      #expect(tail.prints("\(name)=\(round + 1)\n"))
      try #require(try Program.run("free", store, "s", "--all").status == 0)
    }
    tail.signal(SIGINT)
    #expect(payloads(of: tail.outcome().output) == ["old=1", "new=2"])
  }

  @Test func goesOnWithAStoreThatReplacesThisOne() throws {
    let tail = try follow("-n", "1", "--raw-times")
    #expect(tail.prints("300  b  b3\n"))
    try FileManager.default.removeItem(atPath: store)
    #expect(tail.says("is gone"))
    _ = try scratch.file("store.nts", Data("this is no store\n".utf8))
    #expect(tail.says("no store"))
    try #require(
      try Program.run("create", store, "--replace", "--block-size", "4KiB", "--blocks", "8", "--unit", "s").status == 0)
    try append("longer", "7\tc1\n")
    #expect(tail.prints("7  longer  c1\n"))
    try append("b", "8\tb4\n")
    #expect(tail.prints("8  b       b4\n"))
    tail.signal(SIGINT)
    let outcome = tail.outcome()
    #expect(outcome.status == 0)
    #expect(payloads(of: outcome.output) == ["b3", "c1", "b4"])
    let told = outcome.errors.split(separator: "\n")
    #expect(told.count == 3 && told.allSatisfy { $0.hasPrefix("nanots: ") })
    #expect(told.last?.contains("replaced by a new store") == true)
  }

  @Test(.enabled(if: BadStoreTests.canDropRights))
  func pollsAFileThatMayOnlyBeRead() throws {
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: scratch.url.path)
    try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: store)
    let launcher = BadStoreTests.launcher
    if launcher.isEmpty { try FileManager.default.setAttributes([.posixPermissions: 0o444], ofItemAtPath: store) }
    let tail = try Program.Running(launcher + [Program.url.path, "tail", store, "-f", "-n", "1"])
    #expect(tail.prints("b3\n"))
    #expect(tail.says("is polled for new frames"))
    if launcher.isEmpty { try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: store) }
    try append("b", "400\tb4\n")
    #expect(tail.prints("b4\n"))
    tail.signal(SIGINT)
    #expect(tail.outcome().status == 0)
  }

  /// `nanots tail -f … | head -2`, with nothing coming that it could fail to write.
  @Test func endsQuietlyWhenTheReaderHasGone() throws {
    let script = #"set -o pipefail; "$0" tail -f "$1" -n 2 | head -n 2"#
    let piped = try Program.Running(["/bin/bash", "-c", script, Program.url.path, store])
    piped.send(Data())
    let outcome = piped.outcome()
    #expect(outcome.status == 0)
    #expect(payloads(of: outcome.output) == ["a3", "b3"])
    #expect(outcome.errors.isEmpty)
  }

  /// A recorder that leaves while the store is followed leaves it clean: a follower is no writer.
  @Test func leavesTheStoreToItsWriters() throws {
    let tail = try follow("-n", "1")
    #expect(tail.prints("b3\n"))
    try append("b", "400\tb4\n")
    #expect(tail.prints("b4\n"))
    let closedCleanly = 4096 + 208
    let bytes = try Data(contentsOf: URL(fileURLWithPath: store))
    #expect(Array(bytes[closedCleanly..<(closedCleanly + 4)]) == [1, 0, 0, 0])
    tail.signal(SIGINT)
    #expect(tail.outcome().status == 0)
  }

  /// A ring that laps its follower: every line is a frame that was appended, in order, and what is missing between them
  /// is what stderr says.
  @Test func saysHowManyFramesWereOverwritten() throws {
    let ring = scratch.path("ring.nts")
    try #require(try Program.run("create", ring, "--block-size", "64KiB", "--blocks", "16").status == 0)
    let filler = String(repeating: "x", count: 100)
    func appendNumbers(_ numbers: Range<Int>) throws {
      try append("s", numbers.map { "\($0)\t\($0) \(filler)\n" }.joined(), to: ring)
    }
    try appendNumbers(1..<8_000)
    // The follower fills its pipe and waits there until the writer has lapped it.
    let reading = try Program.Running(
      [Program.url.path, "tail", "-f", "-n", "7000", ring, "--json"], readsOutput: false)
    reading.waitForOutput()
    try appendNumbers(8_000..<30_000)
    reading.readOutput()
    #expect(reading.prints(#""timestamp":29999,"#))
    try #require(try Program.run("free", ring, "s", "--all").status == 0)
    try append("s", "1\tend\n", to: ring)
    #expect(reading.prints(#""data":"end"}"#))
    reading.signal(SIGINT)
    let outcome = reading.outcome()
    #expect(outcome.status == 0)
    let timestamps = try outcome.lines.dropLast().map { line in
      let frame = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
      let timestamp = try #require(frame["timestamp"] as? Int)
      #expect(frame["data"] as? String == "\(timestamp) \(filler)")
      return timestamp
    }
    #expect(timestamps.count > 100)
    #expect(timestamps == timestamps.sorted())
    let gaps = zip(timestamps, timestamps.dropFirst()).map { $1 - $0 - 1 }.reduce(0, +)
    #expect(gaps > 0)
    let told = outcome.errors.split(separator: "\n").compactMap { line in
      Int((line.split(separator: " ").dropFirst(3).first ?? "").filter(\.isNumber))
    }
    #expect(told.reduce(0, +) == gaps)
  }
}
