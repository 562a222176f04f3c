/// A stream's blocks and the end of what was visible in them, at one moment.
struct CommitPoint {
  let stream: StreamTable.Stream
  /// Every block with a frame before `end` that was there at that moment, and perhaps newer ones.
  let directory: StreamDirectory
  /// The number of blocks in it up to the last one with a visible frame.
  let blockCount: Int
  /// The ordinal after the last visible frame.
  let end: UInt64
  /// The position of that frame, if it is still there.
  let last: FramePosition?
  /// The ordinal after the last sealed frame, also where that one has gone.
  let sealedEnd: UInt64
  /// What had been taken from the stream just before: blocks of the directory are not in these counts.
  let reclaimedBlocks: UInt64
  let reclaimedFrames: UInt64

  /// Takes the commit point of `stream`; nil when the stream was freed. Throws `.overwritten` when the stream's last
  /// block is recycled again and again before it can be looked at.
  static func take(_ store: Store, _ stream: StreamTable.Stream) throws(NanoTSError) -> CommitPoint? {
    let slot = store.file.slot(stream.slot)
    for _ in 0..<Cursor.attempts {
      // Before the directory: blocks of frames below it are found, or are gone.
      let sealedEnd = slot.nextOrdinal.acquired
      let (reclaimedBlocks, reclaimedFrames) = (slot.reclaimedBlocks.acquired, slot.reclaimedFrames.acquired)
      let published = slot.nextSequence.acquired
      let directory = try store.directories.directory(of: stream.identifier, slot: stream.slot)
      guard slot.identifier.acquired == stream.identifier else { return nil }
      let (blockCount, end, last, metDead) = visibleEnd(store.file, directory, sealedEnd)
      // A block at the end that is gone was the newest, or newer ones came and took it.
      if metDead, slot.nextSequence.acquired != published { continue }
      return CommitPoint(
        stream: stream, directory: directory, blockCount: blockCount, end: end, last: last, sealedEnd: sealedEnd,
        reclaimedBlocks: reclaimedBlocks, reclaimedFrames: reclaimedFrames)
    }
    throw NanoTSError.overwritten(missing: 0, of: String(decoding: stream.name, as: UTF8.self))
  }

  /// Where the visible frames of `directory` end, and whether blocks behind that place were recycled meanwhile.
  private static func visibleEnd(
    _ file: StoreFile, _ directory: StreamDirectory, _ sealedEnd: UInt64
  ) -> (blockCount: Int, end: UInt64, last: FramePosition?, metDead: Bool) {
    var metDead = false
    for index in (0..<directory.count).reversed() {
      let entry = directory[index]
      let header = file.header(Int(entry.block))
      guard let values = header.values(), values.generation == entry.generation, values.holdsFrames else {
        metDead = true
        continue
      }
      // A block that cannot be read holds at least one frame, or it would not have been kept.
      guard let body = BlockBody(file, Int(entry.block), values) else {
        return (index + 1, entry.firstOrdinal &+ 1, nil, metDead)
      }
      guard let last = body.last else { continue }
      guard header.isStill(values.generation) else {
        metDead = true
        continue
      }
      return (index + 1, entry.firstOrdinal &+ UInt64(body.count), last, metDead)
    }
    return (0, directory.isEmpty || metDead ? sealedEnd : directory[0].firstOrdinal, nil, metDead)
  }
}
