import NanoTS

// Walks forward. Every frame is read, in its place, or told as missed: `Tally.isExact`.

extension TortureReader {
  /// From the oldest frame to the end, by steps and by batches in turn with one cursor. What was there before a snapshot was
  /// taken must be among those that were read or told as missed.
  mutating func walkForward(_ stream: ProvingStream) throws(NanoTSError) {
    let oldest = try oldest(of: stream)
    var cursor = try store.cursor(of: stream.name)
    var tally = Tally()
    var left = 2_000_000
    while left > 0, !mustStop() {
      let frames = Int.random(in: 1...4096, using: &random)
      let isAtEnd =
        try random.oneIn(2)
        ? step(&cursor, stream, &tally, frames) : takeBatches(&cursor, stream, &tally, frames / 64 + 1)
      if isAtEnd {
        let newest = newestOfSnapshot
        require(
          tally.first == nil || newest.map { tally.end > $0 } ?? true, stream,
          "forward ends at \(tally.end), and \(newest ?? 0) was there before")
        break
      }
      left -= frames
      noteProgress()
    }
    report.add(tally, "\(stream.name) forward")
    if tally.first == nil, !mustStop() { try requireGoneSince(oldest, stream, "forward") }
  }

  /// Steps to so many frames; true at the end.
  private mutating func step(
    _ cursor: inout Cursor, _ stream: ProvingStream, _ tally: inout Tally, _ frames: Int
  ) throws(NanoTSError) -> Bool {
    for _ in 0..<frames {
      do throws(NanoTSError) {
        guard let frame = try cursor.next() else { return true }
        let isRight = try check(frame, stream, .next)
        tally.add(frame.ordinal, isRight)
      } catch {
        try add(error, to: &tally, stream)
      }
    }
    return false
  }

  /// Takes so many batches; true at the end.
  private mutating func takeBatches(
    _ cursor: inout Cursor, _ stream: ProvingStream, _ tally: inout Tally, _ batches: Int
  ) throws(NanoTSError) -> Bool {
    for _ in 0..<batches {
      do throws(NanoTSError) {
        guard let batch = try cursor.nextBatch() else { return true }
        try take(batch, stream, &tally)
      } catch {
        try add(error, to: &tally, stream)
      }
    }
    return false
  }

  /// Checks the batch. The cursor is behind it whatever comes up: then all of its frames were missed.
  private mutating func take(
    _ batch: FrameBatch, _ stream: ProvingStream, _ tally: inout Tally
  ) throws(NanoTSError) {
    let count = UInt64(batch.count)
    do throws(NanoTSError) {
      let wrong = try wrongFrames(of: batch, stream)
      tally.add(batch.firstOrdinal, count: count, wrong: wrong)
      report.add(.batch, count - wrong)
      require(wrong == 0, stream, "\(wrong) of the \(count) frames from \(batch.firstOrdinal) on are wrong")
    } catch {
      guard error.code == .overwritten else { throw error }
      try add(missed: count, to: &tally, stream)
    }
  }

  /// How many frames of the batch are not what they should be: by columns where all are of one size, else one by one.
  mutating func wrongFrames(of batch: FrameBatch, _ stream: ProvingStream) throws(NanoTSError) -> UInt64 {
    let first = batch.firstOrdinal
    let counts = first..<(first + UInt64(batch.count))
    let uniform = try batch.uniformByteCount()
    let isUniform = counts.allSatisfy { stream.wordCount($0) == stream.wordCount(first) }
    require(uniform == (isUniform ? stream.wordCount(first) * 8 : nil), stream, "uniform length \(uniform ?? -1)")
    switch stream.uniformWordCount {
    case 1:
      return try wrongValues(batch, as: UInt64.self) { $0 == stream.firstWord($1, $2) }
    case 2:
      return try wrongValues(batch, as: SIMD2<UInt64>.self) { value, ordinal, timestamp in
        let word = stream.firstWord(ordinal, timestamp)
        return value.x == word && value.y == ProvingStream.word(word, at: 1)
      }
    default:
      var wrong: UInt64 = 0
      for index in 0..<batch.count {
        let frame = try batch.frame(at: index)
        let isRight = try stream.isRight(frame)
        if frame.ordinal != first + UInt64(index) || !isRight { wrong += 1 }
      }
      return wrong
    }
  }

  /// Payloads and timestamps as columns, the one inside the other's closure.
  @inline(__always)
  private func wrongValues<T: BitwiseCopyable>(
    _ batch: FrameBatch, as type: T.Type, _ isRight: (T, UInt64, Int64) -> Bool
  ) throws(NanoTSError) -> UInt64 {
    let first = batch.firstOrdinal
    let result: Result<UInt64, NanoTSError> = try batch.withTimestamps { timestamps in
      Result { () throws(NanoTSError) in
        try batch.withValues(as: type) { values in
          var wrong: UInt64 = timestamps.count == values.count ? 0 : 1
          for index in 0..<values.count where !isRight(values[index], first + UInt64(index), timestamps[index]) {
            wrong += 1
          }
          return wrong
        }
      }
    }
    return try result.get()
  }

  /// The whole stream as a sequence.
  mutating func walkSequence(_ stream: ProvingStream) throws(NanoTSError) {
    let oldest = try oldest(of: stream)
    var tally = Tally()
    var left = 500_000
    for frame in try store.frames(of: stream.name) {
      if frame.missed > 0 { try add(missed: frame.missed, to: &tally, stream) }
      do throws(NanoTSError) {
        let isRight = try check(frame, stream, .sequence)
        tally.add(frame.ordinal, isRight)
      } catch {
        try add(error, to: &tally, stream)
      }
      left -= 1
      if left & 1023 == 0 {
        noteProgress()
        if left == 0 || mustStop() { break }
      }
    }
    report.add(tally, "\(stream.name) sequence")
    if tally.first == nil { try requireGoneSince(oldest, stream, "a sequence") }
  }
}
