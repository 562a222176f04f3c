//  StreamTerms: what a stream was promised, 192 B of its StreamSlot from offset 120 on.
//
//   120  terms    u64   which entries are in force; 0: none
//                         bits 0–10   entry i is a protected range
//                         bits 16–19  index + 1 of the entry that is the quota; 0: no quota
//                         bits 32–63  CRC32C of stream identifier, bits 0–31 (as u64), and the entries in force
//   144  entries  11 × 16 B
//                         a protected range: first i64, last i64
//                         a quota: minimum blocks u32, maximum blocks u32 (0: none), maximum age i64 (0: none)
//
//  A change writes the entries that it needs where nothing is in force, and then stores the word: whoever is killed
//  before that leaves the earlier terms, and after it the new ones. At most 8 ranges and the quota are in force, and no
//  change needs more than two new entries: eleven are enough.

/// The quota and the protected ranges of one stream, as values.
struct StreamTerms: Equatable {
  static let maximumRangeCount = 8
  var quota = Quota()
  var protected = IntervalSet<Int64>()

  struct Quota: Equatable {
    /// Blocks that other streams cannot take.
    var minimumBlocks: UInt32 = 0
    /// Blocks that the stream keeps within; 0: no limit.
    var maximumBlocks: UInt32 = 0
    /// Of frames, before the stream's newest; 0: no limit.
    var maximumAge: Int64 = 0

    fileprivate var entry: StreamTerms.Entry {
      Entry(UInt64(minimumBlocks) | UInt64(maximumBlocks) << 32, UInt64(bitPattern: maximumAge))
    }

    fileprivate init(_ entry: StreamTerms.Entry) {
      minimumBlocks = UInt32(truncatingIfNeeded: entry.first)
      maximumBlocks = UInt32(truncatingIfNeeded: entry.first >> 32)
      maximumAge = max(0, Int64(bitPattern: entry.second))
    }

    init() {}
  }

  fileprivate struct Entry: Equatable {
    static let byteCount = 16
    static let count = 11
    let first: UInt64
    let second: UInt64

    init(_ first: UInt64, _ second: UInt64) {
      self.first = first
      self.second = second
    }

    init(_ range: ClosedRange<Int64>) {
      self.init(UInt64(bitPattern: range.lowerBound), UInt64(bitPattern: range.upperBound))
    }

    /// The range, or nil in a damaged file where it ends before it begins.
    var range: ClosedRange<Int64>? {
      let (low, high) = (Int64(bitPattern: first), Int64(bitPattern: second))
      return low <= high ? low...high : nil
    }
  }

  /// The word that says which entries are in force.
  fileprivate struct Word {
    private(set) var value: UInt64 = 0

    init(_ value: UInt64) { self.value = value }

    func isRange(_ index: Int) -> Bool { value >> UInt64(index) & 1 == 1 }
    mutating func addRange(_ index: Int) { value |= 1 << UInt64(index) }

    var quota: Int? {
      get {
        let index = Int(value >> 16 & 0xF) - 1
        return (0..<Entry.count).contains(index) ? index : nil
      }
      set { value = value & ~(0xF << 16) | UInt64(newValue.map { $0 + 1 } ?? 0) << 16 }
    }

    func isInForce(_ index: Int) -> Bool { isRange(index) || quota == index }

    var checksum: UInt32 {
      get { UInt32(value >> 32) }
      set { value = value & 0xFFFF_FFFF | UInt64(newValue) << 32 }
    }

    func computedChecksum(identifier: UInt64, _ entries: [Entry]) -> UInt32 {
      var checksum = Checksum()
      checksum.add(identifier)
      checksum.add(value & 0xFFFF_FFFF)
      for index in entries.indices where isInForce(index) {
        checksum.add(entries[index].first)
        checksum.add(entries[index].second)
      }
      return checksum.value
    }
  }
}

extension StreamSlot {
  static let termEntriesByteCount = StreamTerms.Entry.count * StreamTerms.Entry.byteCount

  /// The terms in force, or nil when they do not prove themselves: damage, or a change that is going on. Takes no lock.
  func readTerms() -> StreamTerms? {
    for _ in 0..<8 {
      let word = StreamTerms.Word(terms.acquired)
      guard word.value != 0 else { return StreamTerms() }
      let entries = readEntries()
      guard terms.isStill(word.value) else { continue }
      if let terms = proven(word, entries) { return terms }
    }
    return nil
  }

  /// The terms that the word puts in force, or nil when they are not what a writer of this format stores.
  private func proven(_ word: StreamTerms.Word, _ entries: [StreamTerms.Entry]) -> StreamTerms? {
    guard word.checksum == word.computedChecksum(identifier: identifier.relaxed, entries) else { return nil }
    var terms = StreamTerms()
    var count = 0
    for index in entries.indices where word.isRange(index) {
      guard let range = entries[index].range else { return nil }
      terms.protected.insert(range)
      count += 1
    }
    guard terms.protected.ranges.count == count, count <= StreamTerms.maximumRangeCount else { return nil }
    if let quota = word.quota { terms.quota = StreamTerms.Quota(entries[quota]) }
    return terms
  }

  /// Puts `newTerms` in force with one store. The caller holds the allocation lock, and changes the quota, or adds one
  /// range, or takes one range of time out of the ranges.
  func writeTerms(_ newTerms: StreamTerms) {
    precondition(newTerms.protected.ranges.count <= StreamTerms.maximumRangeCount)
    var entries = readEntries()
    var old = StreamTerms.Word(terms.relaxed)
    // Terms that do not prove themselves are in force for nobody.
    if proven(old, entries) == nil { old = StreamTerms.Word(0) }
    var word = StreamTerms.Word(0)
    for range in newTerms.protected.ranges {
      let entry = StreamTerms.Entry(range)
      word.addRange(place(of: entry, &entries, old, word) { old.isRange($0) })
    }
    if newTerms.quota != StreamTerms.Quota() {
      word.quota = place(of: newTerms.quota.entry, &entries, old, word) { old.quota == $0 }
    }
    if word.value != 0 { word.checksum = word.computedChecksum(identifier: identifier.relaxed, entries) }
    terms.storeReleased(word.value)
  }

  /// The entry that says this already, or one that is in force for nothing, written now.
  private func place(
    of entry: StreamTerms.Entry, _ entries: inout [StreamTerms.Entry], _ old: StreamTerms.Word, _ new: StreamTerms.Word,
    isOfKind: (Int) -> Bool
  ) -> Int {
    if let same = entries.indices.first(where: { isOfKind($0) && entries[$0] == entry }) { return same }
    let index = entries.indices.first { !old.isInForce($0) && !new.isInForce($0) }!
    entries[index] = entry
    entryWord(index, 0).storeRelaxed(entry.first)
    entryWord(index, 1).storeRelaxed(entry.second)
    return index
  }

  private func readEntries() -> [StreamTerms.Entry] {
    (0..<StreamTerms.Entry.count).map { StreamTerms.Entry(entryWord($0, 0).relaxed, entryWord($0, 1).relaxed) }
  }

  private func entryWord(_ index: Int, _ word: Int) -> AtomicUInt64 {
    unsafe AtomicUInt64(base, Offset.termEntries + index * StreamTerms.Entry.byteCount + word * 8)
  }
}
