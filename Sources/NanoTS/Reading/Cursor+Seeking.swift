extension Cursor {
  /// Goes to the stream's oldest frame and returns it; nil when there is none.
  ///
  /// Throws `.corrupt`, `.unsupportedFeature` or `.ioFailure`. O(1) once the stream's blocks are known.
  public mutating func first() throws(NanoTSError) -> Frame? {
    try landing { cursor throws(NanoTSError) in
      cursor.leaveBlocks(expecting: nil)
      return try cursor.next()
    }
  }

  /// Goes to the stream's newest frame and returns it; nil when there is none. Throws as `first`. O(1).
  public mutating func last() throws(NanoTSError) -> Frame? {
    try landing { cursor throws(NanoTSError) in
      try cursor.seekToEnd()
      return try cursor.previous()
    }
  }

  /// Goes behind the stream's newest frame: `next` returns what is appended from now on. Throws as `first`. O(1).
  public mutating func seekToEnd() throws(NanoTSError) {
    try placing { cursor throws(NanoTSError) in
      try cursor.enterNewestLeft()
    }
  }

  /// Stands at the end of the newest block that lives; false when none does, or when the last one that is known does not
  /// and newer ones have come.
  mutating func enterNewestLeft() throws(NanoTSError) -> Bool {
    for index in (0..<directory.count).reversed() {
      if try enter(index) {
        upcoming = window!.count
        return true
      }
      guard isUnchangedSinceDirectory() else { return false }
    }
    return false
  }

  /// Goes to the first frame at or after (`timestamp`, `key`) and returns it; nil when there is none, and the cursor is
  /// then behind the last. With the default key, the first of all frames that have the timestamp.
  ///
  /// Throws as `first`. O(log blocks + log frames of a block).
  public mutating func seek(to timestamp: Int64, key: Int64 = .min) throws(NanoTSError) -> Frame? {
    let position = FramePosition(timestamp: timestamp, key: key)
    return try landing { cursor throws(NanoTSError) in
      if try !cursor.placeQuickly(before: position) { try cursor.place(before: position) }
      return try cursor.next()
    }
  }

  /// Places the cursor by the directory that it has, which is up to date; false when it is not, or when the place is not in
  /// the block that the directory names.
  private mutating func placeQuickly(before position: FramePosition) throws(NanoTSError) -> Bool {
    guard let number = stream?.slot, let identifier = stream?.identifier, !directory.isEmpty else { return false }
    let file = store.file
    let slot = file.slot(number)
    // Before the mark, as in `place`. With blocks that are gone since the directory was taken, what is gone already would
    // later be told as news.
    let end = slot.nextOrdinal.acquired
    guard directoryMark == DirectoryMark(of: slot), slot.identifier.acquired == identifier else { return false }
    let index = directory.lastBlock(startingAtOrBefore: position)
    if let plain = enterSimply(index, file) {
      let found = plain.lowerBound(position, times: likelyTimes)
      guard found < plain.count, plain.header.isStill(plain.generation) else { return false }
      upcoming = found
    } else {
      guard let found = try self.slot(of: position, in: index), found < window!.count, window!.fault == .none,
        window!.header.isStill(window!.generation)
      else { return false }
      (upcoming, standing, runLength) = (found, 0, 0)
      setFastRange()
    }
    // As `StoreFile.reading` does, where a page that was lost may have looked like a place.
    try file.checkMapping()
    wantsFrameAlone = true
    (expectedOrdinal, passedOrdinal) = (nil, end)
    return true
  }

  /// Enters the block at `index`, unless the cursor is there, and finds the slot of `position`; nil when the block is gone.
  private mutating func slot(of position: FramePosition, in index: Int) throws(NanoTSError) -> Int? {
    if window == nil || index != blockIndex || window!.generation != directory[index].generation {
      guard try enter(index) else { return nil }
    } else {
      // What was committed since is there now: when it is gone later, the cursor tells of it.
      guard window!.refresh() else { return nil }
      if window!.chunks != nil, let slot = slotInMemory(position) { return slot }
    }
    guard window!.count > 0 else { return nil }
    return lowerBound(position)
  }

  /// The place of `position` among the frames of the present chunked block that are in memory; nil when it may be elsewhere.
  private func slotInMemory(_ position: FramePosition) -> Int? {
    guard let part = loader?.part, window!.readyEnd > window!.firstReady, part.life.isStill(window!.lifeGeneration),
      part.entry(part.firstSlot).position < position,
      !(part.entry(part.firstSlot + part.count - 1).position < position)
    else { return nil }
    return part.lowerBound(position)
  }

  /// Places the cursor so that `next` comes to the first frame at or after `position`.
  package mutating func place(before position: FramePosition) throws(NanoTSError) {
    try placing { cursor throws(NanoTSError) in
      let first = cursor.directory.lastBlock(startingAtOrBefore: position)
      for index in first..<cursor.directory.count where try cursor.enter(index) {
        // A block of an unknown layout has no frames, and no body to look them up in.
        guard let slot = cursor.window!.count == 0 ? 0 : cursor.lowerBound(position) else { continue }
        cursor.upcoming = slot
        let window = cursor.window!
        guard window.header.isStill(window.generation) else { continue }
        // A directory may know a block from before its first frame; then the frame is in the next block after all.
        let isLast = index + 1 == cursor.directory.count
        if cursor.upcoming < window.count || window.fault != .none || isLast { return true }
      }
      return try cursor.enterNewestLeft()
    }
  }

  /// Runs `attempt` on fresh directories until it finds a block alive, or nothing lives in a directory than which there is
  /// no newer one: then the cursor stands behind the stream's last frame.
  mutating func placing(
    _ attempt: (inout Cursor) throws(NanoTSError) -> Bool
  ) throws(NanoTSError) {
    let file = store.file
    try file.reading { () throws(NanoTSError) in try place(attempt) }
  }

  private mutating func place(
    _ attempt: (inout Cursor) throws(NanoTSError) -> Bool
  ) throws(NanoTSError) {
    for _ in 0..<Cursor.attempts {
      // All of the place that a failed attempt came to goes, or `next` would step in a window that is not there.
      leaveBlocks(expecting: nil)
      let end = try sealedEnd()
      _ = try refreshDirectory()
      if !directory.isEmpty, try attempt(&self) {
        setFastRange()
        passedOrdinal = end
        return
      }
      if try standBehindEmptyStream() { return }
    }
    throw NanoTSError.overwritten(missing: 0, of: String(decoding: name, as: UTF8.self))
  }

  /// Runs `land` again when the block in which it had landed was recycled before the frame was read: the caller asks
  /// for a place and missed nothing.
  private mutating func landing(
    _ land: (inout Cursor) throws(NanoTSError) -> Frame?
  ) throws(NanoTSError) -> Frame? {
    for _ in 0..<Cursor.attempts {
      do throws(NanoTSError) {
        return try land(&self)
      } catch  where error.code == .overwritten {}
    }
    throw NanoTSError.overwritten(missing: 0, of: String(decoding: name, as: UTF8.self))
  }
}

extension Store {
  /// A cursor over the stream, before its first frame. An unknown stream reads as empty; once a writer makes it, the
  /// cursor finds it.
  ///
  /// Throws `.invalidName` or `.closed`. The first cursor of an opened store reads the block table, O(blocks).
  public func cursor(
    of stream: String, options: CursorOptions = CursorOptions()
  ) throws(NanoTSError) -> Cursor {
    try answering { () throws(NanoTSError) in
      var cursor = Cursor(self, try StreamTable.checkedName(stream), options)
      _ = try cursor.refreshDirectory()
      return cursor
    }
  }
}
