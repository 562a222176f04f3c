@testable import NanoTS

/// Changes of single fields of the template in `bytes`.
///
/// Bound: `bytes` is the whole file, and every place is one of the template's layout, whatever the fields come to say.
@safe
struct FieldEdits {
  private let bytes: UnsafeMutableRawBufferPointer
  private let layout = TemplateStore.layout
  /// Entries are not looked for: in each block these were written, and some more may be claimed.
  private static let entries = 8
  private var edited: Set<Int> = []

  init(_ bytes: UnsafeMutableRawBufferPointer) { unsafe self.bytes = unsafe bytes }

  private var base: UnsafeMutableRawPointer { unsafe bytes.baseAddress! }

  private func slot(_ index: Int) -> Int { layout.streamTableOffset + index * StreamSlot.byteCount }
  private func header(_ index: Int) -> Int { layout.blockTableOffset + index * BlockHeader.byteCount }
  private func body(_ index: Int) -> Int { layout.fileSize(blocks: index) }

  // MARK: Editing

  mutating func apply(_ input: inout FuzzInput) {
    let kind = input.choice(8)
    let index = input.choice(layout.blockCount)
    switch kind {
    case 0: change(FieldTable.fileHeader, at: 0, &input)
    case 1: change(FieldTable.shared, at: FileHeader.byteCount, &input)
    case 2: change(FieldTable.slot, at: slot(index % layout.streamCapacity), &input)
    case 3, 4: change(FieldTable.blockHeader, at: header(index), &input)
    case 5: change(FieldTable.preamble, at: body(index), &input)
    case 6: changeEntry(of: index, &input)
    default: setTerms(of: index % layout.streamCapacity, &input)
    }
  }

  private func change(_ fields: [FieldTable.Field], at start: Int, _ input: inout FuzzInput) {
    let field = input.element(of: fields)
    let place = start + field.offset
    var old: UInt64 = 0
    for index in 0..<field.size { unsafe old |= UInt64(bytes[place + index]) << (8 * UInt64(index)) }
    let value = input.value(near: old)
    for index in 0..<field.size {
      unsafe bytes[place + index] = UInt8(truncatingIfNeeded: value >> (8 * UInt64(index)))
    }
  }

  private func isKeyed(_ block: Int) -> Bool {
    unsafe BodyLayout(word: BlockHeader(base: base + header(block)).bodyLayout.relaxed).entrySize
      == IndexEntry.keyedByteCount
  }

  /// Where entry `index` of a block lies. Bound: `index` is below `entries`, so it lies within the block.
  private func entry(_ index: Int, of block: Int, keyed: Bool) -> UnsafeMutableRawPointer {
    let size = keyed ? IndexEntry.keyedByteCount : IndexEntry.byteCount
    return unsafe base + body(block) + layout.blockSize - (index + 1) * size
  }

  private mutating func changeEntry(of block: Int, _ input: inout FuzzInput) {
    let keyed = isKeyed(block)
    let place = unsafe entry(input.choice(Self.entries), of: block, keyed: keyed)
    var entry = unsafe IndexEntry(at: place, keyed: keyed)
    switch input.choice(5) {
    case 0: entry.timestamp = Int64(bitPattern: input.value(near: UInt64(bitPattern: entry.timestamp)))
    case 1: entry.key = Int64(bitPattern: input.value(near: UInt64(bitPattern: entry.key)))
    case 2: entry.offset = UInt32(truncatingIfNeeded: input.value(near: UInt64(entry.offset)))
    case 3: entry.lengthAndMarks = UInt32(truncatingIfNeeded: input.value(near: UInt64(entry.lengthAndMarks)))
    default: entry.flags = UInt32(truncatingIfNeeded: input.word())
    }
    unsafe entry.write(to: place, keyed: keyed)
    edited.insert(block)
  }

  /// Terms that prove themselves, however absurd.
  private func setTerms(of index: Int, _ input: inout FuzzInput) {
    var terms = StreamTerms()
    terms.quota.minimumBlocks = UInt32(truncatingIfNeeded: input.value(near: 1))
    terms.quota.maximumBlocks = UInt32(truncatingIfNeeded: input.value(near: 2))
    terms.quota.maximumAge = Int64(bitPattern: input.value(near: 3))
    for _ in 0..<input.choice(3) {
      let ends = [Int64(bitPattern: input.value(near: 10)), Int64(bitPattern: input.value(near: 20))].sorted()
      terms.protected.insert(ends[0]...ends[1])
    }
    unsafe StreamSlot(base: base + slot(index)).writeTerms(terms)
  }

  // MARK: Checksums

  /// Makes every checksum right again, but those of the structures whose bits are set: file header, slots, block headers,
  /// bodies.
  func fixChecksums(except left: UInt8) {
    if left & 1 == 0 { unsafe HostileFields.fixFileHeader(bytes) }
    if left & 2 == 0 { for index in 0..<layout.streamCapacity { fixSlot(index) } }
    for block in 0..<layout.blockCount {
      if left & 4 == 0 { fixHeader(block) }
      if left & 8 == 0 {
        fixPreamble(block)
        if edited.contains(block) { for index in 0..<Self.entries { fixEntry(index, of: block) } }
      }
    }
  }

  private func fixSlot(_ index: Int) {
    let start = unsafe base + slot(index)
    let slot = unsafe StreamSlot(base: start)
    guard let name = slot.readRemains()?.name else { return }
    let checksum = StreamSlot.checksum(identifier: slot.identifier.relaxed, name: name)
    unsafe AtomicUInt32(start, StreamSlot.Offset.identityChecksum).storeRelaxed(checksum)
  }

  private func fixHeader(_ block: Int) {
    let header = unsafe BlockHeader(base: base + header(block))
    guard let values = header.unguardedValues(generation: header.generation.relaxed) else { return }
    header.identityChecksum.storeRelaxed(values.computedIdentityChecksum)
    header.sealChecksum.storeRelaxed(values.computedSealChecksum)
  }

  private func fixPreamble(_ block: Int) {
    let body = unsafe UnsafeMutableRawBufferPointer(rebasing: bytes[body(block)..<body(block + 1)])
    unsafe BlockPreamble.fixChecksum(of: body)
  }

  private func fixEntry(_ index: Int, of block: Int) {
    let keyed = isKeyed(block)
    let place = unsafe entry(index, of: block, keyed: keyed)
    var entry = unsafe IndexEntry(at: place, keyed: keyed)
    guard entry.liesWithin(0, layout.blockSize) else { return }
    let start = body(block) + Int(entry.offset)
    let payload = unsafe UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(bytes)[start..<(start + entry.length)])
    let generation = unsafe BlockHeader(base: base + header(block)).generation.relaxed
    entry.checksum = unsafe FrameChecksum(generation: generation).value(of: entry, payload: payload)
    unsafe entry.write(to: place, keyed: keyed)
  }
}

extension BlockPreamble {
  /// Makes the checksum of the preamble in `bytes` right, where its lengths are possible. Bound: `bytes` is the block.
  static func fixChecksum(of bytes: UnsafeMutableRawBufferPointer) {
    guard let lengths = unsafe textLengths(of: UnsafeRawBufferPointer(bytes)) else { return }
    let checksum = unsafe checksum(
      of: UnsafeRawBufferPointer(bytes), textLength: lengths.name + lengths.metadata)
    unsafe bytes.storeBytes(of: checksum.littleEndian, toByteOffset: Offset.checksum, as: UInt32.self)
  }
}
