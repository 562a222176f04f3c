@testable import NanoTS

/// A cursor of the engine with what the model says about its place.
struct ModelCursor {
  var cursor: Cursor
  let name: String
  /// The life of the stream that the cursor was placed in; nil while there was none.
  var life: Int?
  /// The ordinal that `next` comes to; nil before the cursor has a place.
  var next: UInt64?
  var isStanding = false
  /// After `previous` came to an end: the cursor stands before the oldest frame that it knew of, which the model does
  /// not know when that frame is gone.
  private var isAtFront = false
  /// What was there when the cursor got its place: the ordinals of frames, and where they ended.
  private var present: [ClosedRange<UInt64>] = []
  private var presentEnd: UInt64 = 0
  /// How far it has come since. Frames before that which are gone it may be told of once more, when it went back.
  private var farthest: UInt64 = 0
  /// Frames that it was told it missed.
  private var told: [Range<UInt64>] = []

  init(cursor: Cursor, name: String, life: Int?) {
    self.cursor = cursor
    self.name = name
    self.life = life
  }

  struct Mismatch: Error, CustomStringConvertible {
    let description: String
  }

  /// Runs one step on the engine and holds its outcome against the model.
  mutating func step(_ step: Step, _ model: ModelStore) throws {
    let stream = model[name]
    let isOtherLife = life != nil && stream?.life != life
    let frame: Frame?
    do throws(NanoTSError) {
      frame = try run(step)
    } catch {
      try check(error, step, stream, isOtherLife)
      return
    }
    if let frame, try isFromMemory(frame, step, model) { return }
    if isOtherLife { place(at: nil) }
    if next == nil || !step.isRelative { notePresent(stream) }
    try check(frame, step, stream)
  }

  enum Step {
    case first
    case last
    case seek(FramePosition)
    case end
    case next
    case previous

    var isRelative: Bool {
      switch self {
      case .next, .previous: true
      default: false
      }
    }
  }

  private mutating func notePresent(_ stream: ModelStream?) {
    presentEnd = stream?.nextOrdinal ?? 0
    present = (stream?.blocks ?? []).compactMap { block in
      block.frames.first.map { $0.ordinal...block.frames.last!.ordinal }
    }
    farthest = 0
    told = []
  }

  /// True for a frame that was gone before the cursor got its place: it is passed over without a word.
  private func wasGone(_ ordinal: UInt64) -> Bool {
    ordinal < presentEnd && !present.contains { $0.contains(ordinal) }
  }

  private mutating func run(_ step: Step) throws(NanoTSError) -> Frame? {
    switch step {
    case .first: return try cursor.first()
    case .last: return try cursor.last()
    case .seek(let position): return try cursor.seek(to: position.timestamp, key: position.key)
    case .end:
      try cursor.seekToEnd()
      return nil
    case .next: return try cursor.next()
    case .previous: return try cursor.previous()
    }
  }

  private mutating func place(at ordinal: UInt64?, standing: Bool = false) {
    next = ordinal
    farthest = max(farthest, ordinal ?? 0)
    isStanding = standing
    isAtFront = false
  }

  /// True for a frame that the cursor must be told of when it comes to the next one behind it.
  private func isNews(_ ordinal: UInt64) -> Bool { ordinal >= farthest && !wasGone(ordinal) }

  /// True for one that it need not be told of when it goes back.
  private func isNoNews(_ ordinal: UInt64) -> Bool { wasGone(ordinal) || told.contains { $0.contains(ordinal) } }

  private func fail(_ what: String) -> Mismatch {
    Mismatch(description: "cursor on '\(name)' at \(next as Any): \(what)")
  }

  /// True, and the cursor is behind it, for the frame that is meant.
  private mutating func isSame(_ frame: Frame, _ gone: ModelFrame) throws -> Bool {
    guard isEqual(frame, gone), try frame.copyBytes() == gone.payload else { return false }
    place(at: frame.ordinal + 1, standing: true)
    return true
  }

  private func isEqual(_ frame: Frame, _ expected: ModelFrame) -> Bool {
    frame.ordinal == expected.ordinal && frame.timestamp == expected.timestamp && frame.key == expected.key
      && frame.flags == expected.flags && frame.wasClamped == expected.isClamped
  }

  // MARK: Frames

  /// True for the very frame that comes next, out of a chunk that the cursor had in memory when its block went.
  private mutating func isFromMemory(_ frame: Frame, _ step: Step, _ model: ModelStore) throws -> Bool {
    guard step.isRelative, let life else { return false }
    guard let gone = model.chunked[life]?[frame.ordinal],
      model[name]?.life != life || !model[name]!.frames.contains(where: { $0.ordinal == frame.ordinal })
    else { return false }
    // A step back that found nothing may have been in a stream that is no more: then its place is not known.
    guard let next else { return try isSame(frame, gone) }
    let target = if case .next = step { next } else { next &- (isStanding ? 2 : 1) }
    // Before the oldest frame that it knew of, a cursor is before one that the model does not know any more.
    var isNext = frame.ordinal == target || (isAtFront && frame.ordinal < target)
    if case .previous = step, frame.ordinal < target {
      isNext = ((frame.ordinal + 1)...target).allSatisfy(isNoNews)
    }
    // Another one is of a stream that has the name now, or wrong.
    return try isNext && isSame(frame, gone)
  }

  private mutating func check(_ frame: Frame?, _ step: Step, _ stream: ModelStream?) throws {
    let frames = stream?.frames ?? []
    // A step back that finds nothing looks no further than the cursor's block, which may be of a freed stream.
    if case .previous = step, frame == nil { isAtFront = true } else { life = stream?.life }
    let expected: ModelFrame?
    switch step {
    case .first: expected = frames.first
    case .last: expected = frames.last
    case .seek(let position): expected = frames.first { !($0.position < position) }
    case .end:
      place(at: stream?.nextOrdinal ?? 0)
      return
    case .next: expected = try frameAfter(frames, stream, handedOut: frame)
    case .previous: expected = frameBefore(frames)
    }
    try compare(frame, expected, "\(step)")
    if let expected {
      place(at: expected.ordinal + 1, standing: true)
    } else {
      placeAtEnd(step, frames, stream)
    }
  }

  private func frameAfter(_ frames: [ModelFrame], _ stream: ModelStream?, handedOut frame: Frame?) throws -> ModelFrame?
  {
    guard let next else { return frames.first }
    let following = frames.first { $0.ordinal >= next }
    let end = following?.ordinal ?? stream?.nextOrdinal ?? next
    if end > next, (frame == nil) == (following == nil), (next..<end).contains(where: isNews) {
      throw fail("\(end - next) frames up to \(end) were passed over in silence")
    }
    return following
  }

  private func frameBefore(_ frames: [ModelFrame]) -> ModelFrame? {
    guard let next else { return nil }
    let target = Int64(next) - 1 - (isStanding ? 1 : 0)
    return frames.last { Int64($0.ordinal) <= target }
  }

  private mutating func placeAtEnd(_ step: Step, _ frames: [ModelFrame], _ stream: ModelStream?) {
    switch step {
    case .previous:
      // One that has not met the stream yet does not meet it by going back: another may have the name by then.
      if next != nil, life != nil { place(at: frames.first?.ordinal ?? stream?.nextOrdinal ?? 0) }
      isAtFront = next != nil
    default:
      noteGoneBehind(frames, upTo: stream?.nextOrdinal ?? 0)
      place(at: stream?.nextOrdinal ?? 0)
    }
  }

  /// With nothing ahead, it stands behind the newest frame that is left: what it had read behind that is gone as well, and
  /// going back it does not come to it.
  private mutating func noteGoneBehind(_ frames: [ModelFrame], upTo end: UInt64) {
    let left = frames.last.map { $0.ordinal + 1 } ?? 0
    if left < end { told.append(left..<end) }
  }

  private func compare(_ frame: Frame?, _ expected: ModelFrame?, _ what: String) throws {
    guard let frame, let expected else {
      if frame == nil && expected == nil { return }
      throw fail("\(what) gave frame \(frame?.ordinal as Any), the model \(expected?.ordinal as Any)")
    }
    guard isEqual(frame, expected), try frame.copyBytes() == expected.payload else {
      throw fail("\(what) gave frame \(frame.ordinal) at \(frame.timestamp), the model \(expected)")
    }
  }

  // MARK: Errors

  private mutating func check(_ error: NanoTSError, _ step: Step, _ stream: ModelStream?, _ isOtherLife: Bool) throws {
    if error.code == .notFound, isOtherLife {
      life = nil
      place(at: nil)
      return
    }
    guard error.code == .overwritten, let next, let stream, !isOtherLife else { throw fail("\(step) threw \(error)") }
    life = stream.life
    let frames = stream.frames
    switch step {
    case .next:
      let following = frames.first { $0.ordinal >= next }?.ordinal ?? stream.nextOrdinal
      if isAtFront, error.missedFrames > 0 {
        place(at: following)
        return
      }
      guard following > next else { throw fail("next threw \(error) though frame \(next) is there") }
      let gap = next..<following
      let (news, missed) = (UInt64(gap.count(where: isNews)), error.missedFrames)
      guard missed <= following - next, missed >= news, !gap.allSatisfy(wasGone) else {
        throw fail("next reported \(missed) missed, the model \(following - next), of which \(news) are news")
      }
      told.append(gap)
      if !frames.contains(where: { $0.ordinal >= next }) { noteGoneBehind(frames, upTo: following) }
      place(at: following)
    case .previous:
      let target = Int64(next) - 1 - (isStanding ? 1 : 0)
      let left = frames.last { Int64($0.ordinal) <= target }
      guard left.map({ Int64($0.ordinal) < target }) ?? true, error.missedFrames > 0 else {
        throw fail("previous threw \(error) though frame \(target) is there")
      }
      if let left {
        let gap = (left.ordinal + 1)...UInt64(target)
        // Behind the end of the cursor's block there may be such as were gone before, or told of.
        let quiet = gap.reversed().prefix(while: isNoNews).count
        guard error.missedFrames <= gap.count, error.missedFrames >= gap.count - quiet else {
          throw fail("previous reported \(error.missedFrames) missed, the model \(gap.count), \(quiet) of it quiet")
        }
      }
      told.append((left.map { $0.ordinal + 1 } ?? 0)..<(UInt64(target) + 1))
      // With nothing left before it, it stays where it is: what lies ahead is still to come, or to be told of.
      place(at: left.map { $0.ordinal + 1 } ?? UInt64(target) + 1)
    default: throw fail("\(step) threw \(error)")
    }
  }
}
