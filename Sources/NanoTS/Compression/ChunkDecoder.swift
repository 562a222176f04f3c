/// Makes frames of chunks, in the plain layout and in memory of its own. One thread at a time.
final class ChunkDecoder {
  private let columns = ColumnBytes()
  private let payloads = ColumnBytes()
  private let target = ColumnBytes()

  /// More than the columns of a chunk can have, however many frames are in it.
  static let maximumRaw = 1 << 18

  /// The frames of the chunk `entry` with the bytes `stored`; nil when they are no chunk. A chunk of a single frame may have
  /// a payload of up to `blockSize` bytes, others not more than `maximumRaw`. Valid until the next call. O(raw length).
  ///
  /// Whatever the bytes are, nothing is read or written outside the memory that is meant, and no more of it is taken than
  /// those limits allow.
  func decode(
    _ entry: ChunkEntry, _ stored: UnsafeRawBufferPointer, isKeyed: Bool, blockSize: Int
  ) -> PlainFrames? {
    let (rawLength, payloadBytes, count) = (Int(entry.rawLength), Int(entry.payloadBytes), Int(entry.frameCount))
    // Each frame but the first takes a byte at least, for its timestamp.
    guard rawLength <= (count == 1 ? max(blockSize, Self.maximumRaw) : Self.maximumRaw), payloadBytes <= rawLength,
      payloadBytes <= Int(IndexEntry.lengthMask), count > 0, count - 1 <= rawLength - payloadBytes,
      let filter = PayloadFilter(rawValue: entry.filter), let raw = unsafe unpack(entry, stored)
    else { return nil }
    let numbers = rawLength - payloadBytes
    let plan = unsafe Plan(
      ColumnReader(UnsafeRawBufferPointer(rebasing: raw[0..<numbers])), entry, isKeyed: isKeyed, filter: filter)
    return unsafe build(plan, UnsafeRawBufferPointer(rebasing: raw[numbers...]))
  }

  /// What a chunk says before its frames are made.
  private struct Plan {
    var numbers: ColumnReader
    let entry: ChunkEntry
    let isKeyed: Bool
    let filter: PayloadFilter

    init(_ numbers: ColumnReader, _ entry: ChunkEntry, isKeyed: Bool, filter: PayloadFilter) {
      self.numbers = numbers
      self.entry = entry
      self.isKeyed = isKeyed
      self.filter = filter
    }

    var count: Int { Int(entry.frameCount) }
    var payloadBytes: Int { Int(entry.payloadBytes) }
    var entrySize: Int { isKeyed ? IndexEntry.keyedByteCount : IndexEntry.byteCount }
    /// Where the entries begin: behind the payloads, each rounded up to 8.
    var indexStart: Int { (payloadBytes + 7 * count).roundedUp(to: 8) }
    var byteCount: Int { indexStart + count * entrySize }
  }

  private func unpack(_ entry: ChunkEntry, _ stored: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
    let rawLength = Int(entry.rawLength)
    switch entry.method {
    case ChunkEntry.raw:
      return unsafe stored.count == rawLength ? stored : nil
    case ChunkEntry.lz4:
      columns.reserve(rawLength)
      guard unsafe LZ4.decompress(stored, into: columns.part(0..<rawLength)) == rawLength else { return nil }
      return unsafe columns.filled(rawLength)
    default:
      return nil
    }
  }

  private func build(_ given: Plan, _ filtered: UnsafeRawBufferPointer) -> PlainFrames? {
    var plan = given
    target.reserve(plan.byteCount)
    fillTimestamps(&plan)
    guard let uniform = fillLengths(&plan) else { return nil }
    fillFlags(&plan)
    if plan.isKeyed { fillKeys(&plan) }
    guard plan.numbers.isWhole, plan.numbers.place == Int(plan.entry.rawLength) - plan.payloadBytes,
      plan.filter == .none || uniform > 1
    else { return nil }
    unsafe place(filtered, plan, uniform: uniform)
    return unsafe PlainFrames(
      base: UnsafeRawPointer(target.bytes.baseAddress!),
      indexTop: UnsafeRawPointer(target.bytes.baseAddress! + plan.byteCount), isKeyed: plan.isKeyed, count: plan.count)
  }

  // MARK: Entries

  /// The word at `offset` of the entry `slot`. Bound: `target` has the plan's byte count, and slots are below its count.
  @inline(__always)
  private func set(_ word: UInt64, _ plan: Plan, _ slot: Int, _ offset: Int) {
    unsafe target.bytes.baseAddress!.storeBytes(
      of: word, toByteOffset: plan.byteCount - (slot + 1) * plan.entrySize + offset, as: UInt64.self)
  }

  private func fillTimestamps(_ plan: inout Plan) {
    var (timestamp, distance) = (plan.entry.first.timestamp, Int64(0))
    set(UInt64(bitPattern: timestamp), plan, 0, 0)
    for slot in 1..<max(plan.count, 1) {
      distance &+= plan.numbers.nextSigned()
      timestamp &+= distance
      set(UInt64(bitPattern: timestamp), plan, slot, 0)
    }
  }

  /// Offsets and lengths. Returns the length that all frames have, or 0; nil when they do not make up the payloads.
  private func fillLengths(_ plan: inout Plan) -> Int? {
    let marker = plan.numbers.next()
    if marker > 0 {
      let length = marker - 1
      guard length.multipliedReportingOverflow(by: UInt64(plan.count)) == (UInt64(plan.payloadBytes), false) else {
        return nil
      }
      let padded = Int(length).roundedUp(to: 8)
      for slot in 0..<plan.count { set(UInt64(slot * padded) | length << 32, plan, slot, 8) }
      return Int(length)
    }
    var (offset, sum) = (0, 0)
    for slot in 0..<plan.count {
      let number = plan.numbers.next()
      guard number >> 1 <= UInt64(plan.payloadBytes - sum) else { return nil }
      let length = number >> 1
      set(UInt64(offset) | (length | (number & 1) << 31) << 32, plan, slot, 8)
      sum += Int(length)
      offset += Int(length).roundedUp(to: 8)
    }
    return sum == plan.payloadBytes ? 0 : nil
  }

  private func fillFlags(_ plan: inout Plan) {
    let isUniform = plan.numbers.next() != 0
    var flags = isUniform ? plan.numbers.next() : 0
    for slot in 0..<plan.count {
      if !isUniform { flags = plan.numbers.next() }
      set(flags << 32, plan, slot, 16)
    }
  }

  private func fillKeys(_ plan: inout Plan) {
    var key = plan.entry.first.key
    set(UInt64(bitPattern: key), plan, 0, 24)
    for slot in 1..<max(plan.count, 1) {
      key &+= plan.numbers.nextSigned()
      set(UInt64(bitPattern: key), plan, slot, 24)
    }
  }

  // MARK: Payloads

  /// Puts the payloads where the entries say that they are. Bound: their lengths were found to make up `filtered`.
  private func place(_ filtered: UnsafeRawBufferPointer, _ plan: Plan, uniform: Int) {
    guard plan.payloadBytes > 0 else { return }
    guard plan.filter != .none else { return unsafe spread(filtered, plan, uniform: uniform) }
    if uniform % 8 == 0 {
      return unsafe plan.filter.undo(filtered, frameSize: uniform, to: target.part(0..<plan.payloadBytes))
    }
    payloads.reserve(plan.payloadBytes)
    unsafe plan.filter.undo(filtered, frameSize: uniform, to: payloads.part(0..<plan.payloadBytes))
    unsafe spread(payloads.filled(plan.payloadBytes), plan, uniform: uniform)
  }

  private func spread(_ together: UnsafeRawBufferPointer, _ plan: Plan, uniform: Int) {
    if uniform > 0, uniform % 8 == 0 {
      return unsafe target.part(0..<plan.payloadBytes).copyMemory(from: together)
    }
    let frames = unsafe PlainFrames(
      base: UnsafeRawPointer(target.bytes.baseAddress!),
      indexTop: UnsafeRawPointer(target.bytes.baseAddress! + plan.byteCount), isKeyed: plan.isKeyed, count: plan.count)
    var start = 0
    for slot in 0..<plan.count {
      let entry = frames.entry(slot)
      let place = Int(entry.offset)
      unsafe target.part(place..<(place + entry.length)).copyMemory(
        from: UnsafeRawBufferPointer(rebasing: together[start..<(start + entry.length)]))
      start += entry.length
    }
  }
}
