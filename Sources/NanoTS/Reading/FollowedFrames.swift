/// The frames of a follower as an `AsyncSequence`: `for try await followed in follower.frames { … }`.
///
/// Waiting suspends the task and blocks no thread of the cooperative pool: each iterator has a waiting thread of its own
/// while frames are awaited. The sequence ends when the task is cancelled. Frames that were missed do not end it: the
/// next frame counts them. Frames are valid as long as the iterator or the store is alive.
public struct FollowedFrames: AsyncSequence {
  let follower: Follower

  /// An iterator from the place where the follower was.
  public func makeAsyncIterator() -> Iterator { Iterator(follower) }

  /// Awaits frames. One task at a time.
  public struct Iterator: AsyncIteratorProtocol {
    private var follower: Follower
    private let waiter: FollowWaiter

    init(_ follower: Follower) {
      self.follower = follower
      waiter = FollowWaiter(follower.store.file)
    }

    /// The next frame, awaited; nil once the task is cancelled. Throws `.ioFailure`.
    public mutating func next() async throws(NanoTSError) -> FollowedFrame? { try await next(isolation: nil) }

    /// The next frame, awaited; nil once the task is cancelled. Throws `.ioFailure`.
    public mutating func next(
      isolation actor: isolated (any Actor)?
    ) async throws(NanoTSError) -> FollowedFrame? {
      while !Task.isCancelled {
        if let followed = try follower.nextNow() { return followed }
        try await waiter.wait(for: follower.watchList, isolation: actor)
      }
      return nil
    }
  }
}

extension Follower {
  /// What is followed, as a sequence to be awaited. It goes on from this place by itself: what it hands out, this follower
  /// hands out as well.
  public var frames: FollowedFrames { FollowedFrames(follower: self) }
}
