/// Finds frames that were lost although one before them is left.
///
/// Where nothing was promised, the first blocks behind a place where others were recycled may be lost and newer ones not:
/// that looks as if they had been recycled as well.
struct HoleFinder {
  private let firstLeft: UInt64
  private var missing: UInt64?
  private var beganAtStart = false
  private var previous: UInt64?

  /// `left` are the frames that are left, in order.
  init(_ left: [UInt64]) { firstLeft = left.first ?? 0 }

  /// Takes in the frames that were there, in order. Returns the first one of a hole when one behind it is left.
  mutating func see(_ ordinal: UInt64, isLeft: Bool) -> UInt64? {
    let isStart = previous.map { $0 + 1 != ordinal } ?? true
    previous = ordinal
    if isStart, missing != nil { beganAtStart = false }
    if !isLeft {
      guard missing == nil, ordinal >= firstLeft else { return nil }
      missing = ordinal
      beganAtStart = isStart
      return nil
    }
    defer { missing = nil }
    return beganAtStart ? nil : missing
  }
}

/// Ordinals as people read them.
struct Runs: CustomStringConvertible {
  let description: String

  init(_ ordinals: [UInt64]) {
    var runs: [ClosedRange<UInt64>] = []
    for ordinal in ordinals {
      if let last = runs.last, last.upperBound + 1 == ordinal {
        runs[runs.count - 1] = last.lowerBound...ordinal
      } else {
        runs.append(ordinal...ordinal)
      }
    }
    description = runs.isEmpty ? "none" : runs.map { "\($0.lowerBound)–\($0.upperBound)" }.joined(separator: ", ")
  }
}
