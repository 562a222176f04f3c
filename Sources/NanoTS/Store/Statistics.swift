/// Figures of one stream.
public struct StreamStatistics: Sendable {
  /// The stream's name.
  public let name: String
  /// Blocks that the stream has now.
  public let blocks: Int
  /// Frames in them.
  public let frames: UInt64
  /// The sum of their payload lengths.
  public let bytes: UInt64
  /// Timestamp of the oldest frame; nil when there is none.
  public let first: Int64?
  /// Timestamp of the newest frame.
  public let last: Int64?
  /// Segments with at least one block left.
  public let segments: Int
  /// Blocks taken from the stream for new data, or because its quota had outgrown them, since it was made.
  public let reclaimedBlocks: UInt64
  /// Frames that were in them.
  public let reclaimedFrames: UInt64
  /// True while a writer, in whatever process, has the stream.
  public let isWritten: Bool
  /// The process of that writer.
  public let writerProcessID: Int32?
  /// What the stream may count on and keeps within.
  public let quota: StreamQuota
  /// Ranges of time that are kept until they are released.
  public let protectedRanges: [ClosedRange<Int64>]
  /// Of the blocks: those that reach into a protected range.
  public let protectedBlocks: Int
  /// Of the blocks: those that a reader has pinned.
  public let pinnedBlocks: Int
  /// How writers store frames that do not say otherwise.
  public let compression: Compression
  /// What the frames take.
  public let storage: StorageStatistics
}

/// Figures of a store.
public struct StoreStatistics: Sendable {
  /// Length of the file in bytes.
  public let fileSize: UInt64
  /// Version of the file format.
  public let formatVersion: UInt32
  /// Bytes of one block.
  public let blockSize: Int
  /// Blocks that the store may have.
  public let blockCount: Int
  /// Blocks that the file has room for now; equal to `blockCount` unless the store grows.
  public let availableBlocks: Int
  /// Of those: holding nothing.
  public let freeBlocks: Int
  /// Being written, or left open by a writer that died.
  public let openBlocks: Int
  /// Full or closed.
  public let sealedBlocks: Int
  /// Streams that the store can hold.
  public let streamCapacity: Int
  /// Whether checksums cover payloads.
  public let checksums: Bool
  /// Whether the file may grow up to `blockCount`.
  public let isGrowable: Bool
  /// What timestamps count.
  public let timeUnit: TimeUnit
  /// What happens to pinned blocks when no other is left.
  public let pinPolicy: PinPolicy
  /// Figures of each stream, by name.
  public let streams: [StreamStatistics]

  /// Frames in all streams.
  public var frames: UInt64 { streams.reduce(0) { $0 &+ $1.frames } }
  /// Payload bytes in all streams.
  public var bytes: UInt64 { streams.reduce(0) { $0 &+ $1.bytes } }
  /// Blocks reclaimed from all streams.
  public var reclaimedBlocks: UInt64 { streams.reduce(0) { $0 &+ $1.reclaimedBlocks } }
  /// Frames reclaimed from all streams.
  public var reclaimedFrames: UInt64 { streams.reduce(0) { $0 &+ $1.reclaimedFrames } }
  /// Blocks of all streams that reach into a protected range.
  public var protectedBlocks: Int { streams.reduce(0) { $0 + $1.protectedBlocks } }
  /// Blocks of all streams that a reader has pinned.
  public var pinnedBlocks: Int { streams.reduce(0) { $0 + $1.pinnedBlocks } }
  /// Timestamp of the oldest frame of any stream.
  public var first: Int64? { streams.compactMap(\.first).min() }
  /// Timestamp of the newest frame of any stream.
  public var last: Int64? { streams.compactMap(\.last).max() }
}

/// What one block of the file holds at the moment.
public struct BlockDescription: Sendable {
  /// What a block is.
  public enum State: String, Sendable, CaseIterable {
    /// Holds nothing.
    case free
    /// Being written, or left open by a writer that died.
    case open
    /// Full or closed.
    case sealed
  }

  /// The block's place in the file, from 0.
  public let index: Int
  /// What it is.
  public let state: State
  /// The stream that it belongs to.
  public let stream: String?
  /// Its number within the stream.
  public let sequence: UInt64
  /// Frames in it.
  public let frames: Int
  /// Timestamp of its first frame.
  public let firstTimestamp: Int64?
  /// Timestamp of its last frame; nil while it is open.
  public let lastTimestamp: Int64?
  /// Bytes taken by preamble, payloads and index.
  public let usedBytes: Int
  /// True when a reader, in whatever process, has pinned it.
  public let isPinned: Bool
  /// True when it reaches into a protected range.
  public let isProtected: Bool
}

extension Store {
  /// Figures of the store and of each stream. Throws `.closed` or `.ioFailure`. O(blocks), and O(frames) in open blocks.
  public func statistics() throws(NanoTSError) -> StoreStatistics {
    try answering { () throws(NanoTSError) in try allStatistics() }
  }

  private func allStatistics() throws(NanoTSError) -> StoreStatistics {
    let all = try blocks()
    let pinned = try PinLocks.pinned(file.mapped.descriptor)
    var streams: [StreamStatistics] = []
    for name in try self.streams() {
      if let statistics = try statistics(of: name, pinned) { streams.append(statistics) }
    }
    let size: UInt64 = try file.mapped.descriptor.size()
    return StoreStatistics(
      fileSize: size, formatVersion: FileHeader.version, blockSize: blockSize, blockCount: blockCount,
      availableBlocks: all.count, freeBlocks: all.count { $0.state == .free },
      openBlocks: all.count { $0.state == .open }, sealedBlocks: all.count { $0.state == .sealed },
      streamCapacity: file.layout.streamCapacity, checksums: file.checksPayloads, isGrowable: file.isGrowable,
      timeUnit: timeUnit, pinPolicy: pinPolicy, streams: streams)
  }

  /// Figures of one stream, or nil when there is none of that name. Throws `.invalidName`, `.closed` or `.ioFailure`.
  /// O(blocks of the stream).
  public func statistics(of stream: String) throws(NanoTSError) -> StreamStatistics? {
    try answering { () throws(NanoTSError) in try statistics(of: stream, PinLocks.pinned(file.mapped.descriptor)) }
  }

  private func statistics(
    of stream: String, _ pinned: IntervalSet<UInt64>
  ) throws(NanoTSError) -> StreamStatistics? {
    guard let found = StreamTable(file: file).find(try StreamTable.checkedName(stream)) else { return nil }
    let blocks = try StreamSurvey(self, found).blocks
    let slot = file.slot(found.slot)
    let terms = slot.readTerms() ?? StreamTerms()
    let lock = FileLock(file: file.mapped.descriptor, offset: StoreFile.LockOffset.stream(found.slot))
    let isWritten = try lock.isHeldByAnother()
    return StreamStatistics(
      name: stream, blocks: blocks.count, frames: blocks.reduce(0) { $0 + UInt64($1.frames) },
      bytes: blocks.reduce(0) { $0 + $1.payloadBytes }, first: blocks.first?.first,
      last: blocks.last?.last, segments: Set(blocks.map(\.segment)).count,
      reclaimedBlocks: slot.reclaimedBlocks.relaxed, reclaimedFrames: slot.reclaimedFrames.relaxed,
      isWritten: isWritten, writerProcessID: isWritten ? Int32(bitPattern: slot.writerProcess.relaxed) : nil,
      quota: StreamQuota(terms.quota), protectedRanges: terms.protected.ranges,
      protectedBlocks: blocks.count { terms.protected.overlaps($0.first, $0.last) },
      pinnedBlocks: blocks.count { block in
        let offset = PinLocks.offset(slot: found.slot, identifier: found.identifier, sequence: block.sequence)
        return pinned.overlaps(offset, offset)
      }, compression: slot.compression ?? compression, storage: try storage(of: blocks))
  }

  /// Blocks recycled meanwhile count as they were.
  private func storage(of blocks: [StreamSurvey.Block]) throws(NanoTSError) -> StorageStatistics {
    var sum = StorageStatistics()
    for block in blocks {
      let header = file.header(block.block)
      guard let values = header.values(), values.generation == block.generation else { continue }
      let part = try StorageStatistics(file, block.block, values, payloadBytes: block.payloadBytes)
      if header.isStill(block.generation) { sum = sum + part }
    }
    return sum
  }

  /// Every block of the file, in the file's order. Throws `.closed` or `.ioFailure`. O(blocks + chunks).
  public func blocks() throws(NanoTSError) -> [BlockDescription] {
    try answering { () throws(NanoTSError) in try allBlocks() }
  }

  private func allBlocks() throws(NanoTSError) -> [BlockDescription] {
    var names: [UInt64: String] = [:]
    var terms: [UInt64: StreamTerms] = [:]
    for stream in StreamTable(file: file).all() {
      names[stream.identifier] = String(decoding: stream.name, as: UTF8.self)
      terms[stream.identifier] = file.slot(stream.slot).readTerms()
    }
    let pinned = try PinLocks.pinned(file.mapped.descriptor)
    let count = try file.blocksInFile()
    var descriptions: [BlockDescription] = []
    descriptions.reserveCapacity(count)
    for index in 0..<count { descriptions.append(try describe(index, names, terms, pinned)) }
    return descriptions
  }

  private func describe(
    _ index: Int, _ names: [UInt64: String], _ terms: [UInt64: StreamTerms], _ pinned: IntervalSet<UInt64>
  ) throws(NanoTSError) -> BlockDescription {
    guard let values = file.header(index).values(), values.holdsFrames,
      let stream = names[values.streamIdentifier] ?? StreamTable(file: file).name(of: values)
    else {
      return BlockDescription(
        index: index, state: .free, stream: nil, sequence: 0, frames: 0, firstTimestamp: nil, lastTimestamp: nil,
        usedBytes: 0, isPinned: false, isProtected: false)
    }
    let count = Int(values.commit.count)
    let used = Int(truncatingIfNeeded: try StorageStatistics(file, index, values, payloadBytes: 0).storedBytes)
    let place = PinLocks.offset(of: values)
    let last = try file.lastTimestamp(of: index, values)
    let protected = terms[values.streamIdentifier]?.protected ?? IntervalSet()
    return BlockDescription(
      index: index, state: values.state == .sealed ? .sealed : .open, stream: stream, sequence: values.sequence,
      frames: count, firstTimestamp: count > 0 ? values.firstTimestamp : nil,
      lastTimestamp: values.state == .sealed && count > 0 ? values.lastTimestamp : nil,
      usedBytes: min(used, blockSize), isPinned: pinned.overlaps(place, place),
      isProtected: last.map { protected.overlaps(values.firstTimestamp, $0) } ?? false)
  }
}
