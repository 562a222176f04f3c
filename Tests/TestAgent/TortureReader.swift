import Glibc
public import NanoTS

/// Reads streams that prove themselves, by every way that the library offers, and checks each result against what is
/// promised of it. Runs in a process of its own as well as in a thread of a test.
public struct TortureReader {
  public enum Role: String, CaseIterable, Sendable {
    /// From the oldest frame on: `next`, batches, sequences.
    case forward
    /// From the newest frame back: `previous`, reversed sequences.
    case backward
    /// To random timestamps, some steps both ways from there, and ranges.
    case seek
    /// From the end on, waiting for what comes.
    case follow
    /// Snapshots, each forward, back or around.
    case snapshot
  }

  var store: Store
  /// The same file once more, with a directory of its own: what a reader is told is gone must not be there either.
  private let witness: Store
  let streams: [ProvingStream]
  let words: SharedWords
  /// The newest frame before the present snapshot was taken.
  var newestOfSnapshot: UInt64?
  private let place: Int
  var random: SplitMix
  public internal(set) var report = TortureReport()

  /// Reads `streams` by turns, counting in the word at `place` how many frames were checked.
  public init(
    _ store: Store, _ streams: [ProvingStream], _ words: SharedWords, _ place: Int, seed: UInt64
  ) throws(NanoTSError) {
    self.store = store
    witness = try Store(at: store.path, .readOnly)
    self.streams = streams
    self.words = words
    self.place = place
    random = SplitMix(seed: seed)
  }

  /// Goes on until everybody is to stop, or something is not as promised. Errors other than `.overwritten` are thrown.
  public mutating func run(_ role: Role) throws(NanoTSError) {
    while !words.isOver, report.complaintCount == 0 {
      let stream = streams.randomElement(using: &random)!
      switch role {
      case .forward: try random.oneIn(3) ? walkSequence(stream) : walkForward(stream)
      case .backward: try random.oneIn(3) ? walkReversed(stream) : walkBackward(stream)
      case .seek: try askOrSeek(stream)
      case .follow: try random.oneIn(2) ? follow(stream) : followAll()
      case .snapshot: try walkSnapshot(stream)
      }
      report.addWalk()
      noteProgress()
    }
  }

  /// A look at what a snapshot holds: all that was committed before it was taken, or a word of it.
  private mutating func walkSnapshot(_ stream: ProvingStream) throws(NanoTSError) {
    let live = store
    newestOfSnapshot = try newest(of: stream)
    defer { (store, newestOfSnapshot) = (live, nil) }
    store = try Store(at: live.path, .snapshot)
    switch Int.random(in: 0..<4, using: &random) {
    case 0: try walkBackward(stream)
    case 1: try walkAround(stream)
    case 2: try walkSequence(stream)
    default: try walkForward(stream)
    }
  }

  private mutating func askOrSeek(_ stream: ProvingStream) throws(NanoTSError) {
    switch Int.random(in: 0..<16, using: &random) {
    case 0..<4: try compareRange(stream)
    case 4: try ask(stream)
    default: try walkAround(stream)
    }
  }

  /// True when the walk is to end; asked every few hundred frames.
  func mustStop() -> Bool { words.isOver || report.complaintCount > 0 }

  func noteProgress() { words[place] = report.total }

  // MARK: Results

  /// `isRight`, with the frame described when it is not.
  @inline(__always)
  mutating func check(_ frame: Frame, _ stream: ProvingStream, _ path: ReadPath) throws(NanoTSError) -> Bool {
    let isRight = try stream.isRight(frame)
    if isRight { report.add(path) } else { complain(about: frame, stream, path) }
    return isRight
  }

  /// As `check`, for walks that need no count of their own. False when the frame was recycled before its bytes were seen.
  mutating func see(_ frame: Frame, _ stream: ProvingStream, _ path: ReadPath) throws(NanoTSError) -> Bool {
    do throws(NanoTSError) {
      _ = try check(frame, stream, path)
      return true
    } catch {
      try lap(error)
      return false
    }
  }

  /// Adds what a reader going forward was told it missed. Throws any other error on.
  mutating func add(
    _ error: NanoTSError, to tally: inout Tally, _ stream: ProvingStream
  ) throws(NanoTSError) {
    guard error.code == .overwritten else { throw error }
    require(error.missedFrames > 0, stream, "told as overwritten, and nothing missed: \(error.message)")
    try add(missed: error.missedFrames, to: &tally, stream)
  }

  mutating func add(missed count: UInt64, to tally: inout Tally, _ stream: ProvingStream) throws(NanoTSError) {
    tally.add(missed: count)
    if tally.first != nil, count > 0 { try requireGone(before: tally.end, stream) }
  }

  /// Frames before `ordinal` were told as missed: the ring takes the oldest first, so none of them can be there.
  mutating func requireGone(before ordinal: UInt64, _ stream: ProvingStream) throws(NanoTSError) {
    var cursor = try witness.cursor(of: stream.name)
    guard let oldest = try cursor.first()?.ordinal else { return }
    require(oldest >= ordinal, stream, "frames before \(ordinal) were told as gone, and \(oldest) is there")
  }

  /// Notes what the reader was told it missed. Throws any other error on.
  mutating func lap(_ error: NanoTSError) throws(NanoTSError) {
    guard error.code == .overwritten else { throw error }
    report.addLap(missed: error.missedFrames)
  }

  @inline(never)
  private mutating func complain(about frame: Frame, _ stream: ProvingStream, _ path: ReadPath) {
    let bytes = (try? frame.copyBytes()).map { "\($0.prefix(64))" } ?? "recycled by now"
    let expected = stream.firstWord(frame.ordinal, frame.timestamp)
    report.complain(
      "\(path): frame \(frame.ordinal) of \(stream.name) in block \(frame.blockSequence), timestamp \(frame.timestamp), "
        + "key \(frame.key), flags \(frame.flags), \(frame.byteCount) bytes: \(bytes); the first word should be "
        + "\(expected)")
  }

  /// Complains unless `isSo`.
  mutating func require(_ isSo: Bool, _ stream: ProvingStream, _ text: @autoclosure () -> String) {
    if !isSo { report.complain("\(stream.name): \(text())") }
  }

  /// A walk over all of the stream saw nothing: then the frame that was its oldest before has gone since.
  mutating func requireGoneSince(_ oldest: UInt64?, _ stream: ProvingStream, _ walk: String) throws(NanoTSError) {
    rest()
    guard let oldest else { return }
    var cursor = try witness.cursor(of: stream.name)
    let left = try cursor.first()?.ordinal
    guard store.access == .snapshot else {
      return require(left != oldest, stream, "\(walk) saw nothing, and frame \(oldest) was there all the time")
    }
    // What is the oldest now may have come after the snapshot.
    if let newestOfSnapshot, let left {
      require(left > newestOfSnapshot, stream, "\(walk) of a snapshot saw nothing, and frame \(left) was there before")
    }
  }

  /// The ordinal of the oldest frame; nil when there is none.
  func oldest(of stream: ProvingStream) throws(NanoTSError) -> UInt64? {
    var cursor = try witness.cursor(of: stream.name)
    return try cursor.first()?.ordinal
  }

  /// The ordinal of the newest frame; nil when there is none.
  func newest(of stream: ProvingStream) throws(NanoTSError) -> UInt64? {
    var cursor = try witness.cursor(of: stream.name)
    return try cursor.last()?.ordinal
  }

  /// Nobody writes or the stream is not there yet: others may have the processor.
  func rest() { sched_yield() }
}
