public import NanoTS

/// What a reader saw that went forward. Exact means: first + right + wrong + missed = the ordinal after the last frame.
public struct Tally: Sendable {
  public private(set) var first: UInt64?
  public private(set) var end: UInt64 = 0
  public private(set) var right: UInt64 = 0
  public private(set) var wrong: UInt64 = 0
  public private(set) var missed: UInt64 = 0
  public private(set) var laps: UInt64 = 0
  /// Places where ordinals went back, repeated, or jumped ahead without a word.
  public private(set) var jumps: UInt64 = 0

  public init() {}

  /// Of a reader that has to come to frame `ordinal` first.
  public init(from ordinal: UInt64) {
    first = ordinal
    end = ordinal
  }

  /// A frame was read and found right or wrong.
  public mutating func add(_ frame: Frame, _ isRight: Bool) { add(frame.ordinal, isRight) }

  /// Frame `ordinal` was read and found right or wrong.
  @inline(__always)
  public mutating func add(_ ordinal: UInt64, _ isRight: Bool) {
    add(ordinal, count: 1, wrong: isRight ? 0 : 1)
  }

  /// `count` frames from `ordinal` on were read, of which so many were wrong.
  @inline(__always)
  public mutating func add(_ ordinal: UInt64, count: UInt64, wrong bad: UInt64) {
    if ordinal != end { noteJump(ordinal) }
    if first == nil { first = ordinal }
    end = ordinal &+ count
    right &+= count &- bad
    wrong &+= bad
  }

  @inline(never)
  private mutating func noteJump(_ ordinal: UInt64) {
    if first != nil { jumps += 1 }
  }

  /// The reader was told that so many frames were missed. Before its first frame there is no place to count from.
  public mutating func add(missed count: UInt64) {
    laps += 1
    guard first != nil else { return }
    missed += count
    end += count
  }

  /// True when every frame was right, in its place, or told as missed.
  public var isExact: Bool { wrong == 0 && jumps == 0 && (first ?? 0) + right + missed == end }
}
