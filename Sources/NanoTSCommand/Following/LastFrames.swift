import NanoTS

/// The place before the last frames of several streams, merged by timestamp and then by the order of the streams.
struct LastFrames {
  /// One cursor for each stream, in their order: `next` gives the first of its frames that are among the last, or, where
  /// there is none, what is appended from now on.
  private(set) var cursors: [Cursor] = []
  /// The ordinal of each stream's newest frame; nil where it has none.
  private var ends: [UInt64?] = []
  /// How many of each stream's frames behind the newest one that can be read could not be.
  private var missedGoingBack: [UInt64] = []

  /// Goes back by `count` frames in all. O(count · streams).
  init(_ count: Int, of streams: [String], in store: Store) throws(NanoTSError) {
    var heads: [Frame?] = []
    for stream in streams {
      var cursor = try store.cursor(of: stream)
      let (last, missed) = try cursor.lastReadable()
      heads.append(last)
      missedGoingBack.append(missed)
      cursors.append(cursor)
    }
    ends = heads.map { $0?.ordinal }
    for _ in 0..<count {
      guard let newest = Self.newest(of: heads) else { return }
      heads[newest] = try cursors[newest].previousReadable().frame
    }
  }

  private static func newest(of heads: [Frame?]) -> Int? {
    var found: (index: Int, timestamp: Int64)?
    for (index, head) in heads.enumerated() {
      guard let head, found.map({ head.timestamp >= $0.timestamp }) ?? true else { continue }
      found = (index, head.timestamp)
    }
    return found?.index
  }

  /// The frames from here to those that were the newest, and no newer ones, as `FrameMerger` takes them. The printer is told
  /// of those that are missed at their ends.
  func sources(tellingOfTheRest printer: FramePrinter) -> [AnyIterator<Frame>] {
    cursors.indices.map { index in
      // Going forward, those behind the newest one that can be read are met again, unless there is none.
      var frames = BoundedFrames(
        cursor: cursors[index], end: ends[index], missed: ends[index] == nil ? missedGoingBack[index] : 0)
      return AnyIterator {
        if let frame = frames.next() { return frame }
        printer.addMissed(frames.missed, of: index)
        frames.missed = 0
        return nil
      }
    }
  }
}

/// The frames from a cursor's place up to an ordinal. What cannot be read is passed over, and each frame's `missed` counts it.
private struct BoundedFrames {
  var cursor: Cursor
  /// Nil at the end.
  var end: UInt64?
  /// At the end, what was missed behind the last frame.
  var missed: UInt64

  mutating func next() -> Frame? {
    var missed: UInt64 = 0
    defer { if end == nil { self.missed &+= missed } }
    while let end {
      do {
        guard var frame = try cursor.next(), frame.ordinal <= end else {
          self.end = nil
          return nil
        }
        frame.missed = missed
        return frame
      } catch {
        guard error.isPassable else {
          self.end = nil
          return nil
        }
        missed &+= error.missedFrames
      }
    }
    return nil
  }
}

extension Cursor {
  /// Goes to the newest frame that can be read; nil where there is none.
  fileprivate mutating func lastReadable() throws(NanoTSError) -> (frame: Frame?, missed: UInt64) {
    do {
      return (try last(), 0)
    } catch {
      return try continueBack(after: error)
    }
  }

  /// Goes to the frame before that can be read; nil where there is none.
  fileprivate mutating func previousReadable() throws(NanoTSError) -> (frame: Frame?, missed: UInt64) {
    do {
      return (try previous(), 0)
    } catch {
      return try continueBack(after: error)
    }
  }

  private mutating func continueBack(
    after error: NanoTSError
  ) throws(NanoTSError) -> (frame: Frame?, missed: UInt64) {
    var error = error
    var missed: UInt64 = 0
    while error.isPassable {
      missed &+= error.missedFrames
      do {
        return (try previous(), missed)
      } catch let next {
        error = next
      }
    }
    // The stream was freed: it has no frames, and the cursor looks for a new one of its name.
    if error.code == .notFound { return (nil, missed) }
    throw error
  }
}
