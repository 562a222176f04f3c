/// What a block of a damaged store is, by its preamble and its header.
enum BlockLife {
  /// It holds frames of a stream.
  case alive(LiveBlock)
  /// Its last life has ended: it was freed, or was being recycled.
  case ended
  /// It was never used, as far as can be told.
  case unused
  /// Neither preamble nor header proves anything.
  case unknown

  /// Weighs a preamble that proves itself against the header, if there is one.
  ///
  /// A right header says what the block is; without one, the preamble's word is taken, unless the header's remains prove
  /// that the preamble's life has ended. Where both are right and differ, the later life counts: after power loss the one
  /// or the other may be older.
  init(
    _ preamble: BlockPreamble?, _ header: StoredHeader?, blockSize: Int, epochIsOdd: Bool, pageIsZero: Bool
  ) {
    if let header, header.isRight, let values = header.values, values.bodyLayout.isKnown(blockSize: blockSize) {
      guard let preamble, preamble.generation != header.generation else {
        self = .alive(LiveBlock(values, header, preamble))
        return
      }
      // A life that began later has the number of the block's lives to show for it.
      let headerIsLater = Generation.life(header.generation) >= Generation.life(preamble.generation)
      self = .alive(headerIsLater ? LiveBlock(values, header, nil) : LiveBlock(preamble))
      return
    }
    if let preamble {
      let hasEnded = header?.provesEnd(of: preamble, epochIsOdd: epochIsOdd) ?? false
      self = hasEnded ? .ended : .alive(LiveBlock(preamble))
      return
    }
    if let header, header.saysUnowned {
      self = .ended
    } else {
      self = pageIsZero && header?.isZero ?? true ? .unused : .unknown
    }
  }
}

/// One life of a block, as far as it proves itself.
struct LiveBlock {
  let generation: UInt64
  let identifier: UInt64
  let sequence: UInt64
  let segment: UInt64
  let firstOrdinal: UInt64
  let bodyLayout: BodyLayout
  let hasPreamble: Bool
  /// The block's header, where it is right and of this life.
  let header: BlockHeaderValues?
  /// How many frames there are, where the seal proves it.
  let sealedCount: Int?
  /// How many frames there are at least, as the header says without proof; 0 where nothing says it.
  let claimedCount: Int
  /// From which ordinal on blocks before this one were taken; 0 when none were.
  let precedingEnd: UInt64

  /// Bound: `values` proved themselves. `preamble`, if there is one, is of the same life.
  init(_ values: BlockHeaderValues, _ stored: StoredHeader, _ preamble: BlockPreamble?) {
    generation = values.generation
    identifier = preamble?.streamIdentifier ?? values.streamIdentifier
    sequence = preamble?.sequence ?? values.sequence
    segment = preamble?.segment ?? values.segment
    firstOrdinal = preamble?.firstOrdinal ?? values.firstOrdinal
    bodyLayout = preamble?.bodyLayout ?? values.bodyLayout
    hasPreamble = preamble != nil
    header = values
    sealedCount = stored.hasRightSeal ? Int(values.commit.count) : nil
    claimedCount = Int(values.commit.count)
    precedingEnd = stored.precedingEnd
  }

  init(_ preamble: BlockPreamble) {
    generation = preamble.generation
    identifier = preamble.streamIdentifier
    sequence = preamble.sequence
    segment = preamble.segment
    firstOrdinal = preamble.firstOrdinal
    bodyLayout = preamble.bodyLayout
    hasPreamble = true
    header = nil
    sealedCount = nil
    claimedCount = 0
    precedingEnd = 0
  }
}

/// Asks one block after the other what it is.
final class BlockInspector {
  let file: DamagedFile
  let layout: DamagedLayout
  private let reader: PreambleReader
  private let entry = PrivateBytes(count: BlockHeader.byteCount)
  private let lastPage = PrivateBytes(count: StoreLayout.blockSizeUnit)
  private let epochIsOdd: Bool
  /// Blocks below this one were used, as SharedState says; 0 where it need not be SharedState.
  let freshBlocks: Int

  init(_ file: DamagedFile, _ layout: DamagedLayout) {
    self.file = file
    self.layout = layout
    reader = PreambleReader(file)
    let shared = PrivateBytes(count: SharedState.byteCount)
    file.read(shared.count, at: FileHeader.byteCount, into: shared)
    let state = unsafe SharedState(base: shared.bytes.baseAddress!)
    epochIsOdd = state.allocationEpoch.relaxed & 1 == 1
    let fresh = Int(state.freshBlocks.relaxed)
    freshBlocks = layout.headerLayout != nil && fresh <= layout.blockCount ? fresh : 0
  }

  /// The block's life and the preamble that proves itself. The body may change meanwhile in a live store: the header is
  /// read before it, so that a life that begins between the two shows. O(bytes of the preamble).
  func look(at index: Int) -> (life: BlockLife, preamble: BlockPreamble?) {
    let header = header(of: index)
    var preamble = reader.preamble(at: layout.offset(of: index))
    // The index of a block that was used ends in its last page.
    let pageIsZero = reader.lastPageIsZero && isZero(lastPageOf: index)
    if let found = preamble, !layout.has(found) { preamble = nil }
    let life = BlockLife(
      preamble, header, blockSize: layout.blockSize, epochIsOdd: epochIsOdd, pageIsZero: pageIsZero)
    return (life, preamble)
  }

  private func isZero(lastPageOf index: Int) -> Bool {
    let end = layout.offset(of: index) + layout.blockSize
    file.read(lastPage.count, at: end - lastPage.count, into: lastPage)
    return lastPage.isZero(0..<lastPage.count)
  }

  private func header(of index: Int) -> StoredHeader? {
    guard let offset = layout.headerOffset(of: index, in: file) else { return nil }
    file.read(entry.count, at: offset, into: entry)
    return StoredHeader(entry, at: 0)
  }
}
