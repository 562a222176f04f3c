package import NanoTS

/// Asks a store what a reader can ask, as the input says. Whatever is thrown or read, each call must come back, and a walk
/// must come to its end.
package struct StoreReading {
  private let store: Store
  /// No file has more frames than this: a walk that goes on does not end.
  private let endless: Int
  private var read = 0
  /// More questions say nothing new, and an input is to take less than a millisecond.
  private static let maximumQuestions = 4

  package init(_ store: Store, fileByteCount: Int) {
    self.store = store
    endless = fileByteCount / 8 + 1_000
  }

  package mutating func read(_ input: inout FuzzInput) {
    for _ in 0...input.choice(Self.maximumQuestions) { ask(&input) }
  }

  private mutating func ask(_ input: inout FuzzInput) {
    let name = input.element(of: ["a", "keyed", "kept", "new"])
    switch input.choice(12) {
    case 0..<5: move(name, &input)
    case 5: askForFrames(name)
    case 6: askForParts(name)
    case 7: askForTerms(name)
    case 8: askForAll()
    case 9: for finding in (try? store.verify().findings) ?? [] { _ = finding.description }
    case 10: follow([name, "keyed"])
    default: takeAll(name)
    }
  }

  private func attempt<R>(_ body: () throws(NanoTSError) -> R) -> R? { try? body() }

  /// Counts one more of the steps of a walk, which must end.
  private func step(_ steps: inout Int, _ what: StaticString) {
    steps += 1
    precondition(steps < endless, "a walk without an end: \(what)")
  }

  private mutating func look(_ frame: Frame) {
    read &+= attempt { () throws(NanoTSError) in try frame.copyBytes().count } ?? 0
    _ = attempt { () throws(NanoTSError) in try frame.load(as: UInt64.self) }
    _ = attempt { () throws(NanoTSError) in try frame.metadata() }
  }

  // MARK: Cursors

  private mutating func move(_ name: String, _ input: inout FuzzInput) {
    let options = CursorOptions(verifiesChecksums: input.flag())
    guard var cursor = attempt({ () throws(NanoTSError) in try store.cursor(of: name, options: options) }) else {
      return
    }
    for _ in 0...input.choice(3) {
      switch input.choice(4) {
      case 0: walk(&cursor, isForward: true)
      case 1: walk(&cursor, isForward: false)
      case 2: seek(&cursor)
      default: takeBatches(&cursor)
      }
    }
  }

  private mutating func walk(_ cursor: inout Cursor, isForward: Bool) {
    var steps = 0
    while true {
      step(&steps, "cursor")
      do {
        guard let frame = try isForward ? cursor.next() : cursor.previous() else { return }
        if steps % 4 == 0 { look(frame) }
      } catch {}
    }
  }

  private mutating func seek(_ cursor: inout Cursor) {
    for time in [Int64.min, 0, 9, 15, 30, .max] {
      if let frame = try? cursor.seek(to: time) { look(frame) }
      if let frame = try? cursor.previous() { look(frame) }
      if let frame = try? cursor.seek(to: time, key: 1) { look(frame) }
    }
    if let frame = try? cursor.last() { look(frame) }
    _ = try? cursor.next()
    try? cursor.seekToEnd()
    _ = try? cursor.previous()
    if let frame = try? cursor.first() { look(frame) }
  }

  private mutating func takeBatches(_ cursor: inout Cursor) {
    var steps = 0
    while true {
      step(&steps, "batches")
      do {
        guard let batch = try cursor.nextBatch(through: steps == 2 ? 17 : .max) else { break }
        read &+=
          attempt { () throws(NanoTSError) in
            try batch.withTimestamps { view in (0..<view.count).reduce(0) { $0 &+ Int(truncatingIfNeeded: view[$1]) } }
          } ?? 0
        read &+=
          attempt { () throws(NanoTSError) in
            try batch.withValues(as: UInt64.self) { view in
              (0..<view.count).reduce(0) { $0 &+ Int(truncatingIfNeeded: view[$1]) }
            }
          } ?? 0
        if let frame = attempt({ () throws(NanoTSError) in try batch.frame(at: batch.count - 1) }) { look(frame) }
      } catch {}
    }
  }

  // MARK: Questions

  private static let range: ClosedRange<Int64> = 5...25

  private func askForFrames(_ name: String) {
    _ = attempt { () throws(NanoTSError) in try store.frameCount(of: name) }
    _ = attempt { () throws(NanoTSError) in try store.frameCount(of: name, in: Self.range) }
    _ = attempt { () throws(NanoTSError) in try store.streams() }
    _ = attempt { () throws(NanoTSError) in try store.streams(in: Self.range) }
  }

  private func askForParts(_ name: String) {
    _ = attempt { () throws(NanoTSError) in try store.segments(of: name) }
    _ = attempt { () throws(NanoTSError) in try store.segments(of: name, in: Self.range) }
    _ = attempt { () throws(NanoTSError) in try store.contiguousRuns(of: name) }
  }

  private func askForTerms(_ name: String) {
    _ = attempt { () throws(NanoTSError) in try store.statistics(of: name) }
    _ = attempt { () throws(NanoTSError) in try store.quota(of: name) }
    _ = attempt { () throws(NanoTSError) in try store.protectedRanges(of: name) }
    if let pin = attempt({ () throws(NanoTSError) in try store.pin(name, in: Self.range) }) {
      _ = pin.lostBlocks
      pin.release()
    }
  }

  private func askForAll() {
    _ = attempt { () throws(NanoTSError) in try store.blocks() }
    if let all = attempt({ () throws(NanoTSError) in try store.statistics() }) {
      _ = (all.frames, all.bytes, all.reclaimedBlocks, all.reclaimedFrames, all.first, all.last)
    }
  }

  private mutating func takeAll(_ name: String) {
    guard let frames = attempt({ () throws(NanoTSError) in try store.frames(of: name, in: Self.range) }) else { return }
    var steps = 0
    for frame in frames {
      step(&steps, "sequence")
      look(frame)
    }
    for _ in frames.reversed() { step(&steps, "reversed sequence") }
  }

  private mutating func follow(_ names: [String]) {
    guard var follower = attempt({ () throws(NanoTSError) in try store.follow(names, from: .oldest) }) else { return }
    var steps = 0
    while true {
      step(&steps, "follower")
      do {
        guard let followed = try follower.next(waitingMilliseconds: 0) else { return }
        if steps % 4 == 0 { look(followed.frame) }
      } catch {}
    }
  }
}
