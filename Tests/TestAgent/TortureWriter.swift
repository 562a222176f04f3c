import Glibc
public import NanoTS

/// Appends frames that prove themselves to one stream, as fast as it can.
///
/// Goes on where the stream ends, also behind a writer that was killed, and stores after each append how many frames are
/// acknowledged by then.
public struct TortureWriter {
  public struct Options: Sendable {
    public var durability = Durability.none
    /// Whether it closes the writer at times, or the store, and opens it again, and whether it appends in batches and in
    /// place too.
    public var isRestless = true

    public init(durability: Durability = .none, isRestless: Bool = true) {
      self.durability = durability
      self.isRestless = isRestless
    }
  }

  /// The most frames that can be committed and not acknowledged: those of one batch.
  public static let longestBatch: UInt64 = 64

  private enum Style: CaseIterable {
    case one, batch, inPlace
  }

  public struct Lost: Error, CustomStringConvertible {
    public let description: String
  }

  private var store: Store
  private let isAlone: Bool
  private let stream: ProvingStream
  private let options: Options
  private let words: SharedWords
  private let place: Int
  private var random: SplitMix
  private var ordinal: UInt64 = 0
  private var milliseconds: Int64 = 0
  private var payload: [UInt64] = []
  private var batch: [NewFrame] = []

  /// A writer of a store that nobody else of the process uses when it `isAlone`.
  public init(
    _ store: Store, isAlone: Bool, _ stream: ProvingStream, _ options: Options, _ words: SharedWords, _ place: Int,
    seed: UInt64
  ) {
    self.store = store
    self.isAlone = isAlone
    self.stream = stream
    self.options = options
    self.words = words
    self.place = place
    random = SplitMix(seed: seed)
  }

  /// Writes until everybody is to stop.
  public mutating func run() throws {
    try resume()
    while !words.isOver {
      alarmAgain()
      try session(frames: options.isRestless ? sessionLength() : .max)
      if options.isRestless, isAlone, random.oneIn(4) { store = try Store(at: store.path) }
    }
  }

  /// An agent ends by itself when nobody says how long it may go on.
  private func alarmAgain() { if isAlone { alarm(words.secondsLeft) } }

  private mutating func sessionLength() -> UInt64 {
    let length = UInt64(1) << UInt64.random(in: 0..<18, using: &random)
    return random.oneIn(50) ? 0 : UInt64.random(in: 1...length, using: &random)
  }

  /// Takes up the count of the writer before, of which one batch more may have been committed than acknowledged.
  private mutating func resume() throws {
    let acknowledged = words[place]
    guard let last = try store.writer(for: stream.name, options: WriterOptions(durability: .none)).last else {
      guard acknowledged == 0 else { throw Lost(description: "\(stream.name): no trace of \(acknowledged) frames") }
      return
    }
    ordinal = stream.ordinal(of: last, from: max(acknowledged, 1) - 1) + 1
    milliseconds = ProvingStream.milliseconds(of: last.timestamp)
    guard ordinal >= acknowledged, ordinal <= acknowledged + Self.longestBatch else {
      throw Lost(description: "\(stream.name): it ends at \(ordinal), \(acknowledged) frames were acknowledged")
    }
    words[place] = ordinal
  }

  /// Restless writers change between plain and compressed blocks, and between sizes of chunks.
  private mutating func compression() -> Compression? {
    #if LZ4
      guard options.isRestless else { return nil }
      return random.oneIn(2)
        ? .off : .lz4(chunkByteCount: random.oneIn(2) ? nil : 256 << Int.random(in: 0...2, using: &random))
    #else
      return nil
    #endif
  }

  private mutating func session(frames: UInt64) throws {
    let writer = try store.writer(
      for: stream.name, metadata: stream.name,
      options: WriterOptions(durability: options.durability, compression: compression()))
    let style = options.isRestless ? Style.allCases.randomElement(using: &random)! : .one
    let end = ordinal.addingReportingOverflow(frames).overflow ? .max : ordinal + frames
    while ordinal < end, !words.isOver {
      switch style {
      case .one: try appendOne(writer)
      case .batch: try appendBatch(writer, min(end - ordinal, .random(in: 1...Self.longestBatch, using: &random)))
      case .inPlace: try appendInPlace(writer)
      }
      words[place] = ordinal
    }
    if !random.oneIn(3) { try writer.close() }
  }

  /// The timestamp of the next frame.
  @inline(__always)
  private mutating func timestamp() -> Int64 {
    if stream.mayChangeClock(ordinal) { readClock() }
    return stream.timestamp(ordinal, at: milliseconds)
  }

  @inline(never)
  private mutating func readClock() {
    var now = timespec()
    _ = unsafe clock_gettime(CLOCK_REALTIME, &now)
    let least = stream.needsNewClock(ordinal) ? milliseconds + 1 : milliseconds
    milliseconds = max(least, Int64(now.tv_sec) * 1000 + Int64(now.tv_nsec) / 1_000_000)
  }

  private mutating func appendOne(_ writer: Writer) throws(NanoTSError) {
    let timestamp = timestamp()
    payload.removeAll(keepingCapacity: true)
    stream.addPayload(to: &payload, ordinal, timestamp)
    let (key, flags) = (stream.key(ordinal), ProvingStream.flags(ordinal))
    let appended: Result<Void, NanoTSError> = unsafe payload.withUnsafeBytes { bytes in
      Result { () throws(NanoTSError) in try unsafe writer.append(bytes, at: timestamp, key: key, flags: flags) }
    }
    try appended.get()
    ordinal += 1
  }

  private mutating func appendInPlace(_ writer: Writer) throws(NanoTSError) {
    let timestamp = timestamp()
    let count = stream.wordCount(ordinal)
    let first = stream.firstWord(ordinal, timestamp)
    try unsafe writer.append(
      byteCount: count * 8, at: timestamp, key: stream.key(ordinal), flags: ProvingStream.flags(ordinal)
    ) { bytes in
      for place in 0..<count {
        unsafe bytes.storeBytes(of: ProvingStream.word(first, at: place), toByteOffset: place * 8, as: UInt64.self)
      }
      return count * 8
    }
    ordinal += 1
  }

  private mutating func appendBatch(_ writer: Writer, _ count: UInt64) throws(NanoTSError) {
    payload.removeAll(keepingCapacity: true)
    batch.removeAll(keepingCapacity: true)
    let begin = ordinal
    var timestamps: [Int64] = []
    for _ in 0..<count {
      let timestamp = timestamp()
      stream.addPayload(to: &payload, ordinal, timestamp)
      timestamps.append(timestamp)
      ordinal += 1
    }
    let appended: Result<Void, NanoTSError> = unsafe payload.withUnsafeBytes { bytes in
      var start = 0
      for (index, timestamp) in timestamps.enumerated() {
        let ordinal = begin + UInt64(index)
        let end = start + stream.wordCount(ordinal) * 8
        unsafe batch.append(
          NewFrame(
            timestamp: timestamp, key: stream.key(ordinal), flags: ProvingStream.flags(ordinal),
            payload: UnsafeRawBufferPointer(rebasing: bytes[start..<end])))
        start = end
      }
      return Result { () throws(NanoTSError) in try writer.append(contentsOf: batch) }
    }
    try appended.get()
  }
}
