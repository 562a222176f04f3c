import NanoTS

/// Looks at one stream again and again, and tells from two looks how fast it grows. Nothing is scanned: ordinals count
/// frames, and block headers know their bytes.
struct StreamProbe {
  /// What rates are made of.
  private struct Mark {
    let time: Int64
    /// The ordinal behind the newest frame: how many frames there have ever been.
    let end: UInt64
    /// Those that are there, and their payload bytes.
    let frames: UInt64
    let bytes: UInt64
  }

  /// Whatever a payload's length, so much of it is looked at, unless its segment names fields.
  private static let mostBytes = 512
  private static let mostFieldBytes = 1 << 20

  private let name: String
  private var cursor: Cursor
  private var layout = SegmentLayout()
  private var mark: Mark?

  init(_ name: String, in store: Store) throws(NanoTSError) {
    self.name = name
    cursor = try store.cursor(of: name)
  }

  /// Nil where the stream was freed. O(blocks of the stream).
  mutating func look(in store: Store) throws(NanoTSError) -> StreamActivity? {
    guard let statistics = try store.statistics(of: name) else { return nil }
    let frame = try newestFrame()
    let now = WallClock.timestamp(in: store.timeUnit)
    let next = Mark(
      time: SampleClock.now(), end: frame.map { $0.ordinal + 1 } ?? mark?.end ?? 0, frames: statistics.frames,
      bytes: statistics.bytes)
    let before = mark.flatMap { $0.end <= next.end ? $0 : nil }
    // Fewer frames than before: it is another stream of the same name.
    if mark != nil, before == nil { layout = SegmentLayout() }
    mark = next
    let newest = try frame.map { (frame) throws(NanoTSError) in try describe(frame) }
    return StreamActivity(
      name: name, isWritten: statistics.isWritten, writerProcessID: statistics.writerProcessID,
      framesPerSecond: before.map { Self.frames(from: $0, to: next) / Self.seconds(from: $0, to: next) },
      bytesPerSecond: before.map { Self.bytes(from: $0, to: next) / Self.seconds(from: $0, to: next) },
      lagSeconds: CalendarAge.seconds(from: frame?.timestamp, to: now, in: store.timeUnit), blocks: statistics.blocks,
      oldestAgeSeconds: CalendarAge.seconds(from: statistics.first, to: now, in: store.timeUnit),
      first: statistics.first, newest: newest)
  }

  // MARK: Rates

  private static func seconds(from before: Mark, to now: Mark) -> Double {
    Double(max(1, now.time - before.time)) / 1e9
  }

  private static func frames(from before: Mark, to now: Mark) -> Double { Double(now.end - before.end) }

  /// The bytes that came are those that are there more, and those of the frames that went meanwhile, which are taken to
  /// have been of average length: exact unless blocks were recycled and lengths differ.
  private static func bytes(from before: Mark, to now: Mark) -> Double {
    let came = Double(now.end - before.end)
    let went = max(0, Double(before.frames) + came - Double(now.frames))
    let known = (frames: Double(before.frames) + Double(now.frames), bytes: Double(before.bytes) + Double(now.bytes))
    let average = known.frames > 0 ? known.bytes / known.frames : 0
    return max(0, Double(now.bytes) - Double(before.bytes) + went * average)
  }

  // MARK: The newest frame

  private mutating func newestFrame() throws(NanoTSError) -> Frame? {
    for _ in 0..<2 {
      do {
        return try cursor.last()
      } catch {
        switch error.code {
        // Freed since the last look: the next attempt finds a new stream of that name, or none.
        case .notFound: continue
        // Lapped, or damaged: `verify` is the place to tell of that.
        case .overwritten, .corrupt, .unsupportedFeature: return nil
        default: throw error
        }
      }
    }
    return nil
  }

  private mutating func describe(_ frame: Frame) throws(NanoTSError) -> NewestFrame {
    var text: [UInt8] = []
    do {
      if let reader = try layout.reader(for: frame),
        let fields = reader.fields(of: try Self.beginning(of: frame, Self.mostFieldBytes))
      {
        PayloadText.append([], fields, to: &text)
      } else {
        PayloadText.append(try Self.beginning(of: frame, Self.mostBytes), nil, to: &text)
      }
    } catch {
      guard error.code == .overwritten || error.code == .corrupt else { throw error }
    }
    return NewestFrame(timestamp: frame.timestamp, flags: frame.flags, value: String(decoding: text, as: UTF8.self))
  }

  private static func beginning(of frame: Frame, _ count: Int) throws(NanoTSError) -> [UInt8] {
    var bytes = try unsafe frame.withUnsafeBytes { unsafe Array($0.prefix(count)) }
    // Cut inside a character, text would be none.
    if bytes.count < frame.byteCount {
      let end = bytes.lastIndex { $0 & 0xC0 != 0x80 } ?? bytes.count
      if bytes.count - end < 4 { bytes.removeSubrange(end...) }
    }
    return bytes
  }
}

/// How long ago a timestamp was, where it is a time of the calendar: a store does not say whether its times count from
/// 1970, from the start of a machine, or are mere numbers.
enum CalendarAge {
  /// 2000-01-01, and a day: no machine has been up for thirty years, and no clock is meant to be a day ahead.
  private static let earliestSeconds: Int64 = 946_684_800
  private static let mostSecondsAhead: Int64 = 86_400

  static func seconds(from timestamp: Int64?, to now: Int64, in unit: TimeUnit) -> Double? {
    let perSecond = unit.unitsPerSecond
    guard let timestamp, timestamp / perSecond >= earliestSeconds,
      timestamp / perSecond - now / perSecond <= mostSecondsAhead
    else { return nil }
    return Double(now - timestamp) / Double(perSecond)
  }
}
