import Foundation
import TestAgent
import Testing

@testable import NanoTS

/// What a reader takes for a stream's blocks while writers change the lists under it.
@Suite struct DirectoryTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  /// A reader put aside between two loads finds that the oldest block became the newest one.
  @Test func aHeadThatMovedOnIsNotTakenForTheOldestBlock() throws {
    let store = try directory.plainStore(blocks: 4)
    let writer = try store.writer(for: "s", options: WriterOptions(durability: .none))
    func fillBlock() throws {
      let begin = (writer.last?.timestamp ?? -1) + 1
      for time in begin..<(begin + 3) { try writer.append(Array(repeating: 1, count: 1200), at: time) }
    }
    for _ in 0..<4 { try fillBlock() }
    let stream = try #require(StreamTable(file: store.file).find(Array("s".utf8)))
    let slot = store.file.slot(stream.slot)
    let head = slot.head.acquired
    let cache = store.directories
    #expect(cache.sequence(ofHead: head, of: slot, stream.identifier) == 0)
    try fillBlock()
    let newest = try #require(try store.blocks().max { $0.sequence < $1.sequence })
    #expect(newest.index == Int(head) - 1)
    #expect(cache.sequence(ofHead: head, of: slot, stream.identifier) == nil)
    #expect(cache.sequence(ofHead: slot.head.acquired, of: slot, stream.identifier) == 1)
  }

  /// A look at the blocks that failed is no look: the next call finds what came.
  @Test func blocksThatCouldNotBeLookedForAreFoundByTheNextCall() throws {
    let store = try directory.plainStore(blocks: 8, initial: 4)
    let writer = try store.writer(for: "s", options: WriterOptions(durability: .none))
    for time in Int64(0)...1 { try writer.appendHalfBlock(at: time) }
    var cursor = try store.cursor(of: "s")
    for time in Int64(0)...1 { #expect(try cursor.next()?.timestamp == time) }
    try writer.appendHalfBlock(at: 2)
    let hook = CallHook { $0 == .stat ? -EIO : 0 }
    expectError(.ioFailure, naming: ["fstat"]) { try hook.interposed { try cursor.next() } }
    #expect(try cursor.next()?.timestamp == 2)
  }

  /// A reader put aside between its look at the stream's end and its look at the blocks, while the ring turned: all that
  /// is left is a block without a frame yet, which begins behind that end.
  @Test func framesBeforeABlockThatIsStillEmptyAreToldAsMissed() throws {
    let store = try directory.plainStore(blocks: 4)
    let (first, options) = ("s", WriterOptions(durability: .none))
    func append(_ times: Range<Int64>, to name: String) throws {
      let writer = try store.writer(for: name, options: options)
      for time in times { try writer.append(Array(repeating: 1, count: 1200), at: time) }
      try writer.close()
    }
    try append(0..<6, to: first)
    var cursor = try store.cursor(of: first)
    for ordinal in UInt64(0)..<6 { #expect(try cursor.next()?.ordinal == ordinal) }
    try append(6..<9, to: first)
    try append(10..<22, to: "other")
    #expect(try store.contents(of: first) == [])

    let writer = try store.writer(for: first, options: options)
    let slot = store.file.slot(StreamTable(file: store.file).find(Array(first.utf8))!.slot)
    let handover = unsafe writer.core.pointee.handover
    _ = try handover.install(
      try #require(try handover.claim()), segment: slot.nextSegment.relaxed, firstOrdinal: 9,
      first: FramePosition(timestamp: 22), keyed: false, nil)
    slot.nextOrdinal.storeRelaxed(6)
    let told = #expect(throws: NanoTSError.self) { try cursor.next() }
    #expect(told?.code == .overwritten && told?.missedFrames == 3)
    slot.nextOrdinal.storeRelaxed(9)
    #expect(try cursor.next() == nil)
    try writer.close()
    try append(22..<23, to: first)
    #expect(try cursor.next()?.ordinal == 9)
  }

  /// A block that left its stream's list is at the end of its life, at every moment: one that was only unlinked would
  /// come back if its reclaimer died there, after readers have told of its frames as gone.
  @Test(.timeLimit(.minutes(5))) func noBlockIsTakenOutWhileItLives() async throws {
    let store = try directory.plainStore(blocks: 4)
    let words = try SharedWords(at: directory.path("words"))
    let stream = ProvingStream(1, .word)
    let writing = WorkerThread { [store] in
      var writer = TortureWriter(
        store, isAlone: false, stream, TortureWriter.Options(isRestless: false), words, SharedWords.firstOwn, seed: 1)
      try writer.run()
    }
    let watching = WorkerThread<Int> { [store] in
      defer { words.stop() }
      while StreamTable(file: store.file).find(Array(stream.name.utf8)) == nil {}
      let slot = store.file.slot(StreamTable(file: store.file).find(Array(stream.name.utf8))!.slot)
      var (seen, alive) = (0, 0)
      while seen < 2000 {
        let head = slot.head.acquired
        guard head > 0 else { continue }
        let generation = store.file.header(Int(head) - 1).generation
        let life = generation.acquired
        // Of the life that was at the head, not of one that began since.
        guard !Generation.isOdd(life), slot.head.acquired == head else { continue }
        while slot.head.acquired == head, !words.isOver {}
        if generation.relaxed == life { alive += 1 }
        seen += 1
      }
      return alive
    }
    #expect(try await watching.finish(withinSeconds: 280) == 0)
    _ = try await writing.finish()
  }

  /// Lists are made anew again and again, as after holders of the allocation lock that died, while a writer goes on and
  /// nothing is recycled: readers see every frame that was acknowledged when they looked.
  @Test(.timeLimit(.minutes(5))) func nothingSeemsToBeGoneWhileListsAreMadeAnew() async throws {
    let store = try directory.plainStore(blocks: 4000)
    let words = try SharedWords(at: directory.path("words"))
    let (stream, place) = (ProvingStream(1, .small), SharedWords.firstOwn)
    let writing = WorkerThread { [store] in
      var writer = TortureWriter(store, isAlone: false, stream, TortureWriter.Options(), words, place, seed: 1)
      try writer.run()
    }
    let rebuilding = WorkerThread { [store] in
      let epoch = store.file.shared.allocationEpoch
      while !words.isOver {
        epoch.storeRelaxed(epoch.relaxed | 1)
        _ = try Store(at: store.path)
        usleep(200)
      }
    }
    let reading = WorkerThread<String?> { [store] in
      defer { words.stop() }
      var looks: UInt64 = 0
      var cursor = try store.cursor(of: stream.name)
      while true {
        let acknowledged = words[place]
        let end = try cursor.last().map { $0.ordinal + 1 } ?? 0
        guard end >= acknowledged else { return "it ends at \(end), \(acknowledged) frames were acknowledged" }
        looks += 1
        // By then half of the ring is in use, and nothing was taken from it.
        if looks % 100 == 0, try store.statistics(of: stream.name)?.blocks ?? 0 > 2000 { return nil }
      }
    }
    let problem = try await reading.finish(withinSeconds: 280)
    _ = try await (writing.finish(), rebuilding.finish())
    #expect(problem == nil)
    #expect(try store.statistics().reclaimedBlocks == 0)
    #expect(try store.problem(with: stream, acknowledged: words[place], atMostMore: 0) == nil)
  }
}
