import NanoTS

/// Frames of several streams in one order: by timestamp, and by the order of the streams where timestamps are equal.
struct FrameMerger {
  /// The next frame of a source that is not at its end.
  private struct Head {
    let timestamp: Int64
    let source: Int
    let frame: Frame
  }

  private let sources: [AnyIterator<Frame>]
  private let isReversed: Bool
  /// Sorted so that the next one to hand out is the last: taking it moves nothing.
  private var heads: [Head] = []
  /// The source of the frame that was handed out last: it goes on when the next one is asked for, and not before, since a
  /// frame is only valid until its source goes on.
  private var current: Int?

  init(_ sources: [AnyIterator<Frame>], isReversed: Bool) {
    self.sources = sources
    self.isReversed = isReversed
    heads.reserveCapacity(sources.count)
    for index in sources.indices { advance(index) }
  }

  /// The next frame and which source it is from. The frame is valid until the next call.
  mutating func next() -> (frame: Frame, source: Int)? {
    if let current { advance(current) }
    current = nil
    guard let head = heads.popLast() else { return nil }
    current = head.source
    return (head.frame, head.source)
  }

  private mutating func advance(_ source: Int) {
    guard let frame = sources[source].next() else { return }
    let head = Head(timestamp: frame.timestamp, source: source, frame: frame)
    var low = 0
    var high = heads.count
    while low < high {
      let middle = (low + high) / 2
      if isBefore(head, heads[middle]) { low = middle + 1 } else { high = middle }
    }
    heads.insert(head, at: low)
  }

  private func isBefore(_ left: Head, _ right: Head) -> Bool {
    let order = (left.timestamp, left.source) < (right.timestamp, right.source)
    return order != isReversed
  }
}
