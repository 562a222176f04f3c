import Foundation
import NanoTS
import TestAgent
import Testing

/// Writers killed one at a time while other writers and readers go on, on one ring that all of them wrap: nobody is
/// disturbed, nobody waits for the dead, nothing acknowledged is lost but by reclaiming.
///
/// 100 kills in a debug build, 500 optimised; `NANOTS_KILLS` sets another number.
@Suite struct WritersKilledAmongOthersTests {
  private static let usualKills = AgentProcess.areOptimised ? 500 : 100
  private static let kills = ProcessInfo.processInfo.environment["NANOTS_KILLS"].flatMap { Int($0) } ?? usualKills
  /// Nothing here depends on time; what has not come by then never comes.
  private static let patience = 30.0

  private struct Writers {
    let path: String
    let words: SharedWords
    let streams: [ProvingStream]
    var processes: [AgentProcess] = []

    func place(_ index: Int) -> Int { SharedWords.firstOwn + index }

    func start(_ index: Int, seed: UInt64) throws -> AgentProcess {
      // The last stream's writer syncs, so that it is killed in these steps of a handover too.
      try .writer(
        path, streams[index], words, place(index), isRestless: true,
        durability: index == streams.count - 1 ? "onSeal" : "none", seed: seed)
    }
  }

  @Test(.timeLimit(.minutes(5))) func theOthersGoOnWhateverWriterIsKilled() async throws {
    let seed = TestSeed.next()
    var random = SeededGenerator(seed: seed)
    let directory = try TemporaryDirectory()
    let store = try Store.create(at: directory.path("ring.nts"), StoreOptions(blockSize: 4096, blockCount: 16))
    let words = try SharedWords(at: directory.path("words"))
    var writers = Writers(
      path: store.path, words: words,
      streams: [ProvingStream(1, .word), ProvingStream(2, .small), ProvingStream(3, .keyed), ProvingStream(4, .large)])
    writers.processes = try writers.streams.indices.map { try writers.start($0, seed: random.next()) }
    let readers = try TortureReader.Role.allCases.enumerated().map { index, role in
      try AgentProcess.reader(store.path, writers.streams, words, 20 + index, role, seed: random.next())
    }
    defer { for process in writers.processes + readers where process.process.isRunning { process.kill() } }
    for kill in 0..<Self.kills {
      let victim = Int.random(in: 0..<writers.streams.count, using: &random)
      try await Task.sleep(for: .microseconds(Int.random(in: 0...10_000, using: &random)))
      writers.processes[victim].kill()
      for process in readers + writers.processes where process !== writers.processes[victim] {
        let failure = process.failure()
        #expect(failure == nil, "NANOTS_TEST_SEED=\(seed), kill \(kill)")
        if failure != nil { return }
      }
      let acknowledged = words[writers.place(victim)]
      let problem = try Self.problem(with: writers.streams[victim], in: store, acknowledged: acknowledged)
      #expect(problem == nil, "NANOTS_TEST_SEED=\(seed), kill \(kill): \(problem ?? "")")
      writers.processes[victim] = try writers.start(victim, seed: random.next())
      // Every other one is killed wherever it is on its way up.
      guard kill % 2 == 0 else { continue }
      let limit = Date() + Self.patience
      while words[writers.place(victim)] <= acknowledged, Date() < limit, writers.processes[victim].failure() == nil {
        try await Task.sleep(for: .milliseconds(1))
      }
      #expect(words[writers.place(victim)] > acknowledged, "NANOTS_TEST_SEED=\(seed), kill \(kill): it does not go on")
    }
    words.stop()
    for process in writers.processes { _ = try await process.finish() }
    var report = TortureReport()
    for reader in readers { report.add(try #require(TortureReport(lines: try await reader.finish()))) }
    print("\(Self.kills) writers killed: \(report)")
    #expect(report.complaints == [], "NANOTS_TEST_SEED=\(seed)")
    #expect(try store.verify().isClean, "NANOTS_TEST_SEED=\(seed)")
    for (index, stream) in writers.streams.enumerated() {
      let acknowledged = words[writers.place(index)]
      let problem = try store.problem(with: stream, acknowledged: acknowledged, atMostMore: 0)
      #expect(problem == nil, "NANOTS_TEST_SEED=\(seed), \(stream.name): \(problem ?? "")")
    }
  }

  /// What is wrong with the stream of a writer just killed, or nil, while others take blocks from it: going back from its
  /// end every frame is there down to one that was reclaimed, and the end is where the writer was.
  private static func problem(
    with stream: ProvingStream, in store: Store, acknowledged: UInt64
  ) throws -> String? {
    var cursor = try store.cursor(of: stream.name)
    guard var frame = try cursor.last() else {
      return try store.problem(withFramesGoneOf: stream, upTo: acknowledged)
    }
    let end = frame.ordinal + 1
    guard end >= acknowledged, end <= acknowledged + TortureWriter.longestBatch else {
      return "\(stream.name) ends at \(end), \(acknowledged) frames were acknowledged"
    }
    do {
      while true {
        guard try stream.isRight(frame) else { return "frame \(frame.ordinal) is wrong" }
        guard let before = try cursor.previous() else { break }
        guard before.ordinal + 1 == frame.ordinal else { return "\(before.ordinal) comes before \(frame.ordinal)" }
        frame = before
      }
    } catch {
      guard error.code == .overwritten else { throw error }
    }
    return try store.problem(withFramesGoneOf: stream, upTo: frame.ordinal)
  }

  // MARK: With the lock

  /// Of the agents, one has all of it, and one what a writer takes to begin a block: the word, and a stream's lock.
  @Test(.timeLimit(.minutes(5)), arguments: [[], ["2"]])
  func aProcessKilledWithTheAllocationLockHoldsNobodyUp(_ slot: [String]) async throws {
    let directory = try TemporaryDirectory()
    let store = try Store.create(at: directory.path("ring.nts"), StoreOptions(blockSize: 4096, blockCount: 8))
    let words = try SharedWords(at: directory.path("words"))
    let streams = [ProvingStream(1, .small), ProvingStream(2, .large)]
    for stream in streams { try store.writer(for: stream.name).close() }
    var processes = try streams.enumerated().map {
      try AgentProcess.writer(store.path, $0.element, words, SharedWords.firstOwn + $0.offset, isRestless: true)
    }
    let reader = try AgentProcess.reader(store.path, streams, words, 20, .forward, seed: TestSeed.next())
    processes.append(reader)
    defer { for process in processes where process.process.isRunning { process.kill() } }
    func waitForProgress(of places: [Int], since before: [UInt64]) async throws {
      let limit = Date() + Self.patience
      while zip(places, before).contains(where: { words[$0] <= $1 }), Date() < limit {
        try await Task.sleep(for: .milliseconds(1))
      }
      for (place, count) in zip(places, before) { #expect(words[place] > count, "nothing goes on at \(place)") }
    }
    let writerPlaces = [SharedWords.firstOwn, SharedWords.firstOwn + 1]
    try await waitForProgress(of: writerPlaces + [20], since: [0, 0, 0])
    for _ in 0..<20 {
      let holder = try AgentProcess(["lock", store.path] + slot)
      #expect(holder.firstLine() == "holding")
      // Writers come to their blocks' ends and wait; readers do not.
      try await waitForProgress(of: [20], since: [words[20]])
      let counts = writerPlaces.map { words[$0] }
      let longest = UInt64(4096 / 32) + TortureWriter.longestBatch
      try await Task.sleep(for: .milliseconds(2))
      for (place, count) in zip(writerPlaces, counts) { #expect(words[place] <= count + longest) }
      holder.kill()
      try await waitForProgress(of: writerPlaces, since: writerPlaces.map { words[$0] })
    }
    words.stop()
    for process in processes.dropLast() { _ = try await process.finish() }
    let report = try #require(TortureReport(lines: try await reader.finish()))
    #expect(report.complaints == [])
    #expect(try store.verify().isClean)
    for (index, stream) in streams.enumerated() {
      let problem = try store.problem(with: stream, acknowledged: words[writerPlaces[index]], atMostMore: 0)
      #expect(problem == nil, "\(stream.name): \(problem ?? "")")
    }
  }
}
