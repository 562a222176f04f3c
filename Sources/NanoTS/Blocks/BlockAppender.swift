internal import CNanoTS

/// The writer's view of its open block. One thread at a time.
///
/// The order of stores is the protocol: payload, entry, then the commit word with release, so that whoever sees the
/// new count sees the whole frame (I1).
///
/// In a chunked block the same is done in its staging area; what comes to be full there `ChunkWriter` makes a chunk of.
@safe
struct BlockAppender {
  let block: Int
  let header: BlockHeader
  /// The block's first byte. Bound: `indexLow` never exceeds the block size, and every store lies below it or inside
  /// the entry that was checked to fit above `payloadEnd`.
  let base: UnsafeMutableRawPointer
  let entrySize: Int
  let firstOrdinal: UInt64
  private var checksumSeed: UInt32
  private let checksPayloads: Bool
  private let signal: CommitSignal
  /// `appendShort` takes payloads of fewer bytes; 0 where it may not be called.
  private let shortLimit: UInt

  /// `appendShort` leaves so many bytes free until the block's end was announced.
  private var reserve: Int
  private static let mostReserve = 8 << 10

  /// Nil in a plain block.
  let chunks: ChunkWriter?
  /// In a chunked block, what the commit word says besides the number of frames.
  private var chunkCount: Int = 0
  private let isChunked: Bool
  /// No payload ends behind this offset.
  private let payloadTop: Int

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
  /// Offset of the block's end.
  private let blockEnd: Int

  /// `payloadStart`: where the preamble ends. `encoder`: for a chunked block. `announcesEnd`: whether `isEndNear` is asked.
  init(
    file: StoreFile, block: Int, values: BlockHeaderValues, payloadStart: Int, encoder: ChunkEncoder? = nil,
    announcesEnd: Bool = false
  ) {
    self.block = block
    header = file.header(block)
    let body = unsafe file.body(block)
    unsafe base = body.baseAddress!
    entrySize = Int(values.bodyLayout.entrySize)
    firstOrdinal = values.firstOrdinal
    let layout = values.bodyLayout.chunks(blockSize: body.count)
    chunks = unsafe BlockAppender.chunkWriter(layout, body, values, payloadStart, encoder)
    isChunked = layout != nil
    checksumSeed =
      layout == nil
      ? FrameChecksum(generation: values.generation).seed
      : FrameChecksum(generation: values.generation, behindChunks: 0).seed
    checksPayloads = file.checksPayloads
    let mayBeShort = layout == nil && nts_has_checksum_inline() != 0
    shortLimit = !mayBeShort ? 0 : UInt(checksPayloads ? NTS_LONG_PAYLOAD : NTS_LONG_COPY)
    reserve = announcesEnd && mayBeShort ? min(BlockAppender.mostReserve, body.count / 16) : 0
    signal = CommitSignal(file, slot: Int(values.streamSlot))
    indexLow = body.count
    payloadEnd = layout?.stagingStart ?? payloadStart
    payloadTop = layout?.payloadTop ?? body.count
    syncedPayloadEnd = 0
    generation = values.generation
    blockEnd = body.count
    uniformLength = values.uniformLength
  }

  private static func chunkWriter(
    _ layout: ChunkedLayout?, _ body: UnsafeMutableRawBufferPointer, _ values: BlockHeaderValues, _ payloadStart: Int,
    _ encoder: ChunkEncoder?
  ) -> ChunkWriter? {
    guard let layout else { return nil }
    return unsafe ChunkWriter(
      layout, body.baseAddress!, generation: values.generation, isKeyed: values.bodyLayout.isKeyed,
      chunksStart: payloadStart, encoder ?? ChunkEncoder())
  }

  /// The largest payload that a block of `blockSize` bytes with payloads, or chunks, from `payloadStart` on can hold.
  static func capacity(blockSize: Int, payloadStart: Int, layout: BodyLayout) -> Int {
    let entrySize = Int(layout.entrySize)
    if let chunks = layout.chunks(blockSize: blockSize) {
      return chunks.capacity(chunksStart: payloadStart, entrySize: entrySize)
    }
    return (blockSize - payloadStart - entrySize) & ~7
  }

  var isKeyed: Bool { entrySize == IndexEntry.keyedByteCount }

  /// Where a payload of `byteCount` bytes goes, or nil when it, or its key, does not fit into this block.
  @inline(__always)
  func place(byteCount: Int, key: Int64) -> UnsafeMutableRawPointer? {
    // Unsigned: a negative or absurd size fails the first comparison and cannot overflow the second.
    guard UInt(bitPattern: byteCount) <= UInt(bitPattern: payloadTop &- payloadEnd),
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
    if let chunks, unsafe chunks.isLarge(place) { return addLarge(entry, chunks) }
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

  /// True when so little is free that the block's end is to be announced, which was not done.
  var isEndNear: Bool {
    reserve > 0 && indexLow - payloadEnd < reserve + Int(shortLimit) + IndexEntry.keyedByteCount
  }

  /// From now on `appendShort` fills the block.
  mutating func noteAnnounced() { reserve = 0 }

  /// True when `appendShort` may be called.
  var takesShort: Bool { shortLimit > 0 }

  /// What `appendShort` did.
  enum ShortAppend { case nothing, all, allButWake }

  /// Appends a frame to a block that `takesShort` and shows it to readers, if the frame is short, fits into the block, and
  /// is as long as those before it or these differ already. Does nothing otherwise.
  ///
  /// It calls nothing, so that the function that it is compiled into keeps all of this in registers: that is half of the
  /// time of an append of 16 bytes. `wake` is left to the caller for the same reason.
  @inline(__always)
  mutating func appendShort(
    _ bytes: UnsafeRawPointer, _ byteCount: Int, _ position: FramePosition, _ flags: UInt32
  ) -> ShortAppend {
    let length = UInt32(truncatingIfNeeded: byteCount)
    let start = payloadEnd
    let entryStart = indexLow &- entrySize
    let keyed = isKeyed
    // The first comparison keeps `byteCount` small and not negative: none of this can overflow.
    guard UInt(bitPattern: byteCount) < shortLimit,
      length == uniformLength || uniformLength == BlockHeader.mixedLengths, position.key == 0 || keyed
    else { return .nothing }
    let end = start &+ ((byteCount &+ 7) & ~7)
    guard end &+ reserve <= entryStart else { return .nothing }
    payloadEnd = end
    indexLow = entryStart
    count &+= 1
    payloadBytes &+= byteCount
    let word = UInt64(truncatingIfNeeded: count) | UInt64(truncatingIfNeeded: end) << 32
    let place = unsafe base + start
    let entryPlace = unsafe base + entryStart
    let commitCell = header.commit
    var entry = IndexEntry(
      timestamp: position.timestamp, key: position.key, offset: UInt32(truncatingIfNeeded: start),
      lengthAndMarks: length, checksum: 0, flags: flags)
    let placeAndLength = UInt64(entry.offset) | UInt64(length) << 32
    // Two copies of what is compiled in line: to ask for each word costs as much as the word.
    entry.checksum =
      checksPayloads
      ? unsafe nts_frame_store_inline(
        checksumSeed, flags, entry.timestamp, entry.key, placeAndLength, place, bytes, byteCount, 1)
      : unsafe nts_frame_store_inline(
        checksumSeed, flags, entry.timestamp, entry.key, placeAndLength, place, bytes, byteCount, 0)
    unsafe entry.write(to: entryPlace, keyed: keyed)
    commitCell.storeReleased(word)
    return signal.isWaitedFor ? .allButWake : .all
  }

  /// Wakes those who wait for a frame of this stream.
  func wake() { signal.wake() }

  /// Appends a frame to a plain block and shows it to readers; false, and nothing changed, when it does not fit into this
  /// block, or the block is chunked.
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
    guard UInt(bitPattern: byteCount) <= UInt(bitPattern: indexLow), end <= entryStart, position.key == 0 || keyed,
      !isChunked
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
      guard last < position, UInt(bitPattern: byteCount) <= UInt(bitPattern: payloadTop &- start),
        position.key == 0 || keyed
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
    header.commit.storeReleased(commitWord)
    signal.didCommit()
  }

  private var commitWord: UInt64 {
    UInt64(UInt32(truncatingIfNeeded: count)) | UInt64(isChunked ? chunkCount : payloadEnd) << 32
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
    let last = position
    values.state = .sealed
    values.lastTimestamp = last.timestamp
    values.lastKey = last.key
    values.payloadBytes = UInt32(truncatingIfNeeded: payloadBytes)
    header.writeSeal(values)
  }
}

// What only a chunked block has.
extension BlockAppender {
  /// Frames in the staging area.
  var stagedCount: Int { count - (chunks?.frames ?? 0) }

  /// The position of the last frame. At least one was added.
  private var position: FramePosition {
    if let last = chunks?.last, stagedCount == 0 { return last }
    return unsafe IndexEntry(at: UnsafeRawPointer(base + indexLow), keyed: isKeyed).position
  }

  /// Stores what is in the staging area as a chunk, which nobody sees before `turnStaging`. Returns where in the block
  /// something was written; nil when there is nothing to store or the block has no room. Every added frame was committed.
  func encodeStaged() -> Range<Int>? {
    guard let chunks, stagedCount > 0, holdsMore else { return nil }
    return chunks.encode(staged: stagedCount)
  }

  /// True while the frames and payload bytes of the block can be counted in 32 bits, whatever a chunk adds.
  private var holdsMore: Bool {
    let most = Int(UInt32.max) - 2 * StoreLayout.blockSizes.upperBound
    return count < most && payloadBytes < most
  }

  /// Shows readers the chunk made of the staged frames, and then writes the staging area from its start.
  mutating func turnStaging() {
    guard let chunks else { return }
    chunks.add()
    chunkCount = chunks.count
    header.commit.storeReleased(commitWord)
    // What is written to the staging area from here on, nobody takes for what was there.
    header.commit.fenceAfterStore()
    checksumSeed = FrameChecksum(generation: generation, behindChunks: chunkCount).seed
    (payloadEnd, indexLow) = (chunks.layout.stagingStart, chunks.layout.blockSize)
  }

  /// Appends a frame to the staging area and shows it to readers; false, and nothing changed, when it does not fit there.
  mutating func appendStaged(
    _ bytes: UnsafeRawPointer?, _ byteCount: Int, _ position: FramePosition, _ flags: UInt32
  ) -> Bool {
    guard let place = unsafe place(byteCount: byteCount, key: position.key) else { return false }
    unsafe copy(bytes, byteCount, to: place)
    unsafe addEntry(
      place, byteCount, FrameStamp(timestamp: position.timestamp, key: position.key, flags: flags, isClamped: false))
    commit()
    return true
  }

  /// True when what is staged is to be a last chunk of a block that is about to be sealed: fewer frames would take more room
  /// so.
  var hasLastChunk: Bool { stagedCount > 2 }

  /// Makes that chunk, in a block of which nothing counts as synced.
  mutating func endChunks() {
    if hasLastChunk, encodeStaged() != nil { turnStaging() }
  }

  /// Where a payload goes that no staging area has room for, with the staging area empty; nil when it does not fit into
  /// this block.
  func place(ofLarge byteCount: Int, key: Int64) -> UnsafeMutableRawPointer? {
    guard let chunks, stagedCount == 0, holdsMore, key == 0 || isKeyed else { return nil }
    return unsafe chunks.place(ofLarge: byteCount)
  }

  private mutating func addLarge(_ entry: IndexEntry, _ chunks: ChunkWriter) {
    chunks.encodeLarge(entry)
    chunks.add()
    chunkCount = chunks.count
    checksumSeed = FrameChecksum(generation: generation, behindChunks: chunkCount).seed
    payloadBytes += entry.length
    count += 1
    let length = UInt32(truncatingIfNeeded: entry.length)
    if length != uniformLength { note(length, of: entry.position, isFirst: count == 1) }
  }

  /// Where a payload goes, after making a chunk of what is staged if it must be; nil when it does not fit into this block.
  /// For blocks of which nothing counts as synced yet.
  mutating func placeTurning(byteCount: Int, key: Int64) -> UnsafeMutableRawPointer? {
    if let place = unsafe place(byteCount: byteCount, key: key) { return unsafe place }
    guard isChunked, key == 0 || isKeyed else { return nil }
    if stagedCount > 0 {
      commit()
      guard encodeStaged() != nil else { return nil }
      turnStaging()
    }
    return unsafe place(byteCount: byteCount, key: key) ?? place(ofLarge: byteCount, key: key)
  }

  /// What of the body is not known to survive power loss, as offsets.
  var unsyncedRange: Range<Int> {
    isChunked ? 0..<chunks!.layout.blockSize : syncedPayloadEnd..<(blockEnd - syncedCount * entrySize)
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
