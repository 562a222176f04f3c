internal import Glibc
internal import NanoTS

/// One stream of a run, with its writer while it has one.
struct ScenarioStream {
  let shape: ScenarioShape.Stream
  var promise: StreamPromise
  var writer: Writer?
  /// What the writer promises.
  var policy: ScenarioShape.Policy
  /// Shows which block the newest frames are in.
  private var cursor: Cursor?
  private var hasAppended = false
  private let unpromisedBlocks: Int
  /// Where each append ended and when it returned, of a writer that syncs by time, as far as not promised.
  private var returns: [(end: UInt64, time: UInt64)] = []

  init(_ name: String, _ shape: ScenarioShape.Stream, unpromisedBlocks: Int) {
    self.shape = shape
    self.unpromisedBlocks = unpromisedBlocks
    policy = shape.policy
    promise = StreamPromise(name: name, log: FrameLog())
  }

  var name: String { promise.name }
  var log: FrameLog { promise.log }

  mutating func opened(_ writer: Writer, _ policy: ScenarioShape.Policy, in store: Store) throws {
    self.writer = writer
    self.policy = policy
    cursor = try store.cursor(of: name)
    hasAppended = false
    returns = []
  }

  /// The writer is gone; `isDurable` when what it had open was synced.
  mutating func closed(isDurable: Bool) {
    writer = nil
    cursor = nil
    if isDurable { promise.end = log.next }
  }

  /// Takes in what an append has promised that began at `start` and returned now: with `everyFrame` all there is, with
  /// `onSeal` what lies before the writer's newest blocks, and with `interval` also what was old enough.
  mutating func appended(startingAt start: UInt64) throws {
    hasAppended = true
    switch policy {
    case .none: return
    case .everyFrame: promise.end = log.next
    case .onSeal: try promiseSealed()
    case .interval:
      try promiseSealed()
      let interval = UInt64(ScenarioShape.Policy.intervalMilliseconds) * 1_000_000
      while let first = returns.first, first.time + interval < start {
        promise.end = max(promise.end, first.end)
        returns.removeFirst()
      }
      returns.append((log.next, ScenarioStream.now))
    }
  }

  /// Nanoseconds of the clock that the engine goes by.
  static var now: UInt64 {
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }

  private mutating func promiseSealed() throws {
    guard let last = try cursor!.last() else {
      throw BrokenPromise("\(name): a frame was appended and the stream has none")
    }
    var (block, first, left) = (last.blockSequence, last.ordinal, unpromisedBlocks - 1)
    while let before = try previous(), before.segment == last.segment {
      if before.blockSequence != block {
        guard left > 0 else { break }
        (block, left) = (before.blockSequence, left - 1)
      }
      first = before.ordinal
    }
    promise.end = max(promise.end, first)
  }

  /// Nil also where the frames before were recycled, which threads of other writers may do meanwhile.
  private mutating func previous() throws(NanoTSError) -> Frame? {
    do throws(NanoTSError) {
      return try cursor!.previous()
    } catch  where error.code == .overwritten {
      return nil
    }
  }

  /// What a flush has promised: all there is. A writer without durability that has stored nothing yet syncs as well, but
  /// leaves no word of it in the blocks of earlier ones, and those may be taken for lost (Protocols.md, known gaps).
  mutating func flushed() {
    if hasAppended || policy != .none { promise.end = log.next }
  }

  /// The stream was freed: whoever writes it next begins anew.
  mutating func wasFreed() { promise = StreamPromise(name: name, log: FrameLog()) }

  /// A loss of power left these frames; the store that was opened has synced them. The next one gets the ordinal `next`.
  mutating func wasLeft(with ordinals: [UInt64], next: UInt64?, _ terms: Terms) {
    let end = ordinals.last.map { $0 + 1 } ?? 0
    promise = StreamPromise(name: name, log: FrameLog(of: log, upTo: end, next: next), end: end, terms: terms)
    promise.gone = ScenarioStream.missing(in: ordinals, before: end)
    closed(isDurable: false)
  }

  /// Every frame that is not there any more is gone for good.
  mutating func noteGone(besides ordinals: [UInt64]) {
    promise.gone = ScenarioStream.missing(in: ordinals, before: log.next)
  }

  private static func missing(in ordinals: [UInt64], before end: UInt64) -> [ClosedRange<UInt64>] {
    var missing: [ClosedRange<UInt64>] = []
    var next: UInt64 = 0
    for ordinal in ordinals + [end] {
      if ordinal > next { missing.append(next...(ordinal - 1)) }
      next = ordinal + 1
    }
    return missing
  }
}
