/// A frame of one of the streams that are followed.
public struct FollowedFrame {
  /// The frame. Its `missed` says how many frames of this stream just before it were recycled or damaged before they could
  /// be read.
  public let frame: Frame
  /// The stream that it is from.
  public let stream: String
}

/// Where following begins.
public enum FollowStart: Sendable {
  /// At the oldest frame there is.
  case oldest
  /// Behind the newest: only what is appended from now on.
  case end
  /// At the first frame at or after a timestamp.
  case timestamp(Int64)
}

/// Reads streams as they grow, in this process or another: what is there, then what comes.
///
/// Each stream's frames come in order and none is left out unless the ring lapped the reader; then the next frame says in
/// `missed` how many, and reading goes on from the oldest frame left. Of the frames that are there at a call, that with
/// the lowest timestamp comes first, and the stream named first where timestamps are equal. A stream whose writer is
/// behind the others does not hold them up: its frames come when they are committed, behind later ones of other streams.
///
/// Three ways to wait: `next(waitingMilliseconds:)` blocks the thread, `frames` is an `AsyncSequence`, and
/// `subscribe(_:)` calls a function. An idle follower sleeps (see `Store.followMethod`). A follower that dies costs a
/// writer one needless wake.
///
/// A follower is a value: a copy follows on its own from the same place, and may go to another thread. One thread at a
/// time may use it. Frames are valid as long as the follower or its store is alive.
public struct Follower: Sendable {
  // Unchecked for the frame, whose pointers are into the mapping that the cursor keeps.
  struct Lane: @unchecked Sendable {
    var cursor: Cursor
    let stream: String
    /// The cursor's next frame, taken ahead to be compared with those of the other lanes.
    var head: Frame?
    /// Frames that were passed over since the last one handed out.
    var missed: UInt64 = 0
    /// What the stream looked like before the cursor last came to its end.
    var watch: StreamWatch?

    init(_ cursor: Cursor) {
      self.cursor = cursor
      stream = String(decoding: cursor.name, as: UTF8.self)
    }
  }

  private(set) var lanes: [Lane]
  let store: Store

  init(_ store: Store) {
    self.store = store
    lanes = []
  }

  /// The names of the streams, in the order in which they were given.
  public var streams: [String] { lanes.map(\.stream) }

  /// Follows one more stream, from the place where `cursor` is.
  ///
  /// Throws `.invalidArgument` when the cursor is of another store, or its stream is followed already.
  public mutating func add(_ cursor: Cursor) throws(NanoTSError) {
    guard cursor.store === store else {
      throw NanoTSError(
        .invalidArgument,
        "the cursor is of \(cursor.store.path) and the follower of \(store.path); follow each by itself")
    }
    guard !lanes.contains(where: { $0.cursor.name == cursor.name }) else {
      throw NanoTSError(
        .invalidArgument,
        "the stream '\(String(decoding: cursor.name, as: UTF8.self))' is followed already; name it once")
    }
    lanes.append(Lane(cursor))
  }

  /// The next frame; when there is none yet, waits until one is committed, at most so many milliseconds. Nil when the
  /// time is over. 0 looks once; `Int.max` waits without limit.
  ///
  /// Throws `.ioFailure`, and `.invalidArgument` for a negative number or with no stream to follow. O(streams).
  public mutating func next(waitingMilliseconds: Int = .max) throws(NanoTSError) -> FollowedFrame? {
    try next(in: store.file, until: try Deadline(milliseconds: waitingMilliseconds))
  }
}

extension Follower: FrameSource {
  mutating func nextNow() throws(NanoTSError) -> FollowedFrame? {
    guard !lanes.isEmpty else {
      throw NanoTSError(.invalidArgument, "there is no stream to follow in \(store.path); name one")
    }
    while true {
      for index in lanes.indices where lanes[index].head == nil { try lanes[index].takeHead() }
      guard let index = lowest() else { return nil }
      guard lanes.count == 1 || lanes[index].head!.isIntact else {
        // Recycled since it was taken: the cursor is behind it and cannot count it.
        lanes[index].head = nil
        lanes[index].missed &+= 1
        continue
      }
      return lanes[index].handOut()
    }
  }

  var slots: [Int?] { lanes.map { $0.cursor.stream?.slot } }

  /// The streams as they were before each was found to have no frame left.
  var watchList: WatchList { WatchList(watches: lanes.compactMap(\.watch)) }

  /// The lane whose head comes first.
  private func lowest() -> Int? {
    var found: (index: Int, timestamp: Int64)?
    for index in lanes.indices {
      guard let timestamp = lanes[index].head?.timestamp, found.map({ timestamp < $0.timestamp }) ?? true else {
        continue
      }
      found = (index, timestamp)
    }
    return found?.index
  }
}

extension Follower.Lane {
  /// Takes the next frame that can be read, if one is there. A stream at its end is not looked at again until it changes.
  mutating func takeHead() throws(NanoTSError) {
    if let watch, !watch.hasChanged() { return }
    var futileAttempts = 0
    while head == nil {
      let watch = StreamWatch(cursor)
      let step = Result { () throws(NanoTSError) in try cursor.next() }
      switch step {
      case .success(let frame):
        head = frame
        self.watch = frame == nil ? watch : nil
        // On the way to the end the cursor may have come to another block: then it is looked at once more.
        if frame == nil, watch.covers(cursor) { return }
      case .failure(let error) where error.isPassable && futileAttempts < NanoTSError.futileAttempts:
        missed &+= error.missedFrames
        if error.missedFrames == 0 { futileAttempts += 1 }
      case .failure(let error) where error.code == .notFound:
        // The stream was freed: a new one of its name may come.
        break
      case .failure(let error):
        throw error
      }
    }
  }

  mutating func handOut() -> FollowedFrame {
    var frame = head!
    frame.missed = missed
    head = nil
    missed = 0
    return FollowedFrame(frame: frame, stream: stream)
  }
}

extension Store {
  /// Follows `streams`, which need not exist yet, from `start` on.
  ///
  /// Throws `.invalidArgument` for no stream or one named twice, `.invalidName`, `.closed`, and what a cursor throws.
  public func follow(_ streams: [String], from start: FollowStart = .end) throws(NanoTSError) -> Follower {
    guard !streams.isEmpty else {
      throw NanoTSError(.invalidArgument, "there is no stream to follow in \(path); name one")
    }
    try checkLive(to: "follow")
    var follower = Follower(self)
    for stream in streams {
      var cursor = try cursor(of: stream)
      switch start {
      case .oldest: break
      case .end: try cursor.seekToEnd()
      case .timestamp(let timestamp): try cursor.place(before: FramePosition(timestamp: timestamp, key: .min))
      }
      try follower.add(cursor)
    }
    return follower
  }

  /// Follows the stream of `cursor` from its place on. More can be added.
  ///
  /// Throws `.invalidArgument` when the cursor is of another store.
  public func follow(from cursor: Cursor) throws(NanoTSError) -> Follower {
    try checkLive(to: "follow")
    var follower = Follower(self)
    try follower.add(cursor)
    return follower
  }
}
