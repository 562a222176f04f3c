import Foundation
import Glibc
import NanoTS
import Testing

@testable import NanoTSCommand
@testable import NanoTSRecords

/// One at a time: two recordings would make each other late.
@Suite(.serialized)
struct RecordTests {
  private func frames(_ store: String, _ stream: String) throws -> [[String: Any]] {
    try Program.run("cat", store, stream, "--json").lines.map {
      try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
    }
  }

  private func fields(_ frame: [String: Any]?) throws -> [String: Double] {
    try #require(frame?["fields"] as? [String: Double])
  }

  /// Waits until a recording has so many frames of a stream; on a busy machine that takes its time.
  private func waitForFrames(_ count: UInt64, in store: String) throws {
    let limit = Date() + 60
    while Date() < limit {
      if let recorded = try? Store(at: store, .readOnly).statistics(of: "cpu"), recorded.frames >= count { return }
      usleep(10_000)
    }
    Issue.record("there are no \(count) frames in \(store)")
  }

  @Test func recordsThisMachine() throws {
    let scratch = try Scratch()
    let store = scratch.path("machine.nts")
    let before = Date().timeIntervalSince1970
    let outcome = try Program.run("record", store, "--duration", "1", "--rate", "200", "--json")
    let after = Date().timeIntervalSince1970
    #expect(outcome.status == 0)
    let summary = try #require(try outcome.json() as? [String: Any])
    let streams = try #require(summary["streams"] as? [[String: Any]])
    #expect(
      Set(streams.compactMap { $0["stream"] as? String }).isSuperset(of: ["cpu", "memory", "load", "interrupts"]))
    for stream in streams {
      let name = try #require(stream["stream"] as? String)
      let frames = try frames(store, name)
      #expect(frames.count == stream["frames"] as? Int)
      // Every deadline was met or is accounted for.
      #expect(frames.count + (stream["skippedSamples"] as? Int ?? 0) <= 200)
      #expect(frames.count > 20)
      let times = try frames.map { Double(try #require($0["timestamp"] as? Int64)) / 1e9 }
      #expect(times == times.sorted())
      #expect(times.allSatisfy { (before...after).contains($0) })
    }
    try checkValues(of: store)
  }

  private func checkValues(of store: String) throws {
    let cpu = try frames(store, "cpu")
    let first = try fields(cpu.first)
    let last = try fields(cpu.last)
    let cores = first.keys.filter { $0.hasSuffix(".idle") }
    #expect(cores.count == sysconf(Int32(_SC_NPROCESSORS_ONLN)))
    // All the ticks of a second, over all the cores, in whatever state they were spent.
    let ticks = last.values.reduce(0, +) - first.values.reduce(0, +)
    #expect(ticks > 0 && ticks < 1_000 * Double(cores.count))
    let memory = try fields(try frames(store, "memory").last)
    let total = try #require(memory["total"])
    #expect(total * 1_024 == Double(sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE))))
    #expect(try #require(memory["available"]) < total)
    let load = try fields(try frames(store, "load").last)
    #expect((0..<10_000).contains(try #require(load["load1"])))
    #expect(try #require(load["threads"]) > 1)
    let interrupts = try frames(store, "interrupts")
    let switches = try (fields(interrupts.first)["contextSwitches"], fields(interrupts.last)["contextSwitches"])
    #expect(try #require(switches.1) > #require(switches.0))
  }

  @Test func writesTheLayoutIntoTheMetadata() throws {
    let scratch = try Scratch()
    let store = scratch.path("machine.nts")
    try #require(try Program.run("record", store, "--duration", "50ms", "--rate", "100").status == 0)
    let segments = try #require(try Program.run("segments", store, "load", "--json").json() as? [[String: Any]])
    let metadata = try #require(segments.first?["metadata"] as? String)
    let layout = try #require(LayoutDocument(metadata: metadata))
    #expect(layout.source == "/proc/loadavg")
    #expect(layout.rateHz == 100)
    #expect(layout.layout.first == .field(.init(name: "load1", type: "f64", unit: "processes", offset: 0)))
    let text = try Program.run("cat", store, "load", "--limit", "1").output
    #expect(text.contains("  load1=") && text.contains(" threads="))
    let hex = try Program.run("cat", store, "load", "--limit", "1", "--hex").lines
    #expect(hex.first?.split(separator: " ").last?.count == 80)
  }

  @Test func endsWithATableAndNoProgressLineInAPipe() throws {
    let scratch = try Scratch()
    let store = scratch.path("machine.nts")
    let outcome = try Program.run(
      "record", store, "--duration", "0.3", "--rate", "50", "--block-size", "64KiB", "--blocks", "32")
    #expect(outcome.status == 0)
    #expect(!outcome.output.contains("\u{1B}") && !outcome.output.contains("\r"))
    for word in ["frames", "Hz achieved", "late samples", "bytes", "/proc/meminfo", "total"] {
      #expect(outcome.output.contains(word))
    }
    let info = try #require(try Program.run("info", store, "--json").json() as? [String: Any])
    #expect(info["blockSize"] as? Int == 65_536)
    #expect(info["blockCount"] as? Int == 32)
  }

  @Test func recordsIntoAStoreThatIsThere() throws {
    let scratch = try Scratch()
    let store = try scratch.store("--unit", "us", "--blocks", "64")
    try #require(try Program.run("append", store, "mine", "--time", "5", input: "frame\n").status == 0)
    for _ in 0..<2 {
      #expect(try Program.run("record", store, "--duration", "0.1", "--rate", "100").status == 0)
    }
    #expect(try Program.run("cat", store, "mine", "--raw-times").output == "5  mine  frame\n")
    let segments = try #require(try Program.run("segments", store, "load", "--json").json() as? [[String: Any]])
    #expect(segments.count == 2)
    #expect(try Program.run("verify", store).status == 0)
  }

  @Test(arguments: [SIGINT, SIGTERM])
  func aSignalEndsItInGoodOrder(_ signal: Int32) throws {
    let scratch = try Scratch()
    let store = scratch.path("machine.nts")
    let recording = try Program.Running(nanots: "record", store, "--rate", "100", "--json")
    try waitForFrames(6, in: store)
    recording.signal(signal)
    let outcome = recording.outcome()
    #expect(outcome.status == 0)
    #expect(outcome.errors.isEmpty)
    let summary = try #require(try outcome.json() as? [String: Any])
    let cpu = try #require((summary["streams"] as? [[String: Any]])?.first)
    let frames = try #require(cpu["frames"] as? Int)
    #expect(frames > 5)
    #expect(try self.frames(store, "cpu").count == frames)
    let segments = try #require(try Program.run("segments", store, "--json").json() as? [[String: Any]])
    #expect(segments.allSatisfy { $0["isOpen"] as? Bool == false })
  }

  /// A signal must not wait for the next sample of a slow recording.
  @Test func aSignalEndsASlowRecordingSoon() throws {
    let scratch = try Scratch()
    let store = scratch.path("machine.nts")
    let recording = try Program.Running(nanots: "record", store, "--rate", "0.01")
    try waitForFrames(1, in: store)
    let start = Date()
    recording.signal(SIGINT)
    #expect(recording.outcome().status == 0)
    #expect(Date().timeIntervalSince(start) < 5)
  }

  @Test func twoRecordingsOfOneStoreExcludeEachOther() throws {
    let scratch = try Scratch()
    let store = scratch.path("machine.nts")
    let first = try Program.Running(nanots: "record", store, "--rate", "10")
    try waitForFrames(1, in: store)
    let second = try Program.run("record", store, "--duration", "0.1")
    #expect(second.status == 1)
    #expect(second.errors.hasPrefix("nanots: "))
    first.signal(SIGINT)
    #expect(first.outcome().status == 0)
  }

  @Test func refusesAStoreWhoseUnitIsTooCoarse() throws {
    let scratch = try Scratch()
    let store = try scratch.store("--unit", "s")
    let outcome = try Program.run("record", store, "--duration", "0.1", "--rate", "100")
    #expect(outcome.status == 1)
    #expect(outcome.errors.contains("seconds"))
    #expect(try Program.run("streams", store, "--json").json() as? [String] == [])
  }

  @Test(arguments: [
    ["--rate", "0"], ["--rate", "-5"], ["--rate", "1e9"], ["--rate", "nan"], ["--duration", "soon"],
    ["--block-size", "1MB"],
  ])
  func refusesBadOptions(_ options: [String]) throws {
    let scratch = try Scratch()
    let path = scratch.path("machine.nts")
    #expect(try Program.run(["record", path] + options).status == 64)
    #expect(!FileManager.default.fileExists(atPath: path))
  }

  private static let script = "/usr/bin/script"

  /// `script` gives the program a terminal of its own.
  @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: script)))
  func showsAProgressLineOnATerminalAndTakesItAway() throws {
    let scratch = try Scratch()
    let command = "'\(Program.url.path)' record '\(scratch.path("machine.nts"))' --duration 0.6 --rate 50"
    let running = try Program.Running([Self.script, "-qec", command, "/dev/null"])
    running.send(Data())
    let outcome = running.outcome()
    #expect(outcome.status == 0)
    let lines = outcome.output.components(separatedBy: "\r")
    #expect(lines.contains { $0.contains("/ 0.6 s") && $0.contains("Hz") && $0.contains("late") })
    let parts = outcome.output.components(separatedBy: "\r\u{1B}[K")
    #expect(parts.count == 2)
    #expect(parts.last?.hasPrefix("recorded 0.6") == true)
  }
}

/// The parts of a recording that a whole machine cannot be made to show.
struct RecordingPartsTests {
  /// A core that goes offline changes the layout, and a layout holds for a segment.
  @Test func aChangedMachineBeginsASegment() throws {
    let scratch = try Scratch()
    let store = try Store.create(at: scratch.path("machine.nts"), StoreOptions(blockSize: 65_536, blockCount: 4))
    let two = Array("cpu  1\ncpu0 1 2 3 4 5 6 7 8 9 10\ncpu1 1 2 3 4 5 6 7 8 9 10\n".utf8)
    let one = Array("cpu  1\ncpu0 1 2 3 4 5 6 7 8 9 10\n".utf8)
    let none = Array("cpu  1\n".utf8)
    let made = try RecordedStream(.cpu, in: store, rate: 1, text: two.span)
    let recorded = try #require(made)
    for (index, text) in [two, two, one, none, none, two].enumerated() {
      try recorded.sample(text.span, at: Int64(index), isLate: index == 1)
    }
    try recorded.close()
    #expect(recorded.frames == 4)
    #expect(recorded.late == 1)
    let segments = try store.segments(of: "cpu")
    #expect(segments.map(\.frames) == [2, 1, 1])
    #expect(try store.frames(of: "cpu").map(\.byteCount) == [160, 160, 80, 160])
    let counts = segments.compactMap { LayoutDocument(metadata: $0.metadata) }.map { layout -> Int? in
      guard case .group(let group)? = layout.layout.first else { return nil }
      return group.count
    }
    #expect(counts == [2, 1, 2])
  }

  @Test func aClockThatStepsBackLosesNoFrame() throws {
    let scratch = try Scratch()
    let store = try Store.create(at: scratch.path("machine.nts"), StoreOptions(blockSize: 65_536, blockCount: 4))
    let text = Array("0.08 0.02 0.01 1/80 2691\n".utf8)
    let made = try RecordedStream(.load, in: store, rate: 1, text: text.span)
    let recorded = try #require(made)
    for timestamp: Int64 in [1_000, 2_000, 500, 3_000] {
      try recorded.sample(text.span, at: timestamp, isLate: false)
    }
    try recorded.close()
    let timestamps = try store.frames(of: "load").map(\.timestamp)
    #expect(timestamps.count == 4)
    #expect(timestamps == timestamps.sorted())
    #expect(timestamps.last == 3_000)
  }

  @Test func missedDeadlinesAreSkippedAndTheNextKeepItsPlace() throws {
    var clock = SampleClock(rate: 100, duration: nil)
    usleep(55_000)
    func tick() -> SampleClock.Tick? { clock.next(isStopped: { false }, whileWaiting: { _ in }) }
    let late = try #require(tick())
    #expect(late.number == 1)
    #expect(late.isLate)
    let next = try #require(tick())
    #expect(next.number >= 6)
    // The deadlines lie where they lay from the start.
    #expect(clock.elapsedSeconds >= Double(next.number) / 100)
    let stopped = clock.next(isStopped: { true }, whileWaiting: { _ in })
    #expect(stopped == nil)
  }

  @Test func aDurationEndsTheClock() {
    var clock = SampleClock(rate: 1_000, duration: 50_000_000)
    var ticks = 0
    while clock.next(isStopped: { false }, whileWaiting: { _ in }) != nil { ticks += 1 }
    #expect((1...49).contains(ticks))
    #expect(clock.elapsedSeconds >= 0.05)
  }
}
