/// Where one life of a block is read: in the mapping, or in an image.
@safe
struct BlockPlace {
  let header: BlockHeader
  /// The whole block. Bound: valid while the file is mapped, or as long as the image is there.
  let bytes: UnsafeRawBufferPointer
  /// What frames in `bytes` ask whether they are still there.
  let life: BlockHeader
  let lifeGeneration: UInt64
}

/// One life of a block as a reader has it.
struct StoredBlock {
  let place: BlockPlace
  let values: BlockHeaderValues
  /// Nil for a block in the mapping.
  var image: BlockImage?
  /// Why its bytes could not be read into the image.
  var failure: NanoTSError?

  var header: BlockHeader { place.header }

  /// Bound: as for `place`.
  var bytes: UnsafeRawBufferPointer { unsafe place.bytes }
}

/// What is wanted of a block. Bytes of an image that were not asked for are anything.
enum BlockPart {
  case all
  case preamble
  /// The index, of frames or of chunks, and the staging area.
  case index
  /// What the entries of frames are in: the index of a plain block, all of a compressed one.
  case entries

  /// The ranges of bytes that the part takes, whatever the header says, in the order in which they are to be read: what may
  /// change within a block's life comes first.
  func ranges(_ values: BlockHeaderValues, _ layout: StoreLayout) -> [Range<Int>] {
    let size = layout.blockSize
    let preamble = BlockPreamble.byteCount(
      name: StreamSlot.maximumNameByteCount, metadata: layout.maximumMetadataByteCount)
    guard self != .preamble else { return [0..<min(preamble, size)] }
    if let chunks = values.bodyLayout.chunks(blockSize: size) {
      let entries = min(Int(values.commit.chunkCount) + 1, Int(chunks.mostChunks))
      let start = self != .index ? 0 : max(0, chunks.stagingStart - entries * ChunkEntry.byteCount)
      return [chunks.stagingStart..<size, start..<chunks.stagingStart]
    }
    let end = min(Int(values.commit.payloadEnd), size)
    let index = max(size - Int(values.commit.count) * Int(values.bodyLayout.entrySize), end)..<size
    return self == .all ? [0..<end, index] : [index]
  }
}

extension StoreFile {
  /// The life `generation` of block `index`; nil when it is over, or when the header is being changed. Of the mapping O(1), of a
  /// snapshot O(bytes of the part).
  func stored(_ index: Int, generation: UInt64, _ part: BlockPart = .all) -> StoredBlock? {
    let header = header(index)
    guard let values = header.values(), values.generation == generation, values.holdsFrames else { return nil }
    guard isSnapshot else { return StoredBlock(place: mappedPlace(index, generation: generation), values: values) }
    let image = BlockImage(memory, blockSize: layout.blockSize)
    var (found, failure) = (BlockHeaderValues?.none, NanoTSError?.none)
    do throws(NanoTSError) {
      found = try image.fill(from: self, index, values, part)
    } catch {
      failure = error
    }
    if found == nil, failure == nil {
      endLife(of: header, values)
      return nil
    }
    let place = unsafe BlockPlace(
      header: image.header, bytes: image.bytes, life: image.life, lifeGeneration: image.life.generation.relaxed)
    return StoredBlock(place: place, values: found ?? values, image: image, failure: failure)
  }

  /// Where the life `generation` of block `index` is in the mapping. Bound: the store is no snapshot.
  @inline(__always)
  func mappedPlace(_ index: Int, generation: UInt64) -> BlockPlace {
    let header = header(index)
    return unsafe BlockPlace(
      header: header, bytes: UnsafeRawBufferPointer(body(index)), life: header, lifeGeneration: generation)
  }

  /// A block's life ended after the snapshot was taken: for all who read it, it ends now. As for a reader of the mapping, its
  /// frames were sealed before.
  private func endLife(of header: BlockHeader, _ values: BlockHeaderValues) {
    if Int(values.streamSlot) < layout.streamCapacity {
      let slot = slot(Int(values.streamSlot))
      let end = values.firstOrdinal &+ UInt64(values.commit.count)
      if slot.identifier.relaxed == values.streamIdentifier { slot.nextOrdinal.raise(to: end) }
    }
    header.generation.storeReleased(Generation.ending(values.generation))
  }

  /// The same, for those who have no use for what could not be read. Throws `.ioFailure` or `.truncated`.
  func readStored(
    _ index: Int, generation: UInt64, _ part: BlockPart = .all
  ) throws(NanoTSError) -> StoredBlock? {
    let stored = stored(index, generation: generation, part)
    if let failure = stored?.failure { throw failure }
    return stored
  }
}
