/// Brings frames of chunked blocks into memory of the reader's own: a chunk, or what is in the staging area, at a time. One
/// thread at a time.
///
/// What it brought is this block's and whole, whatever becomes of the block afterwards. It stays until something else is
/// brought, and frames handed out before that find out by the memory's generation.
final class ChunkLoader {
  private let pool: FrameMemoryPool
  private var memory: FrameMemory?
  private let decoder = ChunkDecoder()
  private(set) var part: Part?

  init(_ pool: FrameMemoryPool) { self.pool = pool }

  deinit { if let memory { pool.giveBack(memory) } }

  /// What is in memory.
  @safe
  struct Part {
    /// Whose frames they are.
    fileprivate let block: UnsafeRawPointer
    fileprivate let generation: UInt64
    /// The chunk's number; behind the last one, the staging area.
    fileprivate let chunk: Int
    fileprivate let isStaged: Bool

    let firstSlot: Int
    /// How many frames have their entries in memory.
    fileprivate(set) var count: Int
    /// The slots of those whose payloads are there too.
    fileprivate(set) var ready: Range<Int>
    /// Offsets of entries count from here. Bound: those that lie below `payloadEnd`, and not below the first payload's, are
    /// in the memory.
    let start: UnsafeRawPointer
    /// One past the first frame's entry.
    let indexTop: UnsafeRawPointer
    let payloadEnd: Int
    let entrySize: Int
    let life: BlockHeader
    let lifeGeneration: UInt64

    /// Bound: `slot` has its entry in memory.
    func entry(_ slot: Int) -> IndexEntry {
      precondition(slot >= firstSlot && slot < firstSlot + count)
      return unsafe IndexEntry(
        at: indexTop - (slot - firstSlot + 1) * entrySize, keyed: entrySize == IndexEntry.keyedByteCount)
    }

    /// The first slot whose frame is not before `position`; one behind the last when all are. O(log frames).
    func lowerBound(_ position: FramePosition) -> Int {
      unsafe EntrySearch(indexTop + firstSlot * entrySize, entrySize: entrySize, firstSlot..<(firstSlot + count))
        .lowerBound(position)
    }
  }

  /// What became of an attempt.
  enum Outcome {
    case loaded
    /// The block's life is over.
    case over
    /// A chunk was made meanwhile: the index is to be taken anew.
    case changed
    /// These frames cannot be read.
    case damaged(Range<Int>)
  }

  /// How much of a chunk is wanted.
  enum Extent {
    case entries
    /// The frame asked for.
    case frame
    case all
  }

  /// Brings the frame at `slot`. `header` is that of the block, where it may change meanwhile, and `seen` the number of
  /// chunks that it told of when the index was taken. O(bytes of a chunk).
  func load(_ slot: Int, _ index: ChunkIndex, _ header: BlockHeader?, seen: Int, _ extent: Extent) -> Outcome {
    let outcome = bring(slot, index, header, seen: seen, extent)
    switch outcome {
    case .loaded:
      if let part, slot >= part.firstSlot, slot - part.firstSlot < part.count { return .loaded }
      // The index has the frame in no chunk, and not in the staging area either.
      return header?.isStill(index.generation) ?? true ? .damaged(slot..<(slot + 1)) : .over
    case .damaged(let slots):
      // What a damaged index says of a chunk or of the staging area may leave out the frame that it led to.
      return .damaged(slots.contains(slot) ? slots : slot..<(slot + 1))
    case .over, .changed:
      return outcome
    }
  }

  private func bring(
    _ slot: Int, _ index: ChunkIndex, _ header: BlockHeader?, seen: Int, _ extent: Extent
  ) -> Outcome {
    if let part, unsafe part.block == index.bytes.baseAddress, part.generation == index.generation,
      slot >= part.firstSlot, slot < part.firstSlot + part.count
    {
      // Frames that were acknowledged do not change, wherever in the block they are by now.
      let isReady = extent == .all ? part.ready.count == part.count : part.ready.contains(slot)
      return isReady ? .loaded : ready(slot, extent)
    }
    guard let chunk = index.chunk(of: slot) else { return copyStaged(slot, index, header, seen: seen) }
    return unpack(chunk, slot, index, header, extent)
  }

  // MARK: Chunks

  /// Brings the entries of a chunk's frames, wherever the chunks around it say that they are; nil when it cannot be read.
  func load(chunk: Int, of index: ChunkIndex) -> Part? {
    guard let (entry, _) = unsafe index.chunk(chunk),
      case .loaded = unpack(chunk, Int(entry.firstSlot), index, nil, .entries)
    else { return nil }
    return part
  }

  private func unpack(
    _ chunk: Int, _ slot: Int, _ index: ChunkIndex, _ header: BlockHeader?, _ extent: Extent
  ) -> Outcome {
    // From here on, the decoder has another chunk.
    part = nil
    let slots = index.slots(of: chunk)
    let found = unsafe index.chunk(chunk)
    let stored = unsafe found.map { unsafe decoder.take($0.stored) }
    guard header?.isStill(index.generation) ?? true else { return .over }
    guard let (entry, _) = unsafe found, let stored = unsafe stored, unsafe index.proves(entry, stored),
      Int(entry.firstSlot) <= slot, slot - Int(entry.firstSlot) < Int(entry.frameCount),
      Int(entry.firstSlot) + Int(entry.frameCount) <= index.count,
      let byteCount = decoder.open(
        entry, isKeyed: index.isKeyed, payloadStart: FrameMemory.payloadStart, mostRawBytes: index.layout.mostRawBytes,
        blockSize: index.layout.blockSize)
    else { return .damaged(slots) }
    let memory = memory(byteCount)
    guard unsafe decoder.writeEntries(to: memory.bytes, wholly: extent == .all) else { return .damaged(slots) }
    unsafe memory.endChange(of: header ?? memory.life, index.generation, index.bytes)
    part = unsafe Part(
      block: index.bytes.baseAddress!, generation: index.generation, chunk: chunk, isStaged: false,
      firstSlot: Int(entry.firstSlot), count: Int(entry.frameCount),
      ready: Int(entry.firstSlot)..<Int(entry.firstSlot),
      start: UnsafeRawPointer(memory.base),
      indexTop: UnsafeRawPointer(memory.base + byteCount),
      payloadEnd: byteCount - Int(entry.frameCount) * index.entrySize, entrySize: index.entrySize, life: memory.life,
      lifeGeneration: memory.life.generation.relaxed)
    return ready(slot, extent)
  }

  /// Unpacks payloads of the chunk in memory, that of `slot` at least.
  private func ready(_ slot: Int, _ extent: Extent) -> Outcome {
    guard let part, let memory, extent != .entries else { return .loaded }
    let wanted = extent == .frame ? slot..<(slot + 1) : part.firstSlot..<(part.firstSlot + part.count)
    let frames = (wanted.lowerBound - part.firstSlot)..<(wanted.upperBound - part.firstSlot)
    // What is there already is written once more with the same bytes.
    guard unsafe decoder.writePayloads(of: frames, to: memory.bytes) else {
      self.part = nil
      return .damaged(part.firstSlot..<(part.firstSlot + part.count))
    }
    self.part!.ready = wanted
    return .loaded
  }

  /// Memory in which nothing is.
  private func memory(_ byteCount: Int) -> FrameMemory {
    part = nil
    if let memory, unsafe memory.bytes.count >= byteCount {
      memory.beginChange()
      return memory
    }
    if let memory { pool.giveBack(memory) }
    let taken = pool.take(byteCount)
    taken.beginChange()
    memory = taken
    return taken
  }

  // MARK: Staging area

  /// Copies what is in the staging area, the frame at `slot` among it. Bound: `slot` is below the index's count.
  private func copyStaged(_ slot: Int, _ index: ChunkIndex, _ header: BlockHeader?, seen: Int) -> Outcome {
    let first = index.stagedStart
    // Of a block that is being written again, nothing is damage.
    guard header?.isStill(index.generation) ?? true else { return .over }
    guard slot >= first, index.count - first <= index.mostStaged else { return .damaged(first..<index.count) }
    let isMore = part.map {
      unsafe $0.isStaged && $0.block == index.bytes.baseAddress && $0.generation == index.generation
        && $0.chunk == index.chunkCount && $0.firstSlot == first
    }
    let area = index.layout.stagingByteCount
    let target = isMore == true ? memory! : memory(FrameMemory.payloadStart + area)
    let copied = isMore == true ? part!.count : 0
    unsafe copyFrames(
      copied..<(index.count - first), of: index,
      to: target.base + (FrameMemory.payloadStart - index.layout.stagingStart))
    guard header?.isStill(index.generation) ?? true else { return .over }
    guard header?.commit.isStillChunked(seen) ?? true else { return .changed }
    if isMore == true {
      part!.count = index.count - first
      part!.ready = first..<index.count
      return .loaded
    }
    unsafe target.endChange(of: header ?? target.life, index.generation, index.bytes)
    part = unsafe Part(
      block: index.bytes.baseAddress!, generation: index.generation, chunk: index.chunkCount, isStaged: true,
      firstSlot: first, count: index.count - first, ready: first..<index.count,
      start: UnsafeRawPointer(target.base) + (FrameMemory.payloadStart - index.layout.stagingStart),
      indexTop: UnsafeRawPointer(target.base + FrameMemory.payloadStart + area), payloadEnd: index.layout.payloadTop,
      entrySize: index.entrySize, life: target.life, lifeGeneration: target.life.generation.relaxed)
    return .loaded
  }

  /// Copies frames of the staging area to the same places from `start` on. Bound: from the staging area's offset on, as many
  /// bytes as it has are there.
  private func copyFrames(_ frames: Range<Int>, of index: ChunkIndex, to start: UnsafeMutableRawPointer) {
    let indexLow = index.layout.blockSize - frames.upperBound * index.entrySize
    for frame in frames {
      var entry = index.stagedEntry(frame)
      if let payload = unsafe index.stagedPayload(of: entry), Int(entry.offset) + entry.length <= indexLow {
        unsafe UnsafeMutableRawBufferPointer(start: start + Int(entry.offset), count: payload.count).copyMemory(
          from: payload)
      } else {
        // No payload is there: whoever asks for it is told of damage.
        entry.offset = 0
      }
      let place = index.layout.blockSize - (frame + 1) * index.entrySize
      unsafe entry.write(to: start + place, keyed: index.isKeyed)
    }
  }

  // MARK: For those who check frames

  /// Makes the part in memory one of a plain body of the life `generation`: every frame that is whole has the checksum that
  /// it would have there, and others have none that is right. Its frames are not handed out before. O(bytes).
  func makePlain(_ index: ChunkIndex, coversPayload: Bool) {
    guard let part else { return }
    let staged = FrameChecksum(generation: part.generation, behindChunks: index.chunkCount)
    let plain = FrameChecksum(generation: part.generation)
    for slot in part.firstSlot..<(part.firstSlot + part.count) {
      var entry = part.entry(slot)
      let payload = unsafe part.payload(of: entry)
      let covered = unsafe coversPayload ? payload : UnsafeRawBufferPointer(start: nil, count: 0)
      if unsafe payload != nil, let covered = unsafe covered,
        unsafe !part.isStaged || staged.value(of: entry, payload: covered) == entry.checksum
      {
        entry.checksum = unsafe plain.value(of: entry, payload: covered)
      } else {
        entry.offset = 0
      }
      // Bound: as of `Part.entry`.
      unsafe entry.write(
        to: UnsafeMutableRawPointer(mutating: part.indexTop) - (slot - part.firstSlot + 1) * part.entrySize,
        keyed: index.isKeyed)
    }
  }
}

extension ChunkLoader.Part {
  /// The payload that `entry` names, or nil when it has none in the memory.
  func payload(of entry: IndexEntry) -> UnsafeRawBufferPointer? {
    guard entry.liesWithin(BlockPreamble.fixedByteCount, payloadEnd), entry.offset & 7 == 0 else { return nil }
    return unsafe UnsafeRawBufferPointer(start: start + Int(entry.offset), count: entry.length)
  }

  /// By what frames of the staging area prove themselves; nil for those of a chunk, which did when it was unpacked.
  var checksum: FrameChecksum? {
    isStaged ? FrameChecksum(generation: generation, behindChunks: chunk) : nil
  }
}
