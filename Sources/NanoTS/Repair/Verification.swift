/// One pass over a store that believes nothing.
struct Verification {
  let file: StoreFile
  var report = VerificationReport()
  var names: [UInt64: String] = [:]

  init(file: StoreFile) { self.file = file }

  mutating func run() throws(NanoTSError) {
    checkSlots()
    for block in 0..<(try file.blocksInFile()) { checkBlock(block) }
    try checkLists()
  }

  mutating func add(
    _ kind: Finding.Kind, _ message: String, stream: String? = nil, block: Int? = nil, ordinal: UInt64? = nil
  ) {
    report.findings.append(Finding(kind: kind, stream: stream, block: block, ordinal: ordinal, message: message))
  }

  // MARK: Stream table

  mutating func checkSlots() {
    for index in 0..<file.usedSlots {
      let slot = file.slot(index)
      let version = slot.version.acquired
      let identifier = slot.identifier.relaxed
      guard identifier != 0, version & 1 == 0 else { continue }
      let name = slot.readName(identifier: identifier)
      guard slot.version.isStill(version) else { continue }
      if !slot.isCompressionRight {
        add(
          .stream, "stream table entry \(index) says how frames are stored and does not match its checksum",
          stream: name.map { String(decoding: $0, as: UTF8.self) })
      }
      if slot.readTerms() == nil {
        add(
          .stream,
          "stream table entry \(index) has a quota and protected ranges that do not match their checksum; none is in force",
          stream: name.map { String(decoding: $0, as: UTF8.self) })
      }
      if let name {
        names[identifier] = String(decoding: name, as: UTF8.self)
        if slot.nameHash.relaxed != StreamSlot.hash(of: name) {
          add(
            .stream,
            "stream table entry \(index) has a name hash that is not its name's, so it cannot be found by name",
            stream: names[identifier])
        }
      } else {
        add(.stream, "stream table entry \(index) has a name that does not match its checksum")
      }
    }
  }

  // MARK: Blocks

  mutating func checkBlock(_ block: Int) {
    let header = file.header(block)
    let generation = header.generation.acquired
    guard !Generation.isOdd(generation) else { return }
    guard let values = header.values() else {
      if header.isStill(generation) { add(.header, "state \(header.state.relaxed) does not exist", block: block) }
      return
    }
    guard values.holdsFrames else { return }
    guard let stored = file.stored(block, generation: generation) else { return }
    if let failure = stored.failure {
      add(
        .file, "the block could not be read: \(failure.message)", stream: names[values.streamIdentifier], block: block)
      return
    }
    var found = Verification(file: file)
    found.names = names
    withExtendedLifetime(stored.image) { found.check(block, stored) }
    // What was found in a block that was recycled meanwhile says nothing.
    guard header.isStill(generation) else { return }
    report.findings += found.report.findings
    report.checkedBlocks += 1
    report.checkedFrames += found.report.checkedFrames
  }

  private mutating func check(_ block: Int, _ stored: StoredBlock) {
    let values = stored.values
    let stream = names[values.streamIdentifier] ?? StreamTable(file: file).name(of: values)
    if values.identityChecksum != values.computedIdentityChecksum {
      add(.header, "the header's identity does not match its checksum", stream: stream, block: block)
    }
    if stream == nil {
      add(.header, "the block belongs to a stream that the stream table does not have", block: block)
    }
    checkSlot(of: values, block, stream)
    checkPreamble(block, stored, stream)
    guard let body = BlockBody(file, stored, values) else {
      add(
        .header,
        "\(values.commit.count) frames and payloads up to byte \(values.commit.payloadEnd) are impossible in a block "
          + "of \(file.layout.blockSize) bytes, or its layout is unknown", stream: stream, block: block)
      return
    }
    checkFrames(body, block, values, stream)
    if values.state == .sealed {
      checkSeal(body, block, values, stream)
    } else {
      checkOpen(body, block, values, stream)
    }
  }

  private mutating func checkSlot(of values: BlockHeaderValues, _ block: Int, _ stream: String?) {
    let slot = Int(values.streamSlot)
    if stream != nil, slot >= file.usedSlots || file.slot(slot).identifier.relaxed != values.streamIdentifier {
      add(
        .header, "the header names stream table entry \(slot), which is not that of its stream", stream: stream,
        block: block)
    }
    let precedingEnd = file.header(block).precedingEnd.relaxed
    if precedingEnd > values.firstOrdinal {
      add(
        .header, "blocks before it were taken from frame \(precedingEnd) on, and it begins with \(values.firstOrdinal)",
        stream: stream, block: block)
    }
  }

  /// What the header of an open block says of its frames. A live writer may be ahead of the count that was read.
  private mutating func checkOpen(_ body: BlockBody, _ block: Int, _ values: BlockHeaderValues, _ stream: String?) {
    guard body.count > 0 else { return }
    let first = body.entry(0).position
    if first != FramePosition(timestamp: values.firstTimestamp, key: values.firstKey) {
      add(
        .header, "the header says that the block begins at \(values.firstTimestamp); the index says \(first.timestamp)",
        stream: stream, block: block)
    }
    let length = values.uniformLength
    guard length != BlockHeader.mixedLengths else { return }
    if (0..<body.count).contains(where: { body.entry($0).length != Int(length) }) {
      add(
        .header, "the header says that every payload has \(length) bytes; the index says otherwise", stream: stream,
        block: block)
    }
  }

  private mutating func checkPreamble(_ block: Int, _ stored: StoredBlock, _ stream: String?) {
    let values = stored.values
    guard let preamble = unsafe BlockPreamble(checking: stored.bytes) else {
      add(.preamble, "the preamble does not match its checksum", stream: stream, block: block)
      return
    }
    let isOfThisStream = stream == nil || String(decoding: preamble.name, as: UTF8.self) == stream
    unsafe checkText(of: preamble, stored.bytes, block, stream)
    if !isOfThisStream || !preamble.belongs(to: values, in: file) {
      add(
        .preamble,
        "the preamble names stream '\(String(decoding: preamble.name, as: UTF8.self))', sequence "
          + "\(preamble.sequence), first frame \(preamble.firstOrdinal); the header has sequence \(values.sequence), "
          + "first frame \(values.firstOrdinal)", stream: stream, block: block)
    }
  }

  /// What the preamble's checksum does not cover, or does not judge.
  private mutating func checkText(
    of preamble: BlockPreamble, _ bytes: UnsafeRawBufferPointer, _ block: Int, _ stream: String?
  ) {
    let end = BlockPreamble.fixedByteCount + preamble.name.count + preamble.metadata.count
    let start = BlockPreamble.byteCount(name: preamble.name.count, metadata: preamble.metadata.count)
    if start <= file.layout.blockSize, unsafe !bytes[end..<start].allSatisfy({ $0 == 0 }) {
      add(.preamble, "the bytes between its text and the first payload are not zero", stream: stream, block: block)
    }
    if preamble.metadata.count > file.layout.maximumMetadataByteCount {
      add(.preamble, "its metadata has \(preamble.metadata.count) bytes", stream: stream, block: block)
    }
    if preamble.timeUnit != file.timeUnit || preamble.payloadChecksums != (file.checksPayloads ? 1 : 0) {
      add(
        .preamble,
        "the preamble has time unit \(preamble.timeUnit) and checksum mode \(preamble.payloadChecksums), the store "
          + "\(file.timeUnit) and \(file.checksPayloads ? 1 : 0)", stream: stream, block: block)
    }
  }

  private mutating func checkFrames(_ body: BlockBody, _ block: Int, _ values: BlockHeaderValues, _ stream: String?) {
    let checksum = FrameChecksum(generation: body.generation)
    var previous: FramePosition?
    // Where the payload before it ends, while that is known.
    var end: UInt32?
    var next = 0
    while next < body.count {
      let slot = next
      let ordinal = values.firstOrdinal &+ UInt64(slot)
      if let slots = body.unreadable(at: slot) {
        // One finding for the chunk, which may claim to have more frames than the block has bytes.
        add(
          .frame,
          "it and \(slots.upperBound - slot - 1) frames behind it lie in a chunk that does not match its checksum",
          stream: stream, block: block, ordinal: ordinal)
        report.checkedFrames += UInt64(slots.upperBound - slot)
        (next, end) = (slots.upperBound, nil)
        continue
      }
      next += 1
      let entry = body.entry(slot)
      report.checkedFrames += 1
      guard let payload = unsafe body.payload(of: entry) else {
        add(
          .frame, "its payload of \(entry.length) bytes at \(entry.offset) lies outside the block's payloads",
          stream: stream, block: block, ordinal: ordinal)
        end = nil
        continue
      }
      guard body.isWhole(slot, checksum, coversPayload: file.checksPayloads) else {
        add(.frame, "it does not match its checksum", stream: stream, block: block, ordinal: ordinal)
        end = nil
        continue
      }
      if let previous, !(previous < entry.position) {
        add(.frame, "it is not after the frame before it", stream: stream, block: block, ordinal: ordinal)
      } else if body.isPlain, !Verification.isPadded(body, entry, payload.count) {
        add(.frame, "the padding behind its payload is not zero", stream: stream, block: block, ordinal: ordinal)
      }
      if body.isPlain, let end, end != entry.offset {
        add(
          .frame, "its payload begins at byte \(entry.offset), and the one before it ends at \(end)", stream: stream,
          block: block, ordinal: ordinal)
      }
      (previous, end) = (entry.position, entry.paddedEnd)
    }
  }

  private static func isPadded(_ body: BlockBody, _ entry: IndexEntry, _ length: Int) -> Bool {
    let end = Int(entry.offset) + length
    return unsafe body.bytes[end..<min(end.roundedUp(to: 8), body.bytes.count)].allSatisfy { $0 == 0 }
  }

  private mutating func checkSeal(_ body: BlockBody, _ block: Int, _ values: BlockHeaderValues, _ stream: String?) {
    if values.sealChecksum != values.computedSealChecksum {
      add(.header, "the header's seal does not match its checksum", stream: stream, block: block)
      return
    }
    guard body.count > 0 else {
      add(.header, "the block is sealed and holds no frame", stream: stream, block: block)
      return
    }
    let (first, last) = (body.entry(0).position, body.entry(body.count - 1).position)
    let isRight =
      first == FramePosition(timestamp: values.firstTimestamp, key: values.firstKey)
      && last == FramePosition(timestamp: values.lastTimestamp, key: values.lastKey)
      && body.payloadByteCount(of: body.count) == UInt64(values.payloadBytes)
    if !isRight {
      add(
        .header,
        "the header says \(values.firstTimestamp) to \(values.lastTimestamp) in \(values.payloadBytes) bytes; the "
          + "index says \(first.timestamp) to \(last.timestamp)", stream: stream, block: block)
    }
    let length = UInt32(truncatingIfNeeded: body.entry(0).length)
    let isUniform = (0..<body.count).allSatisfy { body.entry($0).length == Int(length) }
    if values.uniformLength != (isUniform ? length : BlockHeader.mixedLengths) {
      add(
        .header, "the header says that every payload has \(values.uniformLength) bytes; the index says otherwise",
        stream: stream, block: block)
    }
  }
}
