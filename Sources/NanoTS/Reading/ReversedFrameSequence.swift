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

    fileprivate init(_ walk: Walk) {
      self.walk = walk
      first = walk.first
      lane = walk.lane(from: walk.slot)
    }

    /// After `next` returned nil: how many frames were missed on the way. Some of them may have been of times before the
    /// range.
    public var missedAtEnd: UInt64 { walk.missed }

    /// The next older frame, or nil at the end of the range. O(1).
    @inlinable @inline(__always)
    public mutating func next() -> Frame? {
      if _fastPath(!lane.isOver), let frame = lane.next(goingBack: true, to: first) { return frame }
      if !isKnownUniquelyReferenced(&walk) { walk = Walk(walk) }
      while true {
        lane.take(walk.lane(before: lane.ordinal(goingBack: true)))
        if lane.isOver { return nil }
        if let frame = lane.next(goingBack: true, to: first) { return frame }
      }
    }
  }

  /// As `FrameSequence.Walk`.
  @usableFromInline
  final class Walk {
    private var cursor: Cursor
    fileprivate let first: Int64
    private var isOver: Bool
    private(set) fileprivate var missed: UInt64 = 0

    fileprivate init(cursor: Cursor, first: Int64, isOver: Bool) {
      self.cursor = cursor
      self.first = first
      self.isOver = isOver
    }

    @usableFromInline
    init(_ other: Walk) {
      cursor = other.cursor
      first = other.first
      isOver = other.isOver
      missed = other.missed
    }

    /// The slot that the cursor comes to going back.
    fileprivate var slot: Int { cursor.upcoming - 1 - cursor.standing }

    /// The frames from `slot` of the present block down that may be stepped to at once, and of these `count` that are known to
    /// be.
    fileprivate func lane(from slot: Int, atLeast count: Int = 0) -> FrameLane {
      guard !isOver, let window = cursor.window else { return unsafe FrameLane(empty: cursor.store.file.mapped.base) }
      let isWithin = slot >= cursor.fastStart && slot < cursor.fastEnd
      return FrameLane(window, slot: slot, end: isWithin ? cursor.fastStart - 1 : slot - count)
    }

    /// A lane that begins with the frame `ordinal`, to which the one before has come, or with the next older one that can be
    /// had; an empty one at the end.
    @usableFromInline @inline(never)
    func lane(before ordinal: UInt64) -> FrameLane {
      // The lane's steps since: the cursor stands on the frame behind the one that comes next.
      if let window = cursor.window, !isOver {
        let upcoming = Int(truncatingIfNeeded: ordinal &- window.firstOrdinal)
        if upcoming != slot { (cursor.upcoming, cursor.standing) = (upcoming + 2, 1) }
      }
      var futileAttempts = 0
      while !isOver {
        do throws(NanoTSError) {
          guard let frame = try cursor.previous(), frame.timestamp >= first else { break }
          return lane(from: cursor.upcoming - 1, atLeast: 1)
        } catch {
          guard error.isPassable, futileAttempts < NanoTSError.futileAttempts else { break }
          missed &+= error.missedFrames
          if error.missedFrames == 0 { futileAttempts += 1 }
        }
      }
      isOver = true
      return unsafe FrameLane(empty: cursor.store.file.mapped.base)
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
