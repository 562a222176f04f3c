/// Reads a store's metadata into memory of the process, while writers go on: what a snapshot knows the store by.
///
/// The copy is one that a reader of the mapping could have come across, looking at one structure after the other: shared
/// words first, then stream slots, then block headers. Each record under a seqlock is taken between two reads that agree on
/// its seqlock, and of a header the words that publish others are read before those. Reads are ordered by being calls of the
/// kernel. A slot names only blocks behind which the one before was sealed, so no frame before the last of them is missing.
struct MetadataCopy {
  /// The file's first bytes, up to where its blocks begin.
  let bytes: PrivateBytes
  /// How many blocks the file had room for.
  let blocks: Int

  /// What is read in one call.
  private static let pieceByteCount = 64 << 10
  private static let attempts = 3
  /// Room for the headers of 8 million blocks. A file that claims more may have them nowhere.
  private static let mostBytes = 1 << 30

  /// The metadata of the file behind `descriptor`. Throws `.invalidArgument` for more of it than a process should keep,
  /// `.ioFailure` or `.truncated`. O(blocks).
  init(of descriptor: FileDescriptor, _ layout: StoreLayout) throws(NanoTSError) {
    guard layout.dataOffset <= MetadataCopy.mostBytes else {
      throw NanoTSError(
        .invalidArgument,
        "\(descriptor.path) has \(layout.blockCount) blocks, whose metadata takes \(layout.dataOffset) bytes; a snapshot keeps "
          + "at most \(MetadataCopy.mostBytes): open it read-only")
    }
    bytes = try PrivateBytes(of: descriptor.path, count: layout.dataOffset)
    let reader = RecordReader(descriptor, bytes)
    let shared = unsafe SharedState(base: bytes.bytes.baseAddress! + FileHeader.byteCount)
    var (found, isWhole, attempt) = (0, false, 0)
    while !isWhole, attempt < MetadataCopy.attempts {
      attempt += 1
      try unsafe descriptor.fill(bytes.target(0..<layout.streamTableOffset), at: 0)
      let epoch = shared.allocationEpoch.relaxed
      let slots = try reader.read(
        layout.streamCapacity, of: StreamSlot.byteCount, at: layout.streamTableOffset, publishing: [])
      // Every block that a slot names is in the file by now.
      found = layout.wholeBlocks(inFileOf: try descriptor.size())
      let headers = try reader.read(
        found, of: BlockHeader.byteCount, at: layout.blockTableOffset,
        publishing: [BlockHeader.Offset.state, BlockHeader.Offset.commit])
      // Lists and counters agree when nobody changed them in between; an odd epoch says that they say nothing.
      let isStill = try reader.isStill(
        layout.streamCapacity, of: StreamSlot.byteCount, at: layout.streamTableOffset,
        fields: [StreamSlot.Offset.nextOrdinal, StreamSlot.Offset.nextSequence])
      let after = try reader.word(at: FileHeader.byteCount + SharedState.Offset.allocationEpoch)
      isWhole = slots && headers && isStill && epoch & 1 == 0 && after == epoch
      if !isWhole { shared.allocationEpoch.storeRelaxed(epoch | 1) }
    }
    blocks = found
  }

  /// Reads tables of records with a seqlock in their first word.
  private struct RecordReader {
    private let descriptor: FileDescriptor
    private let copy: PrivateBytes
    private let piece = PrivateBytes(count: pieceByteCount)

    init(_ descriptor: FileDescriptor, _ copy: PrivateBytes) {
      self.descriptor = descriptor
      self.copy = copy
    }

    /// Reads `count` records from `offset` on to the same place in the copy, with the words at the offsets `publishing` as
    /// they were, one after the other, before all others. False when some were being changed: they are zero, which no record
    /// in use is. One that is between two lives for long stays as it is. O(count).
    func read(_ count: Int, of size: Int, at offset: Int, publishing: [Int]) throws(NanoTSError) -> Bool {
      let inPiece = pieceByteCount / size
      var isWhole = true
      for first in stride(from: 0, to: count, by: inPiece) {
        let bytes = min(inPiece, count - first) * size
        let start = offset + first * size
        if try unsafe !readPiece(copy.target(start..<(start + bytes)), at: start, of: size, publishing) {
          isWhole = false
        }
      }
      return isWhole
    }

    private func readPiece(
      _ target: UnsafeMutableRawBufferPointer, at offset: Int, of size: Int, _ publishing: [Int]
    ) throws(NanoTSError) -> Bool {
      let records = target.count / size
      let before = try words(0, of: records, at: offset, of: size)
      var published: [(field: Int, words: [UInt64])] = []
      for field in publishing { published.append((field, try words(field, of: records, at: offset, of: size))) }
      try unsafe descriptor.fill(target, at: offset)
      let after = try words(0, of: records, at: offset, of: size)
      var isWhole = true
      for record in 0..<records {
        // Bound: `target` has so many records of `size` bytes.
        let place = unsafe UnsafeMutableRawBufferPointer(rebasing: target[(record * size)..<((record + 1) * size)])
        guard before[record] == after[record] else {
          unsafe place.initializeMemory(as: UInt8.self, repeating: 0)
          isWhole = false
          continue
        }
        unsafe place.storeBytes(of: before[record], as: UInt64.self)
        for (field, words) in published {
          unsafe place.storeBytes(of: words[record], toByteOffset: field, as: UInt64.self)
        }
      }
      return isWhole
    }

    /// The words at `field` of each record. Bound: a piece has room for them, and a record for the word.
    private func words(_ field: Int, of records: Int, at offset: Int, of size: Int) throws(NanoTSError) -> [UInt64] {
      try unsafe descriptor.fill(piece.target(0..<(records * size)), at: offset)
      return (0..<records).map { record in
        unsafe piece.bytes.load(fromByteOffset: record * size + field, as: UInt64.self)
      }
    }

    /// True when the words at `fields` of each record are still those of the copy. O(count).
    func isStill(_ count: Int, of size: Int, at offset: Int, fields: [Int]) throws(NanoTSError) -> Bool {
      let inPiece = pieceByteCount / size
      for first in stride(from: 0, to: count, by: inPiece) {
        let (start, records) = (offset + first * size, min(inPiece, count - first))
        for field in fields {
          let now = try words(field, of: records, at: start, of: size)
          for record in 0..<records {
            let place = start + record * size + field
            guard unsafe copy.bytes.load(fromByteOffset: place, as: UInt64.self) == now[record] else { return false }
          }
        }
      }
      return true
    }

    func word(at offset: Int) throws(NanoTSError) -> UInt64 {
      try words(0, of: 1, at: offset, of: 8)[0]
    }
  }
}
