public import NanoTS

/// What a reader saw. Exact counts mean: first frame + right + wrong + missed = the ordinal after the last frame.
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

  /// A frame was read, and its payload was found right or wrong.
  public mutating func add(_ frame: Frame, _ isRight: Bool) {
    if first == nil {
      first = frame.ordinal
    } else if frame.ordinal != end {
      jumps += 1
    }
    end = frame.ordinal + 1
    let isStamped =
      frame.timestamp == ProvingPayload.timestamp(frame.ordinal)
      && frame.flags == UInt32(truncatingIfNeeded: frame.ordinal)
    if isRight && isStamped { right += 1 } else { wrong += 1 }
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
