// What happens at the ends of a block, and when a block was recycled under the cursor.

extension Cursor {
  @usableFromInline @inline(never)
  mutating func nextSlowly() throws(NanoTSError) -> Frame? {
    let file = store.file
    return try file.reading { () throws(NanoTSError) in try stepForward() }
  }

  private mutating func stepForward() throws(NanoTSError) -> Frame? {
    while true {
      guard window != nil else {
        guard try enterFirstBlock() else { return nil }
        continue
      }
      if upcoming < window!.count {
        if let frame = try frame(at: upcoming) { return frame }
        try skipToOldestLeft(expecting: window!.ordinal(upcoming), knowing: directory)
        continue
      }
      let countBefore = window!.count
      guard window!.refresh() else {
        try skipToOldestLeft(expecting: ordinalBehindBlock, knowing: directory)
        continue
      }
      setFastRange()
      if window!.count > countBefore { continue }
      // From here on the cursor is behind the block's last frame, whatever is returned or thrown.
      standing = 0
      try reportFault()
      guard try enterNextBlock() else { return nil }
    }
  }

  @usableFromInline @inline(never)
  mutating func previousSlowly() throws(NanoTSError) -> Frame? {
    let file = store.file
    return try file.reading { () throws(NanoTSError) in try stepBack() }
  }

  private mutating func stepBack() throws(NanoTSError) -> Frame? {
    guard window != nil else { return nil }
    while true {
      let slot = upcoming - 1 - standing
      if slot >= 0 {
        upcoming = slot
        standing = 0
        if verifiesChecksums { (fastStart, fastEnd) = (0, 0) }
        if let frame = try frame(at: slot, stayingBehindDamage: true) { return frame }
        let following = slot + 1 < window!.count ? window!.ordinal(slot + 1) : ordinalBehindBlock(from: window!.count)
        try stopBehindNewestLeft(before: window!.ordinal(slot), following)
        return nil
      }
      (upcoming, standing) = (0, 0)
      try reportFault()
      guard blockIndex > 0 else { return nil }
      let ordinal = window!.firstOrdinal
      guard try enter(blockIndex - 1) else {
        try stopBehindNewestLeft(before: ordinal &- 1, ordinal)
        return nil
      }
      upcoming = window!.count
    }
  }

  // MARK: Frames

  /// The frame at `slot`, onto which the cursor steps; nil when the block's life is over. Throws `.corrupt` for a frame
  /// that does not prove itself or points outside its block; the cursor is then behind it, or before it going back.
  private mutating func frame(at slot: Int, stayingBehindDamage: Bool = false) throws(NanoTSError) -> Frame? {
    if window!.chunks != nil {
      let extent = wantsFrameAlone ? ChunkLoader.Extent.frame : .all
      wantsFrameAlone = false
      switch load(slot, extent) {
      case .over, .changed: return nil
      case .damaged(let slots): try passDamage(slots, at: slot, goingBack: stayingBehindDamage)
      case .loaded: break
      }
    }
    let frame = window!.frame(slot)
    let whole =
      frame == nil ? nil : verifiesChecksums ? wholeRun(at: slot, goingBack: stayingBehindDamage) : slot..<slot
    guard window!.life.isStill(window!.lifeGeneration) else { return nil }
    guard let frame, let whole else {
      try passDamage(slot..<(slot + 1), at: slot, goingBack: stayingBehindDamage)
      return nil
    }
    (upcoming, standing) = (slot + 1, 1)
    if verifiesChecksums { (fastStart, fastEnd) = (whole.lowerBound, whole.upperBound) }
    return frame
  }

  /// Throws for frames that cannot be read, the one at `slot` among them. The cursor, which is before it going back, is then
  /// on their other side.
  private mutating func passDamage(_ slots: Range<Int>, at slot: Int, goingBack: Bool) throws(NanoTSError) {
    let window = window!
    let passed = goingBack ? slots.lowerBound..<(slot + 1) : slot..<slots.upperBound
    (upcoming, standing) = (goingBack ? passed.lowerBound : passed.upperBound, 0)
    // The frames behind it that were found whole are not the next ones any more.
    if verifiesChecksums { (fastStart, fastEnd) = (0, 0) }
    let which =
      passed.count == 1
      ? "frame \(window.ordinal(slot)) in block \(window.block) does not match its checksum or bounds"
      : "frames \(window.ordinal(passed.lowerBound)) to \(window.ordinal(passed.upperBound - 1)) in block "
        + "\(window.block) lie in a chunk that does not match its checksum or bounds"
    throw NanoTSError(
      .corrupt,
      "stream '\(String(decoding: name, as: UTF8.self))': \(which); step on to pass over it, and run 'nanots verify'",
      missedFrames: UInt64(passed.count))
  }

  /// Throws, once, when the present block cannot be read.
  private mutating func reportFault() throws(NanoTSError) {
    guard let window, window.fault != .none, !hasReportedFault else { return }
    hasReportedFault = true
    let isNextKnown = blockIndex + 1 < directory.count
    let missed = isNextKnown ? directory[blockIndex + 1].firstOrdinal &- window.ordinal(window.count) : 1
    let place = "stream '\(String(decoding: name, as: UTF8.self))', block \(window.block)"
    guard window.fault != .unknownLayout else {
      if window.layout.kind == BodyLayout.chunked, !LZ4.isAvailable {
        throw LZ4.unavailable("\(place): frames are compressed", missedFrames: missed)
      }
      throw NanoTSError(
        .unsupportedFeature,
        "\(place): body layout \(window.layout.kind) with entries of \(window.layout.entrySize) bytes is not known to this "
          + "build; use a later release, or step on to pass over it", missedFrames: missed)
    }
    try refuseUnreadable()
    let damage =
      window.fault == .damagedIdentity
      ? "its header does not match its checksum" : "its count of frames contradicts its size"
    throw NanoTSError(
      .corrupt, "\(place): \(damage); step on to pass over it, and run 'nanots verify'", missedFrames: missed)
  }

  /// Throws when the present block of a snapshot could not be read.
  func refuseUnreadable() throws(NanoTSError) {
    guard let window, case .unreadable(let systemError) = window.fault else { return }
    let cause =
      systemError == 0 ? FileDescriptor.cutOff(store.path) : SystemCall.failure(systemError, "pread", store.path)
    // Its header was read, with the snapshot.
    throw NanoTSError(
      cause.code,
      "stream '\(String(decoding: name, as: UTF8.self))', block \(window.block): \(cause.message); step on to pass over it",
      missedFrames: UInt64(BlockCommit(word: window.header.commit.relaxed).count), systemError: systemError)
  }

  // MARK: Blocks

  /// Opens the block at `index` of the directory at its first frame; false when its life is over.
  mutating func enter(_ index: Int) throws(NanoTSError) -> Bool {
    let file = store.file
    if enterSimply(index, file) != nil { return true }
    return try file.isSnapshot ? enterImage(index) : enterMapped(index)
  }

  /// The same for nearly every block: plain, whole, of a writer that left it or that lives; the cursor may be in it. Nil, with
  /// nothing changed, when the block is another one, or its life is over.
  @inline(__always)
  mutating func enterSimply(_ index: Int, _ file: StoreFile) -> PlainIndex? {
    guard !file.isSnapshot, !verifiesChecksums, !store.isSuspect else { return nil }
    let (block, generation) = (Int(directory[index].block), directory[index].generation)
    let place = file.mappedPlace(block, generation: generation)
    // The seqlock as `values` has it, written out: inlined, what is not asked for costs nothing.
    guard place.header.generation.acquired == generation,
      let values = place.header.unguardedValues(generation: generation), place.header.isStill(generation),
      values.state == .sealed
        || (values.state == .open && trustedLife == WrittenBlock(block: block, generation: generation)),
      BlockWindow.isSimple(values, blockSize: file.layout.blockSize)
    else { return nil }
    let count = Int(values.commit.count)
    let isShown = index == blockIndex && fastStart == 0 && fastEnd == count && window?.generation == generation
    if !isShown || window!.fault != .none {
      window = BlockWindow(simple: place, file, block, values)
      hasReportedFault = false
      blockIndex = index
      (fastStart, fastEnd) = (0, count)
    }
    (upcoming, standing, runLength) = (0, 0, 0)
    return PlainIndex(place, values)
  }

  private mutating func enterMapped(_ index: Int) throws(NanoTSError) -> Bool {
    let file = store.file
    let (block, generation) = (Int(directory[index].block), directory[index].generation)
    guard let values = file.header(block).values(), values.generation == generation, values.holdsFrames,
      let opened = BlockWindow(
        file, block, file.mappedPlace(block, generation: generation), values, verifiesIdentity: verifiesChecksums,
        proof: try proof(of: block, values))
    else { return false }
    window = opened
    begin(index)
    return true
  }

  /// As `enterMapped`, in a snapshot.
  private mutating func enterImage(_ index: Int) throws(NanoTSError) -> Bool {
    let file = store.file
    let block = Int(directory[index].block)
    guard let stored = file.stored(block, generation: directory[index].generation),
      let opened = BlockWindow(
        file, block, stored.place, stored.values, failure: stored.failure?.systemError,
        verifiesIdentity: verifiesChecksums, proof: try proof(of: block, stored.values))
    else { return false }
    // What was unpacked is known by where its block lies, and another one may lie there from now on.
    if image != nil { loader = nil }
    (window, image) = (opened, stored.image)
    begin(index)
    return true
  }

  /// Stands before the first frame of the block at `index` of the directory, which `window` shows.
  private mutating func begin(_ index: Int) {
    hasReportedFault = false
    blockIndex = index
    (upcoming, standing, runLength) = (0, 0, 0)
    setFastRange()
  }

  private mutating func proof(
    of block: Int, _ values: BlockHeaderValues
  ) throws(NanoTSError) -> BlockWindow.Proof {
    // A synced and sealed block of a suspect store may have been in the middle of being recycled: it proves itself too. An
    // open block is trusted if its writer lives, and from then on: a writer that is killed leaves what it committed whole, and
    // a copy of the file, which may have caught it between two stores, has another writer or none.
    if store.isSuspect { return .found }
    let life = WrittenBlock(block: block, generation: values.generation)
    guard values.state == .open, life != trustedLife else { return .none }
    let lock = FileLock(
      file: store.file.mapped.descriptor, offset: StoreFile.LockOffset.stream(Int(values.streamSlot)))
    guard try lock.isHeldByAnother() else { return .counted }
    trustedLife = life
    return .none
  }

  /// Enters the block after the present one; false when there is none yet.
  private mutating func enterNextBlock() throws(NanoTSError) -> Bool {
    let expected = ordinalBehindBlock
    if blockIndex + 1 >= directory.count {
      // Read before the directory: frames below it were sealed by now, so their blocks are found or are gone.
      let end = try sealedEnd()
      let hasNext = try refreshDirectory()
      // The writer left this block before the next one was published, so what it holds now is all.
      let countBefore = window!.count
      guard window!.refresh() else {
        try skipToOldestLeft(expecting: expected, knowing: directory)
        return true
      }
      setFastRange()
      if window!.count > countBefore { return true }
      guard hasNext else {
        try reportAllGone(from: expected, to: end)
        return false
      }
    }
    guard try enter(blockIndex + 1) else {
      try skipToOldestLeft(expecting: expected, knowing: directory)
      return true
    }
    try reportMissed(since: expected)
    return true
  }

  /// The ordinal expected behind the present block, at whose end the cursor is. A gap that was there when the cursor was
  /// placed is no news: `next` passes over it. One of frames that came later is.
  private var ordinalBehindBlock: UInt64 { ordinalBehindBlock(from: upcoming) }

  private func ordinalBehindBlock(from slot: Int) -> UInt64 {
    let here = window!.ordinal(slot)
    guard blockIndex + 1 < directory.count else { return max(here, passedOrdinal) }
    let next = directory[blockIndex + 1].firstOrdinal
    // What a damaged block, or one that must prove itself, does not show is told of otherwise or was never there.
    if next <= passedOrdinal || window!.fault != .none || store.isSuspect { return next }
    return max(here, passedOrdinal)
  }

  /// The ordinal after the stream's last sealed frame, as of now. The stream is looked up first: one that was freed and
  /// made anew counts from 0 again.
  mutating func sealedEnd() throws(NanoTSError) -> UInt64 {
    try findStream()
    return stream.map { store.file.slot($0.slot).nextOrdinal.acquired } ?? 0
  }

  private mutating func enterFirstBlock() throws(NanoTSError) -> Bool {
    // First, because a stream that was freed and made anew has none of the ordinals that were expected.
    try findStream()
    if let expectedOrdinal {
      try skipToOldestLeft(expecting: expectedOrdinal, knowing: directory)
      return window != nil
    }
    for _ in 0..<Cursor.attempts {
      let end = try sealedEnd()
      _ = try refreshDirectory()
      for index in 0..<directory.count where try enter(index) {
        // Blocks before it are gone, and the cursor never came to them: there is nothing before this one.
        directory.dropBlocks(before: directory[index].sequence)
        blockIndex = 0
        passedOrdinal = end
        return true
      }
      if try standBehindEmptyStream() { return false }
    }
    throw NanoTSError.overwritten(missing: 0, of: String(decoding: name, as: UTF8.self))
  }

  /// With no living block in the directory: `next` is to come to the frame after the last sealed one. False, with nothing
  /// changed, when blocks were published since the directory was taken: all that it could have had were recycled
  /// meanwhile, and the stream is not empty.
  mutating func standBehindEmptyStream() throws(NanoTSError) -> Bool {
    let end = try sealedEnd()
    guard isUnchangedSinceDirectory() else { return false }
    leaveBlocks(expecting: end)
    return true
  }

  /// How often a reader looks again when writers recycle what it has just found. Each round takes a microsecond or two
  /// and a writer fills a whole block in between, so more than a few mean a ring of one or two tiny blocks.
  static let attempts = 1000

  // MARK: Being lapped

  /// Goes to the oldest frame left at or after `expected`, and reports how many were missed. `known` is the directory by
  /// which the cursor came here.
  ///
  /// Blocks whose life is over are stepped over, also where they are in the stream's list still: who takes them out may
  /// have stopped or died on the way.
  private mutating func skipToOldestLeft(
    expecting expected: UInt64, knowing known: StreamDirectory
  ) throws(NanoTSError) {
    passedOrdinal = max(passedOrdinal, expected)
    let left = window
    for _ in 0..<Cursor.attempts {
      let end = try sealedEnd()
      _ = try refreshDirectory()
      let oldest = directory.isEmpty ? 0 : directory.lastBlock(startingAtOrBefore: expected)
      let start = max(oldest, left.map(indexBehind) ?? 0)
      for index in start..<max(start, directory.count) where try enter(index) {
        let slot = expected > window!.firstOrdinal ? expected - window!.firstOrdinal : 0
        // What lies before a block's first frame is gone also while that frame is yet to come.
        if slot == 0 || slot < UInt64(window!.count) {
          upcoming = Int(slot)
          goOn(in: known)
          return try reportMissed(since: expected)
        }
      }
      // Nothing is left from there on, unless blocks came since the directory was taken.
      guard isUnchangedSinceDirectory() else { continue }
      if try enterNewestLeft() {
        directory.dropBlocks(after: blockIndex)
        // Frames from there on that were committed since are still to come.
        if expected > window!.firstOrdinal, expected < window!.ordinal(upcoming) {
          upcoming = Int(expected - window!.firstOrdinal)
        }
      } else {
        wait(for: expected, knowing: known)
      }
      return try reportAllGone(from: expected, to: end)
    }
    wait(for: expected, knowing: known)
    throw NanoTSError.overwritten(missing: 0, of: String(decoding: name, as: UTF8.self))
  }

  /// The first block of the directory that comes after `left`: whatever ordinals a damaged header claims, a walk forward
  /// does not go back, and so comes to its end. A block that was given back without a frame leaves its sequence to another.
  private func indexBehind(_ left: BlockWindow) -> Int {
    let index = directory.lastBlock(upToSequence: left.sequence)
    guard index >= 0, directory[index].sequence == left.sequence, directory[index].generation != left.generation else {
      return index + 1
    }
    return index
  }

  /// Leaves the blocks: `next` is to come to the frame `expected`, or to tell of it, by what was known before.
  private mutating func wait(for expected: UInt64, knowing known: StreamDirectory) {
    let passed = max(passedOrdinal, expected)
    leaveBlocks(expecting: expected)
    passedOrdinal = passed
    directory = known
    directoryMark = nil
  }

  /// True when no block was published since the directory was taken. One that was given back lends its sequence to the next:
  /// then the removals are others.
  func isUnchangedSinceDirectory() -> Bool {
    guard let stream else { return true }
    let mark = DirectoryMark(of: store.file.slot(stream.slot))
    return mark.nextSequence == directoryMark?.nextSequence && mark.removals == directoryMark?.removals
  }

  /// Having found a block that is left, goes back to the directory in which the cursor knew it: blocks ahead that were
  /// taken since are in that one and not in a newer one, and are told of when the cursor comes to them.
  private mutating func goOn(in known: StreamDirectory) {
    guard let window else { return }
    let index = known.lastBlock(upToSequence: window.sequence)
    guard index >= 0, known[index].generation == window.generation, Int(known[index].block) == window.block else {
      return
    }
    directory = known
    directoryMark = nil
    blockIndex = index
  }

  /// Throws `.overwritten` when the frame that comes next is not the expected one.
  private mutating func reportMissed(since expected: UInt64) throws(NanoTSError) {
    let next = window!.ordinal(upcoming)
    guard next > expected else { return }
    passedOrdinal = max(passedOrdinal, next)
    throw NanoTSError.overwritten(missing: next - expected, of: String(decoding: name, as: UTF8.self))
  }

  /// With no frame left from `expected` up to `end`, reports them missed.
  private mutating func reportAllGone(from expected: UInt64, to end: UInt64) throws(NanoTSError) {
    guard end > expected else { return }
    passedOrdinal = end
    if expectedOrdinal != nil { expectedOrdinal = end }
    throw NanoTSError.overwritten(missing: end - expected, of: String(decoding: name, as: UTF8.self))
  }

  /// Going back and finding the frame `ordinal` gone: goes behind the newest frame left before it, or before the oldest
  /// frame there is, and reports how many were missed. There `next` is to come to `following`.
  private mutating func stopBehindNewestLeft(before ordinal: UInt64, _ following: UInt64) throws(NanoTSError) {
    let known = directory
    let oldestKnown = directory.isEmpty ? ordinal : directory[0].firstOrdinal
    let left = window!.sequence
    _ = try refreshDirectory()
    // Whatever ordinals a damaged header claims, a walk back does not go forward, and so comes to its end.
    let before = left == 0 ? -1 : directory.lastBlock(upToSequence: left - 1)
    var index = directory.isEmpty ? -1 : min(directory.lastBlock(startingAtOrBefore: ordinal), before)
    while index >= 0 {
      if try enter(index), window!.firstOrdinal <= ordinal {
        let slots = min(ordinal - window!.firstOrdinal &+ 1, UInt64(window!.count))
        upcoming = Int(slots)
        goOn(in: known)
        throw NanoTSError.overwritten(
          missing: ordinal &+ 1 &- window!.ordinal(upcoming), of: String(decoding: name, as: UTF8.self))
      }
      index -= 1
    }
    // Before the oldest frame there is. What was known to lie ahead and is gone by now, `next` tells of.
    wait(for: following, knowing: known)
    throw NanoTSError.overwritten(
      missing: ordinal >= oldestKnown ? ordinal - oldestKnown &+ 1 : 0, of: String(decoding: name, as: UTF8.self))
  }

  mutating func leaveBlocks(expecting ordinal: UInt64?) {
    window = nil
    expectedOrdinal = ordinal
    passedOrdinal = 0
    (upcoming, standing, fastStart, fastEnd, blockIndex) = (0, 0, 0, 0, 0)
  }

  // MARK: The directory

  /// Looks for new blocks, keeping the place by its sequence; true when there is a block after the present one.
  mutating func refreshDirectory() throws(NanoTSError) -> Bool {
    try findStream()
    guard let stream else { return false }
    let mark = DirectoryMark(of: store.file.slot(stream.slot))
    // Nothing was added, taken or recycled since: what the cursor has is what the cache would give.
    if mark == directoryMark { return window == nil ? !directory.isEmpty : blockIndex + 1 < directory.count }
    let before = window?.sequence
    directory = try store.directories.directory(of: stream.identifier, slot: stream.slot)
    // Not before it is there: what fails now is looked for again by the next call.
    directoryMark = mark
    guard let before else { return !directory.isEmpty }
    blockIndex = directory.lastBlock(upToSequence: before)
    return blockIndex + 1 < directory.count
  }

  private mutating func findStream() throws(NanoTSError) {
    if try forgetFreedStream() || stream == nil { stream = StreamTable(file: store.file).find(name) }
  }

  /// A stream that was freed is not the one that has its name now.
  private mutating func forgetFreedStream() throws(NanoTSError) -> Bool {
    guard let stream, store.file.slot(stream.slot).identifier.acquired != stream.identifier else { return false }
    self.stream = nil
    directory = StreamDirectory()
    directoryMark = nil
    let hadPlace = window != nil
    leaveBlocks(expecting: nil)
    guard hadPlace else { return true }
    throw NanoTSError(
      .notFound,
      "the stream '\(String(decoding: name, as: UTF8.self))' was freed while a cursor was on it; the next call looks for "
        + "a new stream of that name")
  }
}
