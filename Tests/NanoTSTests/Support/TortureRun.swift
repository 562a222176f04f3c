import Foundation
import NanoTS
import TestAgent
import Testing

/// Writers and readers at work on one ring until enough was checked. One thread at a time uses it.
final class TortureRun: @unchecked Sendable {
  /// When it is over: after so many seconds, or when so many frames were checked.
  enum Limit {
    case seconds(Double)
    case frames(UInt64)
  }

  private let ring: TortureRing
  private let directory: TemporaryDirectory
  private let store: Store
  private let words: SharedWords
  private var random: SeededGenerator
  private var processes: [AgentProcess] = []
  private var threads: [WorkerThread<TortureReport>] = []
  private var readers: [AgentProcess] = []
  private var nextReader: Int

  init(_ ring: TortureRing, seed: UInt64) throws {
    self.ring = ring
    directory = try TemporaryDirectory()
    store = try Store.create(
      at: directory.path("ring.nts"), StoreOptions(blockSize: ring.blockSize, blockCount: ring.blockCount))
    words = try SharedWords(at: directory.path("words"))
    random = SeededGenerator(seed: seed)
    nextReader = SharedWords.firstOwn + ring.streams.count
  }

  deinit { for process in processes + readers where process.process.isRunning { process.kill() } }

  private func writerPlace(_ index: Int) -> Int { SharedWords.firstOwn + index }

  // MARK: Who takes part

  /// A writer process for each stream.
  func addWriterProcesses() throws {
    for (index, stream) in ring.streams.enumerated() {
      processes.append(
        try .writer(store.path, stream, words, writerPlace(index), isRestless: true, seed: random.next()))
    }
  }

  /// A writer thread for each stream, all on one store object, which the reader threads have too.
  func addWriterThreads() {
    for (index, stream) in ring.streams.enumerated() {
      let (store, words, place, seed) = (store, words, writerPlace(index), random.next())
      threads.append(
        WorkerThread {
          var writer = TortureWriter(store, isAlone: false, stream, TortureWriter.Options(), words, place, seed: seed)
          try writer.run()
          return TortureReport()
        })
    }
  }

  /// One process for each of the reader's roles.
  func addReaderProcesses() throws {
    for role in TortureReader.Role.allCases {
      readers.append(try .reader(store.path, ring.streams, words, nextReader, role, seed: random.next()))
      nextReader += 1
    }
  }

  /// One thread for each of the roles, by turns on the store that was made here and on one of their own.
  func addReaderThreads(sharingTheStore: Bool) throws {
    let other = sharingTheStore ? store : try Store(at: store.path, .readOnly)
    for (index, role) in TortureReader.Role.allCases.enumerated() {
      let store = index % 2 == 0 ? store : other
      let (streams, words, place, seed) = (ring.streams, words, nextReader, random.next())
      threads.append(
        WorkerThread {
          var reader = try TortureReader(store, streams, words, place, seed: seed)
          try reader.run(role)
          return reader.report
        })
      nextReader += 1
    }
  }

  // MARK: Running

  /// Waits for the limit, stops everybody, and returns what all readers saw. Records an issue for whoever failed.
  func run(until limit: Limit) async throws -> TortureReport {
    words.secondsLeft = 3600
    let start = Date()
    // On a thread of its own: other tests block those of the pool, and meanwhile nobody would say stop.
    try await onThread { [unowned self] in
      while !isReached(limit, since: start), !hasFailed { usleep(10_000) }
      words.stop()
    }
    var report = TortureReport()
    for process in processes { await noteFailure { _ = try await process.finish() } }
    for reader in readers {
      await noteFailure {
        let lines = try await reader.finish()
        report.add(try #require(TortureReport(lines: lines), "a reader said: \(lines)"))
      }
    }
    for thread in threads { await noteFailure { report.add(try await thread.finish()) } }
    for complaint in report.complaints { Issue.record("\(ring): \(complaint)") }
    #expect(report.complaintCount == 0)
    return report
  }

  private func isReached(_ limit: Limit, since start: Date) -> Bool {
    switch limit {
    case .seconds(let seconds): Date().timeIntervalSince(start) >= seconds
    case .frames(let frames): (writerPlace(ring.streams.count)..<nextReader).reduce(0) { $0 + words[$1] } >= frames
    }
  }

  /// Somebody who ended by himself.
  private var hasFailed: Bool {
    (processes + readers).contains { !$0.process.isRunning } || threads.contains { !$0.isRunning }
  }

  private func noteFailure(_ body: () async throws -> Void) async {
    do { try await body() } catch { Issue.record("\(ring): \(error)") }
  }

  // MARK: Afterwards

  /// Frames that the writers had acknowledged.
  var written: UInt64 { ring.streams.indices.reduce(0) { $0 + words[writerPlace($1)] } }

  /// The store is whole, and of each stream every frame is there or was reclaimed.
  func expectEveryFrameIsAccountedFor() throws {
    let report = try store.verify()
    #expect(report.isClean, "\(ring): \(report.findings)")
    for (index, stream) in ring.streams.enumerated() {
      let problem = try store.problem(with: stream, acknowledged: words[writerPlace(index)], atMostMore: 0)
      #expect(problem == nil, "\(ring), \(stream.name): \(problem ?? "")")
      let statistics = try #require(try store.statistics(of: stream.name))
      #expect(statistics.frames + statistics.reclaimedFrames == words[writerPlace(index)], "\(ring), \(stream.name)")
    }
  }
}
