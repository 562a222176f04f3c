/// Brings the frames of one stream from a damaged store into the new one, block by block, and tells what is missing.
struct StreamRecovery {
  /// What the whole run knows.
  struct Context {
    let inspector: BlockInspector
    let salvage: BlockSalvage
    let target: CopyTarget
    /// Blocks with frames that the damaged file has: the new one must not become many times as large.
    let liveBlocks: Int
    /// True when there may have been blocks of which nothing is known any more.
    let mayLackBlocks: Bool
  }

  private(set) var copied: CopiedStream
  private(set) var report: RecoveryReport.Stream
  /// At most the first 1,000.
  private(set) var losses: [RecoveryLoss] = []

  private let context: Context
  private let stream: RecoverySurvey.Stream
  private let index: Int
  /// Every ordinal below this one was written or told of; nil before the first block.
  private var accountedEnd: UInt64?
  private var last: FramePosition?
  /// Losses from this one on wait for the frame that comes after them.
  private var firstPending = 0
  /// Of the last block written.
  private var segment: UInt64 = 0
  /// Blocks whose segment's metadata, if it had some, is lost.
  private(set) var segmentsWithoutMetadata = 0
  /// A block with a right preamble, by its segment.
  private var segmentBlocks: [UInt64: Int] = [:]

  /// `identifier`: the stream's in the new store, in which it has slot `index`.
  init(_ stream: RecoverySurvey.Stream, _ index: Int, identifier: UInt64, _ context: Context) {
    self.stream = stream
    self.index = index
    self.context = context
    let slot = stream.slot
    func number(_ value: UInt64?) -> UInt64 { value.map { $0 <= DamagedFile.highestNumber ? $0 : 0 } ?? 0 }
    copied = CopiedStream(
      CopyPlan.Stream(
        stream: StreamTable.Stream(slot: index, identifier: identifier, name: stream.name), commitPoint: .max,
        nextOrdinal: number(slot?.nextOrdinal), nextSequence: number(slot?.nextSequence),
        nextSegment: number(slot?.nextSegment), floor: slot?.floor, reclaimedBlocks: number(slot?.reclaimedBlocks),
        reclaimedFrames: number(slot?.reclaimedFrames), terms: slot?.terms ?? StreamTerms(),
        compression: slot?.compression))
    report = RecoveryReport.Stream(name: String(decoding: stream.name, as: UTF8.self))
    for block in stream.blocks where block.hasPreamble && segmentBlocks[block.segment] == nil {
      segmentBlocks[block.segment] = block.index
    }
  }

  // MARK: Blocks

  /// Brings over every block; `tell` is called before each. O(bytes of the blocks).
  mutating func run(_ tell: (_ frames: UInt64) throws(NanoTSError) -> Void) throws(NanoTSError) {
    let blocks = withoutRivals()
    for (place, block) in blocks.enumerated() {
      try tell(report.frames)
      let next = place + 1 < blocks.count ? blocks[place + 1] : nil
      try recover(block, limit: limit(of: block, before: next))
      try context.target.syncNowAndThen()
    }
    noteEnd()
  }

  /// Of blocks with one sequence, the one with the most frames, or else of the later life: two lives cannot have one
  /// place.
  private mutating func withoutRivals() -> [RecoverySurvey.Block] {
    var blocks: [RecoverySurvey.Block] = []
    var best: (frames: Int, life: UInt64)?
    func weigh(_ block: RecoverySurvey.Block) -> (frames: Int, life: UInt64) {
      let found = context.salvage.find(block.index, life: block.generation)
      return (found?.result.frames ?? 0, Generation.life(block.generation))
    }
    for block in stream.blocks {
      guard let rival = blocks.last, rival.sequence == block.sequence else {
        blocks.append(block)
        best = nil
        continue
      }
      let (old, new) = (best ?? weigh(rival), weigh(block))
      let loser = new > old ? rival : block
      best = new > old ? new : old
      if new > old { blocks[blocks.count - 1] = block }
      note(loser, nil, "another block has its place, sequence \(block.sequence), with more frames or a later life")
    }
    return blocks
  }

  /// Where nothing proves how many frames a block has, those do not count that the next block begins with: a writer that
  /// was killed leaves frames behind the end that were never shown.
  private func limit(of block: RecoverySurvey.Block, before next: RecoverySurvey.Block?) -> Int? {
    guard let next, next.sequence == block.sequence + 1, next.firstOrdinal >= block.firstOrdinal else { return nil }
    return Int(min(next.firstOrdinal - block.firstOrdinal, UInt64(Int32.max)))
  }

  private mutating func recover(_ block: RecoverySurvey.Block, limit: Int?) throws(NanoTSError) {
    guard let found = context.salvage.find(block.index, life: block.generation, after: last, limit: limit) else {
      note(block, nil, "the block was recycled while the file was read")
      return
    }
    guard copied.isAhead(block.firstOrdinal) else {
      note(block, nil, "the block begins with frame \(block.firstOrdinal), which a block before it has too")
      return
    }
    guard block.segment >= segment else {
      note(block, nil, "the block is of segment \(block.segment), and a block before it of \(segment)")
      return
    }
    noteGap(before: block, found.live.precedingEnd)
    let runs = kept(found.result.runs)
    var end = 0
    var part = SalvagedBlock(found, of: copied, index, metadata: metadata(of: block, found), to: context.target)
    for run in runs {
      noteMissing(end..<run.lowerBound, of: block, found)
      settlePending(before: found.frames.entry(run.lowerBound).timestamp)
      // Less than all where the stream got a longer name, for a frame that fills the whole block.
      end = try part.write(run)
      if end > run.lowerBound { last = found.frames.entry(end - 1).position }
    }
    add(part)
    if part.frames > 0 {
      segment = block.segment
      if found.preamble == nil, segmentBlocks[segment] == nil { segmentsWithoutMetadata += 1 }
    }
    noteMissing(end..<max(end, found.result.end), of: block, found)
    if found.result.end == 0, found.live.header == nil, limit != 0 {
      note(block, nil, "no frame of the block proves itself; it may have had none")
    }
    accountedEnd = block.firstOrdinal + UInt64(max(end, found.result.end))
  }

  private mutating func add(_ part: SalvagedBlock) {
    copied = part.stream
    guard part.frames > 0 else { return }
    report.frames += part.frames
    report.bytes += part.bytes
    if report.firstTimestamp == nil { report.firstTimestamp = part.first }
    report.lastTimestamp = part.last
  }

  /// The runs that become blocks of the new store: the longest, if there are too many.
  private func kept(_ runs: [Range<Int>]) -> [Range<Int>] {
    let isLarge = context.target.usedBlocks >= 2 * context.liveBlocks + SalvagedBlock.maximumParts
    let most = isLarge ? BlockCopy.maximumParts : SalvagedBlock.maximumParts
    guard runs.count > most else { return runs }
    let longest = runs.sorted { ($0.count, $1.lowerBound) > ($1.count, $0.lowerBound) }.prefix(most)
    return longest.sorted { $0.lowerBound < $1.lowerBound }
  }

  /// A block without a preamble has the metadata of its segment, which other blocks tell.
  private func metadata(of block: RecoverySurvey.Block, _ found: BlockSalvage.Found) -> [UInt8] {
    if let preamble = found.preamble { return preamble.metadata }
    guard let other = segmentBlocks[block.segment] else { return [] }
    return context.inspector.look(at: other).preamble?.metadata ?? []
  }

  // MARK: Losses

  private mutating func noteMissing(_ slots: Range<Int>, of block: RecoverySurvey.Block, _ found: BlockSalvage.Found) {
    guard !slots.isEmpty else { return }
    let isAll = slots.count == found.result.end
    let first = block.firstOrdinal + UInt64(slots.lowerBound)
    let frames = slots.count == 1 ? "the frame" : "\(slots.count) frames"
    let seal = found.live.sealedCount == nil ? nil : found.live.header
    note(
      block, first...(first + UInt64(slots.count - 1)),
      context.inspector.layout.hasByte(of: block.index, in: context.inspector.file)
        ? "\(frames): wrong by checksum, bounds or order, or behind more damaged places than can be kept"
        : "the block was cut off", from: isAll ? seal?.firstTimestamp : nil, to: isAll ? seal?.lastTimestamp : nil)
  }

  /// Frames between two blocks: taken, if the later block says so, or if nothing is unknown of any block.
  private mutating func noteGap(before block: RecoverySurvey.Block, _ precedingEnd: UInt64) {
    // Before the first block, what the stream's slot says was recycled; without one, nobody knows.
    guard let end = accountedEnd ?? (stream.slot == nil ? nil : copied.plan.reclaimedFrames), block.firstOrdinal > end,
      context.mayLackBlocks, precedingEnd == 0 || precedingEnd > end
    else { return }
    note(nil, end...(block.firstOrdinal - 1), "no block with them was found: they were lost, freed or recycled")
  }

  private mutating func noteEnd() {
    guard let end = accountedEnd ?? (stream.slot == nil ? nil : 0), context.mayLackBlocks,
      copied.plan.nextOrdinal > end, accountedEnd != nil || copied.plan.nextOrdinal > copied.plan.reclaimedFrames
    else { return }
    note(nil, end...(copied.plan.nextOrdinal - 1), "no block with them was found: they were lost, freed or recycled")
  }

  private mutating func note(
    _ block: RecoverySurvey.Block?, _ ordinals: ClosedRange<UInt64>?, _ reason: String, from: Int64? = nil,
    to: Int64? = nil
  ) {
    report.losses += 1
    if let ordinals { report.lostFrames &+= ordinals.upperBound - ordinals.lowerBound &+ 1 }
    guard losses.count < RecoveryReport.maximumLosses else { return }
    let layout = context.inspector.layout
    losses.append(
      RecoveryLoss(
        stream: report.name, block: layout.headerLayout == nil ? nil : block?.index,
        offset: block.map { UInt64(layout.offset(of: $0.index)) }, ordinals: ordinals,
        from: from ?? last?.timestamp, to: to, reason: reason))
  }

  /// A frame at `time` was found: what is missing before it is not after it.
  private mutating func settlePending(before time: Int64) {
    for index in firstPending..<losses.count where losses[index].to == nil { losses[index].to = time }
    firstPending = losses.count
  }

  /// The number of its blocks in the new store is known at the end.
  mutating func settle(blocks: Int) { report.blocks = blocks }
}
