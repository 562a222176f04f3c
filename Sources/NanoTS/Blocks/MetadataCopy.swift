/// Reads a store's metadata into memory of the process, while writers go on: what a snapshot knows the store by.
///
/// The copy is one that a reader of the mapping could have come across, looking at one structure after the other: shared
/// words first, then stream slots, then block headers. Each record under a seqlock is taken between two reads that agree on
/// its seqlock, and of a header the words that publish others are read before those. Reads are ordered by being calls of the
/// kernel. A slot names only blocks behind which the one before was sealed, so no frame before the last of them is missing.
enum MetadataCopy {
  /// What is read in one call.
  private static let pieceByteCount = 64 << 10
  private static let attempts = 3

  /// The metadata of the file behind `descriptor` that has room for `blocks` blocks. Throws `.ioFailure` or `.truncated`. O(blocks).
  static func make(
    of descriptor: FileDescriptor, _ layout: StoreLayout, blocks: Int
  ) throws(NanoTSError) -> PrivateBytes {
    let copy = try PrivateBytes(of: descriptor.path, count: layout.dataOffset)
    let reader = RecordReader(descriptor, copy)
    let shared = unsafe SharedState(base: copy.bytes.baseAddress! + FileHeader.byteCount)
    for _ in 0..<attempts {
      try unsafe descriptor.fill(copy.target(0..<layout.streamTableOffset), at: 0)
      let epoch = shared.allocationEpoch.relaxed
      let slots = try reader.read(
        layout.streamCapacity, of: StreamSlot.byteCount, at: layout.streamTableOffset, publishing: [])
      let headers = try reader.read(
        blocks, of: BlockHeader.byteCount, at: layout.blockTableOffset,
        publishing: [BlockHeader.Offset.state, BlockHeader.Offset.commit])
      // Lists and counters agree when nobody changed them in between; an odd epoch says that they say nothing.
      let after = try reader.word(at: FileHeader.byteCount + SharedState.Offset.allocationEpoch)
      if slots, headers, epoch & 1 == 0, after == epoch { return copy }
      shared.allocationEpoch.storeRelaxed(epoch | 1)
    }
    return copy
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
    /// they were, one after the other, before all others. False when some were being changed: they are zero. O(count).
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
        guard before[record] == after[record], before[record] & 1 == 0 else {
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

    func word(at offset: Int) throws(NanoTSError) -> UInt64 {
      try words(0, of: 1, at: offset, of: 8)[0]
    }
  }
}
