/// What frames take in their blocks.
public struct StorageStatistics: Sendable, Equatable {
  /// The sum of the payload lengths.
  public internal(set) var rawBytes: UInt64 = 0
  /// The bytes that they take, with all that belongs to them: the preambles of their blocks, payloads or chunks, and index
  /// entries.
  public internal(set) var storedBytes: UInt64 = 0
  /// Chunks of compressed frames.
  public internal(set) var chunks = 0
  /// Of these, how many by the filter of their payloads: "none", "frame", "2" and "4" for bytes shuffled by frame size, by 2 or by
  /// 4 bytes, and "raw" for chunks that did not become smaller.
  public internal(set) var filters: [String: Int] = [:]

  /// Raw bytes for each stored byte; nil without frames.
  public var ratio: Double? { storedBytes > 0 ? Double(rawBytes) / Double(storedBytes) : nil }

  static func + (one: StorageStatistics, other: StorageStatistics) -> StorageStatistics {
    var sum = one
    sum.rawBytes &+= other.rawBytes
    sum.storedBytes &+= other.storedBytes
    sum.chunks += other.chunks
    sum.filters.merge(other.filters) { $0 + $1 }
    return sum
  }
}

extension StorageStatistics {
  /// Of one life of a block. O(1) for a plain block, O(chunks) for a compressed one.
  /// Zeros when that life is over. Throws as
  /// `StoreFile.readStored`.
  init(
    _ file: StoreFile, _ block: Int, _ values: BlockHeaderValues, payloadBytes: UInt64
  ) throws(NanoTSError) {
    let blockSize = file.layout.blockSize
    guard let chunks = values.bodyLayout.chunks(blockSize: blockSize) else {
      rawBytes = payloadBytes
      let used =
        UInt64(values.commit.payloadEnd) + UInt64(values.commit.count) * UInt64(values.bodyLayout.entrySize)
      storedBytes = min(used, UInt64(blockSize))
      return
    }
    guard let stored = try file.readStored(block, generation: values.generation, .index) else { return }
    rawBytes = payloadBytes
    withExtendedLifetime(stored.image) { count(stored, chunks, blockSize) }
  }

  private mutating func count(_ stored: StoredBlock, _ chunks: ChunkedLayout, _ blockSize: Int) {
    let values = stored.values
    guard
      let index = unsafe ChunkIndex(
        stored.bytes, generation: values.generation, chunks, isKeyed: values.bodyLayout.isKeyed, values.commit)
    else {
      storedBytes = UInt64(blockSize)
      return
    }
    var end = BlockPreamble.fixedByteCount
    for chunk in 0..<index.chunkCount {
      guard let entry = unsafe index.chunk(chunk)?.entry else { continue }
      self.chunks += 1
      end = max(end, Int(entry.offset) + Int(entry.storedLength).roundedUp(to: 8))
      filters[StorageStatistics.name(of: entry), default: 0] += 1
    }
    storedBytes = UInt64(end + index.chunkCount * ChunkEntry.byteCount + index.stagedByteCount)
  }

  private static func name(of entry: ChunkEntry) -> String {
    guard entry.method == ChunkEntry.lz4 else { return "raw" }
    return switch PayloadFilter(rawValue: entry.filter) {
    case .byFrameSize: "frame"
    case .byTwoBytes: "2"
    case .byFourBytes: "4"
    default: "none"
    }
  }
}
