// What of a block may be stepped to at once, and how frames of chunked blocks come within reach.

extension Cursor {
  /// After the window's reach or the place in it changed.
  mutating func setFastRange() {
    guard !verifiesChecksums, let start = window?.firstReady, let end = window?.readyEnd, upcoming >= start else {
      (fastStart, fastEnd) = (0, 0)
      return
    }
    (fastStart, fastEnd) = (start, end)
  }

  /// Brings the frame at `slot` of a chunked block within reach.
  mutating func load(_ slot: Int, _ extent: ChunkLoader.Extent) -> ChunkLoader.Outcome {
    defer { setFastRange() }
    // A copy of the cursor goes on from what both have; it must not find something else in its place.
    if loader == nil || !isKnownUniquelyReferenced(&loader) {
      loader = ChunkLoader(store.file.memory)
      window!.forgetLoaded()
    }
    return window!.load(slot, extent, through: loader!)
  }

  /// Brings what is not there yet of the chunk that the frame at `slot` is from, which is within reach.
  mutating func bringRest(from slot: Int) {
    guard window!.chunks != nil, let part = loader?.part, part.ready.count < part.count else { return }
    window!.forgetLoaded()
    // When the block was recycled meanwhile, the frames that were there are told as gone.
    _ = load(slot, .all)
  }

  /// The first slot whose frame is at or after `position`, or the block's count; nil when the block's life is over.
  mutating func lowerBound(_ position: FramePosition) -> Int? {
    guard window!.chunks != nil else { return PlainIndex(window!).lowerBound(position, times: likelyTimes) }
    for _ in 0..<Cursor.attempts {
      guard let index = window!.index else { return 0 }
      let slots = slots(before: position, index)
      // What was in the staging area may be in a chunk by now, and something else there.
      if window!.isUpToDate { return lowerBound(position, in: slots) }
      guard window!.refresh(), window!.fault == .none else { return nil }
    }
    return nil
  }

  /// About when the present block's first frame was and its last one, by the directory: no load from the block. Nil for the
  /// newest one.
  @inline(__always)
  var likelyTimes: (first: Int64, last: Int64)? {
    guard blockIndex + 1 < directory.count else { return nil }
    return (directory[blockIndex].first.timestamp, directory[blockIndex + 1].first.timestamp)
  }

  /// The slots of the chunk, or of the staging area, in which the first frame at or after `position` is, or behind which.
  private func slots(before position: FramePosition, _ index: ChunkIndex) -> Range<Int> {
    let staged = index.stagedStart
    var slots = 0..<1
    if let chunk = index.chunk(startingBefore: position) { slots = index.slots(of: chunk) }
    if staged < index.count, index.stagedEntry(0).position < position { slots = staged..<index.count }
    return slots
  }

  private mutating func lowerBound(_ position: FramePosition, in slots: Range<Int>) -> Int? {
    guard !slots.isEmpty, slots.upperBound <= window!.count else { return window!.count }
    // By the last of them: what is in memory may be the first few, from when they were all in the staging area.
    switch load(slots.upperBound - 1, .entries) {
    case .over, .changed: return nil
    case .damaged: return slots.lowerBound
    case .loaded: break
    }
    wantsFrameAlone = true
    // Whatever the index said: the frames that were brought are those of the slot.
    return loader!.part!.lowerBound(position)
  }
}
