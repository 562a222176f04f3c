import Foundation
import Glibc
import NanoTS
import Synchronization
import Testing

struct CopyTests {
  /// A store with two streams of 1,000 lines each, a second apart from time 0 on.
  private func makeStore(_ scratch: Scratch, _ options: [String] = []) throws -> String {
    let store = try scratch.store(["--unit", "s"] + options)
    for stream in ["a", "b"] {
      let lines = (0..<1000).map { "\($0)\t\(stream) \($0)\n" }.joined()
      try #require(try Program.run("append", store, stream, "--timestamps", input: lines).status == 0)
    }
    return store
  }

  private func frames(_ store: String, _ arguments: String...) throws -> [String] {
    try Program.run(["cat", store, "--json"] + arguments).lines
  }

  private func names(_ scratch: Scratch) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: scratch.url.path).sorted()
  }

  @Test func aWholeStoreIsCopied() throws {
    let scratch = try Scratch()
    let (store, copy) = (try makeStore(scratch), scratch.path("copy.nts"))
    let outcome = try Program.run("copy", store, copy)
    #expect(outcome.status == 0)
    #expect(outcome.errors.isEmpty)
    #expect(outcome.output.hasPrefix("copied 2 streams, 2,000 frames, "))
    #expect(outcome.output.hasSuffix(" to \(copy): 2 blocks of 64 KiB, 704 KiB on disk\n"))
    #expect(!outcome.output.contains("\r") && !outcome.output.contains("\u{1B}"))
    #expect(try frames(copy) == frames(store))
    #expect(try frames(copy).count == 2000)
    #expect(try Program.run("verify", copy).status == 0)
    #expect(try Program.run("append", copy, "a", "--time", "1000", input: "more\n").status == 0)
    #expect(try names(scratch) == ["copy.nts", "store.nts"])
  }

  @Test func aPartIsCopiedAndMayHaveRoom() throws {
    let scratch = try Scratch()
    let (store, copy) = (try makeStore(scratch), scratch.path("copy.nts"))
    let outcome = try Program.run(
      "copy", store, copy, "--stream", "b", "--from", "10", "--to", "1970-01-01T00:05:00", "--blocks", "6")
    #expect(outcome.status == 0)
    #expect(outcome.output.hasPrefix("copied 1 stream, 291 frames, "))
    #expect(try frames(copy) == frames(store, "b", "--from", "10", "--to", "300"))
    let info = try #require(try Program.run("info", copy, "--json").json() as? [String: Any])
    #expect(info["blockCount"] as? Int == 6)
    #expect(info["freeBlocks"] as? Int == 5)
    let both = try Program.run("copy", store, copy, "--replace", "--stream", "b", "--stream", "a", "--to", "0")
    #expect(both.status == 0)
    #expect(try frames(copy).count == 2)
  }

  @Test func anExistingFileNeedsReplace() throws {
    let scratch = try Scratch()
    let store = try makeStore(scratch)
    let copy = try scratch.file("copy.nts", Data("precious".utf8))
    let refused = try Program.run("copy", store, copy)
    #expect(refused.status == 1)
    #expect(refused.errors.contains(copy) && refused.errors.contains("--replace"))
    #expect(try Data(contentsOf: URL(fileURLWithPath: copy)) == Data("precious".utf8))
    #expect(try Program.run("copy", store, copy, "--replace").status == 0)
    #expect(try frames(copy).count == 2000)
  }

  @Test(arguments: [
    ["--stream", "c"], ["--blocks", "1"], ["--blocks", "0"], ["--from", "5", "--to", "4"],
  ])
  func whatCannotBeIsRefusedInOneLine(_ options: [String]) throws {
    let scratch = try Scratch()
    let outcome = try Program.run(["copy", try makeStore(scratch), scratch.path("copy.nts")] + options)
    #expect(outcome.status == 1)
    #expect(outcome.errors.hasPrefix("nanots: ") && outcome.errors.split(separator: "\n").count == 1)
    #expect(outcome.output.isEmpty)
    #expect(try names(scratch) == ["store.nts"])
  }

  @Test func aStoreIsNotCopiedOntoItself() throws {
    let scratch = try Scratch()
    let store = try makeStore(scratch)
    try FileManager.default.linkItem(atPath: store, toPath: scratch.path("link.nts"))
    for name in ["store.nts", "link.nts"] {
      let outcome = try Program.run("copy", store, scratch.path(name), "--replace")
      #expect(outcome.status == 1)
      #expect(outcome.errors.contains("onto itself"))
    }
    #expect(try frames(store).count == 2000)
  }

  @Test func usageErrorsAreTold() throws {
    #expect(try Program.run("copy", "one.nts").status == 64)
    #expect(try Program.run("copy", "one.nts", "two.nts", "--blocks", "many").status == 64)
    #expect(try Program.run("copy", "--help").output.contains("Ctrl-C leaves no file"))
  }

  @Test func damageIsToldAndTheRestIsCopied() throws {
    let scratch = try Scratch()
    let (store, copy) = (try makeStore(scratch, ["--compress", "none"]), scratch.path("copy.nts"))
    let url = URL(fileURLWithPath: store)
    var bytes = try Data(contentsOf: url)
    let place = try #require(bytes.range(of: Data("b 500".utf8)))
    bytes[place.lowerBound] ^= 1
    try bytes.write(to: url)
    let outcome = try Program.run("copy", store, copy)
    #expect(outcome.status == 1)
    #expect(outcome.output.hasPrefix("copied 2 streams, 1,999 frames, "))
    #expect(outcome.errors.contains("nanots: stream 'b', block 1, frame 500: "))
    #expect(outcome.errors.contains("nanots: 1 frame left out: damaged"))
    #expect(try frames(copy) == frames(store).filter { !$0.contains("500,") || !$0.contains("\"b\"") })
    #expect(try Program.run("verify", copy).status == 0)
    // Where the damage is not asked for it is no matter.
    #expect(try Program.run("copy", store, copy, "--replace", "--to", "499").status == 0)
  }

  /// A ring that turns over many times while it is copied.
  @Test func missedFramesAreToldByTheExitCode() throws {
    let scratch = try Scratch()
    let path = scratch.path("ring.nts")
    let store = try Store.create(at: path, StoreOptions(blockSize: 65_536, blockCount: 64))
    let isOver = Mutex(false)
    let ended = DispatchSemaphore(value: 0)
    let full = DispatchSemaphore(value: 0)
    Thread.detachNewThread {
      let writer = try? store.writer(for: "s", options: WriterOptions(durability: .none))
      let payload = Array(repeating: UInt8(1), count: 1000)
      var time = Int64(0)
      while !isOver.withLock({ $0 }) {
        try? writer?.append(payload, at: time)
        time += 1
        if time == 10_000 { full.signal() }
      }
      try? writer?.close()
      ended.signal()
    }
    full.wait()
    var outcome: Program.Outcome?
    // Which copy comes too late is the scheduler's affair; nearly every one does.
    for _ in 0..<200 where outcome?.status != 1 {
      outcome = try Program.run("copy", path, scratch.path("copy.nts"), "--replace")
    }
    isOver.withLock { $0 = true }
    ended.wait()
    #expect(outcome?.status == 1)
    #expect(outcome?.output.hasPrefix("copied 1 stream, ") == true)
    #expect(outcome?.errors.hasSuffix(" missed: recycled before they could be copied\n") == true)
    #expect(try Program.run("verify", scratch.path("copy.nts")).status == 0)
  }

  // MARK: Signals

  /// A store that takes a moment to copy.
  private func largeStore(_ scratch: Scratch) throws -> String {
    let path = scratch.path("store.nts")
    let store = try Store.create(at: path, StoreOptions(blockCount: 96))
    let writer = try store.writer(for: "s", options: WriterOptions(durability: .none))
    let payload = Array(repeating: UInt8(7), count: 200_000)
    for time in 0..<Int64(470) { try writer.append(payload, at: time) }
    try writer.close()
    try store.close()
    return path
  }

  /// What comes of a copy of `store` to "copy.nts" that gets `signal` while it is under way; nil when none was caught.
  private func outcome(ofCopying store: String, _ signal: Int32, _ scratch: Scratch) throws -> Program.Outcome? {
    let copy = scratch.path("copy.nts")
    for _ in 0..<50 {
      let before = try? Data(contentsOf: URL(fileURLWithPath: copy))
      let running = try Program.Running(nanots: "copy", store, copy, "--replace")
      let deadline = Date() + 30
      while try !names(scratch).contains(where: { $0.hasSuffix(".new") }), Date() < deadline,
        try Data(contentsOf: URL(fileURLWithPath: copy)) == before
      {
        usleep(500)
      }
      // Held where it is, so that the signal comes while there is something to leave behind.
      running.signal(SIGSTOP)
      let isUnderWay = try names(scratch).contains { $0.hasSuffix(".new") }
      running.signal(signal)
      running.signal(SIGCONT)
      let outcome = running.outcome()
      if isUnderWay, outcome.status != 0 { return outcome }
      try before?.write(to: URL(fileURLWithPath: copy))
    }
    return nil
  }

  @Test(arguments: [SIGINT, SIGTERM])
  func aSignalLeavesNothingBehind(_ signal: Int32) throws {
    let scratch = try Scratch()
    let store = try largeStore(scratch)
    let copy = try scratch.file("copy.nts", Data("precious".utf8))
    let outcome = try #require(try outcome(ofCopying: store, signal, scratch))
    #expect(outcome.status == 128 + signal)
    #expect(outcome.errors == "nanots: stopped; nothing was written to \(copy)\n")
    #expect(outcome.output.isEmpty)
    #expect(try names(scratch) == ["copy.nts", "store.nts"])
    #expect(try Data(contentsOf: URL(fileURLWithPath: copy)) == Data("precious".utf8))
  }

  /// Nobody is left to take the unfinished file away; what was to be replaced is as it was, and so is the store.
  @Test func aKillLeavesWhatWasThereAsItWas() throws {
    let scratch = try Scratch()
    let store = try largeStore(scratch)
    let copy = try scratch.file("copy.nts", Data("precious".utf8))
    let outcome = try #require(try outcome(ofCopying: store, SIGKILL, scratch))
    #expect(outcome.status == 128 + SIGKILL)
    #expect(try names(scratch).filter { !$0.hasSuffix(".new") } == ["copy.nts", "store.nts"])
    #expect(try Data(contentsOf: URL(fileURLWithPath: copy)) == Data("precious".utf8))
    #expect(try Program.run("verify", store).status == 0)
    #expect(try Program.run("copy", store, copy, "--replace").status == 0)
    #expect(try Program.run("verify", copy).status == 0)
  }

  private static let script = "/usr/bin/script"

  @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: script)))
  func showsAProgressLineOnATerminalAndTakesItAway() throws {
    let scratch = try Scratch()
    let store = try makeStore(scratch)
    let command = "'\(Program.url.path)' copy '\(store)' '\(scratch.path("copy.nts"))'"
    let running = try Program.Running([Self.script, "-qec", command, "/dev/null"])
    running.send(Data())
    let outcome = running.outcome()
    #expect(outcome.status == 0)
    #expect(outcome.output.contains("copying 0%") && outcome.output.contains("of 2,000 frames"))
    let parts = outcome.output.components(separatedBy: "\r\u{1B}[K")
    #expect(parts.count == 2)
    #expect(parts.last?.hasPrefix("copied 2 streams") == true)
  }
}
