/// Makes frames of a chunk again, in the plain layout. One thread at a time.
///
/// First `open`, then `writeEntries`, then `writePayloads` as far as is needed. Whatever the bytes of the chunk are, nothing
/// is read or written outside the memory that is meant, and no more of it is taken than the limits of `open` allow.
final class ChunkDecoder {
  /// A copy of what the chunk has in the file, where it may change at any time.
  private let stored = ColumnBytes()
  private let raw = ColumnBytes()
  private let shuffled = ColumnBytes()
  private var plan: Plan?

  /// What is known of a chunk before its frames are made.
  private struct Plan {
    let entry: ChunkEntry
    let isKeyed: Bool
    let filter: PayloadFilter
    /// Where in the target payloads begin.
    let payloadStart: Int
    /// How many bytes of the columns are unpacked.
    var unpacked = 0
    /// The length that all payloads have, or 0.
    var uniform = 0

    var count: Int { Int(entry.frameCount) }
    var payloadBytes: Int { Int(entry.payloadBytes) }
    var rawLength: Int { Int(entry.rawLength) }
    /// The bytes of the columns before the payloads.
    var numbers: Int { rawLength - payloadBytes }
    var entrySize: Int { isKeyed ? IndexEntry.keyedByteCount : IndexEntry.byteCount }
    /// Where the index begins: behind the payloads, each rounded up to 8.
    var indexStart: Int { payloadStart + (payloadBytes + 7 * count).roundedUp(to: 8) }
    /// Where it ends: what the target must have room for.
    var indexEnd: Int { indexStart + count * entrySize }
  }

  /// A copy of `bytes` for the next `open`, which may be checked at leisure.
  func take(_ bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
    stored.reserve(bytes.count)
    unsafe stored.part(0..<bytes.count).copyMemory(from: bytes)
    return unsafe stored.filled(bytes.count)
  }

  /// Looks at the chunk `entry`, whose stored bytes were taken. Returns how many bytes its frames need, with payloads from
  /// `payloadStart` on and the index at the end; nil when it is no chunk. A chunk of a single frame may have a payload of up
  /// to `blockSize` bytes, the columns of others no more than `mostRawBytes`.
  func open(
    _ entry: ChunkEntry, isKeyed: Bool, payloadStart: Int, mostRawBytes: Int, blockSize: Int
  ) -> Int? {
    plan = nil
    let (rawLength, payloadBytes, count) = (Int(entry.rawLength), Int(entry.payloadBytes), Int(entry.frameCount))
    // Each frame but the first takes a byte at least, for its timestamp.
    guard rawLength <= (count == 1 ? max(blockSize, mostRawBytes) : mostRawBytes), payloadBytes <= rawLength,
      payloadBytes <= Int(IndexEntry.lengthMask), count > 0, count - 1 <= rawLength - payloadBytes,
      let filter = PayloadFilter(rawValue: entry.filter),
      entry.method == ChunkEntry.lz4 || (entry.method == ChunkEntry.raw && Int(entry.storedLength) == rawLength)
    else { return nil }
    let plan = Plan(entry: entry, isKeyed: isKeyed, filter: filter, payloadStart: payloadStart)
    self.plan = plan
    return plan.indexEnd
  }

  /// True when payloads can be made up to some frame without those behind it.
  var goesByParts: Bool { plan.map { $0.filter == .none && $0.entry.method == ChunkEntry.lz4 } ?? false }

  /// Unpacks the columns up to `end` bytes.
  private func unpack(_ end: Int) -> Bool {
    guard let plan, plan.entry.method == ChunkEntry.lz4, plan.unpacked < end else { return plan != nil }
    raw.reserve(plan.rawLength)
    let source = unsafe stored.filled(Int(plan.entry.storedLength))
    let target = unsafe raw.part(0..<plan.rawLength)
    let isWhole = end == plan.rawLength
    let count = unsafe isWhole ? LZ4.decompress(source, into: target) : LZ4.decompress(source, into: target, upTo: end)
    guard let count, isWhole ? count == end : count >= end else { return false }
    self.plan!.unpacked = end
    return true
  }

  /// The columns from one byte to another. Bound: they were unpacked.
  private func columns(_ range: Range<Int>) -> UnsafeRawBufferPointer {
    unsafe UnsafeRawBufferPointer(plan!.entry.method == ChunkEntry.lz4 ? raw.part(range) : stored.part(range))
  }

  // MARK: Entries

  /// Writes the index of the frames, wherever their payloads are not there yet; false when they are no frames. With `wholly`,
  /// all payloads will be asked for. Bound: `target` has what `open` returned. O(frames).
  func writeEntries(to target: UnsafeMutableRawBufferPointer, wholly: Bool) -> Bool {
    guard let numbers = plan?.numbers, unpack(wholly || !goesByParts ? plan!.rawLength : numbers) else { return false }
    let plan = plan!
    precondition(target.count >= plan.indexEnd)
    var writer = unsafe EntryWriter(
      top: target.baseAddress! + plan.indexEnd, size: plan.entrySize, count: plan.count,
      numbers: ColumnReader(columns(0..<numbers)))
    writer.writeTimestamps(from: plan.entry.first.timestamp)
    guard let uniform = writer.writePlacesAndFlags(payloadBytes: plan.payloadBytes, from: plan.payloadStart) else {
      return false
    }
    if plan.isKeyed { writer.writeKeys(from: plan.entry.first.key) }
    guard writer.numbers.isWhole, writer.numbers.place == numbers, plan.filter == .none || uniform > 1 else {
      return false
    }
    self.plan!.uniform = uniform
    return true
  }

  /// Writes one column after the other.
  @safe
  private struct EntryWriter {
    /// One past the first frame's entry. Bound: `count` entries lie below.
    let top: UnsafeMutableRawPointer
    let size: Int
    let count: Int
    var numbers: ColumnReader

    init(top: UnsafeMutableRawPointer, size: Int, count: Int, numbers: ColumnReader) {
      unsafe self.top = top
      self.size = size
      self.count = count
      self.numbers = numbers
    }

    /// The word at `offset` of the entry `slot`. Bound: slots are below the count.
    @inline(__always)
    private func set(_ word: UInt64, _ slot: Int, _ offset: Int) {
      unsafe (top - (slot &+ 1) &* size).storeBytes(of: word, toByteOffset: offset, as: UInt64.self)
    }

    mutating func writeTimestamps(from first: Int64) {
      var (timestamp, distance) = (first, Int64(0))
      set(UInt64(bitPattern: timestamp), 0, 0)
      for slot in 1..<max(count, 1) {
        distance &+= numbers.nextSigned()
        timestamp &+= distance
        set(UInt64(bitPattern: timestamp), slot, 0)
      }
    }

    /// Offsets, lengths and flags. Returns the length that all frames have, or 0; nil when they do not make up the payloads.
    mutating func writePlacesAndFlags(payloadBytes: Int, from start: Int) -> Int? {
      let marker = numbers.next()
      guard marker > 0 else {
        guard writeLengths(payloadBytes: payloadBytes, from: start) else { return nil }
        writeFlags()
        return 0
      }
      let length = marker - 1
      guard length.multipliedReportingOverflow(by: UInt64(count)) == (UInt64(payloadBytes), false) else { return nil }
      let padded = Int(length).roundedUp(to: 8)
      var probe = numbers
      // Most often all flags are the same too: then one pass is enough.
      guard probe.next() != 0 else {
        for slot in 0..<count { set(UInt64(start + slot * padded) | length << 32, slot, 8) }
        writeFlags()
        return Int(length)
      }
      let flags = probe.next()
      numbers = probe
      for slot in 0..<count {
        set(UInt64(start &+ slot &* padded) | length << 32, slot, 8)
        set(flags << 32, slot, 16)
      }
      return Int(length)
    }

    /// False when the lengths do not make up the payloads.
    private mutating func writeLengths(payloadBytes: Int, from start: Int) -> Bool {
      var (offset, sum) = (start, 0)
      for slot in 0..<count {
        let number = numbers.next()
        guard number >> 1 <= UInt64(payloadBytes - sum) else { return false }
        let length = number >> 1
        set(UInt64(offset) | (length | (number & 1) << 31) << 32, slot, 8)
        sum += Int(length)
        offset += Int(length).roundedUp(to: 8)
      }
      return sum == payloadBytes
    }

    private mutating func writeFlags() {
      let isUniform = numbers.next() != 0
      var flags = isUniform ? numbers.next() : 0
      for slot in 0..<count {
        if !isUniform { flags = numbers.next() }
        set(flags << 32, slot, 16)
      }
    }

    mutating func writeKeys(from first: Int64) {
      var key = first
      set(UInt64(bitPattern: key), 0, 24)
      for slot in 1..<max(count, 1) {
        key &+= numbers.nextSigned()
        set(UInt64(bitPattern: key), slot, 24)
      }
    }
  }

  // MARK: Payloads

  /// Writes the payloads of the frames in `slots` where their entries say; false when they cannot be unpacked. Bound: `target` is the memory in which the entries were written. O(bytes up to the last of them).
  func writePayloads(of slots: Range<Int>, to target: UnsafeMutableRawBufferPointer) -> Bool {
    guard let plan, slots.upperBound <= plan.count, plan.payloadBytes > 0 else { return plan != nil }
    let frames = unsafe PlainFrames(
      base: UnsafeRawPointer(target.baseAddress!),
      indexTop: UnsafeRawPointer(target.baseAddress! + plan.indexEnd), isKeyed: plan.isKeyed, count: plan.count)
    let (start, end) = (together(frames, plan, slots.lowerBound), together(frames, plan, slots.upperBound))
    guard unpack(goesByParts ? plan.numbers + end : plan.rawLength) else { return false }
    guard plan.filter != .none else {
      unsafe spread(columns((plan.numbers + start)..<(plan.numbers + end)), frames, slots, to: target)
      return true
    }
    let filtered = unsafe columns(plan.numbers..<plan.rawLength)
    if slots.count == 1, let slot = slots.first {
      let place = Int(frames.entry(slot).offset)
      unsafe plan.filter.undo(
        filtered, frame: slot, frameSize: plan.uniform,
        to: UnsafeMutableRawBufferPointer(rebasing: target[place..<(place + plan.uniform)]))
      return true
    }
    let padded = plan.uniform.roundedUp(to: 8)
    if plan.filter == .byFrameSize || padded == plan.uniform {
      let area = unsafe UnsafeMutableRawBufferPointer(rebasing: target[plan.payloadStart..<plan.indexStart])
      unsafe plan.filter.undo(filtered, frameSize: plan.uniform, stride: padded, to: area)
      return true
    }
    shuffled.reserve(plan.payloadBytes)
    let whole = unsafe shuffled.part(0..<plan.payloadBytes)
    unsafe plan.filter.undo(filtered, frameSize: plan.uniform, stride: plan.uniform, to: whole)
    unsafe spread(UnsafeRawBufferPointer(whole), frames, 0..<plan.count, to: target)
    return true
  }

  /// Payload bytes of the frames before `slot`. Bound: each payload lies behind the one before it, padded.
  private func together(_ frames: PlainFrames, _ plan: Plan, _ slot: Int) -> Int {
    if plan.uniform > 0 { return slot * plan.uniform }
    return (0..<slot).reduce(0) { $0 + frames.entry($1).length }
  }

  /// Bound: the lengths of the frames in `slots` were found to make up `together`.
  private func spread(
    _ together: UnsafeRawBufferPointer, _ frames: PlainFrames, _ slots: Range<Int>,
    to target: UnsafeMutableRawBufferPointer
  ) {
    // Equal payloads of whole words lie in the target as they do here.
    if let first = slots.first, plan!.uniform > 0, plan!.uniform % 8 == 0 {
      let place = Int(frames.entry(first).offset)
      return unsafe UnsafeMutableRawBufferPointer(rebasing: target[place..<(place + together.count)]).copyMemory(
        from: together)
    }
    var start = 0
    for slot in slots {
      let entry = frames.entry(slot)
      let place = Int(entry.offset)
      unsafe UnsafeMutableRawBufferPointer(rebasing: target[place..<(place + entry.length)]).copyMemory(
        from: UnsafeRawBufferPointer(rebasing: together[start..<(start + entry.length)]))
      start += entry.length
    }
  }
}
