public import NanoTS

/// Frames that say what they are, whatever becomes of the tables: frame t of each stream has timestamp and ordinal t.
public enum HostileContent {
  public static let streams = ["x", "y", "z"]

  public static func payload(_ time: Int64, _ stream: String) -> [UInt8] {
    var random = SplitMix(seed: UInt64(bitPattern: time) &* 31 &+ UInt64(stream.utf8.first ?? 0))
    return (0..<(8 + Int(time % 5) * 40)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
  }

  public static func isRight(_ frame: Frame, of stream: String) throws(NanoTSError) -> Bool {
    try frame.copyBytes() == payload(frame.timestamp, stream) && frame.ordinal == UInt64(bitPattern: frame.timestamp)
  }
}

/// Uses a store over which somebody scribbles, in every way: whatever is thrown or read, each call must come back.
struct HostileUse {
  private let path: String
  private let words: SharedWords
  private let place: Int
  private var random: SplitMix
  /// A stream that does not end is left after so many frames: the file may say anything.
  private static let longEnough = 5_000

  init(_ path: String, _ words: SharedWords, _ place: Int, seed: UInt64) {
    self.path = path
    self.words = words
    self.place = place
    random = SplitMix(seed: seed)
  }

  private func attempt<R>(_ body: () throws(NanoTSError) -> R) -> R? { try? body() }

  // MARK: Reading

  /// One count of the word for each round.
  mutating func read() {
    while !words.isOver {
      let access: Store.Access = [.readOnly, .following, .snapshot].randomElement(using: &random)!
      guard let store = attempt({ () throws(NanoTSError) in try Store(at: path, access) }) else { continue }
      for _ in 0..<8 where !words.isOver { readAll(store) }
      words[place] += 1
    }
  }

  private mutating func readAll(_ store: Store) {
    for stream in HostileContent.streams + ["w"] {
      for verifies in [false, true] {
        guard
          var cursor = attempt({ () throws(NanoTSError) in
            try store.cursor(of: stream, options: CursorOptions(verifiesChecksums: verifies))
          })
        else { continue }
        walk(&cursor)
        jump(&cursor)
      }
      ask(store, stream)
    }
    _ = attempt { () throws(NanoTSError) in try store.verify() }
    _ = attempt { () throws(NanoTSError) in try store.statistics() }
    _ = attempt { () throws(NanoTSError) in try store.streams(in: 0...10) }
    follow(store)
    if random.oneIn(8) {
      _ = attempt { () throws(NanoTSError) in try store.copy(to: "\(path).copy\(place)", replacing: true) }
    }
  }

  private func look(_ frame: Frame) {
    _ = attempt { () throws(NanoTSError) in try frame.copyBytes() }
    _ = attempt { () throws(NanoTSError) in try frame.load(as: UInt64.self) }
    _ = attempt { () throws(NanoTSError) in try frame.metadata() }
  }

  private mutating func walk(_ cursor: inout Cursor) {
    for isForward in [true, false] {
      var (steps, failures) = (0, 0)
      while steps < HostileUse.longEnough, failures < 200, !words.isOver {
        steps += 1
        do {
          guard let frame = try isForward ? cursor.next() : cursor.previous() else { break }
          if steps % 16 == 0 { look(frame) }
        } catch {
          failures += 1
        }
      }
    }
  }

  private mutating func jump(_ cursor: inout Cursor) {
    for _ in 0..<20 {
      let time = random.oneIn(8) ? Int64(bitPattern: random.next()) : Int64.random(in: 0..<2000, using: &random)
      do {
        switch Int.random(in: 0..<5, using: &random) {
        case 0: if let frame = try cursor.seek(to: time) { look(frame) }
        case 1: if let frame = try cursor.first() { look(frame) }
        case 2: if let frame = try cursor.last() { look(frame) }
        case 3:
          if let batch = try cursor.nextBatch() {
            _ = try batch.withValues(as: UInt64.self) { view in (0..<view.count).reduce(0) { $0 &+ view[$1] } }
            for index in 0..<min(batch.count, 50) { look(try batch.frame(at: index)) }
          }
        default: if let frame = try cursor.previous() { look(frame) }
        }
      } catch {}
    }
  }

  private mutating func ask(_ store: Store, _ stream: String) {
    let range = Int64.random(in: 0..<500, using: &random)...Int64.random(in: 500..<3000, using: &random)
    _ = attempt { () throws(NanoTSError) in try store.frameCount(of: stream, in: range) }
    _ = attempt { () throws(NanoTSError) in try store.segments(of: stream, in: range) }
    _ = attempt { () throws(NanoTSError) in try store.contiguousRuns(of: stream) }
    _ = attempt { () throws(NanoTSError) in try store.statistics(of: stream) }
    _ = attempt { () throws(NanoTSError) in try store.quota(of: stream) }
    _ = attempt { () throws(NanoTSError) in try store.protectedRanges(of: stream) }
    if let pin = attempt({ () throws(NanoTSError) in try store.pin(stream, in: range) }) {
      _ = pin.isIntact
      pin.release()
    }
    guard let frames = attempt({ () throws(NanoTSError) in try store.frames(of: stream, in: range) }) else { return }
    for frame in frames.prefix(HostileUse.longEnough) where frame.ordinal % 16 == 0 { look(frame) }
    for frame in frames.reversed().prefix(HostileUse.longEnough) where frame.ordinal % 16 == 0 { look(frame) }
  }

  private func follow(_ store: Store) {
    guard
      var follower = attempt({ () throws(NanoTSError) in try store.follow(HostileContent.streams, from: .oldest) })
    else { return }
    for _ in 0..<500 {
      do {
        guard let followed = try follower.next(waitingMilliseconds: 0) else { return }
        if followed.frame.ordinal % 16 == 0 { look(followed.frame) }
      } catch {}
    }
  }

  // MARK: Writing

  mutating func write() {
    var time: Int64 = 0
    while !words.isOver {
      guard let store = attempt({ () throws(NanoTSError) in try Store(at: path) }) else { continue }
      let name = random.oneIn(4) ? "v" : "w"
      let durability: Durability = random.oneIn(3) ? .onSeal : .none
      let options = WriterOptions(durability: durability, outOfOrder: .clamp)
      if let writer = attempt({ () throws(NanoTSError) in try store.writer(for: name, options: options) }) {
        for _ in 0..<Int.random(in: 1..<300, using: &random) where !words.isOver {
          time += 1
          _ = attempt { () throws(NanoTSError) in
            try writer.append(HostileContent.payload(time, name), at: time, key: random.oneIn(50) ? 1 : 0)
          }
        }
        _ = attempt { () throws(NanoTSError) in try writer.flush() }
        _ = attempt { () throws(NanoTSError) in try writer.close() }
      }
      change(store, time)
      _ = attempt { () throws(NanoTSError) in try store.close() }
      words[place] += 1
    }
  }

  private mutating func change(_ store: Store, _ time: Int64) {
    _ = attempt { () throws(NanoTSError) in
      switch Int.random(in: 0..<6, using: &random) {
      case 0: try store.free("w", in: 0...time)
      case 1: try store.free(stream: "v")
      case 2: try store.protect("w", in: time...(time + 10))
      case 3: try store.releaseProtection(of: "w")
      case 4: _ = try store.setQuota(StreamQuota(maximumBlocks: 3), of: "w")
      default: _ = try store.verify()
      }
    }
  }

  // MARK: Afterwards

  /// Counts what a cursor that verifies checksums hands out, now that nobody scribbles: right frames, wrong ones, and
  /// errors.
  static func prove(_ path: String) {
    var (right, wrong, errors) = (0, 0, 0)
    if let store = try? Store(at: path, .readOnly) {
      for stream in HostileContent.streams {
        guard var cursor = try? store.cursor(of: stream, options: CursorOptions(verifiesChecksums: true)) else {
          continue
        }
        var steps = 0
        while steps < 100_000 {
          steps += 1
          do {
            guard let frame = try cursor.next() else { break }
            if try HostileContent.isRight(frame, of: stream) { right += 1 } else { wrong += 1 }
          } catch {
            errors += 1
          }
        }
      }
    }
    print("\(right) \(wrong) \(errors)")
  }
}
