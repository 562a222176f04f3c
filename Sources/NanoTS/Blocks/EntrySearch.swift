internal import CNanoTS

/// Finds a place among index entries that lie one behind the other, as in a plain body: by timestamp, then by key.
///
/// Entries are loaded as they are asked for; nothing found is valid unless their block's generation is the same afterwards.
@safe
struct EntrySearch {
  /// The entry of slot i begins (i + 1) × entry size before it. Bound: those from `slots.lowerBound` to below its upper bound
  /// are readable.
  private let top: UnsafeRawPointer
  private let entrySize: Int
  private let slots: Range<Int>

  /// Bound: as for `top`.
  init(_ top: UnsafeRawPointer, entrySize: Int, _ slots: Range<Int>) {
    unsafe self.top = unsafe top
    self.entrySize = entrySize
    self.slots = slots
  }

  @inline(__always)
  private func address(_ slot: Int) -> UnsafeRawPointer {
    precondition(slot >= slots.lowerBound && slot < slots.upperBound)
    return unsafe top - (slot + 1) * entrySize
  }

  @inline(__always)
  private func timestamp(_ slot: Int) -> Int64 { unsafe address(slot).load(as: Int64.self) }

  @inline(__always)
  private func position(_ slot: Int) -> FramePosition {
    unsafe IndexEntry(at: address(slot), keyed: entrySize == IndexEntry.keyedByteCount).position
  }

  /// The first slot whose frame is at or after `position`; one behind the last when none is.
  ///
  /// `times` is about when the first frame was and when the last; nil looks at them. `visit` is told of slots that may be the
  /// one. O(log slots), and a few loads where times are about evenly spaced.
  @inline(__always)
  func lowerBound(
    _ position: FramePosition, times: (first: Int64, last: Int64)? = nil, visit: (Int) -> Void = { _ in }
  ) -> Int {
    guard !slots.isEmpty else { return slots.lowerBound }
    let times = times ?? (timestamp(slots.lowerBound), timestamp(slots.upperBound - 1))
    return TimeSearch.firstIndex(in: slots, at: position.timestamp, times) { slot in
      visit(slot)
      let timestamp = timestamp(slot)
      let isBefore =
        timestamp < position.timestamp
        || (timestamp == position.timestamp && self.position(slot) < position)
      return (timestamp, isBefore)
    }
  }
}

/// Binary search that guesses by time at first.
///
/// Interpolation search (Peterson, 1957) takes a few steps where times are about evenly spaced, which is what recorders make,
/// and each step less is a load less from memory that is far away. After each guess comes the one beside it: when the guess
/// was right or one off, that ends the search without another division. Where times are not even, halving goes on after a
/// few guesses.
enum TimeSearch {
  private static let guesses = 3

  /// The first index in `range` at which `look` says that what is there is not before; its upper bound when all is before.
  ///
  /// `look` gives the time at an index, and whether that is before the place that is sought, at about `time`. `times` is about
  /// the time of the first index and of the last; where they are wrong, no more than guesses are lost.
  @inline(__always)
  static func firstIndex(
    in range: Range<Int>, at time: Int64, _ times: (first: Int64, last: Int64), _ look: (Int) -> (Int64, Bool)
  ) -> Int {
    // What is below `low` is before the place, and what is from `high` on is not.
    var (low, high) = (range.lowerBound, range.upperBound)
    var (first, last) = times
    var left = guesses
    var (hasGuessed, wasBefore) = (false, false)
    while low < high {
      let middle: Int
      if hasGuessed {
        middle = wasBefore ? low : high - 1
        hasGuessed = false
      } else if left > 0, first < last {
        left -= 1
        let share = Double(time &- first) / Double(last &- first)
        // Bound: what overflowed above, or is out of order in a damaged file, still gives an index from `low` to `high` - 1.
        middle = low + Int(max(0, min(share, 1)) * Double(high - 1 - low))
        hasGuessed = true
      } else {
        left = 0
        middle = (low + high) / 2
      }
      let (found, isBefore) = look(middle)
      wasBefore = isBefore
      if isBefore {
        (low, first) = (middle + 1, found)
      } else {
        (high, last) = (middle, found)
      }
    }
    return low
  }
}
