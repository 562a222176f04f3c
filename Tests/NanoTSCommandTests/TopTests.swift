import Foundation
import NanoTS
import Testing

/// `top` where there is no terminal.
struct TopTests {
  private let scratch: Scratch
  private let path: String
  private let store: Store

  init() throws {
    scratch = try Scratch()
    path = scratch.path("store.nts")
    store = try Store.create(at: path, StoreOptions(blockSize: 4_096, blockCount: 50))
  }

  private func top(_ arguments: String...) throws -> Program.Running {
    let running = try Program.Running([Program.url.path, "top", path] + arguments)
    running.send(Data())
    return running
  }

  private func records(_ output: String) throws -> [[String: Any]] {
    try output.split(separator: "\n").map { line in
      try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
    }
  }

  /// The values of `field` in the lines of `stream`.
  private func values(_ field: String, of stream: String, in output: String) -> [String] {
    output.split(separator: "\n").compactMap { line in
      let words = line.split(separator: " ")
      guard words.count > 1, words[1] == stream else { return nil }
      return words.first { $0.hasPrefix("\(field)=") }.map { String($0.dropFirst(field.count + 1)) }
    }
  }

  @Test func aLineForEachStreamAtEachInterval() throws {
    let times = [Int64(1), 2, 3]
    for name in ["beta", "a"] {
      let writer = try store.writer(for: name)
      for time in times { try writer.append(Array("\(name)\(time)".utf8), at: time) }
      try writer.close()
    }
    let outcome = try top("--interval", "0.1", "--count", "3").outcome()
    #expect(outcome.status == 0 && outcome.errors.isEmpty && !outcome.output.contains("\u{1B}"))
    #expect(outcome.lines.map { $0.split(separator: " ")[1] } == ["a", "beta", "a", "beta", "a", "beta"])
    #expect(values("last", of: "beta", in: outcome.output) == ["beta3", "beta3", "beta3"])
    #expect(values("frames/s", of: "a", in: outcome.output) == ["0.0", "0.0", "0.0"])
    #expect(values("writer", of: "a", in: outcome.output) == ["-", "-", "-"])
    // The third nanosecond of 1970 says nothing of now.
    #expect(values("lag", of: "a", in: outcome.output) == ["-", "-", "-"])
    #expect(values("ring", of: "a", in: outcome.output) == ["2%", "2%", "2%"])
    let chosen = try top("--interval", "0.1", "--count", "1", "beta").outcome()
    #expect(chosen.lines.count == 1 && chosen.output.contains("  beta  "))
  }

  /// What is between two lines is known exactly: frames and bytes that were appended between them.
  @Test func ratesAreOfWhatWasAppended() throws {
    let writer = try store.writer(for: "s")
    let now = Int64(Date().timeIntervalSince1970 * 1e9)
    try writer.append([UInt8](repeating: 65, count: 100), at: now)
    let running = try top("--interval", "0.5", "--json")
    // One line has come: the next one counts from there.
    #expect(running.prints("\n"))
    // All at once, so that no line comes between them.
    let payload = [UInt8](repeating: 66, count: 50)
    try unsafe payload.withUnsafeBytes { bytes in
      try writer.append(
        contentsOf: (1...40).map { unsafe NewFrame(timestamp: now + $0, flags: 7, payload: bytes) })
    }
    #expect(running.prints("BBB"))
    running.signal(SIGTERM)
    let outcome = running.outcome()
    #expect(outcome.status == 0)
    let lines = try records(outcome.output)
    let first = try #require(lines.first)
    let busy = try #require(lines.first { $0["flags"] as? Int == 7 })
    #expect(first["framesPerSecond"] as? Double == 0)
    let frames = try #require(busy["framesPerSecond"] as? Double)
    let bytes = try #require(busy["bytesPerSecond"] as? Double)
    #expect(abs(bytes / frames - 50) < 0.01)
    // 80 a second, on a machine that has nothing else to do.
    #expect((1...1_000).contains(frames))
    #expect(busy["writerProcessID"] as? Int == Int(getpid()))
    #expect(busy["isWritten"] as? Bool == true)
    #expect(busy["last"] as? Int64 == now + 40 && busy["first"] as? Int64 == now)
    #expect(busy["value"] as? String == String(repeating: "B", count: 50))
    #expect(busy["blocks"] as? Int == 1 && busy["blockCount"] as? Int == 50)
    let (lag, age) = try (#require(busy["lagSeconds"] as? Double), #require(busy["oldestAgeSeconds"] as? Double))
    #expect(lag > 0 && lag < 60 && age >= lag)
  }

  /// While blocks are recycled there are fewer bytes than before, and as many come as go.
  @Test func ratesGoOnInAFullRing() throws {
    let writer = try store.writer(for: "s", options: WriterOptions(durability: .none))
    let payload = [UInt8](repeating: 1, count: 100)
    var time: Int64 = 0
    func append(_ count: Int) throws {
      for _ in 0..<count {
        time += 1
        try writer.append(payload, at: time)
      }
    }
    try append(3_000)
    let running = try top("--interval", "0.5", "--json")
    #expect(running.prints("\n"))
    try append(10_000)
    #expect(running.prints("\"last\":13000,"))
    running.signal(SIGINT)
    let busy = try #require(try records(running.outcome().output).first { $0["last"] as? Int == 13_000 })
    let (frames, bytes) = try (
      #require(busy["framesPerSecond"] as? Double), #require(busy["bytesPerSecond"] as? Double)
    )
    #expect(frames > 0)
    #expect(abs(bytes / frames - 100) < 1)
  }

  @Test func showsWhatComesAndGoes() throws {
    let running = try top("--interval", "0.1")
    try store.writer(for: "one").append(Array("first".utf8), at: 1)
    #expect(running.prints("last=first\n"))
    try store.free(stream: "one")
    try store.writer(for: "one").append(Array("again".utf8), at: 1)
    #expect(running.prints("last=again\n"))
    try store.writer(for: "two").append([], at: 1, flags: 3)
    #expect(running.prints("last=flags=3\n"))
    try store.writer(for: "three").append([0xFF, 0xFE], at: 1, flags: 1)
    #expect(running.prints("last=flags=1 0xfffe\n"))
    try store.writer(for: "four").append(Array(("\u{1B}[2J" + String(repeating: "ü", count: 1_000)).utf8), at: 1)
    #expect(running.prints("last=\\x1b[2J" + String(repeating: "ü", count: 253) + "\n"))
    try FileManager.default.removeItem(atPath: path)
    #expect(running.says("the file is gone"))
    let next = try Store.create(at: path, StoreOptions(blockSize: 4_096, blockCount: 4))
    try next.writer(for: "other").append(Array("new".utf8), at: 1)
    #expect(running.prints("  other  ") && running.says("replaced by a new store"))
    running.signal(SIGINT)
    #expect(running.outcome().status == 0)
  }

  @Test func refusesBadOptions() throws {
    for options in [["--interval", "0.05"], ["--interval", "x"], ["--count", "0"], ["--count", "-1"], ["-x"]] {
      #expect(try Program.run(["top", path] + options).status == 64)
    }
    let outcome = try Program.run("top", path, "nowhere")
    #expect(outcome.status == 1 && outcome.errors.contains("no stream 'nowhere'"))
  }

  @Test func endsQuietlyWhenTheReaderHasGone() throws {
    try store.writer(for: "s").append(Array("x".utf8), at: 1)
    let script = #"set -o pipefail; "$0" top "$1" --interval 0.1 | head -n 2"#
    let piped = try Program.Running(["/bin/bash", "-c", script, Program.url.path, path])
    piped.send(Data())
    let outcome = piped.outcome()
    #expect(outcome.status == 0 && outcome.errors.isEmpty && outcome.lines.count == 2)
  }
}
