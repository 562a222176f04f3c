/// The frames of a stream in a range of time, newest first.
public struct ReversedFrameSequence: Sequence {
  @usableFromInline let start: Cursor
  @usableFromInline let range: ClosedRange<Int64>

  /// An iterator at the last frame of the range; empty when that cannot be found.
  public func makeIterator() -> Iterator {
    var cursor = start
    let isPlaced = (try? cursor.place(after: range.upperBound)) != nil
    return Iterator(Walk(cursor: cursor, first: range.lowerBound, isOver: !isPlaced))
  }

  /// Steps through the frames. One thread at a time.
  public struct Iterator: IteratorProtocol {
    /// Goes down: its end is one below the last slot that may be stepped to.
    @usableFromInline var lane: FrameLane
    @usableFromInline let first: Int64
    @usableFromInline var walk: Walk

    @usableFromInline
    init(_ walk: Walk) {
      self.walk = walk
      first = walk.first
      lane = walk.lane
    }

    /// After `next` returned nil: how many frames were missed on the way. Some of them may have been of times before the
    /// range.
    public var missedAtEnd: UInt64 { walk.missed }

    /// The next older frame, or nil at the end of the range. O(1).
    @inlinable @inline(__always)
    public mutating func next() -> Frame? {
      if !lane.isOver, let frame = lane.frame(ahead: -FrameLane.framesAhead), frame.timestamp >= first {
        lane.pass(-1)
        return frame
      }
      let frame = walk.nextSlowly(from: lane.slot)
      lane = walk.lane
      return frame
    }
  }

  /// What an iterator needs at the starts of blocks.
  @usableFromInline
  struct Walk {
    var cursor: Cursor
    @usableFromInline let first: Int64
    var isOver: Bool
    private(set) var missed: UInt64 = 0

    init(cursor: Cursor, first: Int64, isOver: Bool) {
      self.cursor = cursor
      self.first = first
      self.isOver = isOver
    }

    /// The slot that the cursor comes to going back.
    private var slot: Int { cursor.upcoming - 1 - cursor.standing }

    @usableFromInline
    var lane: FrameLane {
      guard !isOver, let window = cursor.window else { return unsafe FrameLane(empty: cursor.store.file.mapped.base) }
      let isWithin = slot >= cursor.fastStart && slot < cursor.fastEnd
      return FrameLane(window, slot: slot, end: isWithin ? cursor.fastStart - 1 : slot)
    }

    @usableFromInline @inline(never)
    mutating func nextSlowly(from slot: Int) -> Frame? {
      // The lane's steps since: the cursor stands on the frame behind the one that comes next.
      if cursor.window != nil, !isOver, slot != self.slot { (cursor.upcoming, cursor.standing) = (slot + 2, 1) }
      var futileAttempts = 0
      while !isOver {
        do throws(NanoTSError) {
          guard let frame = try cursor.previous(), frame.timestamp >= first else { break }
          return frame
        } catch {
          guard error.isPassable, futileAttempts < NanoTSError.futileAttempts else { break }
          missed &+= error.missedFrames
          if error.missedFrames == 0 { futileAttempts += 1 }
        }
      }
      isOver = true
      return nil
    }
  }
}

extension Cursor {
  /// Places the cursor behind the last frame at `timestamp`.
  mutating func place(after timestamp: Int64) throws(NanoTSError) {
    if timestamp == .max {
      try seekToEnd()
    } else {
      try place(before: FramePosition(timestamp: timestamp + 1, key: .min))
    }
  }
}
