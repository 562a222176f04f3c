import Testing

@testable import NanoTS

/// A writer killed at each step from one block to the next, one row after the other of the table in Protocols.md: the
/// stores up to there are made by hand, those behind are not. Then readers look, and another writer goes on.
@Suite struct KilledAtEachStepTests {
  /// What the last store was, in the order in which a handover makes them.
  enum Step: Int, CaseIterable, Comparable {
    // Under the allocation lock: the claim. A block that is reclaimed is taken out of its list when its life is over, one
    // that is nobody's before that.
    case epochIsOdd, takingHasBegun, blockIsTaken, spareIsNoted
    // Without it.
    case claimIsDone, nextOrdinalIsStored, sealIsHalfWritten, blockIsSealed
    // Under it again: the new life.
    case preambleIsHalfWritten, stateIsOpen, generationIsEven, tailPointsToIt, listHasIt
    case installIsDone

    static func < (one: Step, other: Step) -> Bool { one.rawValue < other.rawValue }

    /// True where the lock was held, so that the next holder rebuilds.
    var isUnderTheLock: Bool { self < .claimIsDone || (self > .blockIsSealed && self < .installIsDone) }
    /// True where the block stays the stream's spare. Noted it is up to the end, but of an open block it is not one.
    var leavesSpare: Bool { self >= .spareIsNoted && self <= .preambleIsHalfWritten }
  }

  /// Where the block comes from: never used, freed, or the oldest sealed one.
  enum Source: CaseIterable { case fresh, freed, reclaimed }
  /// Who takes the allocation lock next: the stream's next writer, or one of another stream that was there all the time.
  enum Successor: CaseIterable { case sameStream, otherStream }

  private let directory: TemporaryDirectory
  private let store: Store
  private let options = WriterOptions(durability: .none)

  init() throws {
    directory = try TemporaryDirectory()
    store = try directory.plainStore(blocks: 8)
  }

  /// Frames of 1200 bytes, of which three fill a block, with the timestamp in every byte.
  private func append(_ times: Range<Int64>, to writer: Writer) throws {
    for time in times { try writer.append(Self.payload(time), at: time) }
  }

  private static func payload(_ time: Int64) -> [UInt8] {
    Array(repeating: UInt8(truncatingIfNeeded: time), count: 1200)
  }

  @Test(arguments: Step.allCases, Source.allCases)
  func theStreamsNextWriterGoesOn(_ step: Step, _ source: Source) throws {
    try kill(at: step, source, .sameStream)
  }

  @Test(arguments: Step.allCases, Source.allCases)
  func aWriterOfAnotherStreamGoesOn(_ step: Step, _ source: Source) throws {
    try kill(at: step, source, .otherStream)
  }

  private func kill(at step: Step, _ source: Source, _ successor: Successor) throws {
    // Eight blocks: two of "old", three of "s", of which the last is open and full, three of "t", the last with room.
    if source != .fresh {
      let writer = try store.writer(for: "old", options: options)
      try append(0..<6, to: writer)
      try writer.close()
    }
    let victim = try store.writer(for: "s", options: options)
    let other = try store.writer(for: "t", options: options)
    try append(10..<19, to: victim)
    try append(20..<27, to: other)
    if source == .freed { #expect(try store.free(stream: "old").blocks == 2) }
    var reader = try store.cursor(of: "s")
    #expect(try reader.seek(to: 14)?.ordinal == 4)

    let block = try die(victim, at: step, source)

    try expectContents(in: store, step, source)
    try expectContents(in: Store(at: store.path, .readOnly), step, source)
    for ordinal in UInt64(5)..<9 { #expect(try reader.next()?.ordinal == ordinal) }
    #expect(try reader.next() == nil)
    let slot = store.file.slot(slotIndex(of: "s"))
    let removals = slot.removals.relaxed
    switch successor {
    case .sameStream: try goOn(step, source, block)
    case .otherStream: try goOn(other, step, source, block)
    }
    #expect(slot.removals.relaxed > removals || !step.isUnderTheLock)
    #expect(store.file.shared.allocationEpoch.relaxed & 1 == 0)
    #expect(store.file.shared.allocationHolder.relaxed == 0)
    try useAll(other)
  }

  // MARK: Dying

  /// Makes the stores of a handover up to `step`, and leaves the writer as a kill does. Returns the block concerned.
  private func die(_ writer: Writer, at step: Step, _ source: Source) throws -> Int? {
    let core = unsafe writer.core
    let slot = store.file.slot(slotIndex(of: "s"))
    var block: Int?
    if step < .claimIsDone {
      block = try dieInClaim(slot, at: step, source, through: unsafe try #require(core.pointee.lease).descriptor)
    } else {
      block = unsafe try core.pointee.handover.claim()
      if step >= .nextOrdinalIsStored { unsafe try dieInSeal(core.pointee.appender, slot, at: step) }
      if step > .blockIsSealed { try dieInInstall(try #require(block), writer, slot, at: step) }
    }
    if step.isUnderTheLock {
      let epoch = store.file.shared.allocationEpoch
      epoch.storeRelaxed(epoch.relaxed | 1)
      let holder = step < .claimIsDone ? AllocationHolder.locker : .writer(ofSlot: slotIndex(of: "s"))
      store.file.shared.allocationHolder.storeRelaxed(holder.word)
    }
    try writer.abandon()
    return block
  }

  private func slotIndex(of stream: String) -> Int {
    StreamTable(file: store.file).find(Array(stream.utf8))!.slot
  }

  private func dieInClaim(
    _ slot: StreamSlot, at step: Step, _ source: Source, through descriptor: FileDescriptor
  ) throws -> Int? {
    guard step > .epochIsOdd else { return nil }
    let pool = BlockPool(file: store.file)
    let shared = store.file.shared
    let block: Int
    switch source {
    case .fresh:
      block = Int(shared.freshBlocks.relaxed)
      shared.freshBlocks.storeRelaxed(UInt32(block + 1))
    case .freed:
      block = try #require(pool.target(shared.freeListHead))
      shared.freeListHead.storeRelaxed(store.file.header(block).next.relaxed)
    case .reclaimed:
      let claimant = Claimant(
        index: slotIndex(of: "s"), reclaims: true, descriptor: descriptor, keeping: Keeping(store.file))
      block = try #require(try pool.reclaim(for: claimant))
      if step == .takingHasBegun { putBack(block) }
    }
    guard step > .takingHasBegun else { return block }
    store.file.header(block).generation.beginChange()
    guard step > .blockIsTaken else { return block }
    store.file.header(block).state.storeRelaxed(BlockState.claimed.rawValue)
    slot.spareBlock.storeReleased(BlockPool.link(block))
    return block
  }

  /// Takes back that the oldest block of "old" was taken out of its list, which is done last.
  private func putBack(_ block: Int) {
    let slot = store.file.slot(slotIndex(of: "old"))
    let link = BlockPool.link(block)
    store.file.header(Int(slot.head.relaxed) - 1).previous.storeRelaxed(link)
    slot.head.storeRelaxed(link)
    slot.blockCount.storeRelaxed(slot.blockCount.relaxed + 1)
  }

  private func dieInSeal(_ appender: BlockAppender?, _ slot: StreamSlot, at step: Step) throws {
    let open = try #require(appender)
    slot.nextOrdinal.storeReleased(open.firstOrdinal + UInt64(open.count))
    guard step > .nextOrdinalIsStored else { return }
    open.header.lastTimestamp.storeRelaxed(18)
    open.header.payloadBytes.storeRelaxed(77)
    guard step > .sealIsHalfWritten else { return }
    open.seal()
  }

  /// Installs the block, and takes back what is stored behind `step`.
  private func dieInInstall(_ block: Int, _ writer: Writer, _ slot: StreamSlot, at step: Step) throws {
    let header = store.file.header(block)
    let odd = header.generation.relaxed
    let tail = try #require(BlockPool(file: store.file).target(slot.tail))
    _ = unsafe try writer.core.pointee.handover.install(
      block, segment: slot.nextSegment.relaxed, firstOrdinal: 9, first: FramePosition(timestamp: 19), keyed: false, nil)
    guard step < .installIsDone else { return }
    slot.nextSequence.storeRelaxed(slot.nextSequence.relaxed - 1)
    slot.spareBlock.storeRelaxed(BlockPool.link(block))
    guard step < .listHasIt else { return }
    slot.tail.storeRelaxed(BlockPool.link(tail))
    slot.blockCount.storeRelaxed(slot.blockCount.relaxed - 1)
    guard step < .tailPointsToIt else { return }
    store.file.header(tail).next.storeRelaxed(0)
    guard step < .generationIsEven else { return }
    header.generation.storeRelaxed(odd)
    guard step < .stateIsOpen else { return }
    header.state.storeRelaxed(BlockState.claimed.rawValue)
    header.identityChecksum.storeRelaxed(0)
    let body = unsafe store.file.body(block)
    for index in 48..<128 { unsafe body[index] = 0xEE }
  }

  // MARK: Afterwards

  /// What was acknowledged is there, whoever looks. Of "old" that block is missing which was taken for the handover.
  private func expectContents(in store: Store, _ step: Step, _ source: Source) throws {
    #expect(try store.contents(of: "s") == (0..<9).map { Self.frame($0, from: 10) })
    #expect(try store.contents(of: "t") == (0..<7).map { Self.frame($0, from: 20) })
    guard source == .reclaimed else { return }
    let old = try store.contents(of: "old")
    let isWhole = old == (0..<6).map { Self.frame($0, from: 0) }
    let isCut = old == (3..<6).map { Self.frame($0, from: 0) }
    #expect(step == .epochIsOdd ? isWhole : isCut)
  }

  private static func frame(_ ordinal: UInt64, from first: Int64) -> StoredFrame {
    let time = first + Int64(ordinal)
    return StoredFrame(time, payload(time), ordinal: ordinal)
  }

  /// The next writer of "s" comes, and finds what the table says.
  private func goOn(_ step: Step, _ source: Source, _ block: Int?) throws {
    let writer = try store.writer(for: "s", options: options)
    let slot = store.file.slot(slotIndex(of: "s"))
    #expect(writer.last?.timestamp == 18)
    #expect(slot.nextOrdinal.relaxed == 9)
    #expect(slot.nextSequence.relaxed == 3)
    let spare = BlockPool(file: store.file).claimedSpare(of: slot)
    #expect(spare == (step.leavesSpare ? block : nil))
    if source == .reclaimed {
      #expect(try store.contents(of: "old").count == (step == .epochIsOdd ? 6 : 3))
    }
    let report = try store.verify()
    #expect(report.isClean, "\(report.findings)")
    try append(19..<22, to: writer)
    let blocks = try store.blocks().filter { $0.stream == "s" }.sorted { $0.sequence < $1.sequence }
    #expect(blocks.map(\.sequence) == [0, 1, 2, 3])
    #expect(blocks.map(\.frames) == [3, 3, 3, 3])
    if step.leavesSpare { #expect(blocks[3].index == block) }
    // The spare, or a block that nobody has, comes before live data: "old" lost the block taken first and no other.
    if source == .reclaimed { #expect(try store.contents(of: "old").count == 3) }
    try writer.close()
  }

  /// A writer of another stream, there all the time, comes to the end of its block.
  private func goOn(_ other: Writer, _ step: Step, _ source: Source, _ block: Int?) throws {
    try append(27..<30, to: other)
    #expect(try store.contents(of: "t") == (0..<10).map { Self.frame($0, from: 20) })
    #expect(try store.contents(of: "s").map(\.ordinal) == Array(0..<9))
    if source == .reclaimed {
      // A block in which a dead writer stored nothing is given back only when its stream is looked at.
      #expect(try store.contents(of: "old").count == 3 || step >= .generationIsEven)
      let taken = try store.blocks().filter { $0.stream == "t" }.max { $0.sequence < $1.sequence }
      if step.leavesSpare || step == .blockIsTaken { #expect(taken?.index == block) }
    }
    let report = try store.verify()
    #expect(report.isClean, "\(report.findings)")
  }

  /// Both streams wrap the whole ring: no block was lost on the way, and none has two owners.
  private func useAll(_ other: Writer) throws {
    let writer = try store.writer(for: "s", options: options)
    let begin = try #require(writer.last).timestamp + 1
    for time in max(begin, 40)..<100 {
      try append(time..<(time + 1), to: writer)
      try append(time..<(time + 1), to: other)
    }
    #expect(try store.blocks().allSatisfy { $0.state != .free })
    #expect(try store.streams(in: 0...100) == ["s", "t"])
    for stream in ["s", "t"] {
      let frames = try store.contents(of: stream)
      #expect(frames.last?.timestamp == 99)
      for (index, frame) in frames.enumerated() {
        #expect(frame.payload == Self.payload(frame.timestamp))
        #expect(frame.ordinal == frames[0].ordinal + UInt64(index))
      }
    }
    try writer.close()
    let report = try store.verify()
    #expect(report.isClean, "\(report.findings)")
  }
}
