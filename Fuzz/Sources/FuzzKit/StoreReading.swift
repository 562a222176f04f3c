package import NanoTS

/// Asks a store everything that a reader can ask. Whatever is thrown or read, each call must come back, and a walk must
/// come to its end.
package struct StoreReading {
  private let store: Store
  /// No file has more frames than this: a walk that goes on does not end.
  private let endless: Int
  private var read = 0

  package init(_ store: Store, fileByteCount: Int) {
    self.store = store
    endless = fileByteCount / 8 + 1_000
  }

  package mutating func readAll() {
    var names: Set<String> = ["a", "keyed"]
    if let known = attempt({ () throws(NanoTSError) in try store.streams() }) { names.formUnion(known.prefix(6)) }
    for name in names.sorted() {
      for verifies in [false, true] {
        guard
          var cursor = attempt({ () throws(NanoTSError) in
            try store.cursor(of: name, options: CursorOptions(verifiesChecksums: verifies))
          })
        else { continue }
        walk(&cursor)
        seek(&cursor)
        takeBatches(&cursor)
      }
      ask(name)
    }
    ask()
    follow(names.sorted())
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

  private mutating func walk(_ cursor: inout Cursor) {
    for isForward in [true, false] {
      var steps = 0
      while true {
        step(&steps, "cursor")
        do {
          guard let frame = try isForward ? cursor.next() : cursor.previous() else { break }
          if steps % 4 == 0 { look(frame) }
        } catch {}
      }
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
        read &+= attempt { () throws(NanoTSError) in
          try batch.withTimestamps { view in (0..<view.count).reduce(0) { $0 &+ Int(truncatingIfNeeded: view[$1]) } }
        } ?? 0
        read &+= attempt { () throws(NanoTSError) in
          try batch.withValues(as: UInt64.self) { view in
            (0..<view.count).reduce(0) { $0 &+ Int(truncatingIfNeeded: view[$1]) }
          }
        } ?? 0
        if let frame = attempt({ () throws(NanoTSError) in try batch.frame(at: batch.count - 1) }) { look(frame) }
      } catch {}
    }
  }

  // MARK: Questions

  private mutating func ask(_ name: String) {
    let range: ClosedRange<Int64> = 5...25
    _ = attempt { () throws(NanoTSError) in try store.frameCount(of: name) }
    _ = attempt { () throws(NanoTSError) in try store.frameCount(of: name, in: range) }
    _ = attempt { () throws(NanoTSError) in try store.segments(of: name) }
    _ = attempt { () throws(NanoTSError) in try store.segments(of: name, in: range) }
    _ = attempt { () throws(NanoTSError) in try store.contiguousRuns(of: name) }
    _ = attempt { () throws(NanoTSError) in try store.statistics(of: name) }
    _ = attempt { () throws(NanoTSError) in try store.quota(of: name) }
    _ = attempt { () throws(NanoTSError) in try store.protectedRanges(of: name) }
    if let pin = attempt({ () throws(NanoTSError) in try store.pin(name, in: range) }) {
      _ = pin.lostBlocks
      pin.release()
    }
    guard let frames = attempt({ () throws(NanoTSError) in try store.frames(of: name, in: range) }) else { return }
    var steps = 0
    for frame in frames {
      step(&steps, "sequence")
      look(frame)
    }
    for _ in frames.reversed() { step(&steps, "reversed sequence") }
  }

  private func ask() {
    _ = attempt { () throws(NanoTSError) in try store.streams(in: 0...10) }
    _ = attempt { () throws(NanoTSError) in try store.blocks() }
    if let all = attempt({ () throws(NanoTSError) in try store.statistics() }) {
      _ = (all.frames, all.bytes, all.reclaimedBlocks, all.reclaimedFrames, all.first, all.last)
    }
    for finding in attempt({ () throws(NanoTSError) in try store.verify().findings }) ?? [] { _ = finding.description }
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
