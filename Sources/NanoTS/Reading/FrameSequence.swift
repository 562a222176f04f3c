/// The frames of a stream in a range of time, oldest first.
///
/// Iterating never fails: where frames were recycled or are damaged, iteration goes on behind them, and the next frame
/// says in `missed` how many were left out; what was left out at the end, the iterator says in `missedAtEnd`. Use a
/// `Cursor` to have each such event thrown. Frames are valid as long as
/// the sequence, its store or the iterator is alive; their bytes are reached as `Frame` describes.
public struct FrameSequence: Sequence {
  @usableFromInline let start: Cursor
  @usableFromInline let range: ClosedRange<Int64>

  /// The same frames, newest first. `missed` is then not set: what is recycled lies at the end.
  public func reversed() -> ReversedFrameSequence { ReversedFrameSequence(start: start, range: range) }

  /// An iterator at the first frame of the range. When that cannot be found (a system call failed, or the ring turns
  /// over faster than it can be read), there is nothing to iterate over.
  public func makeIterator() -> Iterator {
    var cursor = start
    let isPlaced = (try? cursor.place(before: FramePosition(timestamp: range.lowerBound, key: .min))) != nil
    return Iterator(Walk(cursor: cursor, last: range.upperBound, isOver: !isPlaced))
  }

  /// Steps through the frames. One thread at a time.
  public struct Iterator: IteratorProtocol {
    @usableFromInline var lane: FrameLane
    @usableFromInline let last: Int64
    @usableFromInline var walk: Walk

    fileprivate init(_ walk: Walk) {
      self.walk = walk
      last = walk.last
      lane = walk.lane(from: walk.cursor.upcoming)
    }

    /// After `next` returned nil: how many frames were missed behind the last one that it returned. Some of them may have
    /// been of times behind the range.
    public var missedAtEnd: UInt64 { walk.missedAtEnd }

    /// The next frame, or nil at the end of the range. O(1).
    @inlinable @inline(__always)
    public mutating func next() -> Frame? {
      if _fastPath(!lane.isOver), let frame = lane.next(goingBack: false, to: last) { return frame }
      var missed: UInt64 = 0
      if !isKnownUniquelyReferenced(&walk) { walk = Walk(walk) }
      while true {
        let next = walk.lane(from: lane.ordinal(goingBack: false), missing: missed)
        lane.take(next.lane)
        missed = next.missed
        if lane.isOver { return nil }
        if var frame = lane.next(goingBack: false, to: last) {
          frame.missed = missed
          return frame
        }
      }
    }
  }

  /// What an iterator needs between two lanes. An object, whose address is not the iterator's: what is left of that is kept in
  /// registers. It belongs to one iterator: a copy of that makes its own.
  @usableFromInline
  final class Walk {
    fileprivate var cursor: Cursor
    fileprivate let last: Int64
    private var isOver: Bool
    private(set) fileprivate var missedAtEnd: UInt64 = 0

    fileprivate init(cursor: Cursor, last: Int64, isOver: Bool) {
      self.cursor = cursor
      self.last = last
      self.isOver = isOver
    }

    @usableFromInline
    init(_ other: Walk) {
      cursor = other.cursor
      last = other.last
      isOver = other.isOver
      missedAtEnd = other.missedAtEnd
    }

    /// The frames from `slot` of the present block on that may be stepped to at once, and of these `count` that are known to be.
    fileprivate func lane(from slot: Int, atLeast count: Int = 0) -> FrameLane {
      guard !isOver, let window = cursor.window else { return unsafe FrameLane(empty: cursor.store.file.mapped.base) }
      return FrameLane(window, slot: slot, end: Swift.max(slot + count, cursor.fastEnd))
    }

    /// A lane that begins with the frame `ordinal`, to which the one before has come, or with the next one that can be had; an
    /// empty one at the end. With it, how many frames were missed before that one, `missedBefore` among them.
    @usableFromInline @inline(never)
    func lane(from ordinal: UInt64, missing missedBefore: UInt64) -> (lane: FrameLane, missed: UInt64) {
      if let window = cursor.window, !isOver {
        let slot = Int(truncatingIfNeeded: ordinal &- window.firstOrdinal)
        if slot != cursor.upcoming { (cursor.upcoming, cursor.standing) = (slot, 1) }
      }
      var missed = missedBefore
      var futileAttempts = 0
      while !isOver {
        do throws(NanoTSError) {
          guard let frame = try cursor.next(), frame.timestamp <= last else { break }
          // It was within reach, and if its block is recycled meanwhile, the lane does not give it.
          return (lane(from: cursor.upcoming - 1, atLeast: 1), missed)
        } catch {
          guard error.isPassable, futileAttempts < NanoTSError.futileAttempts else { break }
          missed &+= error.missedFrames
          if error.missedFrames == 0 { futileAttempts += 1 }
        }
      }
      if !isOver { (isOver, missedAtEnd) = (true, missed) }
      return unsafe (FrameLane(empty: cursor.store.file.mapped.base), 0)
    }
  }
}

extension Store {
  /// The frames of `stream` with timestamps in `range`, both ends included. An unknown stream has none.
  ///
  /// Throws `.invalidName`, `.closed`, or in a build without LZ4 `.unsupportedFeature` when blocks of the stream are
  /// compressed: a sequence would pass over them in silence.
  public func frames(
    of stream: String, in range: ClosedRange<Int64> = Int64.min...Int64.max
  ) throws(NanoTSError) -> FrameSequence {
    let cursor = try cursor(of: stream)
    if !LZ4.isAvailable { try cursor.refuseCompressedBlocks() }
    return FrameSequence(start: cursor, range: range)
  }
}

extension Cursor {
  fileprivate func refuseCompressedBlocks() throws(NanoTSError) {
    let isCompressed = (0..<directory.count).contains {
      BodyLayout(word: store.file.header(Int(directory[$0].block)).bodyLayout.relaxed).kind == BodyLayout.chunked
    }
    guard !isCompressed else {
      throw LZ4.unavailable("frames of the stream '\(String(decoding: name, as: UTF8.self))' are compressed")
    }
  }
}
