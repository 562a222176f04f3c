/// A set of whole numbers, kept as ascending ranges of which no two touch.
struct IntervalSet<Bound: FixedWidthInteger>: Equatable {
  private(set) var ranges: [ClosedRange<Bound>] = []

  var isEmpty: Bool { ranges.isEmpty }

  /// Adds `range`; ranges that overlap or touch it become one with it. O(ranges).
  mutating func insert(_ range: ClosedRange<Bound>) {
    var whole = range
    var others: [ClosedRange<Bound>] = []
    for other in ranges {
      if Self.areApart(other, range) {
        others.append(other)
      } else {
        whole = min(whole.lowerBound, other.lowerBound)...max(whole.upperBound, other.upperBound)
      }
    }
    let place = others.firstIndex { $0.lowerBound > whole.upperBound } ?? others.count
    others.insert(whole, at: place)
    ranges = others
  }

  private static func areApart(_ one: ClosedRange<Bound>, _ other: ClosedRange<Bound>) -> Bool {
    let (low, high) = one.lowerBound <= other.lowerBound ? (one, other) : (other, one)
    return low.upperBound < high.lowerBound && low.upperBound + 1 < high.lowerBound
  }

  /// Takes `range` out; what reaches beyond it stays. O(ranges).
  mutating func remove(_ range: ClosedRange<Bound>) {
    ranges = ranges.flatMap { other -> [ClosedRange<Bound>] in
      guard other.overlaps(range) else { return [other] }
      var left: [ClosedRange<Bound>] = []
      if other.lowerBound < range.lowerBound { left.append(other.lowerBound...(range.lowerBound - 1)) }
      if other.upperBound > range.upperBound { left.append((range.upperBound + 1)...other.upperBound) }
      return left
    }
  }

  /// True when some number from `first` to `last` is in the set; false when `last` is before `first`. O(log ranges).
  func overlaps(_ first: Bound, _ last: Bound) -> Bool {
    guard first <= last else { return false }
    var (low, high) = (0, ranges.count)
    while low < high {
      let middle = (low + high) / 2
      if ranges[middle].upperBound < first { low = middle + 1 } else { high = middle }
    }
    return low < ranges.count && ranges[low].lowerBound <= last
  }
}
