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
  private var blockSequence: UInt64?
  private var hasAppended = false

  init(_ name: String, _ shape: ScenarioShape.Stream) {
    self.shape = shape
    policy = shape.policy
    promise = StreamPromise(name: name, log: FrameLog())
  }

  var name: String { promise.name }
  var log: FrameLog { promise.log }

  mutating func opened(_ writer: Writer, _ policy: ScenarioShape.Policy, in store: Store) throws {
    self.writer = writer
    self.policy = policy
    cursor = try store.cursor(of: name)
    blockSequence = nil
    hasAppended = false
  }

  /// The writer is gone; `isDurable` when what it had open was synced.
  mutating func closed(isDurable: Bool) {
    writer = nil
    cursor = nil
    if isDurable { promise.end = log.next }
  }

  /// Takes in what an append that returned has promised: with `everyFrame` all there is, with `onSeal` what lies in
  /// blocks that were sealed for it.
  mutating func appended(_ count: Int) throws {
    hasAppended = true
    switch policy {
    case .none: return
    case .everyFrame: promise.end = log.next
    case .onSeal:
      guard let last = try cursor!.last() else {
        throw BrokenPromise("\(name): a frame was appended and the stream has none")
      }
      defer { blockSequence = last.blockSequence }
      guard let blockSequence, blockSequence != last.blockSequence else { return }
      var first = last.ordinal
      for _ in 1..<max(2, count) {
        guard let before = try cursor!.previous(), before.blockSequence == last.blockSequence else { break }
        first = before.ordinal
      }
      promise.end = max(promise.end, first)
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
