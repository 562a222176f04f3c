/// Copies what the plan wants of one life of a block into a new file.
///
/// A frame is copied when it proves itself by its checksum, in the source and once more where it was copied to: a frame
/// whose bytes were damaged never gets a checksum that is right. The copy keeps the block's generation, so checksums
/// stay as they are where the payload stays at its offset. Frames within a block have ordinals without a gap; so a frame
/// that is left out ends the block, and what follows it goes into another one.
///
/// Nothing of it is valid unless the block's generation is the same afterwards.
@safe
struct BlockCopy {
  /// The stream with what was copied of this block.
  private(set) var stream: CopiedStream
  /// What this block came to.
  private(set) var tally = CopyReport()

  private let file: StoreFile
  private let target: CopyTarget
  private let streamIndex: Int
  private let range: ClosedRange<Int64>
  private let block: Int
  private let values: BlockHeaderValues
  private let body: BlockBody
  private let preamble: BlockPreamble
  private let checksum: FrameChecksum
  /// True when frames behind the first one that does not prove itself count for nothing.
  private let mustProve: Bool
  private var appender: BlockAppender?
  private var parts = 0
  /// The slots of frames that did not prove themselves, up to the one before the present.
  private var badSlots: Range<Int>?
  private var previous: FramePosition?

  /// A block of the source becomes at most so many of the copy, however damaged it is.
  static let maximumParts = 8

  init(
    _ planned: CopyPlan.Block, _ values: BlockHeaderValues, _ body: BlockBody, _ preamble: BlockPreamble,
    of stream: CopiedStream, in range: ClosedRange<Int64>, mustProve: Bool, from file: StoreFile, to target: CopyTarget
  ) {
    self.stream = stream
    self.file = file
    self.target = target
    self.range = range
    self.values = values
    self.body = body
    self.preamble = preamble
    self.mustProve = mustProve
    streamIndex = Int(planned.stream)
    block = Int(planned.block)
    checksum = FrameChecksum(generation: values.generation)
  }

  /// Copies the frames. O(bytes of the block).
  mutating func run() throws(NanoTSError) {
    // The block was found to begin before the commit point.
    let limit = Int(min(UInt64(body.count), stream.plan.commitPoint &- values.firstOrdinal))
    for slot in 0..<limit {
      let entry = body.entry(slot)
      if try isGood(slot, entry) {
        reportBadSlots(before: entry.timestamp)
        previous = entry.position
      } else if mustProve {
        leaveUnproven(limit - slot)
        break
      } else {
        badSlots = (badSlots?.lowerBound ?? slot)..<(slot + 1)
      }
    }
    reportBadSlots(before: nil)
    endPart()
  }

  /// True when the frame proves itself and, if it lies in the range, was copied.
  private mutating func isGood(_ slot: Int, _ entry: IndexEntry) throws(NanoTSError) -> Bool {
    if let previous, !(previous < entry.position) { return false }
    guard body.isWhole(slot, checksum, coversPayload: file.checksPayloads) else { return false }
    guard range.contains(entry.timestamp) else { return true }
    return try copy(slot, entry)
  }

  private mutating func copy(_ slot: Int, _ entry: IndexEntry) throws(NanoTSError) -> Bool {
    guard let payload = unsafe body.payload(of: entry) else { return false }
    var place = unsafe self.place(for: entry, slot)
    if unsafe place == nil, try beginPart(slot, entry) { unsafe place = self.place(for: entry, slot) }
    guard let place = unsafe place else { return false }
    unsafe appender!.copy(payload.baseAddress, payload.count, to: place)
    let copied = unsafe UnsafeRawBufferPointer(start: place, count: file.checksPayloads ? payload.count : 0)
    guard unsafe checksum.value(of: entry, payload: copied) == entry.checksum else {
      unsafe place.initializeMemory(as: UInt8.self, repeating: 0, count: payload.count)
      return false
    }
    unsafe appender!.addEntry(
      place, payload.count,
      FrameStamp(timestamp: entry.timestamp, key: entry.key, flags: entry.flags, isClamped: entry.isClamped))
    return true
  }

  /// Where the payload goes in the present part; nil when there is none, when frames were left out since its last one,
  /// or when it has no room.
  private mutating func place(for entry: IndexEntry, _ slot: Int) -> UnsafeMutableRawPointer? {
    guard let appender, appender.firstOrdinal &+ UInt64(appender.count) == values.firstOrdinal &+ UInt64(slot) else {
      return nil
    }
    return unsafe self.appender!.placeTurning(byteCount: entry.length, key: entry.key)
  }

  // MARK: Parts

  /// Begins a block of the copy with the frame at `slot`; false when this block may not have another.
  private mutating func beginPart(_ slot: Int, _ first: IndexEntry) throws(NanoTSError) -> Bool {
    endPart()
    guard parts < BlockCopy.maximumParts, file.header(block).isStill(values.generation) else { return false }
    parts += 1
    let ordinal = values.firstOrdinal &+ UInt64(slot)
    var header = values
    header.state = .open
    header.streamSlot = UInt32(streamIndex)
    header.sequence = stream.beginBlock(sequence: values.sequence, ordinal: ordinal)
    header.firstOrdinal = ordinal
    header.firstTimestamp = first.timestamp
    header.firstKey = first.key
    header.uniformLength = BlockHeader.noLength
    header.commit = .empty(values.bodyLayout, payloadStart: preamble.byteCount)
    var text = preamble
    text.uuid = target.file.uuid
    text.timeUnit = target.file.timeUnit
    text.payloadChecksums = target.file.checksPayloads ? 1 : 0
    text.sequence = header.sequence
    text.firstOrdinal = ordinal
    appender = try target.begin(header, text, precedingEnd: stream.gapStart(before: ordinal))
    return true
  }

  private mutating func endPart() {
    guard var part = appender else { return }
    appender = nil
    guard part.count > 0 else {
      target.discard(from: part.block)
      return
    }
    target.end(&part)
    stream.endBlock(at: part.firstOrdinal &+ UInt64(part.count))
    tally.frames += UInt64(part.count)
    tally.bytes += UInt64(part.payloadBytes)
  }

  // MARK: Damage

  private mutating func leaveUnproven(_ frames: Int) {
    stream.endsEarly = true
    if let previous, previous.timestamp > range.upperBound { return }
    tally.unprovenFrames += UInt64(frames)
  }

  /// Tells of the frames that did not prove themselves, if they may lie in the range: the good ones around them say so.
  private mutating func reportBadSlots(before next: Int64?) {
    guard let slots = badSlots else { return }
    badSlots = nil
    // They are after the one and before the other; only with keys may their times be equal.
    if let previous, previous.timestamp > range.upperBound { return }
    if let next, next < range.lowerBound { return }
    if !body.isKeyed, previous?.timestamp == range.upperBound || next == range.lowerBound { return }
    tally.damagedFrames += UInt64(slots.count)
    let message =
      slots.count == 1
      ? "it does not match its checksum, its bounds or its order; it is left out"
      : "\(slots.count) frames from here on do not match their checksums, bounds or order; they are left out"
    tally.note(
      Finding(
        kind: .frame, stream: String(decoding: preamble.name, as: UTF8.self), block: block,
        ordinal: values.firstOrdinal &+ UInt64(slots.lowerBound), message: message))
  }
}
