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

    @usableFromInline
    init(_ walk: Walk) {
      self.walk = walk
      last = walk.last
      lane = walk.lane
    }

    /// After `next` returned nil: how many frames were missed behind the last one that it returned. Some of them may have
    /// been of times behind the range.
    public var missedAtEnd: UInt64 { walk.missedAtEnd }

    /// The next frame, or nil at the end of the range. O(1).
    @inlinable @inline(__always)
    public mutating func next() -> Frame? {
      if !lane.isOver, let frame = lane.frame(ahead: FrameLane.framesAhead), frame.timestamp <= last {
        lane.pass(1)
        return frame
      }
      let frame = walk.nextSlowly(from: lane.slot)
      lane = walk.lane
      return frame
    }
  }

  /// What an iterator needs at the ends of blocks.
  @usableFromInline
  struct Walk {
    var cursor: Cursor
    @usableFromInline let last: Int64
    var isOver: Bool
    private(set) var missedAtEnd: UInt64 = 0

    init(cursor: Cursor, last: Int64, isOver: Bool) {
      self.cursor = cursor
      self.last = last
      self.isOver = isOver
    }

    @usableFromInline
    var lane: FrameLane {
      guard !isOver, let window = cursor.window else { return unsafe FrameLane(empty: cursor.store.file.mapped.base) }
      return FrameLane(window, slot: cursor.upcoming, end: Swift.max(cursor.upcoming, cursor.fastEnd))
    }

    @usableFromInline @inline(never)
    mutating func nextSlowly(from slot: Int) -> Frame? {
      if cursor.window != nil, !isOver {
        if slot != cursor.upcoming { (cursor.upcoming, cursor.standing) = (slot, 1) }
      }
      var missed: UInt64 = 0
      var futileAttempts = 0
      while !isOver {
        do throws(NanoTSError) {
          guard var frame = try cursor.next(), frame.timestamp <= last else {
            isOver = true
            missedAtEnd = missed
            return nil
          }
          frame.missed = missed
          return frame
        } catch {
          guard error.isPassable, futileAttempts < NanoTSError.futileAttempts else {
            isOver = true
            missedAtEnd = missed
            return nil
          }
          missed &+= error.missedFrames
          if error.missedFrames == 0 { futileAttempts += 1 }
        }
      }
      return nil
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
