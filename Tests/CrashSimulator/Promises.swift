internal import NanoTS

/// What a stream was told to keep.
struct Terms: Equatable {
  var quota = StreamQuota()
  var protected: [ClosedRange<Int64>] = []

  init() {}

  init(of stream: String, in store: Store) throws(NanoTSError) {
    quota = try store.quota(of: stream)
    protected = try store.protectedRanges(of: stream)
  }
}

/// What the engine has promised of one stream at one moment.
struct StreamPromise {
  let name: String
  let log: FrameLog
  /// Every frame before this ordinal survives a loss of power, unless it was recycled or freed.
  var end: UInt64 = 0
  /// Frames that went for good: they must not come back.
  var gone: [ClosedRange<UInt64>] = []
  /// What the last call that returned has set.
  var terms = Terms()
}

/// The promises between two changes of them.
struct Moment {
  var promises: [StreamPromise]
  /// What was going on.
  let underway: String
  /// No frame has a later time.
  let clock: Int64
  /// A stream that is being freed: it may be there or not.
  var freeing: String?
  /// What the call that is going on will have set; either may be found.
  var laterTerms: [String: Terms] = [:]
  /// The frames that must not be missed, where the file itself does not tell: it is being settled.
  var alive: [String: [UInt64]]?
}

/// The engine broke a promise.
struct BrokenPromise: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}
