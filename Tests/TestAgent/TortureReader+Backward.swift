import NanoTS

// Walks back. Going back, ordinals count down one by one; what was recycled is at the old end, so a walk ends there.

extension TortureReader {
  /// From the newest frame to the oldest by `previous`.
  mutating func walkBackward(_ stream: ProvingStream) throws(NanoTSError) {
    var cursor = try store.cursor(of: stream.name)
    guard let oldest = try cursor.first()?.ordinal, let newest = try cursor.last() else { return rest() }
    require(newest.ordinal >= oldest, stream, "last() is frame \(newest.ordinal), first() was \(oldest)")
    _ = try see(newest, stream, .previous)
    // The frame that `previous` comes to next, and how many it told of at the end.
    var expected = newest.ordinal &- 1
    var isTold = false
    while !mustStop() {
      do throws(NanoTSError) {
        guard let frame = try cursor.previous() else { break }
        require(frame.ordinal == expected, stream, "previous() is frame \(frame.ordinal) and not \(expected)")
        _ = try see(frame, stream, .previous)
        expected = frame.ordinal &- 1
      } catch {
        try lap(error)
        require(!isTold, stream, "previous() told twice of frames missed, at \(expected)")
        // No more than from there down to the oldest that it knew of.
        require(
          error.missedFrames <= expected &+ 1 &- oldest, stream,
          "previous() missed \(error.missedFrames) frames from \(expected) down to \(oldest)")
        if error.missedFrames > 0 { try requireGone(before: expected &+ 1, stream) }
        expected &-= error.missedFrames
        isTold = true
      }
      if expected & 1023 == 0 { noteProgress() }
    }
    if !mustStop() { try turnRound(&cursor, stream, isTold ? nil : expected &+ 1) }
  }

  /// At the old end `next` comes to the oldest frame: the one that `previous` was at last, unless that is gone.
  private mutating func turnRound(
    _ cursor: inout Cursor, _ stream: ProvingStream, _ last: UInt64?
  ) throws(NanoTSError) {
    do throws(NanoTSError) {
      guard let frame = try cursor.next() else { return }
      require(last == nil || frame.ordinal == last, stream, "behind \(last ?? 0) comes \(frame.ordinal), turning round")
      _ = try see(frame, stream, .next)
    } catch {
      try lap(error)
      let told = error.missedFrames
      guard let last, let frame = try nextAlive(&cursor) else { return }
      require(frame.ordinal == last + told, stream, "\(told) missed from \(last) on, then comes \(frame.ordinal)")
    }
  }

  /// The next frame, or nil when the reader is told once more of frames missed.
  func nextAlive(_ cursor: inout Cursor) throws(NanoTSError) -> Frame? {
    do throws(NanoTSError) {
      return try cursor.next()
    } catch {
      guard error.code == .overwritten else { throw error }
      return nil
    }
  }

  /// The whole stream as a sequence, newest frame first.
  mutating func walkReversed(_ stream: ProvingStream) throws(NanoTSError) {
    let oldest = try oldest(of: stream)
    var above: UInt64?
    for frame in try store.frames(of: stream.name).reversed() {
      require(
        above == nil || frame.ordinal + 1 == above, stream, "reversed: frame \(frame.ordinal) comes after \(above ?? 0)"
      )
      above = frame.ordinal
      _ = try see(frame, stream, .reversed)
      if frame.ordinal & 1023 == 0 {
        noteProgress()
        if mustStop() { break }
      }
    }
    if above == nil { try requireGoneSince(oldest, stream, "reversed") }
  }
}
