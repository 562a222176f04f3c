import NanoTS

// Seeks to random places, and what is asked of ranges.

extension TortureReader {
  /// A seek to a random place, a look at both sides of it, and some steps to and fro.
  mutating func walkAround(_ stream: ProvingStream) throws(NanoTSError) {
    var cursor = try store.cursor(of: stream.name)
    guard let low = try cursor.first(), let high = try cursor.last() else { return rest() }
    for _ in 0..<16 where !mustStop() {
      // Any place up to the newest frame: the timestamp of a frame, or one that no frame has.
      let timestamp = Int64.random(in: min(low.timestamp, high.timestamp)...high.timestamp, using: &random)
      let target = FramePosition(timestamp: timestamp, key: random.oneIn(2) ? .min : Int64(random.next() & 3))
      guard target <= high.position else { continue }
      guard let frame = try cursor.seek(to: target.timestamp, key: target.key) else {
        // All that there was is gone, and nothing new was there yet.
        let first = try cursor.first()
        require(
          first == nil || first!.ordinal > high.ordinal, stream,
          "nothing at or after \(target), and \(high.position) is there")
        return
      }
      require(target <= frame.position, stream, "seek to \(target) gave \(frame.position)")
      require(frame.ordinal >= low.ordinal, stream, "seek gave frame \(frame.ordinal), the oldest is \(low.ordinal)")
      if try see(frame, stream, .seek) { try lookBefore(frame, target, low.ordinal, &cursor, stream) }
    }
  }

  /// The cursor stands on `frame`, found by seeking `target`: the one before it is before `target`, or there is none.
  private mutating func lookBefore(
    _ frame: Frame, _ target: FramePosition, _ oldest: UInt64, _ cursor: inout Cursor, _ stream: ProvingStream
  ) throws(NanoTSError) {
    do throws(NanoTSError) {
      if let before = try cursor.previous() {
        require(before.position < target, stream, "seek to \(target) gave \(frame.position) behind \(before.position)")
        require(before.ordinal + 1 == frame.ordinal, stream, "before \(frame.ordinal) comes \(before.ordinal)")
        if try see(before, stream, .previous) { try stepAround(before.ordinal + 1, &cursor, stream) }
      } else {
        let first = try cursor.first()
        require(
          first == nil || first!.ordinal >= frame.ordinal, stream,
          "nothing before frame \(frame.ordinal), and \(first?.ordinal ?? 0) is there")
      }
    } catch {
      try lap(error)
      require(
        error.missedFrames <= frame.ordinal &- oldest, stream,
        "\(error.missedFrames) frames missed before \(frame.ordinal), the oldest was \(oldest)")
    }
  }

  /// Steps to and fro at random, with the cursor on the frame before `upcoming`. Every result must be the neighbour.
  private mutating func stepAround(
    _ begin: UInt64, _ cursor: inout Cursor, _ stream: ProvingStream
  ) throws(NanoTSError) {
    var upcoming = begin
    for _ in 0..<Int.random(in: 0...6, using: &random) {
      let length = Int.random(in: 1...40, using: &random)
      let isForward = random.oneIn(2)
      for _ in 0..<length {
        do throws(NanoTSError) {
          guard let frame = isForward ? try cursor.next() : try cursor.previous() else { return }
          let expected = isForward ? upcoming : upcoming &- 2
          require(
            frame.ordinal == expected, stream, "frame \(frame.ordinal) and not \(expected), forward: \(isForward)")
          _ = try see(frame, stream, isForward ? .next : .previous)
          upcoming = frame.ordinal + 1
        } catch {
          try lap(error)
          guard isForward, let frame = try nextAlive(&cursor) else { return }
          let expected = upcoming + error.missedFrames
          require(
            frame.ordinal == expected, stream,
            "\(error.missedFrames) told, frame \(frame.ordinal) comes, not \(expected)")
          upcoming = frame.ordinal + 1
        }
      }
    }
  }

  // MARK: Ranges

  /// One range, read forward, back and in batches, and counted. While its frames are there, all agree.
  mutating func compareRange(_ stream: ProvingStream) throws(NanoTSError) {
    var cursor = try store.cursor(of: stream.name)
    guard let low = try cursor.first(), let high = try cursor.last(), low.timestamp < high.timestamp else {
      return rest()
    }
    // Not up to the newest timestamp, which with keys may still come to more frames.
    let ends = [0, 1].map { _ in Int64.random(in: low.timestamp..<high.timestamp, using: &random) }.sorted()
    guard let first = try cursor.seek(to: ends[0]), first.timestamp <= ends[1] else { return }
    let range = ends[0]...ends[1]
    let sequence = try store.frames(of: stream.name, in: range)
    let forward = try ordinals(sequence, range, stream, .sequence)
    let back = try ordinals(sequence.reversed(), range, stream, .reversed)
    let batched = try batches(range, stream)
    let count = try countFrames(of: stream, in: range)
    guard let forward, let back, let batched, let count, try cursor.first().map({ $0.ordinal <= first.ordinal }) == true
    else { return }
    require(
      forward.lowerBound == first.ordinal && forward == back && forward == batched && UInt64(forward.count) == count,
      stream, "\(range): \(forward) forward, \(back) back, \(batched) in batches, count \(count)")
  }

  /// The ordinals that a sequence has; nil when some were recycled meanwhile.
  private mutating func ordinals(
    _ sequence: some Sequence<Frame>, _ range: ClosedRange<Int64>, _ stream: ProvingStream, _ path: ReadPath
  ) throws(NanoTSError) -> Range<UInt64>? {
    var (least, end, count): (UInt64, UInt64, UInt64) = (.max, 0, 0)
    for frame in sequence {
      guard frame.missed == 0, try see(frame, stream, path) else { return nil }
      require(
        range.contains(frame.timestamp), stream, "frame \(frame.ordinal) at \(frame.timestamp) is not in \(range)")
      (least, end, count) = (min(least, frame.ordinal), max(end, frame.ordinal + 1), count + 1)
      if count & 1023 == 0 {
        noteProgress()
        if mustStop() { return nil }
      }
    }
    guard count > 0 else { return nil }
    require(end - least == count, stream, "\(path): \(count) frames from \(least) to \(end)")
    return least..<end
  }

  private mutating func batches(
    _ range: ClosedRange<Int64>, _ stream: ProvingStream
  ) throws(NanoTSError) -> Range<UInt64>? {
    var cursor = try store.cursor(of: stream.name)
    var found: Range<UInt64>?
    do throws(NanoTSError) {
      guard let frame = try cursor.seek(to: range.lowerBound) else { return nil }
      found = frame.ordinal..<(frame.ordinal + 1)
      while let batch = try cursor.nextBatch(through: range.upperBound), !mustStop() {
        let wrong = try wrongFrames(of: batch, stream)
        require(wrong == 0, stream, "\(wrong) of the \(batch.count) frames from \(batch.firstOrdinal) on are wrong")
        require(batch.firstOrdinal == found!.upperBound, stream, "a batch from \(batch.firstOrdinal) after \(found!)")
        let last = try batch.withTimestamps { $0[$0.count - 1] }
        require(last <= range.upperBound, stream, "a batch through \(range.upperBound) ends at \(last)")
        report.add(.batch, UInt64(batch.count) - wrong)
        found = found!.lowerBound..<(batch.firstOrdinal + UInt64(batch.count))
      }
      return mustStop() ? nil : found
    } catch {
      try lap(error)
      return nil
    }
  }

  private mutating func countFrames(
    of stream: ProvingStream, in range: ClosedRange<Int64>
  ) throws(NanoTSError) -> UInt64? {
    do throws(NanoTSError) {
      return try store.frameCount(of: stream.name, in: range)
    } catch {
      try lap(error)
      return nil
    }
  }

  // MARK: Questions

  /// Segments, runs and figures of the stream, as far as they must hold while it is written.
  mutating func ask(_ stream: ProvingStream) throws(NanoTSError) {
    let segments = try store.segments(of: stream.name)
    for index in segments.indices {
      let segment = segments[index]
      let isAfter = index == 0 || segments[index - 1].number < segment.number
      let isInTime = index == 0 || segments[index - 1].lastTimestamp <= segment.firstTimestamp
      require(
        isAfter && isInTime && segment.frames > 0 && segment.metadata == stream.name
          && segment.firstTimestamp <= segment.lastTimestamp, stream, "segment \(segment) of \(segments)")
    }
    for run in try store.contiguousRuns(of: stream.name) {
      require(
        stream.isFrameCount(run.frames, run.firstTimestamp, run.lastTimestamp), stream, "a run without a gap: \(run)")
    }
    guard let statistics = try store.statistics(of: stream.name), let first = statistics.first else { return rest() }
    require(
      first <= statistics.last ?? .min && statistics.frames > 0 && statistics.bytes >= statistics.frames * 8, stream,
      "\(statistics)")
  }
}
