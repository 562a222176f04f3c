/// What a copy is to hold, decided before the first block is copied: of each stream the frames up to its commit point.
struct CopyPlan {
  /// One stream of the copy.
  struct Stream {
    let stream: StreamTable.Stream
    /// Frames from this ordinal on were appended after the copy began.
    let commitPoint: UInt64
    /// The ordinal of the frame that a writer of the copy appends first.
    let nextOrdinal: UInt64
    let nextSequence: UInt64
    let nextSegment: UInt64
    /// The position that a writer of the copy must exceed if the copy has no frame of the stream.
    let floor: FramePosition?
    let reclaimedBlocks: UInt64
    let reclaimedFrames: UInt64
    /// Quota and protected ranges.
    let terms: StreamTerms
    /// What was said of how frames are stored.
    let compression: Compression?
  }

  /// One block that has frames for the copy.
  struct Block {
    let block: UInt32
    /// Index in `streams`.
    let stream: UInt32
    let generation: UInt64
    let sequence: UInt64
    /// How many of its frames are to be copied, as far as that can be told without reading all of them.
    let frames: UInt64
    /// The lower it is, the sooner the block will be recycled.
    let age: Int64
  }

  private(set) var streams: [Stream] = []
  /// In the order in which writers would recycle them: that gives each the best chance, and is nearly the order in which
  /// they lie in the file. Blocks of one stream are in order of sequence.
  private(set) var blocks: [Block] = []
  private(set) var frames: UInt64 = 0
  /// Streams that cannot be copied.
  private(set) var findings: [Finding] = []

  private let store: Store
  private let range: ClosedRange<Int64>

  /// Throws `.invalidName`, `.notFound` for a stream that the store does not have, `.overwritten` or `.ioFailure`.
  /// O(blocks · log blocks), of a suspect store O(streams · blocks).
  init(_ store: Store, _ options: CopyOptions) throws(NanoTSError) {
    self.store = store
    range = options.range
    let chosen = try chosenStreams(options.streams)
    // The first look at the blocks may take long. With it done, the commit points lie close together.
    if !store.isSuspect {
      for stream in chosen { _ = try store.directories.directory(of: stream.identifier, slot: stream.slot) }
    }
    var points: [CommitPoint] = []
    for stream in chosen {
      if let point = try CommitPoint.take(store, stream) { points.append(point) }
    }
    add(points, keepingEmpty: options.isWholeRange)
  }

  /// The plan for streams whose commit points were taken before.
  init(_ store: Store, _ options: CopyOptions, _ points: [CommitPoint]) {
    self.store = store
    range = options.range
    add(points, keepingEmpty: options.isWholeRange)
  }

  private mutating func add(_ points: [CommitPoint], keepingEmpty: Bool) {
    for point in points { add(point, keepingEmpty: keepingEmpty) }
    blocks.sort { ($0.age, $0.stream, $0.sequence) < ($1.age, $1.stream, $1.sequence) }
  }

  // MARK: Streams

  private mutating func chosenStreams(_ names: [String]?) throws(NanoTSError) -> [StreamTable.Stream] {
    let table = StreamTable(file: store.file)
    if let names {
      var chosen: [StreamTable.Stream] = []
      for name in names {
        guard let stream = table.find(try StreamTable.checkedName(name)) else {
          throw NanoTSError(.notFound, "the store \(store.path) has no stream '\(name)'; correct the name")
        }
        if !chosen.contains(stream) { chosen.append(stream) }
      }
      return chosen
    }
    findings = unreadableStreams()
    // Two slots with one identifier are damage; the first has the blocks.
    var seen: Set<UInt64> = []
    return table.all().filter { seen.insert($0.identifier).inserted }
  }

  /// Streams whose slot is damaged: nothing says what they are called.
  private func unreadableStreams() -> [Finding] {
    var findings: [Finding] = []
    for index in 0..<store.file.usedSlots {
      let slot = store.file.slot(index)
      let version = slot.version.acquired
      let identifier = slot.identifier.relaxed
      guard version & 1 == 0, identifier != 0, slot.readName(identifier: identifier) == nil,
        slot.version.isStill(version), findings.count < CopyReport.maximumFindings
      else { continue }
      findings.append(
        Finding(
          kind: .stream, stream: nil, block: nil, ordinal: nil,
          message: "stream table entry \(index) has a name that does not match its checksum; its stream is left out"))
    }
    return findings
  }

  private mutating func add(_ point: CommitPoint, keepingEmpty: Bool) {
    let before = blocks.count
    var copiedEnd: UInt64 = 0
    var age = Int64.min
    for index in 0..<point.blockCount {
      let part = wanted(of: point, index)
      guard part.frames > 0 else { continue }
      let entry = point.directory[index]
      age = max(age, part.age)
      copiedEnd = part.end
      frames &+= part.frames
      blocks.append(
        Block(
          block: entry.block, stream: UInt32(streams.count), generation: entry.generation, sequence: entry.sequence,
          frames: part.frames, age: age))
    }
    guard keepingEmpty || blocks.count > before else { return }
    let slot = store.file.slot(point.stream.slot)
    let isCut = range.upperBound < .max && copiedEnd < point.end
    let last = isCut ? FramePosition(timestamp: range.upperBound, key: .max) : store.isSuspect ? nil : point.last
    streams.append(
      Stream(
        stream: point.stream, commitPoint: point.end,
        nextOrdinal: isCut ? copiedEnd : max(point.end, store.isSuspect ? 0 : point.sealedEnd),
        nextSequence: slot.nextSequence.relaxed, nextSegment: slot.nextSegment.relaxed,
        floor: last ?? slot.floor, reclaimedBlocks: point.reclaimedBlocks, reclaimedFrames: point.reclaimedFrames,
        terms: slot.readTerms() ?? StreamTerms(), compression: slot.compression))
  }

  // MARK: Blocks

  /// How many frames of a block are wanted, the ordinal behind the last of them, and how old the block is. O(1), and
  /// O(frames) for a block at an end of the range.
  private func wanted(of point: CommitPoint, _ index: Int) -> (frames: UInt64, end: UInt64, age: Int64) {
    let entry = point.directory[index]
    let header = store.file.header(Int(entry.block))
    let most = mostWanted(of: point, index)
    // Recycled since its stream's commit point was taken: it stays in the plan, so that it is told as missed.
    let gone = (frames: most, end: entry.firstOrdinal &+ most, age: entry.first.timestamp)
    guard let values = header.values(), values.generation == entry.generation, values.holdsFrames else { return gone }
    let age = values.state == .sealed ? values.lastTimestamp : .max
    guard let body = BlockBody(store.file, Int(entry.block), values) else {
      return (most, entry.firstOrdinal &+ most, age)
    }
    // A block that begins behind the end of a later one is damaged; it is kept here, to be told of.
    let limit = entry.firstOrdinal < point.end ? point.end - entry.firstOrdinal : .max
    let part = framesInRange(body, values, upTo: Int(min(UInt64(body.count), limit)))
    guard header.isStill(values.generation) else { return gone }
    return (UInt64(part.count), entry.firstOrdinal &+ UInt64(part.end), age)
  }

  /// How many of the first `limit` frames lie in the range, and how many there are up to the last of those.
  private func framesInRange(
    _ body: BlockBody, _ values: BlockHeaderValues, upTo limit: Int
  ) -> (count: Int, end: Int) {
    if range == Int64.min...Int64.max { return (limit, limit) }
    // A seal that its checksum vouches for spares the look into the index of all blocks but those at the ends.
    if values.state == .sealed, values.sealChecksum == values.computedSealChecksum {
      if values.firstTimestamp > range.upperBound || values.lastTimestamp < range.lowerBound { return (0, 0) }
      if range.contains(values.firstTimestamp), range.contains(values.lastTimestamp) { return (limit, limit) }
    }
    // Not by halves: one damaged time would hide good frames.
    var (count, end) = (0, 0)
    for slot in 0..<limit where range.contains(body.entry(slot).timestamp) { (count, end) = (count + 1, slot + 1) }
    return (count, end)
  }

  /// How many frames are wanted of a block that does not say itself what it holds: all up to the next block, or up to
  /// the commit point, if they may lie in the range.
  private func mostWanted(of point: CommitPoint, _ index: Int) -> UInt64 {
    let entry = point.directory[index]
    let next = index + 1 < point.blockCount ? point.directory[index + 1] : nil
    guard entry.first.timestamp <= range.upperBound, (next?.first.timestamp ?? .max) >= range.lowerBound else {
      return 0
    }
    let end = next?.firstOrdinal ?? point.end
    return end > entry.firstOrdinal ? end - entry.firstOrdinal : 1
  }
}
