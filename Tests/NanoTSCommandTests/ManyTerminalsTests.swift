import Foundation
import NanoTS
import Testing

/// One file in many processes, each in a terminal of its own: a recorder, and those who look at what it records.
@Suite(.timeLimit(.minutes(5))) struct ManyTerminalsTests {
  private let scratch: Scratch
  private let path: String

  init() throws {
    scratch = try Scratch()
    path = scratch.path("machine.nts")
  }

  private func recorder() throws -> PseudoTerminal {
    let recorder = try PseudoTerminal(
      nanots: "record", path, "--rate", "100", "--block-size", "64KiB", "--blocks", "256", columns: 120)
    #expect(recorder.shows { $0.lines.contains { $0.contains(" Hz  ") && $0.contains(" late") } })
    return recorder
  }

  private func end(_ recorder: PseudoTerminal) {
    recorder.type(PseudoTerminal.controlC)
    #expect(recorder.exitCode() == 0)
    #expect(recorder.shows { $0.lines.contains { $0.hasPrefix("total") } })
    #expect(recorder.screen.unknown.isEmpty)
  }

  /// The rates that `top` shows for a stream and its writer.
  private func row(_ stream: String, in screen: ScreenText) -> (writer: String, framesPerSecond: Double)? {
    let cells = screen.lines.first { $0.hasPrefix("\(stream) ") }?.split(separator: " ")
    guard let cells, cells.count > 2, let rate = Double(cells[2]) else { return nil }
    return (String(cells[1]), rate)
  }

  private func isRecording(_ stream: String, by recorder: PseudoTerminal, in screen: ScreenText) -> Bool {
    row(stream, in: screen).map { $0.writer == "\(recorder.processID)" && $0.framesPerSecond > 0 } ?? false
  }

  /// What a terminal shows of a command that prints lines no longer than it is wide.
  private func printed(_ terminal: PseudoTerminal) -> [String] {
    terminal.transcript.split(separator: "\r\n").map(String.init)
  }

  private func lines(_ stream: String, of store: String) throws -> [String] {
    try Program.run("cat", store, stream).lines
  }

  private func waitForLines(_ count: Int, on terminal: PseudoTerminal) {
    #expect(terminal.shows { $0.history.count + $0.lines.count { !$0.isEmpty } >= count })
  }

  @Test func oneRecordsAndOthersLook() throws {
    let first = try recorder()
    // All that there is, and what comes: from the first frame to the last one it must be what the store has.
    let load = try PseudoTerminal(nanots: "tail", "-f", "-n", "1000000", path, "load", columns: 200)
    let all = try PseudoTerminal(nanots: "tail", "-f", "-n", "0", path, "--json", "--raw-times", columns: 4_000)
    let top = try PseudoTerminal(nanots: "top", path, "--interval", "0.3", columns: 100)
    waitForLines(40, on: load)
    waitForLines(40, on: all)
    for stream in ["load", "cpu"] {
      #expect(top.shows { isRecording(stream, by: first, in: $0) }, "\(stream): \(top.screen.lines)")
    }
    let copied = try copyWhileRecording()
    end(first)
    #expect(top.shows { row("load", in: $0).map { $0.writer == "–" && $0.framesPerSecond == 0 } ?? false })
    #expect(load.screen.unknown.isEmpty && all.screen.unknown.isEmpty)

    let before = try lines("load", of: path).count
    let second = try recorder()
    waitForLines(before + 40, on: load)
    for stream in ["load", "interrupts"] { #expect(top.shows { isRecording(stream, by: second, in: $0) }) }
    end(second)

    let recorded = try lines("load", of: path)
    let last = try #require(recorded.last)
    #expect(load.shows { $0.lines.contains { $0 == last } })
    #expect(printed(load) == recorded)
    #expect(Array(recorded.prefix(copied.count)) == copied && recorded.count > copied.count)
    #expect(try segmentCount(of: "load") == 2)
    try expectRightMerge(all)

    for tail in [load, all] {
      tail.type(PseudoTerminal.controlC)
      #expect(tail.exitCode() == 0)
    }
    top.type("q")
    #expect(top.exitCode() == 0)
    #expect(top.shows { !$0.isAlternate && $0.showsCursor && $0.unknown.isEmpty })
    #expect(try Program.run("verify", path).status == 0)
  }

  /// Copies the store in a terminal while it is recorded, and gives the lines of the copy's stream "load".
  private func copyWhileRecording() throws -> [String] {
    let destination = scratch.path("copy.nts")
    let copy = try PseudoTerminal(nanots: "copy", path, destination, columns: 200)
    #expect(copy.exitCode() == 0)
    #expect(copy.shows { $0.lines.contains { $0.hasPrefix("copied ") } })
    #expect(try Program.run("verify", destination).status == 0)
    let copied = try lines("load", of: destination)
    #expect(!copied.isEmpty)
    return copied
  }

  private func segmentCount(of stream: String) throws -> Int {
    try #require(try Program.run("segments", path, stream, "--json").json() as? [Any]).count
  }

  /// Of every stream, what a merged tail printed is the end of what the store has, with nothing left out or twice.
  private func expectRightMerge(_ tail: PseudoTerminal) throws {
    let stored = try Program.run("cat", path, "--json", "--raw-times").lines
    let last = try #require(stored.last)
    #expect(tail.shows { $0.lines.contains { $0 == last } })
    for stream in try #require(try Program.run("streams", path, "--json").json() as? [[String: Any]]) {
      let mark = "\"stream\":\"\(try #require(stream["name"] as? String))\""
      let expected = stored.filter { $0.contains(mark) }
      let came = tail.shows { screen in expected.last.map { screen.lines.contains($0) } ?? false }
      #expect(came)
      let seen = printed(tail).filter { $0.contains(mark) }
      #expect(seen.count > 20 && seen == expected.suffix(seen.count), "\(mark)")
    }
  }
}
