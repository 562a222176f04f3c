import Foundation
import NanoTS
import Testing

/// `top` on a terminal.
@Suite(.timeLimit(.minutes(4))) struct TopScreenTests {
  private let scratch: Scratch
  private let path: String
  private let store: Store

  init() throws {
    scratch = try Scratch()
    path = scratch.path("store.nts")
    store = try Store.create(at: path, StoreOptions(blockSize: 4_096, blockCount: 50))
    try store.writer(for: "alpha").append(Array("one two three four five six seven eight nine ten".utf8), at: 1)
    try store.writer(for: "beta").append(Array("b".utf8), at: 1, flags: 9)
  }

  private func expectRestored(_ terminal: PseudoTerminal, _ before: [UInt32]) {
    let screen = terminal.screen
    #expect(!screen.isAlternate && screen.showsCursor && screen.wraps)
    #expect(screen.lines.allSatisfy { !$0.contains("frames/s") })
    #expect(screen.unknown.isEmpty)
    #expect(terminal.settings() == before)
    #expect(!before.isEmpty)
  }

  /// A terminal, its settings before `top` began, and `top` on it. The program waits until they are read.
  private func start(
    _ arguments: String..., columns: Int = 80, rows: Int = 24, environment: [String: String] = [:]
  ) throws -> (PseudoTerminal, before: [UInt32]) {
    let script = #"read line; exec "$0" top "$@""#
    let terminal = try PseudoTerminal(
      ["/bin/bash", "-c", script, Program.url.path, path] + arguments, columns: columns, rows: rows,
      environment: environment)
    let before = terminal.settings()
    terminal.type("\n")
    return (terminal, before)
  }

  @Test func showsTheTableAndGivesTheTerminalBack() throws {
    let (terminal, before) = try start("--interval", "0.1")
    // Rows come one after the other: until the last one has a rate too, the screen is half the picture before.
    #expect(terminal.shows { $0.isAlternate && $0.lines.count { $0.contains(" 0.0 ") } >= 3 })
    let screen = terminal.screen
    #expect(!screen.showsCursor && !screen.wraps && screen.unknown.isEmpty)
    #expect(screen.lines[0].hasSuffix("store.nts  4% of 200 KiB  2 streams  0.0 frames/s  0 B/s"))
    #expect(screen.lines[1] == "q quits")
    #expect(
      screen.lines[2].split(separator: " ") == [
        "stream", "writer", "frames/s", "bytes/s", "lag", "ring", "oldest", "last",
      ])
    #expect(screen.lines[3].split(separator: " ").prefix(7) == ["alpha", "–", "0.0", "0", "B", "–", "2%"])
    #expect(screen.lines[3].hasSuffix("one two three four five …"))
    #expect(screen.lines[4].hasSuffix("flags=9 b"))
    #expect(screen.lines[5...].allSatisfy { $0.isEmpty })
    #expect(terminal.settings() != before)
    terminal.type("xq")
    #expect(terminal.exitCode() == 0)
    #expect(terminal.shows { !$0.isAlternate })
    expectRestored(terminal, before)
  }

  @Test(arguments: [SIGINT, SIGTERM, SIGHUP, SIGQUIT])
  func aSignalGivesTheTerminalBack(_ signal: Int32) throws {
    let (terminal, before) = try start("--interval", "60")
    #expect(terminal.shows("alpha"))
    kill(terminal.processID, signal)
    #expect(terminal.exitCode() == 0)
    #expect(terminal.shows { !$0.isAlternate })
    expectRestored(terminal, before)
  }

  @Test func controlCEndsIt() throws {
    let (terminal, before) = try start("--interval", "60")
    #expect(terminal.shows("alpha"))
    terminal.type(PseudoTerminal.controlC)
    #expect(terminal.exitCode() == 0)
    #expect(terminal.shows { !$0.isAlternate })
    expectRestored(terminal, before)
  }

  @Test func endsAfterItsCount() throws {
    let (terminal, before) = try start("--interval", "0.1", "--count", "2")
    #expect(terminal.exitCode() == 0)
    #expect(terminal.shows { !$0.isAlternate && $0.unknown.isEmpty })
    expectRestored(terminal, before)
    #expect(terminal.transcript.components(separatedBy: "\u{1B}[H").count == 4)
  }

  /// Whatever the size: nothing reaches beyond it, and what matters most is there.
  @Test func fitsEverySize() throws {
    for number in 0..<40 {
      try store.writer(for: "stream \(number) with a name that is long").append(Array("x".utf8), at: 1)
    }
    let (terminal, _) = try start("--interval", "60")
    #expect(terminal.shows("alpha"))
    for (columns, rows) in [(200, 50), (80, 24), (60, 10), (40, 24), (25, 6), (12, 4), (1, 1), (80, 24)] {
      terminal.resize(columns: columns, rows: rows)
      let isDrawn = terminal.shows { screen in
        let titles = screen.lines.dropFirst(2).first ?? ""
        let last = screen.lines.last
        switch columns {
        case 200: return titles.hasSuffix("last") && screen.lines[44].hasPrefix("stream 9 with") && last == ""
        case 80: return titles.hasSuffix("last") && last == "… and 22 more streams"
        case 60: return titles.hasSuffix("last") && !titles.contains("oldest") && last == "… and 36 more streams"
        case 40: return titles.hasSuffix("lag") && !titles.contains("writer") && last == "… and 22 more streams"
        case 25: return titles.hasSuffix("frames/s") && last == "… and 40 more streams"
        case 12: return titles.hasPrefix("stream") && last?.hasPrefix("… and 42") == true
        // There is no room for anything: it must get over that.
        default: return true
        }
      }
      #expect(isDrawn, "\(columns) × \(rows): \(terminal.screen.lines)")
      #expect(terminal.screen.history.isEmpty)
    }
    terminal.type("q")
    #expect(terminal.exitCode() == 0)
  }

  /// Ctrl-Z gives the terminal to the shell, `fg` takes it back.
  @Test func isSuspendedAndContinued() throws {
    let shell = try PseudoTerminal(
      ["/bin/bash", "--norc", "--noprofile", "--noediting", "-i"],
      environment: ["PS1": "ready> ", "HISTFILE": "/dev/null"])
    #expect(shell.shows("ready>"))
    let before = shell.settings()
    shell.type("'\(Program.url.path)' top '\(path)' --interval 60\n")
    #expect(shell.shows { $0.isAlternate && $0.lines[3].hasPrefix("alpha") })
    for stops in 1...2 {
      shell.type(PseudoTerminal.controlZ)
      #expect(shell.shows { !$0.isAlternate && $0.lines.count { $0.contains("Stopped") } == stops })
      #expect(shell.screen.showsCursor && shell.screen.wraps)
      #expect(shell.settings() == before)
      shell.type("fg\n")
      #expect(shell.shows { $0.isAlternate && !$0.showsCursor && $0.lines[3].hasPrefix("alpha") })
      #expect(shell.settings() != before)
    }
    shell.type("q")
    #expect(shell.shows { !$0.isAlternate && $0.lines.last { !$0.isEmpty } == "ready>" })
    shell.type("exit\n")
    #expect(shell.exitCode() == 0)
    expectRestored(shell, before)
  }

  @Test func takesKeysWhereItsInputIsElsewhere() throws {
    let terminal = try PseudoTerminal(
      ["/bin/bash", "-c", #""$0" top "$1" --interval 60 < /dev/null"#, Program.url.path, path])
    #expect(terminal.shows("alpha"))
    terminal.type("q")
    #expect(terminal.exitCode() == 0)
  }

  @Test func printsPlainLinesOnADumbTerminal() throws {
    let (terminal, _) = try start("--interval", "0.1", "--count", "1", environment: ["TERM": "dumb"])
    #expect(terminal.exitCode() == 0)
    #expect(terminal.shows("alpha"))
    #expect(!terminal.transcript.contains("\u{1B}") && terminal.transcript.contains("frames/s=0.0"))
  }

  @Test func hasNoStylesWhereTheyAreNotWanted() throws {
    let (terminal, _) = try start("--interval", "60", environment: ["NO_COLOR": "1"])
    #expect(terminal.shows("alpha"))
    terminal.type("q")
    #expect(terminal.exitCode() == 0)
    #expect(!terminal.transcript.contains("\u{1B}[1m") && terminal.transcript.contains("\u{1B}[H"))
    let (styled, _) = try start("--interval", "60")
    #expect(styled.shows("alpha"))
    #expect(styled.transcript.contains("\u{1B}[1m"))
  }
}
