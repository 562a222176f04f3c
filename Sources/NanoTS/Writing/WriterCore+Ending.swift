// Batches, syncing, and closing.

extension WriterCore {
  /// Appends the frames, one commit a block.
  mutating func append(batch frames: UnsafeBufferPointer<NewFrame>) -> Bool {
    var done = 0
    do throws(NanoTSError) {
      try checkUsable()
      try unsafe checkAll(frames)
      for index in frames.indices {
        let frame = unsafe frames[index]
        let stamp = try stamp(FramePosition(timestamp: frame.timestamp, key: frame.key), frame.flags, after: last)
        // Frames added and not committed must be shown before their block is left.
        if unsafe appender?.place(byteCount: frame.payload.count, key: stamp.key) == nil { appender?.commit() }
        let place = try unsafe place(for: stamp, frame.payload.count)
        unsafe appender!.copy(frame.payload.baseAddress, frame.payload.count, to: place)
        unsafe add(stamp, place, frame.payload.count)
        done += 1
      }
      appender?.commit()
      return durability != .everyFrame || sync()
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
  private func checkAll(_ frames: UnsafeBufferPointer<NewFrame>) throws(NanoTSError) {
    var before = last
    var anyKey: Int64 = 0
    for index in frames.indices {
      let frame = unsafe frames[index]
      let stamp = try stamp(FramePosition(timestamp: frame.timestamp, key: frame.key), frame.flags, after: before)
      anyKey |= stamp.key
      try unsafe checkSize(frame.payload.count, key: anyKey)
      before = FramePosition(timestamp: stamp.timestamp, key: stamp.key)
    }
  }

  /// Makes what was appended so far survive power loss. A failure is kept: every later append reports it.
  mutating func sync() -> Bool {
    do throws(NanoTSError) {
      try checkUsable()
      if appender != nil { try handover.sync(&appender!) }
      return true
    } catch {
      if syncFailure == nil, error.systemError != 0 { failSync(error) }
      self.error = error
      return false
    }
  }

  /// Makes everything of this session survive power loss, also blocks that were sealed without a sync.
  mutating func flush() -> Bool {
    guard durability == .none, lease != nil, syncFailure == nil else { return sync() }
    do throws(NanoTSError) {
      try handover.syncFile()
    } catch {
      failSync(error)
      self.error = error
      return false
    }
    return sync()
  }

  /// Seals the open block and gives up the stream. False when the sync failed, closed all the same; false and still open
  /// from within a closure that fills a frame.
  mutating func close() -> Bool {
    guard !isFilling else {
      error = Self.inUseByFill
      return false
    }
    guard let lease else { return true }
    self.lease = nil
    do throws(NanoTSError) {
      try sealOpenBlock()
    } catch {
      self.error = error
    }
    do throws(NanoTSError) {
      try lease.release()
    } catch {
      self.error = self.error ?? error
    }
    return error == nil
  }
}
