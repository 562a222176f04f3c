@testable import NanoTS

/// A small valid store that is the same in every process: what the engine would choose at random is fixed here, so that an
/// input that was found once is found again.
///
/// "a" has blocks 0, 2 and 4, the last one open; "keyed" has block 1; "kept" has a quota and protected ranges and no block;
/// block 3 is free and block 5 was never used.
enum TemplateStore {
  static let blocks = 6
  /// What the file has room for in its tables, when it may grow.
  static let cap = 8
  static let layout = layout(blocks: blocks)
  static let fixed = bytes(isGrowable: false)
  static let growable = bytes(isGrowable: true)

  static func layout(blocks: Int) -> StoreLayout {
    do throws(NanoTSError) {
      return try StoreLayout(blockSize: 4096, blockCount: blocks, streamCapacity: 4)
    } catch {
      fatalError("no layout for the template: \(error)")
    }
  }

  private static let names = ["a", "keyed", "kept"].map { Array($0.utf8) }
  private static let framesInBlock = 6

  private static func bytes(isGrowable: Bool) -> [UInt8] {
    let layout = layout(blocks: isGrowable ? cap : blocks)
    let size = layout.fileSize(blocks: blocks)
    let memory = MemoryFile(capacity: layout.fileSize(blocks: layout.blockCount))
    unsafe memory.withBytes(size) { _ in }
    let header = FileHeader(
      uuid: StoreUUID(high: 0x1234, low: 0x5678), layout: layout, initialBlockCount: blocks, timeUnit: 2,
      payloadChecksums: true, writeIncompatibleFeatures: 0, compression: .off)
    do throws(NanoTSError) {
      let mapped = try MappedFile(
        mapping: try FileDescriptor(opening: memory.path, .readWrite),
        byteCount: layout.fileSize(blocks: layout.blockCount), writable: true)
      unsafe header.write(to: UnsafeMutableRawBufferPointer(start: mapped.base, count: FileHeader.byteCount))
      try fill(StoreFile(mapped: mapped, layout: layout, header: header))
    } catch {
      fatalError("no template: \(error)")
    }
    var bytes: [UInt8] = []
    unsafe memory.withBytes(size) { bytes = unsafe Array($0) }
    return bytes
  }

  private static func fill(_ file: StoreFile) throws(NanoTSError) {
    for (index, name) in names.enumerated() {
      let slot = file.slot(index)
      slot.writeIdentity(identifier: UInt64(index) + 0x1000, name: name)
      slot.version.storeRelaxed(2)
    }
    file.shared.usedStreamSlots.storeRelaxed(UInt32(names.count))
    for (block, slot, sequence) in [(0, 0, 0), (2, 0, 1), (4, 0, 2), (1, 1, 0)] {
      writeBlock(block, slot, UInt64(sequence), isOpen: block == 4, to: file)
    }
    file.header(3).generation.storeRelaxed(2)
    try BlockPool(file: file).rebuild()
    var terms = StreamTerms()
    terms.quota.minimumBlocks = 1
    terms.protected.insert(10...20)
    file.slot(2).writeTerms(terms)
    file.slot(1).floor = FramePosition(timestamp: 5, key: 0)
    file.slot(0).nextOrdinal.storeRelaxed(UInt64(2 * framesInBlock))
    file.slot(0).nextSegment.storeRelaxed(1)
    file.shared.closedCleanly.storeRelaxed(1)
  }

  private static func writeBlock(_ block: Int, _ slot: Int, _ sequence: UInt64, isOpen: Bool, to file: StoreFile) {
    let isKeyed = slot == 1
    let metadata = Array("m".utf8)
    let start = BlockPreamble.byteCount(name: names[slot].count, metadata: metadata.count)
    let ordinal = sequence * UInt64(framesInBlock)
    let values = BlockHeaderValues(
      generation: Generation.following(0, random: UInt64(block) * 0x1234_5678),
      commit: BlockCommit(count: 0, payloadEnd: UInt32(start)), state: .open, bodyLayout: .plain(keyed: isKeyed),
      streamIdentifier: file.slot(slot).identifier.relaxed, sequence: sequence, segment: 0, streamSlot: UInt32(slot),
      identityChecksum: 0, firstOrdinal: ordinal, firstTimestamp: 0, firstKey: 0, lastTimestamp: 0, lastKey: 0,
      syncedCount: 0, uniformLength: BlockHeader.noLength, sealChecksum: 0, payloadBytes: 0)
    let preamble = BlockPreamble(
      generation: values.generation, uuid: file.uuid, streamIdentifier: values.streamIdentifier, sequence: sequence,
      segment: 0, firstOrdinal: ordinal, blockSize: UInt32(file.layout.blockSize), bodyLayout: values.bodyLayout,
      timeUnit: file.timeUnit, payloadChecksums: 1, name: names[slot], metadata: metadata)
    unsafe preamble.write(to: file.body(block))
    let header = file.header(block)
    header.writeIdentity(values)
    header.state.storeRelaxed(BlockState.open.rawValue)
    header.generation.storeRelaxed(values.generation)
    var appender = BlockAppender(file: file, block: block, values: values, payloadStart: start)
    for index in 0..<framesInBlock {
      let time = Int64(ordinal) + Int64(isKeyed ? index / 2 : index)
      let payload = [UInt8](repeating: UInt8(index), count: slot == 0 ? 8 : index)
      _ = unsafe payload.withUnsafeBytes { bytes in
        unsafe appender.append(
          bytes.baseAddress, bytes.count, FramePosition(timestamp: time, key: isKeyed ? Int64(index % 2) : 0), 7)
      }
    }
    header.syncedCount.storeRelaxed(UInt32(appender.count))
    if !isOpen { appender.seal() }
  }
}
