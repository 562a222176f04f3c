/// What a reader knows of one block of a stream without touching it: facts that never change during the block's life.
struct DirectoryEntry {
  let block: UInt32
  let generation: UInt64
  let sequence: UInt64
  let firstOrdinal: UInt64
  let first: FramePosition

  init(block: Int, _ values: BlockHeaderValues) {
    self.block = UInt32(block)
    generation = values.generation
    sequence = values.sequence
    firstOrdinal = values.firstOrdinal
    first = FramePosition(timestamp: values.firstTimestamp, key: values.firstKey)
  }
}

/// A stream's blocks in order, as known at one moment. A value: later changes do not reach it.
///
/// Entries may have died since; whoever enters a block checks its generation. Snapshots of one stream share storage
/// that is only ever appended to, so taking one costs O(1) however many blocks there are.
struct StreamDirectory {
  private(set) var storage: DirectoryStorage
  private(set) var start: Int
  private(set) var end: Int
  /// Every block with a sequence below this was looked at.
  private(set) var nextSequence: UInt64

  init() {
    storage = DirectoryStorage(capacity: 0)
    start = 0
    end = 0
    nextSequence = 0
  }

  /// `entries` are in ascending order of sequence.
  init(_ entries: [DirectoryEntry], nextSequence: UInt64) {
    storage = DirectoryStorage(capacity: max(16, entries.count + entries.count / 4))
    for (index, entry) in entries.enumerated() { storage.write(entry, at: index) }
    start = 0
    end = entries.count
    self.nextSequence = nextSequence
  }

  var count: Int { end - start }
  var isEmpty: Bool { end == start }

  /// Bound: `index` is below `count`, and every entry below `end` was written before this value was made.
  subscript(index: Int) -> DirectoryEntry {
    precondition(index >= 0 && index < count)
    return storage[start + index]
  }

  /// Adds newer blocks. Only the cache calls it, under its lock, on the longest snapshot of the storage.
  mutating func append(_ entries: some Sequence<DirectoryEntry>, nextSequence: UInt64) {
    for entry in entries {
      if end == storage.capacity { moveToLargerStorage() }
      storage.write(entry, at: end)
      end += 1
    }
    self.nextSequence = nextSequence
  }

  private mutating func moveToLargerStorage() {
    let larger = DirectoryStorage(capacity: max(16, count * 2))
    for index in 0..<count { larger.write(storage[start + index], at: index) }
    (storage, start, end) = (larger, 0, count)
  }

  /// Drops blocks older than `sequence` from the front.
  mutating func dropBlocks(before sequence: UInt64) {
    start += partition { $0.sequence >= sequence }
  }

  /// Drops blocks from the front as long as the life of each is over.
  mutating func dropBlocksAtFront(while isOver: (_ block: Int, _ generation: UInt64) -> Bool) {
    while start < end, isOver(Int(storage[start].block), storage[start].generation) { start += 1 }
  }

  /// Drops the blocks behind the one at `index`. What they were written to stays: other snapshots may have them.
  mutating func dropBlocks(after index: Int) {
    precondition(index >= 0 && index < count)
    end = start + index + 1
  }

  /// The index of the last block whose first frame is at or before `position`; 0 when none is. O(log blocks).
  func lastBlock(startingAtOrBefore position: FramePosition) -> Int {
    guard !isEmpty else { return 0 }
    let times = (storage[start].first.timestamp, storage[end - 1].first.timestamp)
    let after = TimeSearch.firstIndex(in: start..<end, at: position.timestamp, times) { index in
      let first = storage[index].first
      return (first.timestamp, !(position < first))
    }
    return max(0, after - start - 1)
  }

  /// The index of the last block whose first ordinal is at or before `ordinal`; 0 when none is. O(log blocks).
  func lastBlock(startingAtOrBefore ordinal: UInt64) -> Int {
    max(0, partition { ordinal < $0.firstOrdinal } - 1)
  }

  /// The index of the last block with a sequence up to `sequence`; -1 when there is none. O(log blocks).
  func lastBlock(upToSequence sequence: UInt64) -> Int { partition { $0.sequence > sequence } - 1 }

  /// The first index for which `isPast` holds, given that it holds for all later ones.
  private func partition(_ isPast: (DirectoryEntry) -> Bool) -> Int {
    var low = 0
    var high = count
    while low < high {
      let middle = (low + high) / 2
      if isPast(self[middle]) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}

/// Room for directory entries, written once each, in order.
@safe
final class DirectoryStorage: @unchecked Sendable {
  let capacity: Int
  private let entries: UnsafeMutablePointer<DirectoryEntry>

  init(capacity: Int) {
    self.capacity = capacity
    unsafe entries = .allocate(capacity: capacity)
  }

  deinit { unsafe entries.deallocate() }

  func write(_ entry: DirectoryEntry, at index: Int) {
    precondition(index >= 0 && index < capacity)
    unsafe (entries + index).initialize(to: entry)
  }

  subscript(index: Int) -> DirectoryEntry {
    precondition(index >= 0 && index < capacity)
    return unsafe entries[index]
  }
}
