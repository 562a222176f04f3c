import NanoTS

// Waiting for what is appended. As going forward, every frame is read, in its place, or told as missed.

extension TortureReader {
  /// How long a wait may be: not so long that the end of all is waited for.
  private static let milliseconds = 20

  private mutating func length() -> Int { 1 << Int.random(in: 8..<24, using: &random) }

  /// Behind the last frame of one stream, and then whatever comes.
  mutating func follow(_ stream: ProvingStream) throws(NanoTSError) {
    var cursor = try store.cursor(of: stream.name)
    var tally = Tally()
    if random.oneIn(2) {
      if let last = try cursor.last() { tally = Tally(from: last.ordinal + 1) }
    } else {
      try cursor.seekToEnd()
    }
    var left = length()
    while left > 0, !mustStop() {
      left -= 1
      do throws(NanoTSError) {
        guard let frame = try cursor.next(waitingMilliseconds: Self.milliseconds) else {
          try requireAtEnd(&cursor, stream, &tally)
          continue
        }
        let isRight = try check(frame, stream, .following)
        tally.add(frame.ordinal, isRight)
      } catch {
        try add(error, to: &tally, stream)
      }
      if left & 1023 == 0 { noteProgress() }
    }
    report.add(tally, "\(stream.name) following")
  }

  /// Nothing came: what is the newest frame now must come without a further wait, unless the cursor has it.
  private mutating func requireAtEnd(
    _ cursor: inout Cursor, _ stream: ProvingStream, _ tally: inout Tally
  ) throws(NanoTSError) {
    guard tally.first != nil, let newest = try newest(of: stream), newest >= tally.end, !words.isOver else { return }
    guard let frame = try cursor.next(waitingMilliseconds: 0) else {
      let left = try self.newest(of: stream)
      require(left ?? 0 < newest || left == nil, stream, "following ends at \(tally.end), and \(newest) is there")
      return
    }
    let isRight = try check(frame, stream, .following)
    tally.add(frame.ordinal, isRight)
  }

  /// All streams at once.
  mutating func followAll() throws(NanoTSError) {
    let start: FollowStart = random.oneIn(2) ? .end : .oldest
    var follower = try store.follow(streams.map(\.name), from: start)
    var tallies: [Tally] = streams.map { _ in Tally() }
    var left = length()
    while left > 0, !mustStop() {
      left -= 1
      guard let followed = try follower.next(waitingMilliseconds: Self.milliseconds) else { continue }
      let (frame, index) = (followed.frame, streams.firstIndex { $0.name == followed.stream }!)
      if frame.missed > 0 { try add(missed: frame.missed, to: &tallies[index], streams[index]) }
      do throws(NanoTSError) {
        let isRight = try check(frame, streams[index], .following)
        tallies[index].add(frame.ordinal, isRight)
      } catch {
        try add(error, to: &tallies[index], streams[index])
      }
      if left & 1023 == 0 { noteProgress() }
    }
    for (tally, stream) in zip(tallies, streams) { report.add(tally, "\(stream.name) following all") }
  }
}
