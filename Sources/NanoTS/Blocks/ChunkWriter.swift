/// Makes chunks of a block that is being written. One thread at a time.
///
/// The order of stores is the protocol: a chunk and its index entry are whole before the commit word counts it, and the
/// staging area is written again only after that.
@safe
final class ChunkWriter {
  let layout: ChunkedLayout
  /// The block's first byte. Bound: chunks end, with their index entries, below the staging area.
  private let base: UnsafeMutableRawPointer
  private let generation: UInt64
  private let isKeyed: Bool
  private let encoder: ChunkEncoder

  /// Chunks in the block, and the frames in them.
  private(set) var count = 0
  private(set) var frames = 0
  /// Where the next chunk goes.
  private var end: Int
  /// The position of the last frame in a chunk.
  private(set) var last: FramePosition?
  private var pending: (end: Int, frames: Int, last: FramePosition)?
  private let large = ColumnBytes()

  /// Bound: `base` is the first byte of a block of the layout's size; its preamble ends at `chunksStart`.
  init(
    _ layout: ChunkedLayout, _ base: UnsafeMutableRawPointer, generation: UInt64, isKeyed: Bool, chunksStart: Int,
    _ encoder: ChunkEncoder
  ) {
    self.layout = layout
    unsafe self.base = base
    self.generation = generation
    self.isKeyed = isKeyed
    self.encoder = encoder
    end = chunksStart
  }

  /// Stores the first `staged` frames of the staging area as a chunk that nobody sees yet. Returns where in the block
  /// something was written, or nil, with nothing to be seen, when the block has no room for it, or the staging area was
  /// damaged since it was written. O(bytes).
  func encode(staged: Int) -> Range<Int>? {
    let frames = unsafe PlainFrames(
      base: UnsafeRawPointer(base), indexTop: UnsafeRawPointer(base + layout.blockSize), isKeyed: isKeyed, count: staged
    )
    return lieInStaging(frames) ? encode(frames) : nil
  }

  /// True when the payloads are where this writer has put them. Others have the file too.
  private func lieInStaging(_ frames: PlainFrames) -> Bool {
    var bytes = 0
    for slot in 0..<frames.count {
      let entry = frames.entry(slot)
      guard entry.liesWithin(layout.stagingStart, layout.payloadTop) else { return false }
      bytes += entry.length.roundedUp(to: 8)
    }
    return bytes <= layout.payloadTop - layout.stagingStart
  }

  /// Memory for one payload of `byteCount` bytes, too large for the staging area; nil when the block may have no room for
  /// its chunk.
  func place(ofLarge byteCount: Int) -> UnsafeMutableRawPointer? {
    guard byteCount <= room.count - ChunkedLayout.mostNumberBytes else { return nil }
    large.reserve(byteCount.roundedUp(to: 8) + IndexEntry.keyedByteCount)
    return unsafe large.bytes.baseAddress
  }

  /// True for memory that `place(ofLarge:)` gave.
  func isLarge(_ place: UnsafeMutableRawPointer) -> Bool { unsafe place == large.bytes.baseAddress }

  /// Stores the payload at `place(ofLarge:)` as a chunk that nobody sees yet.
  func encodeLarge(_ entry: IndexEntry) {
    var entry = entry
    entry.offset = 0
    let size = isKeyed ? IndexEntry.keyedByteCount : IndexEntry.byteCount
    // Bound: the memory was taken for the payload and an entry behind it.
    let place = unsafe large.bytes.baseAddress! + entry.length.roundedUp(to: 8)
    unsafe entry.write(to: place, keyed: isKeyed)
    let range = unsafe encode(
      PlainFrames(
        base: UnsafeRawPointer(large.bytes.baseAddress!), indexTop: UnsafeRawPointer(place + size), isKeyed: isKeyed,
        count: 1))
    precondition(range != nil, "a chunk that was found to fit does not")
  }

  /// Free bytes for the next chunk, less its index entry.
  private var room: Range<Int> { end..<max(end, layout.stagingStart - (count + 1) * ChunkEntry.byteCount) }

  private func encode(_ frames: PlainFrames) -> Range<Int>? {
    let room = room
    let target = unsafe UnsafeMutableRawBufferPointer(start: base + room.lowerBound, count: room.count)
    guard room.count > ChunkedLayout.mostNumberBytes,
      var entry = unsafe encoder.encode(frames, firstSlot: self.frames, into: target)
    else { return nil }
    entry.offset = UInt32(end)
    let stored = unsafe UnsafeRawBufferPointer(start: base + end, count: Int(entry.storedLength))
    entry.checksum = unsafe entry.computedChecksum(generation: generation, stored: stored)
    unsafe entry.write(to: base + layout.stagingStart - (count + 1) * ChunkEntry.byteCount)
    let last = frames.entry(frames.count - 1).position
    pending = ((end + Int(entry.storedLength)).roundedUp(to: 8), frames.count, last)
    return room.lowerBound..<layout.stagingStart
  }

  /// The chunk encoded last counts: the caller's next commit tells of it.
  func add() {
    guard let pending else { return }
    (end, last) = (pending.end, pending.last)
    count += 1
    frames += pending.frames
    self.pending = nil
  }
}
