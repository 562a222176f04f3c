/// The byte-range locks that pin blocks.
///
/// A pin is a shared lock on bytes that stand for places in a stream, not for blocks of the file: the blocks of a range
/// of time follow one another in their stream wherever they lie, so a pin is one lock however many blocks it holds, and
/// a block's next life is another place, which no pin of the earlier one reaches. Shared locks need only read
/// permission, and the kernel drops them when their process dies.
///
/// Whoever ends a life takes the byte exclusively first and gives it back with the allocation lock: then no pin is taken
/// between the look and the end of the life.
struct PinLocks {
  let descriptor: FileDescriptor
  /// The holder of the allocation lock has every byte: nothing is pinned.
  let holdsAll: Bool

  /// Takes the byte of a block whose life is to end; false when the block is pinned.
  func take(_ values: BlockHeaderValues) throws(NanoTSError) -> Bool {
    if holdsAll { return true }
    return try FileLock(file: descriptor, offset: PinLocks.offset(of: values)).tryLock()
  }

  /// The last sequence of the stream, from the pinned block's own on, that the same pin holds.
  func end(of values: BlockHeaderValues) throws(NanoTSError) -> UInt64 {
    let offset = PinLocks.offset(of: values)
    // A pin that was given up meanwhile counts for this block all the same.
    guard let pin = try FileLock(file: descriptor, offset: offset).conflict() else { return values.sequence }
    let last = min(pin.offsets.upperBound, PinLocks.area(of: Int(values.streamSlot)).upperBound)
    let (end, overflow) = values.sequence.addingReportingOverflow(last - offset)
    return overflow ? .max : end
  }

  // MARK: Places

  private static let placesOfStream: UInt64 = 1 << 44

  /// The bytes of one stream's places.
  private static func area(of slot: Int) -> ClosedRange<UInt64> {
    let start = StoreFile.LockOffset.pins.lowerBound + UInt64(slot & 0xFFFF) * placesOfStream
    return start...(start + placesOfStream - 1)
  }

  /// The stream's random identifier shifts its places, so that a pin on a stream that was freed does not reach the one
  /// that has its slot now.
  static func offset(slot: Int, identifier: UInt64, sequence: UInt64) -> UInt64 {
    area(of: slot).lowerBound + (identifier &+ sequence) % placesOfStream
  }

  static func offset(of values: BlockHeaderValues) -> UInt64 {
    offset(slot: Int(values.streamSlot), identifier: values.streamIdentifier, sequence: values.sequence)
  }

  /// The bytes for consecutive blocks of one stream: one run, or two where the places wrap around.
  static func offsets(slot: Int, identifier: UInt64, sequences: ClosedRange<UInt64>) -> [ClosedRange<UInt64>] {
    let area = area(of: slot)
    // A damaged file may have two blocks so far apart.
    guard sequences.upperBound - sequences.lowerBound < placesOfStream else { return [area] }
    let start = offset(slot: slot, identifier: identifier, sequence: sequences.lowerBound)
    let end = offset(slot: slot, identifier: identifier, sequence: sequences.upperBound)
    return start <= end ? [start...end] : [start...area.upperBound, area.lowerBound...end]
  }

  /// Every byte that is pinned at the moment. Needs only read permission. Two system calls for each pin.
  static func pinned(_ descriptor: FileDescriptor) throws(NanoTSError) -> IntervalSet<UInt64> {
    var pinned = IntervalSet<UInt64>()
    // The kernel names the locks in no useful order: what lies on both sides of one is looked at again.
    var unknown = [StoreFile.LockOffset.pins]
    while let part = unknown.popLast() {
      guard let lock = try FileLock(file: descriptor, offsets: part).conflict() else { continue }
      let known = lock.offsets.clamped(to: part)
      // An exclusive one is of a writer that is about to end a life.
      if lock.kind == .shared { pinned.insert(known) }
      if known.lowerBound > part.lowerBound { unknown.append(part.lowerBound...(known.lowerBound - 1)) }
      if known.upperBound < part.upperBound { unknown.append((known.upperBound + 1)...part.upperBound) }
    }
    return pinned
  }
}
