internal import CNanoTS

/// The writer's view of its open block. One thread at a time.
///
/// The order of stores is the protocol: payload, entry, then the commit word with release, so that whoever sees the
/// new count sees the whole frame (I1).
@safe
struct BlockAppender {
  let block: Int
  let header: BlockHeader
  /// The block's first byte. Bound: `indexLow` never exceeds the block size, and every store lies below it or inside
  /// the entry that was checked to fit above `payloadEnd`.
  let base: UnsafeMutableRawPointer
  let entrySize: Int
  let firstOrdinal: UInt64
  private let checksumSeed: UInt32
  private let checksPayloads: Bool
  private let signal: CommitSignal

  /// Offset of the lowest index entry written so far.
  private(set) var indexLow: Int
  /// Offset of the first free payload byte, a multiple of 8.
  private(set) var payloadEnd: Int
  private(set) var count: Int = 0
  private(set) var payloadBytes: Int = 0
  private var uniformLength: UInt32
  /// How much of the block is known to survive power loss.
  private(set) var syncedCount: Int = 0
  private(set) var syncedPayloadEnd: Int
  private let generation: UInt64

  init(file: StoreFile, block: Int, values: BlockHeaderValues, payloadStart: Int) {
    self.block = block
    header = file.header(block)
    let body = unsafe file.body(block)
    unsafe base = body.baseAddress!
    entrySize = Int(values.bodyLayout.entrySize)
    firstOrdinal = values.firstOrdinal
    checksumSeed = FrameChecksum(generation: values.generation).seed
    checksPayloads = file.checksPayloads
    signal = CommitSignal(file, slot: Int(values.streamSlot))
    indexLow = body.count
    payloadEnd = payloadStart
    syncedPayloadEnd = 0
    generation = values.generation
    uniformLength = values.uniformLength
  }

  /// The largest payload that a block of `blockSize` bytes with payloads from `payloadStart` on can hold.
  static func capacity(blockSize: Int, payloadStart: Int, entrySize: Int) -> Int {
    (blockSize - payloadStart - entrySize) & ~7
  }

  var isKeyed: Bool { entrySize == IndexEntry.keyedByteCount }

  /// Where a payload of `byteCount` bytes goes, or nil when it, or its key, does not fit into this block.
  @inline(__always)
  func place(byteCount: Int, key: Int64) -> UnsafeMutableRawPointer? {
    // Unsigned: a negative or absurd size fails the first comparison and cannot overflow the second.
    guard UInt(bitPattern: byteCount) <= UInt(bitPattern: indexLow),
      payloadEnd + byteCount.roundedUp(to: 8) + entrySize <= indexLow, key == 0 || isKeyed
    else { return nil }
    return unsafe base + payloadEnd
  }

  /// Copies a payload of `byteCount` bytes to `place`, padding it with zeros to a multiple of 8, so that nothing of an
  /// earlier life shows there.
  @inline(__always)
  func copy(_ bytes: UnsafeRawPointer?, _ byteCount: Int, to place: UnsafeMutableRawPointer) {
    guard let bytes = unsafe bytes, byteCount > 0 else { return }
    if byteCount & 7 != 0 { unsafe place.storeBytes(of: 0, toByteOffset: byteCount & ~7, as: UInt64.self) }
    // Small payloads as two overlapping halves: a call of memmove costs more than the copy.
    if byteCount >= 8, byteCount <= 16 {
      let low = unsafe bytes.loadUnaligned(as: UInt64.self)
      let high = unsafe bytes.loadUnaligned(fromByteOffset: byteCount &- 8, as: UInt64.self)
      unsafe place.storeBytes(of: low, as: UInt64.self)
      unsafe place.storeBytes(of: high, toByteOffset: byteCount &- 8, as: UInt64.self)
      return
    }
    unsafe place.copyMemory(from: bytes, byteCount: byteCount)
  }

  /// The same padding for a payload that the caller has written at `place` itself.
  func pad(_ place: UnsafeMutableRawPointer, _ byteCount: Int) {
    let tail = byteCount & 7
    guard tail != 0 else { return }
    let word = unsafe place.load(fromByteOffset: byteCount & ~7, as: UInt64.self)
    unsafe place.storeBytes(of: word & (1 << (8 * UInt64(tail)) - 1), toByteOffset: byteCount & ~7, as: UInt64.self)
  }

  /// Writes the entry for the payload that lies at `place` and does not yet show it to readers.
  @inline(__always)
  mutating func addEntry(_ place: UnsafeMutableRawPointer, _ byteCount: Int, _ frame: FrameStamp) {
    let length = UInt32(truncatingIfNeeded: byteCount)
    var entry = IndexEntry(
      timestamp: frame.timestamp, key: frame.key, offset: UInt32(truncatingIfNeeded: payloadEnd),
      lengthAndMarks: frame.isClamped ? length | IndexEntry.clampedMark : length, checksum: 0, flags: frame.flags)
    entry.checksum = unsafe nts_frame_checksum(
      UInt64(checksumSeed) | UInt64(entry.flags) << 32, entry.timestamp, entry.key,
      UInt64(entry.offset) | UInt64(entry.lengthAndMarks) << 32, place, checksPayloads ? byteCount : 0)
    indexLow -= entrySize
    unsafe entry.write(to: base + indexLow, keyed: isKeyed)
    payloadEnd += byteCount.roundedUp(to: 8)
    payloadBytes += byteCount
    count += 1
    if length != uniformLength {
      note(length, of: FramePosition(timestamp: frame.timestamp, key: frame.key), isFirst: count == 1)
    }
  }

  /// Appends a frame and shows it to readers; false, and nothing changed, when it does not fit into this block.
  ///
  /// The writer's own fields change first: nobody else sees them, and the calls that copy and sum would otherwise force
  /// each of them to be read again.
  @inline(__always)
  mutating func append(
    _ bytes: UnsafeRawPointer?, _ byteCount: Int, _ position: FramePosition, _ flags: UInt32
  ) -> Bool {
    // Block sizes end at 1 GiB and the first comparison holds `byteCount` below that: none of this can overflow.
    let start = payloadEnd
    let end = start &+ ((byteCount &+ 7) & ~7)
    let entryStart = indexLow &- entrySize
    let keyed = isKeyed
    guard UInt(bitPattern: byteCount) <= UInt(bitPattern: indexLow), end <= entryStart, position.key == 0 || keyed
    else { return false }
    let word = UInt64(truncatingIfNeeded: count &+ 1) | UInt64(truncatingIfNeeded: end) << 32
    payloadEnd = end
    indexLow = entryStart
    count &+= 1
    payloadBytes &+= byteCount
    let length = UInt32(truncatingIfNeeded: byteCount)
    if length != uniformLength { note(length, of: position, isFirst: count == 1) }
    let place = unsafe base + start
    let entryPlace = unsafe base + entryStart
    let commitCell = header.commit
    unsafe copy(bytes, byteCount, to: place)
    var entry = IndexEntry(
      timestamp: position.timestamp, key: position.key, offset: UInt32(truncatingIfNeeded: start),
      lengthAndMarks: length, checksum: 0, flags: flags)
    entry.checksum = unsafe nts_frame_checksum(
      UInt64(checksumSeed) | UInt64(flags) << 32, entry.timestamp, entry.key,
      UInt64(entry.offset) | UInt64(length) << 32, place, checksPayloads ? byteCount : 0)
    unsafe entry.write(to: entryPlace, keyed: keyed)
    commitCell.storeReleased(word)
    signal.didCommit()
    return true
  }

  /// Adds the frames from `first` on that are in order after `last` and fit, and does not yet show them to readers. Returns
  /// how many; `last` is then the position of the last one.
  ///
  /// The writer's own fields are kept aside in the loop, where the stores into the block would otherwise have each of
  /// them read again.
  mutating func add(_ frames: some NewFrames, from first: Int, after last: inout FramePosition) -> Int {
    let keyed = isKeyed
    var (low, start, bytes, uniform) = (indexLow, payloadEnd, 0, uniformLength)
    let end = frames.count
    var index = first
    while index < end {
      let frame = frames[index]
      let position = FramePosition(timestamp: frame.timestamp, key: frame.key)
      let byteCount = unsafe frame.payload.count
      guard last < position, UInt(bitPattern: byteCount) <= UInt(bitPattern: low), position.key == 0 || keyed
      else { break }
      let padded = (byteCount &+ 7) & ~7
      guard start &+ padded &+ entrySize <= low else { break }
      let length = UInt32(truncatingIfNeeded: byteCount)
      low &-= entrySize
      var entry = IndexEntry(
        timestamp: position.timestamp, key: position.key, offset: UInt32(truncatingIfNeeded: start),
        lengthAndMarks: length, checksum: 0, flags: frame.flags)
      entry.checksum = unsafe store(frame.payload, at: base + start, entry)
      unsafe entry.write(to: base + low, keyed: keyed)
      start &+= padded
      bytes &+= byteCount
      index &+= 1
      last = position
      if length != uniform {
        note(length, of: position, isFirst: count + index - first == 1)
        uniform = uniformLength
      }
    }
    (indexLow, payloadEnd) = (low, start)
    payloadBytes += bytes
    count += index - first
    return index - first
  }

  /// Stores the payload of `entry` at `place`, where it was found to fit, and returns the frame's checksum.
  @inline(__always)
  private func store(
    _ payload: UnsafeRawBufferPointer, at place: UnsafeMutableRawPointer, _ entry: IndexEntry
  ) -> UInt32 {
    let seedAndFlags = UInt64(checksumSeed) | UInt64(entry.flags) << 32
    let offsetAndLength = UInt64(entry.offset) | UInt64(entry.lengthAndMarks) << 32
    if checksPayloads {
      return unsafe nts_frame_store(
        seedAndFlags, entry.timestamp, entry.key, offsetAndLength, place, payload.baseAddress, payload.count)
    }
    unsafe copy(payload.baseAddress, payload.count, to: place)
    return unsafe nts_frame_checksum(seedAndFlags, entry.timestamp, entry.key, offsetAndLength, place, 0)
  }

  /// Keeps the header's uniform length right, and with the block's first frame the header's first position.
  @inline(never)
  private mutating func note(_ length: UInt32, of position: FramePosition, isFirst: Bool) {
    guard uniformLength != BlockHeader.mixedLengths else { return }
    if isFirst {
      header.firstTimestamp.storeRelaxed(UInt64(bitPattern: position.timestamp))
      header.firstKey.storeRelaxed(UInt64(bitPattern: position.key))
    }
    uniformLength = isFirst ? length : BlockHeader.mixedLengths
    header.uniformLength.storeRelaxed(uniformLength)
  }

  /// Shows every frame added so far to readers.
  @inline(__always)
  func commit() {
    header.commit.storeReleased(UInt64(UInt32(truncatingIfNeeded: count)) | UInt64(payloadEnd) << 32)
    signal.didCommit()
  }

  /// The life of the block that this appends to.
  var life: WrittenBlock { WrittenBlock(block: block, generation: generation) }

  /// Every committed frame is known to survive power loss.
  mutating func noteSynced() {
    syncedCount = count
    syncedPayloadEnd = payloadEnd
    header.syncedCount.raise(to: UInt32(truncatingIfNeeded: count))
  }

  /// Seals the block: it will not change until it is recycled. At least one frame was committed.
  func seal() {
    precondition(count > 0)
    guard var values = header.unguardedValues(generation: header.generation.relaxed) else { return }
    let last = unsafe IndexEntry(at: UnsafeRawPointer(base + indexLow), keyed: isKeyed)
    values.state = .sealed
    values.lastTimestamp = last.timestamp
    values.lastKey = last.key
    values.payloadBytes = UInt32(truncatingIfNeeded: payloadBytes)
    header.writeSeal(values)
  }
}

/// What a frame carries besides its payload.
struct FrameStamp {
  var timestamp: Int64
  var key: Int64
  var flags: UInt32
  var isClamped: Bool
}

/// A block in one of its lives.
struct WrittenBlock: Equatable {
  let block: Int
  let generation: UInt64
}
