// Batches, syncing, and closing.

extension WriterCore {
  /// Appends the frames, one commit a block.
  mutating func append(batch frames: some NewFrames) -> Bool {
    var done = 0
    do throws(NanoTSError) {
      try checkUsable()
      try checkAll(frames)
      while true {
        done += addInOrder(frames, from: done)
        guard done < frames.count else { break }
        let frame = frames[done]
        let stamp = try stamp(FramePosition(timestamp: frame.timestamp, key: frame.key), frame.flags, after: last)
        // Frames added and not committed must be shown before their block is left.
        if unsafe appender?.place(byteCount: frame.payload.count, key: stamp.key) == nil { appender?.commit() }
        let place = try unsafe place(for: stamp, frame.payload.count)
        unsafe appender!.copy(frame.payload.baseAddress, frame.payload.count, to: place)
        unsafe add(stamp, place, frame.payload.count)
        done += 1
      }
      appender?.commit()
      return !mustFollowUp || followUp()
    } catch {
      self.error =
        done == 0
        ? error
        : NanoTSError(
          error.code, "\(error.message) (\(done) of the batch's \(frames.count) frames were appended before that)",
          systemError: error.systemError)
      return false
    }
  }

  /// Order and sizes of the whole batch, before any of it is stored.
  private func checkAll(_ frames: some NewFrames) throws(NanoTSError) {
    var before = last
    var anyKey: Int64 = 0
    let plainLimit = handover.maximumFrameByteCount(keyed: usesKeys)
    let keyedLimit = handover.maximumFrameByteCount(keyed: true)
    for index in 0..<frames.count {
      let frame = frames[index]
      var position = FramePosition(timestamp: frame.timestamp, key: frame.key)
      if let before, !(before < position) {
        let stamp = try stamp(position, frame.flags, after: before)
        position = FramePosition(timestamp: stamp.timestamp, key: stamp.key)
      }
      anyKey |= position.key
      let byteCount = unsafe frame.payload.count
      if byteCount > (anyKey == 0 ? plainLimit : keyedLimit) { try checkSize(byteCount, key: anyKey) }
      before = position
    }
  }

  /// After an append: what the policy asks for before it returns. A failure is kept: every later append reports it.
  mutating func followUp() -> Bool {
    attempt { core throws(NanoTSError) in
      try core.keepingFailure { core throws(NanoTSError) in
        guard core.durability == .everyFrame else { return try core.background!.keepPace() }
        if core.appender != nil { try core.handover.syncTogether(&core.appender!) }
      }
    }
  }

  /// Makes everything of this session survive power loss, also blocks that were sealed without a sync. A failure is kept:
  /// every later append reports it.
  mutating func flush() -> Bool {
    attempt { core throws(NanoTSError) in
      try core.checkUsable()
      try core.keepingFailure { core throws(NanoTSError) in
        try core.background?.finish()
        if core.durability == .none { try core.handover.syncFile() }
        if core.appender != nil { try core.handover.sync(&core.appender!) }
      }
    }
  }

  /// Seals the open block and gives up the stream. False when something failed, closed all the same; false and still open
  /// from within a closure that fills a frame.
  mutating func close() -> Bool {
    guard !isFilling else {
      error = Self.inUseByFill
      return false
    }
    guard let lease else { return true }
    self.lease = nil
    let isSynced = attempt { core throws(NanoTSError) in
      try core.keepingFailure { core throws(NanoTSError) in try core.background?.finish() }
    }
    // Also after a failure: nothing is left open, and of several errors the first is told.
    let isSealed = attempt { core throws(NanoTSError) in try core.endBlock() }
    let isEnded = attempt { core throws(NanoTSError) in try core.background?.end() }
    let isReleased = attempt { (_) throws(NanoTSError) in try lease.release() }
    return isSynced && isSealed && isEnded && isReleased
  }

  /// Runs `body`, keeping the error of it for the caller unless an earlier one is kept. False if it threw.
  private mutating func attempt(_ body: (inout WriterCore) throws(NanoTSError) -> Void) -> Bool {
    do throws(NanoTSError) {
      try body(&self)
      return true
    } catch {
      self.error = self.error ?? error
      return false
    }
  }
}
