import Synchronization

/// A function being called with each frame of a follower, on a thread of its own, until cancelled.
///
/// Keep it: when the last reference goes, the calls end. May be used from any thread.
public final class FollowSubscription: Sendable {
  private let interrupt: WaitInterrupt
  private let ended = WaitCounter()
  /// The thread that makes the calls; 0 until it runs.
  private let thread = Atomic<Int32>(0)

  init(
    _ follower: Follower, _ body: @escaping @Sendable (Result<FollowedFrame, NanoTSError>) -> Void
  ) throws(NanoTSError) {
    let file = follower.store.file
    interrupt = WaitInterrupt(file)
    let (interrupt, ended) = (interrupt, ended)
    try WorkThread.start { [weak self] in
      self?.thread.store(WorkThread.current, ordering: .releasing)
      var follower = follower
      while !interrupt.isRaised {
        let step = Result { () throws(NanoTSError) in
          try follower.next(in: file, until: .never, or: interrupt)
        }
        // Frames may have come before this thread saw that it is over: no call begins once the subscription has gone.
        guard !interrupt.isRaised else { break }
        guard case .success(nil) = step else {
          body(step.map { $0! })
          if case .failure = step { break }
          continue
        }
      }
      ended.increment()
    }
  }

  deinit { interrupt.raise() }

  /// Ends the calls. When it returns, no call is running and none will follow; from within a call it returns at once,
  /// and that call is the last. Idempotent.
  public func cancel() {
    interrupt.raise()
    guard thread.load(ordering: .acquiring) != WorkThread.current else { return }
    while ended.value == 0 { ended.wait(while: 0) }
  }
}

extension Follower {
  /// Calls `body` with each frame from here on, on a thread of the engine's own, one call at a time, until the
  /// subscription is cancelled or goes. After a failure (`.ioFailure`) there is one last call with it.
  ///
  /// While `body` runs, no frame is waited for: a slow one is lapped by the ring and told so by `missed`. The frame is
  /// valid during the call. Throws `.ioFailure` when no thread could be started.
  public func subscribe(
    _ body: @escaping @Sendable (Result<FollowedFrame, NanoTSError>) -> Void
  ) throws(NanoTSError) -> FollowSubscription {
    try FollowSubscription(self, body)
  }
}
