extension Store {
  /// The number of frames of `stream` with timestamps in `range`, both ends included; 0 for an unknown stream.
  ///
  /// Ordinals make it a subtraction: nothing is scanned. A block that is being taken from among others at that moment
  /// counts as still there. Throws `.invalidName`, `.closed`, `.corrupt` or `.ioFailure`.
  /// O(log frames), and O(log blocks) more for each gap that `free` left in the range. After a power loss, read-only: O(bytes
  /// of the blocks in the range).
  public func frameCount(
    of stream: String, in range: ClosedRange<Int64> = Int64.min...Int64.max
  ) throws(NanoTSError) -> UInt64 {
    var low = try cursor(of: stream)
    var high = low
    for _ in 0..<Cursor.attempts {
      try low.place(before: FramePosition(timestamp: range.lowerBound, key: .min))
      try low.refuseUnreadable()
      high.directory = low.directory
      try high.place(after: range.upperBound)
      try high.refuseUnreadable()
      if let count = try high.frames(since: low) { return count }
    }
    throw NanoTSError.overwritten(missing: 0, of: stream)
  }
}

extension Cursor {
  /// The number of frames between an earlier place of the same stream and this one; nil when a block that has to be
  /// asked was recycled meanwhile.
  fileprivate func frames(since earlier: Cursor) throws(NanoTSError) -> UInt64? {
    guard let low = earlier.window, let high = window else { return 0 }
    guard low.header.isStill(low.generation), high.header.isStill(high.generation) else { return nil }
    let from = directory.lastBlock(upToSequence: low.sequence)
    guard from >= 0, directory[from].sequence == low.sequence else { return nil }
    let (index, slot) = endOfWhatIsLeft(from)
    let between = store.isSuspect ? try provenFrames(from, index) : framesBetweenStarts(from, index)
    let before = UInt64(earlier.upcoming)
    let whole = between &+ slot
    return whole >= before ? whole - before : 0
  }

  /// This place as one in the block before, where the cursor stands before a block's first frame and blocks between the
  /// two are being taken: those lie behind the place.
  private func endOfWhatIsLeft(_ from: Int) -> (index: Int, slot: UInt64) {
    guard upcoming == 0 else { return (blockIndex, UInt64(upcoming)) }
    for index in stride(from: blockIndex - 1, through: from, by: -1) {
      guard let count = frames(in: index) else { continue }
      return index == blockIndex - 1 ? (blockIndex, 0) : (index, count)
    }
    return (blockIndex, 0)
  }

  /// How many frames a block of the directory counts; nil when its life is over.
  private func frames(in index: Int) -> UInt64? {
    guard let values = store.file.header(Int(directory[index].block)).values(),
      values.generation == directory[index].generation
    else { return nil }
    return UInt64(values.commit.count)
  }

  /// Frames that prove themselves in the blocks from one of the directory to another. Where the store is suspect, neither
  /// ordinals nor a block's own count say how many are left of it.
  private func provenFrames(_ from: Int, _ to: Int) throws(NanoTSError) -> UInt64 {
    var sum: UInt64 = 0
    for index in from..<max(from, to) {
      let block = Int(directory[index].block)
      guard let stored = try store.file.readStored(block, generation: directory[index].generation) else { continue }
      sum += withExtendedLifetime(stored.image) {
        UInt64(BlockWindow(store.file, block, stored.place, stored.values, proof: .found)?.count ?? 0)
      }
    }
    return sum
  }

  /// Frames from the start of one block of the directory to the start of another. Where no sequence number is missing
  /// in between, ordinals say it; otherwise the halves are asked.
  private func framesBetweenStarts(_ from: Int, _ to: Int) -> UInt64 {
    guard from < to else { return 0 }
    let (first, last) = (directory[from], directory[to])
    if last.sequence - first.sequence == UInt64(to - from) { return last.firstOrdinal &- first.firstOrdinal }
    if to - from == 1 { return frames(in: from) ?? 0 }
    let middle = (from + to) / 2
    return framesBetweenStarts(from, middle) &+ framesBetweenStarts(middle, to)
  }
}
