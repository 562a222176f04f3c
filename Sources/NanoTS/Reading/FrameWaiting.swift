/// Something that has frames, now or later.
protocol FrameSource {
  associatedtype Element
  associatedtype Failure: Error

  /// The next one that is there, or nil.
  mutating func nextNow() throws(Failure) -> Element?

  /// The slots of the streams from which the next one may come; nil for a stream that does not exist yet.
  var slots: [Int?] { get }
}

extension FrameSource {
  /// The next element, waited for as long as it takes, until `deadline`, or until `interrupt` is raised: then nil.
  mutating func next(
    in file: StoreFile, until deadline: Deadline, or interrupt: WaitInterrupt? = nil,
    longestSleep: UInt64 = CommitWait.longestSleep
  ) throws(Failure) -> Element? {
    if let element = try nextNow() { return element }
    var wait = CommitWait(file, longestSleep: longestSleep)
    while interrupt?.isRaised != true, !deadline.isOver {
      let slots = slots
      let ticket = wait.prepare(slots)
      if let element = try nextNow() { return element }
      // A stream that the look has just found was not prepared for.
      guard slots == self.slots else { continue }
      // Raised after this, the interrupt changes the word that the sleep compares.
      if interrupt?.isRaised == true { break }
      wait.sleep(ticket, until: deadline)
      // Before the next round is prepared, which takes longer than the wake did.
      if interrupt?.isRaised != true, let element = try nextNow() { return element }
    }
    // What was committed while the time ran out is not kept from the caller.
    return interrupt?.isRaised == true ? nil : try nextNow()
  }
}

extension Cursor: FrameSource {
  mutating func nextNow() throws(NanoTSError) -> Frame? { try next() }

  var slots: [Int?] { [stream?.slot] }

  /// Steps to the next frame and returns it; when there is none yet, waits until one is committed, in whatever process,
  /// at most so many milliseconds. Nil when the time is over. 0 looks once; `Int.max` waits without limit.
  ///
  /// Blocks the thread; a writer of a stream that does not exist yet is waited for as well. How it waits says
  /// `Store.followMethod`. Throws as `next`, and `.invalidArgument` for a negative number.
  public mutating func next(waitingMilliseconds: Int) throws(NanoTSError) -> Frame? {
    try store.checkLive(to: "wait for frames")
    let deadline = try Deadline(milliseconds: waitingMilliseconds)
    return try next(in: store.file, until: deadline)
  }
}

/// How readers of a store come to know of new frames.
public enum FollowMethod: Sendable {
  /// The writer wakes them: asleep, they use no processor time.
  case wakeUps
  /// They look again and again, every 0.2 ms at first and every 20 ms when nothing comes: the store was opened
  /// read-only or may not be written, so that its wake word cannot be used, or the system has no membarrier call.
  case polling
}

extension Store {
  /// How `Cursor.next(waitingMilliseconds:)` and followers of this store wait.
  public var followMethod: FollowMethod { CommitWait.isWoken(file) ? .wakeUps : .polling }
}
