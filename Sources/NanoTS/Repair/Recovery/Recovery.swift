extension Store {
  /// Makes a new store at `path` of every frame in the damaged store at `damaged` that proves itself.
  ///
  /// Nothing of the damaged file needs to be right but the blocks themselves: where the header, the stream table or the
  /// block table is overwritten or cut off, preambles and checksums say what a block is. What the header and the tables
  /// still prove is used: which blocks were freed or recycled, how many frames there are, quotas and protected ranges.
  ///
  /// The new store is a normal one, with an identity of its own: the block size, time unit and checksum mode of the damaged
  /// one; of each stream the frames with their ordinals, keys, flags, segments, metadata and clamped marks, and gaps where
  /// some are missing. Every block is sealed, every frame was checked, and it can be written on. It is written under a
  /// temporary name beside `path` and gets its name when it is whole; after any error nothing is left behind.
  ///
  /// The damaged file is opened for reading only and never changed. It may be in use by writers meanwhile: each block is
  /// taken as it is when it is read.
  ///
  /// `progress` is called often; when it returns false, the recovery ends with `.cancelled`. Whether anything is missing
  /// is told by ``RecoveryReport/isWhole`` and the losses.
  ///
  /// Throws `.notAStore` when nothing in the file proves itself, `.corrupt` when no frame does or the new store did not
  /// come out as it was written, `.notFound`, `.cannotOpen`, `.invalidArgument` when `path` names the damaged file itself,
  /// `.alreadyExists` unless replacing, `.unsupportedVersion` or `.unsupportedFeature` for a store of a later release,
  /// `.outOfSpace`, `.cancelled` or `.ioFailure`. O(bytes of the file); memory for a block and for 100 bytes a block.
  /// May be called from any thread.
  public static func recover(
    _ damaged: String, to path: String, _ options: RecoveryOptions = RecoveryOptions(),
    progress: ((RecoveryProgress) -> Bool)? = nil
  ) throws(NanoTSError) -> RecoveryReport {
    precondition(LayoutCheck.isDone)
    let file = try DamagedFile(opening: damaged)
    guard try !FileDescriptor.checkPlace(path, for: file.descriptor) else {
      throw NanoTSError(
        .invalidArgument, "\(damaged) cannot be recovered onto itself: \(path) is the same file; take another path")
    }
    return try StoreCreation.publishing(at: path, replacing: options.replacing) { temporary throws(NanoTSError) in
      var recovery = Recovery(file, options, progress)
      return try recovery.run(to: temporary)
    }
  }
}

/// One run of recovering a store.
struct Recovery {
  private let file: DamagedFile
  private let options: RecoveryOptions
  private let progress: ((RecoveryProgress) -> Bool)?
  private var report = RecoveryReport()

  init(_ file: DamagedFile, _ options: RecoveryOptions, _ progress: ((RecoveryProgress) -> Bool)?) {
    self.file = file
    self.options = options
    self.progress = progress
  }

  mutating func run(to temporary: String) throws(NanoTSError) -> RecoveryReport {
    let layout = try findLayout()
    let slots = slots(layout)
    let inspector = BlockInspector(file, layout)
    var survey = try RecoverySurvey(inspector, slots) { done, total throws(NanoTSError) in
      try tell(.surveying, done, total)
    }
    report.notes += survey.settleNames()
    if survey.limitStreams() > 0 {
      report.notes.append("there are blocks of more streams than a store can have; those beyond 65,536 are left out")
    }
    note(survey, layout, slots)
    try write(survey, inspector, to: temporary)
    return report
  }

  private func tell(
    _ phase: RecoveryProgress.Phase, _ done: Int, _ total: Int, _ frames: UInt64 = 0
  ) throws(NanoTSError) {
    guard progress?(RecoveryProgress(phase: phase, done: done, total: total, frames: frames)) ?? true else {
      throw NanoTSError(.cancelled, "the recovery of \(file.path) was cancelled; nothing of it is left")
    }
  }

  // MARK: What the file is

  private mutating func findLayout() throws(NanoTSError) -> DamagedLayout {
    if let layout = try DamagedLayout.fromHeader(of: file) { return layout }
    var search = BlockSearch(file)
    let found = try search.run { done, total throws(NanoTSError) in try tell(.searching, done, total) }
    guard let (family, blocks) = found else {
      throw NanoTSError(
        .notAStore,
        "\(file.path): nothing in its \(file.byteCount) bytes is a store's header or a block that proves itself; there "
          + "is nothing to recover")
    }
    var layout = DamagedLayout(family, in: file)
    layout.tableOffset = BlockTableSearch(file: file, layout: layout).run()
    report.notes.append(
      "the file header does not prove itself; block size \(family.blockSize) and time unit are those of \(blocks) "
        + "blocks that were found")
    return layout
  }

  private func slots(_ layout: DamagedLayout) -> DamagedSlots {
    let capacity = layout.headerLayout?.streamCapacity ?? StoreLayout.streamCapacities.upperBound
    return DamagedSlots(
      file, capacity: capacity, before: layout.headerLayout?.blockTableOffset ?? firstBlockOffset(layout),
      headerIsRight: layout.headerLayout != nil)
  }

  /// Slots lie before the first block that proves itself.
  private func firstBlockOffset(_ layout: DamagedLayout) -> Int {
    let reader = PreambleReader(file)
    let index = (0..<layout.blockCount).first { reader.preamble(at: layout.offset(of: $0)).map(layout.has) ?? false }
    return layout.offset(of: index ?? 0)
  }

  private mutating func note(_ survey: RecoverySurvey, _ layout: DamagedLayout, _ slots: DamagedSlots) {
    report.timeUnit = TimeUnit(rawValue: layout.timeUnit) ?? .nanoseconds
    report.checksPayloads = layout.checksPayloads
    report.blockSize = layout.blockSize
    if isCutOff(layout) {
      report.notes.append("the file has only \(file.byteCount) bytes; a part of it was cut off")
    }
    if !layout.checksPayloads {
      report.notes.append("checksums do not cover payloads in this store: damage in payloads cannot be seen")
    }
    let isTableGone = layout.tableOffset == nil
    if isTableGone || survey.blocksWithoutHeader > 0 {
      let what =
        isTableGone
        ? "the block table is gone" : "\(survey.blocksWithoutHeader) entries of the block table do not prove themselves"
      report.notes.append("\(what): frames that were freed or recycled there may be back")
    }
    if survey.streams.contains(where: { $0.slot == nil }) {
      report.notes.append(
        "the stream table does not prove all streams: quotas and protected ranges of "
          + "\(survey.streams.count { $0.slot == nil }) are not in the new store")
    }
    for stream in survey.streams where stream.slot != nil && stream.slot?.terms == nil {
      report.notes.append(
        "stream '\(String(decoding: stream.name, as: UTF8.self))': quota and protected ranges do not match their "
          + "checksum and are left out")
    }
    if let header = layout.headerLayout, layout.blockCount < header.blockCount {
      let blocks = header.blockCount - layout.blockCount
      addLosses(of: [layout.blockCount], layout, "the headers of \(blocks) blocks from this one on were cut off")
    }
    addLosses(of: survey.unknownBlocks, layout, "neither preamble nor header of the block proves itself")
    addLosses(of: survey.unreadableBlocks, layout, "the block has a layout that this build does not know")
    addLosses(
      of: survey.suspiciousBlocks, layout, "the counters say that the block was used, and nothing is left in it")
  }

  private mutating func addLosses(of blocks: [Int], _ layout: DamagedLayout, _ reason: String) {
    for block in blocks {
      report.add(
        RecoveryLoss(
          stream: nil, block: layout.headerLayout == nil ? nil : block, offset: UInt64(layout.offset(of: block)),
          ordinals: nil, from: nil, to: nil, reason: reason))
    }
  }

  private func isCutOff(_ layout: DamagedLayout) -> Bool {
    guard let header = layout.headerLayout else {
      return (file.byteCount - layout.dataOffset) % layout.blockSize != 0
    }
    return layout.blockCount < header.blockCount || file.byteCount < promised(header)
  }

  /// The length that the header promises. Bound: the header proved itself.
  private func promised(_ layout: StoreLayout) -> Int {
    let page = PrivateBytes(count: FileHeader.byteCount)
    file.read(page.count, at: 0, into: page)
    let initial = unsafe FileHeader(reading: page.prefix(page.count)).initialBlockCount
    return layout.fileSize(blocks: Int(clamping: min(initial, UInt64(layout.blockCount))))
  }

  // MARK: The new store

  private mutating func write(
    _ survey: RecoverySurvey, _ inspector: BlockInspector, to temporary: String
  ) throws(NanoTSError) {
    let layout = inspector.layout
    let capacity = layout.headerLayout?.streamCapacity ?? StoreOptions().streamCapacity
    let target = try CopyTarget(
      temporary,
      StoreShape(
        blockSize: layout.blockSize, streamCapacity: max(capacity, survey.streams.count), timeUnit: layout.timeUnit,
        checksPayloads: layout.checksPayloads, pinsHold: layout.pinsHold, compression: layout.compression),
      of: file.descriptor, blocks: max(survey.liveBlocks, 1), mayGrow: true, leastBlocks: leastBlocks(layout))
    let context = StreamRecovery.Context(
      inspector: inspector, salvage: BlockSalvage(inspector), target: target, liveBlocks: survey.liveBlocks,
      mayLackBlocks: isCutOff(layout) || layout.headerLayout == nil || survey.blocksWithoutHeader > 0
        || !survey.suspiciousBlocks.isEmpty || !survey.unknownBlocks.isEmpty || !survey.unreadableBlocks.isEmpty)
    var done = 0
    var streams: [CopiedStream] = []
    var identifiers: Set<UInt64> = [0]
    for (index, stream) in survey.streams.enumerated() {
      let isOwn = identifiers.insert(stream.identifier).inserted
      let before = target.usedBlocks
      var recovery = StreamRecovery(
        stream, index, identifier: isOwn ? stream.identifier : Entropy.nextNonZero(), context)
      try recovery.run { frames throws(NanoTSError) in
        try tell(.copying, done, survey.liveBlocks, report.frames + frames)
        done += 1
      }
      recovery.settle(blocks: target.usedBlocks - before)
      add(recovery)
      streams.append(recovery.copied)
    }
    try checkHope(survey)
    try target.complete(streams)
    try target.verify(frames: report.frames, of: file.path) { blocks throws(NanoTSError) in
      try tell(.verifying, blocks, target.usedBlocks, report.frames)
    }
    report.blocks = target.usedBlocks
    report.fileSize = try target.descriptor.size()
    if file.unreadablePages > 0 {
      report.notes.append("the disk did not give \(file.unreadablePages) pages of 4 KiB; they count as zeros")
    }
  }

  /// As many blocks as the caller asked for, or as the damaged file really has room for.
  private func leastBlocks(_ layout: DamagedLayout) -> Int {
    let inFile = layout.headerLayout?.wholeBlocks(inFileOf: UInt64(file.byteCount)) ?? 1
    return min(max(options.blockCount ?? inFile, 1), StoreLayout.maximumBlockCount)
  }

  private mutating func add(_ recovery: StreamRecovery) {
    if recovery.segmentsWithoutMetadata > 0 {
      report.notes.append(
        "stream '\(recovery.report.name)': the metadata of \(recovery.segmentsWithoutMetadata) blocks' segments is lost, "
          + "if they had some")
    }
    report.streams.append(recovery.report)
    report.frames += recovery.report.frames
    report.bytes += recovery.report.bytes
    for loss in recovery.losses { report.add(loss) }
    report.lossCount += recovery.report.losses - recovery.losses.count
  }

  /// An empty store is whole; one of which nothing is left is not worth a file.
  private func checkHope(_ survey: RecoverySurvey) throws(NanoTSError) {
    guard report.frames == 0, report.lossCount > 0 else { return }
    let first = report.losses.first.map { "; \($0.description)" } ?? ""
    throw NanoTSError(.corrupt, "\(file.path): no frame in it proves itself; there is nothing to recover\(first)")
  }
}
