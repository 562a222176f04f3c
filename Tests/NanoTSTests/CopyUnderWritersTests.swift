import Foundation
import NanoTS
import TestAgent
import Testing

/// Copies made while writer processes turn the ring: every frame is right, every missing one is counted, and nothing
/// acknowledged before the copy began is missing from its end.
@Suite struct CopyUnderWritersTests {
  private let directory: TemporaryDirectory
  private let path: String
  private let words: SharedWords
  private let streams = [ProvingStream(1, .large), ProvingStream(2, .small)]

  init() throws {
    directory = try TemporaryDirectory()
    path = directory.path("copy.nts")
    words = try SharedWords(at: directory.path("words"))
  }

  /// The word in which the stream's writer counts what is acknowledged.
  private func place(_ stream: ProvingStream) -> Int { SharedWords.firstOwn + Int(stream.number) }

  private func startWriter(_ store: Store, _ stream: ProvingStream) throws -> AgentProcess {
    try AgentProcess.writer(store.path, stream, words, place(stream))
  }

  /// What the copy has of a stream: how many frames, and the ordinal after the last.
  private func prove(_ copy: Store, _ stream: ProvingStream) throws -> (frames: UInt64, end: UInt64) {
    var (count, end) = (UInt64(0), UInt64(0))
    for frame in try copy.frames(of: stream.name) {
      try #require(frame.ordinal >= end && frame.missed == 0)
      try #require(try stream.isRight(frame))
      (count, end) = (count + 1, frame.ordinal + 1)
    }
    return (count, end)
  }

  /// One copy, and whether it missed anything.
  private func copyAndProve(_ store: Store) throws -> Bool {
    let before = streams.map { words[place($0)] }
    var planned: UInt64 = 0
    let report = try store.copy(to: path, replacing: true) {
      planned = $0.totalFrames
      return true
    }
    let after = streams.map { words[place($0)] }
    try #require(report.findings.isEmpty && report.damagedFrames == 0 && report.unprovenFrames == 0)
    try #require(report.frames + report.missedFrames == planned)
    let copy = try Store(at: path, .readOnly)
    try #require(try copy.verify().isClean)
    var frames: UInt64 = 0
    for (index, stream) in streams.enumerated() {
      let proven = try prove(copy, stream)
      frames += proven.frames
      // A frame may be committed and not yet acknowledged.
      try #require(proven.end <= after[index] + 1)
      if report.missedFrames == 0 {
        // The other stream may have taken all the blocks of this one before.
        try #require(proven.end >= before[index] || proven.frames == 0)
        let first = try copy.frames(of: stream.name).first { _ in true }
        try #require(first.map { proven.end - $0.ordinal } ?? 0 == proven.frames)
      }
    }
    try #require(frames == report.frames)
    return report.missedFrames > 0
  }

  @Test(.timeLimit(.minutes(4)))
  func copiesOfARingThatTurnsAreRightAndCountWhatTheyMissed() throws {
    let store = try Store.create(
      at: directory.path("ring.nts"), StoreOptions(blockSize: 65_536, blockCount: 24, streamCapacity: 8))
    let writers = try streams.map { try startWriter(store, $0) }
    defer { for writer in writers { writer.kill() } }
    var (copies, missed) = (0, 0)
    let enough = Date() + 10
    while try copies < 10 || store.statistics().reclaimedBlocks <= 24 || (copies < 60 && Date() < enough) {
      if try copyAndProve(store) { missed += 1 }
      copies += 1
    }
    print("copied a turning ring \(copies) times, missed something \(missed) times")
  }

  @Test func aCopyOfWhatKilledWritersLeftHasEveryAcknowledgedFrame() throws {
    let seed = TestSeed.next()
    var random = SeededGenerator(seed: seed)
    let store = try Store.create(at: directory.path("killed.nts"), StoreOptions(blockSize: 8192, blockCount: 40))
    let reader = try Store(at: store.path, .readOnly)
    for round in 0..<25 {
      let writers = try streams.map { try startWriter(store, $0) }
      usleep(UInt32.random(in: 1_000...15_000, using: &random))
      // A copy of one that dies in the middle of it, and one of what it left.
      let isDead = round % 2 == 0
      if isDead { for writer in writers { writer.kill() } }
      let missed = try copyAndProve(reader)
      #expect(!(isDead && missed), "NANOTS_TEST_SEED=\(seed), round \(round)")
      for writer in writers { writer.kill() }
    }
  }

  /// The copy has no part in the store's locks: writers come and go while it is made, and it holds up nobody.
  @Test func aWriterThatStandsStillIsCopiedAsItStands() throws {
    let store = try Store.create(at: directory.path("held.nts"), StoreOptions(blockSize: 4096, blockCount: 4))
    let writer = try store.writer(for: "2")
    try writer.append([1, 2, 3], at: 5)
    let holder = try AgentProcess("hold", store.path, "1")
    #expect(holder.firstLine() == "holding")
    let report = try Store(at: store.path, .readOnly).copy(to: path, CopyOptions(blockCount: 4))
    #expect(report.isComplete && report.frames == 1 && report.streams == 2)
    try writer.append([4], at: 6)
    let copy = try Store(at: path)
    try copy.writer(for: "1").append([1], at: 1)
    try copy.writer(for: "2").append([4], at: 6)
    #expect(try copy.frames(of: "2").map(\.byteCount) == [3, 1])
    holder.kill()
  }
}
