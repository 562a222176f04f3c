internal import CNanoTS

extension Store {
  /// Copies the store, or a part of it, to a new store at `path`, while writers go on.
  ///
  /// The copy holds of each stream the frames that were visible when it began, up to the last one, with their ordinals,
  /// keys, flags, segments and metadata; nothing that was appended later. Every block of it is sealed and every frame
  /// was checked. It is a store of its own, with its own identity and as many blocks as it needs, and can be read,
  /// written and copied like any other. Quotas and protected ranges come along; minimums do not if they are more than its
  /// blocks. Frames out of the range leave no trace in the file.
  ///
  /// Nothing in this store is changed and no writer waits. Blocks are copied oldest first; one that is recycled before
  /// its turn is missed, and the report says how many frames that were. Nothing is pinned: with a whole ring pinned its
  /// writers would recycle what they have just stored. Whoever must have a part of it pins that part first. Damaged frames are left out and told. So the copy
  /// may be incomplete without an error: look at ``CopyReport/isComplete``.
  ///
  /// Works on a store opened read-only, and on one that lost power. `progress` is called before the first block and after
  /// each; when it returns false, the copy ends with `.cancelled`. After any error nothing is left behind, and a file
  /// that was to be replaced is as it was. The file gets the permissions of a new file, and of those none that this
  /// store's file does not give.
  ///
  /// Throws `.alreadyExists` unless `replacing`, `.invalidArgument` when `path` names this store's own file,
  /// `.notFound` for a stream that is not there, `.invalidName`, `.invalidBlockCount` when the number of blocks asked
  /// for is too small, `.outOfSpace`, `.cannotOpen`, `.cancelled`, `.unsupportedFeature`, `.overwritten` (a ring of one
  /// or two tiny blocks turned over too fast to be looked at), `.corrupt` when the copy did not come out as it was
  /// written, `.closed` or `.ioFailure`. O(bytes copied), and memory for 100 bytes a block.
  @discardableResult
  public func copy(
    to path: String, _ options: CopyOptions = CopyOptions(), replacing: Bool = false,
    progress: ((CopyProgress) -> Bool)? = nil
  ) throws(NanoTSError) -> CopyReport {
    try checkOpen()
    try checkLive(to: "copy")
    try checkFeatures()
    guard try !FileDescriptor.checkPlace(path, for: file.mapped.descriptor) else {
      throw NanoTSError(
        .invalidArgument,
        "the store \(self.path) cannot be copied onto itself: \(path) is the same file; take another path")
    }
    _ = try options.compression?.streamCompression.layout(blockSize: blockSize)
    return try StoreCreation.publishing(at: path, replacing: replacing) { temporary throws(NanoTSError) in
      guard let compression = options.compression else { return try copyFrames(to: temporary, options, progress) }
      return try rewrite(as: compression, to: temporary, options, progress)
    }
  }

  private func copyFrames(
    to temporary: String, _ options: CopyOptions, _ progress: ((CopyProgress) -> Bool)?
  ) throws(NanoTSError) -> CopyReport {
    try file.reading { () throws(NanoTSError) in
      let plan = try CopyPlan(self, options)
      var copy = try StoreCopy(self, plan, options, to: temporary, progress)
      return try copy.run()
    }
  }

  /// Copies as it is, so that no writer can recycle what is being compressed, and then stores the copy's frames anew.
  private func rewrite(
    as compression: CopyCompression, to temporary: String, _ options: CopyOptions,
    _ progress: ((CopyProgress) -> Bool)?
  ) throws(NanoTSError) -> CopyReport {
    var first = options
    (first.blockCount, first.compression) = (nil, nil)
    let middle = temporary + ".copy"
    // The first error is the one to report; a file that was never created cannot be removed and need not be.
    defer { unsafe nts_unlink(middle) }
    let report = try copyFrames(to: middle, first, progress)
    var rewriting = try Rewriting(
      Store(at: middle, .readOnly), as: compression, to: temporary, blockCount: options.blockCount, report)
    return try rewriting.run { blocks throws(NanoTSError) in
      let state = CopyProgress(
        phase: .rewriting, blocks: blocks, totalBlocks: report.blocks, frames: report.frames,
        totalFrames: report.frames, bytes: report.bytes)
      guard progress?(state) ?? true else {
        throw NanoTSError(.cancelled, "the copy of \(self.path) was cancelled; nothing of it is left")
      }
    }
  }

  /// A store with features that this build can only read has something in it that would not be copied.
  private func checkFeatures() throws(NanoTSError) {
    let page = unsafe UnsafeRawBufferPointer(start: file.mapped.base, count: FileHeader.byteCount)
    let header = unsafe FileHeader(reading: page)
    let unknown = header.writeIncompatibleFeatures & ~FileHeader.knownWriteIncompatibleFeatures
    guard unknown == 0 else {
      throw NanoTSError(
        .unsupportedFeature,
        "\(path) uses features that this build can read but not copy (bits 0x\(String(unknown, radix: 16))); use a later "
          + "release")
    }
  }
}

/// One run of copying a store.
struct StoreCopy {
  private let source: Store
  private let plan: CopyPlan
  private let range: ClosedRange<Int64>
  private let target: CopyTarget
  private let progress: ((CopyProgress) -> Bool)?
  private var streams: [CopiedStream]
  private var report = CopyReport()

  init(
    _ source: Store, _ plan: CopyPlan, _ options: CopyOptions, to temporary: String,
    _ progress: ((CopyProgress) -> Bool)?
  ) throws(NanoTSError) {
    let needed = max(plan.blocks.count, 1)
    if let blockCount = options.blockCount, blockCount < needed {
      throw NanoTSError(
        .invalidBlockCount, "\(blockCount) blocks are too few: what is to be copied lies in \(needed)")
    }
    self.source = source
    self.plan = plan
    self.progress = progress
    range = options.range
    target = try CopyTarget(
      temporary, source.file.shape, of: source.file.mapped.descriptor, blocks: options.blockCount ?? needed,
      mayGrow: options.blockCount == nil)
    streams = plan.streams.map { CopiedStream($0) }
    for finding in plan.findings { report.note(finding) }
  }

  mutating func run() throws(NanoTSError) -> CopyReport {
    try tell(.copying, 0, plan.blocks.count)
    for index in plan.blocks.indices {
      try copy(plan.blocks[index])
      try target.syncNowAndThen()
      try tell(.copying, index + 1, plan.blocks.count)
    }
    try target.complete(streams)
    try target.verify(frames: report.frames, of: source.path) { blocks throws(NanoTSError) in
      try tell(.verifying, blocks, target.usedBlocks)
    }
    report.streams = streams.count
    report.blocks = target.usedBlocks
    report.fileSize = try target.descriptor.size()
    return report
  }

  private func tell(_ phase: CopyProgress.Phase, _ blocks: Int, _ total: Int) throws(NanoTSError) {
    let state = CopyProgress(
      phase: phase, blocks: blocks, totalBlocks: total, frames: report.frames, totalFrames: plan.frames,
      bytes: report.bytes)
    guard progress?(state) ?? true else {
      throw NanoTSError(.cancelled, "the copy of \(source.path) was cancelled; nothing of it is left")
    }
  }

  // MARK: Blocks

  private mutating func copy(_ planned: CopyPlan.Block) throws(NanoTSError) {
    let header = source.file.header(Int(planned.block))
    let usedBefore = target.usedBlocks
    if let values = header.values(), values.generation == planned.generation, values.holdsFrames {
      let (stream, part) = try copy(planned, values)
      if header.isStill(planned.generation) {
        streams[Int(planned.stream)] = stream
        report.add(part)
        return
      }
    }
    // Its life was over before all of it was copied: what was copied may be of the next one.
    target.discard(from: usedBefore)
    report.missedFrames &+= planned.frames
    streams[Int(planned.stream)].missedBlocks += 1
    streams[Int(planned.stream)].missedFrames &+= planned.frames
  }

  /// Copies the block as it is now. What comes out is void if the block's life ended meanwhile.
  private func copy(
    _ planned: CopyPlan.Block, _ values: BlockHeaderValues
  ) throws(NanoTSError) -> (CopiedStream, CopyReport) {
    let mustProve = try mustProve(values)
    var stream = streams[Int(planned.stream)]
    let body = BlockBody(source.file, Int(planned.block), values)
    let preamble = unsafe BlockPreamble(checking: UnsafeRawBufferPointer(source.file.body(Int(planned.block))))
    guard let fault = fault(of: values, body, preamble, in: stream) else {
      var block = BlockCopy(
        planned, values, body!, preamble!, of: stream, in: range, mustProve: mustProve, from: source.file, to: target)
      try block.run()
      var part = block.tally
      if values.state == .sealed, values.sealChecksum != values.computedSealChecksum, !mustProve {
        // What it counts proves itself; what it should count nobody knows.
        part.note(finding(planned, .header, "the header's seal does not match its checksum; frames may be missing"))
      }
      return (block.stream, part)
    }
    var part = CopyReport()
    // A block that was being recycled when the power went looks like this; then no frame of it proves itself.
    if mustProve, (body?.wholePrefix(trusting: 0, coversPayload: source.file.checksPayloads) ?? 0) == 0 {
      part.unprovenFrames = planned.frames
      stream.endsEarly = true
    } else {
      part.damagedFrames = planned.frames
      part.note(finding(planned, fault.kind, "\(fault.message); the block is left out"))
    }
    return (stream, part)
  }

  private func finding(_ planned: CopyPlan.Block, _ kind: Finding.Kind, _ message: String) -> Finding {
    let name = plan.streams[Int(planned.stream)].stream.name
    return Finding(
      kind: kind, stream: String(decoding: name, as: UTF8.self), block: Int(planned.block), ordinal: nil,
      message: message)
  }

  /// As for any reader: frames of a suspect store, and of an open block that nobody writes, prove themselves one after
  /// the other.
  private func mustProve(_ values: BlockHeaderValues) throws(NanoTSError) -> Bool {
    if source.isSuspect { return true }
    guard values.state == .open else { return false }
    let lock = FileLock(
      file: source.file.mapped.descriptor, offset: StoreFile.LockOffset.stream(Int(values.streamSlot)))
    return try !lock.isHeldByAnother()
  }

  /// Why nothing of the block can be copied: what would say which frames they are is damaged.
  private func fault(
    of values: BlockHeaderValues, _ body: BlockBody?, _ preamble: BlockPreamble?, in stream: CopiedStream
  ) -> (kind: Finding.Kind, message: String)? {
    if values.identityChecksum != values.computedIdentityChecksum {
      return (.header, "the header's identity does not match its checksum")
    }
    if body == nil {
      return (.header, "its count of frames is impossible in a block of this size, or its layout is unknown")
    }
    guard let preamble, preamble.belongs(to: values, in: source.file), preamble.name == stream.plan.stream.name,
      preamble.metadata.count <= source.file.layout.maximumMetadataByteCount
    else { return (.preamble, "the preamble is damaged or of another block") }
    guard stream.isAhead(values.firstOrdinal), values.firstOrdinal < stream.plan.commitPoint else {
      return (.header, "the block begins with frame \(values.firstOrdinal), which is not between its neighbours")
    }
    return nil
  }
}
