/// Frames that were found in a block.
protocol FoundFrames {
  /// Bound: `slot` is one of those that were found.
  func entry(_ slot: Int) -> IndexEntry
  /// The payload of the entry asked for last; nil when it cannot be read after all.
  func payload(of entry: IndexEntry) -> UnsafeRawBufferPointer?
}

/// Finds the frames of one life of a plain block that prove themselves, whatever is damaged around them.
struct FrameSearch: FoundFrames {
  /// The whole block.
  private let body: PrivateBytes
  /// How many bytes of the block the file has; those behind are zeros.
  private let filled: Int
  private let life: LiveBlock
  private let payloadStart: Int
  private let coversPayload: Bool
  private let checksum: FrameChecksum
  private let entrySize: Int
  /// How many more payload bytes of frames that do not prove themselves are looked at. Those of a damaged block lie beside
  /// each other; a hostile one may have millions of entries for the same bytes.
  private var budget: Int

  /// What was found.
  struct Result {
    /// The slots whose frames prove themselves, ascending.
    var runs: [Range<Int>] = []
    /// The slots that the block has, as far as it tells.
    var end = 0
    /// Of the last frame found.
    var last: FramePosition?
    var frames: Int { runs.reduce(0) { $0 + $1.count } }

    fileprivate mutating func add(_ slot: Int) { add(slot..<(slot + 1), endingAt: last) }

    /// Adds slots behind those that are there.
    mutating func add(_ slots: Range<Int>, endingAt last: FramePosition?) {
      if let run = runs.last, run.upperBound == slots.lowerBound {
        runs[runs.count - 1] = run.lowerBound..<slots.upperBound
      } else {
        runs.append(slots)
      }
      self.last = last
    }
  }

  /// `payloadStart`: where the payloads begin, or less. `body` is the whole block and stays as it is.
  init(_ body: PrivateBytes, filled: Int, _ life: LiveBlock, payloadStart: Int, coversPayload: Bool) {
    precondition(life.bodyLayout.kind == BodyLayout.plain && payloadStart >= BlockPreamble.fixedByteCount)
    self.body = body
    self.filled = min(max(filled, 0), body.count)
    self.life = life
    self.payloadStart = payloadStart
    self.coversPayload = coversPayload
    checksum = FrameChecksum(generation: life.generation)
    entrySize = Int(life.bodyLayout.entrySize)
    budget = 8 * body.count
  }

  /// The frames after `previous`, of at most `limit` slots.
  ///
  /// Where the seal proves how many there are, each is judged by itself. Where nothing does, frames count from the first
  /// on; behind ones that do not prove themselves, only where the index goes on: chance makes a piece of an earlier life
  /// pass once in four thousand million times, and a large store has as many pieces. O(bytes of the block).
  mutating func run(after previous: FramePosition?, limit: Int?) -> Result {
    var result = Result(last: previous)
    let room = (body.count - payloadStart) / entrySize
    let most = min(life.sealedCount ?? room, room, limit ?? room)
    let certain = min(life.sealedCount ?? life.claimedCount, most)
    result.end = certain
    // Where the payloads of the frames found so far end, and those that the index goes on to name.
    var (foundEnd, chainEnd) = (payloadStart, life.hasPreamble ? payloadStart : nil)
    var accepted = true
    // Entries behind the file's end prove nothing, and a damaged header may claim a block that has millions of them.
    let absent = min((body.count - filled) / entrySize, most)
    if absent > 0 { (accepted, chainEnd) = (false, nil) }
    for slot in absent..<most {
      let entry = entry(slot)
      let isInChain = chainEnd == Int(entry.offset)
      let isGood =
        isProven(entry, slot, from: foundEnd) && result.last.map { $0 < entry.position } ?? true
        && (slot < certain || accepted || isInChain || goesOn(entry, slot, most))
      accepted = isGood
      if isGood {
        foundEnd = Int(entry.paddedEnd)
        chainEnd = foundEnd
        result.add(slot)
        result.last = entry.position
        result.end = max(result.end, slot + 1)
      } else {
        chainEnd = isInChain && liesRight(entry, slot, from: foundEnd) ? Int(entry.paddedEnd) : nil
      }
      if budget < 0 { break }
    }
    return result
  }

  /// True when the frame behind this one proves itself too and lies right behind it.
  private mutating func goesOn(_ entry: IndexEntry, _ slot: Int, _ most: Int) -> Bool {
    guard slot + 1 < most else { return false }
    let next = self.entry(slot + 1)
    return next.offset == entry.paddedEnd && entry.position < next.position
      && isProven(next, slot + 1, from: Int(entry.paddedEnd))
  }

  /// Bound: `slot` is below the number of entries that fit above `payloadStart`.
  func entry(_ slot: Int) -> IndexEntry {
    precondition(slot >= 0 && slot < (body.count - payloadStart) / entrySize)
    return unsafe IndexEntry(
      at: body.bytes.baseAddress! + (body.count - (slot + 1) * entrySize),
      keyed: entrySize == IndexEntry.keyedByteCount)
  }

  func payload(of entry: IndexEntry) -> UnsafeRawBufferPointer? { unsafe bytes(of: entry) }

  /// The payload of an entry that lies right.
  private func bytes(of entry: IndexEntry) -> UnsafeRawBufferPointer {
    let start = Int(entry.offset)
    return unsafe UnsafeRawBufferPointer(rebasing: body.bytes[start..<(start + entry.length)])
  }

  /// True when the payload lies below the entry, behind those before it, and is aligned.
  private func liesRight(_ entry: IndexEntry, _ slot: Int, from start: Int) -> Bool {
    entry.liesWithin(start, body.count - (slot + 1) * entrySize) && entry.offset & 7 == 0
      && Int(entry.offset) + entry.length.roundedUp(to: 8) <= body.count - (slot + 1) * entrySize
  }

  private mutating func isProven(_ entry: IndexEntry, _ slot: Int, from start: Int) -> Bool {
    guard liesRight(entry, slot, from: start) else { return false }
    let covered = unsafe coversPayload ? bytes(of: entry) : UnsafeRawBufferPointer(start: nil, count: 0)
    if unsafe checksum.value(of: entry, payload: covered) == entry.checksum { return true }
    budget -= covered.count
    return false
  }
}
