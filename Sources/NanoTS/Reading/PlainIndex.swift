internal import CNanoTS

/// The index of a plain block, as far as one life of it was committed: what a seek needs of a block, and no more.
@safe
struct PlainIndex {
  let header: BlockHeader
  let generation: UInt64
  let count: Int
  private let entrySize: Int
  private let payloadEnd: Int
  /// The block's first byte. Bound: payloads end at `payloadEnd`.
  private let start: UnsafeRawPointer
  /// One past the block's last byte. Bound: `count` entries lie before it.
  private let top: UnsafeRawPointer

  /// Bound: `BlockWindow.isSimple(values)`.
  @inline(__always)
  init(_ place: BlockPlace, _ values: BlockHeaderValues) {
    (header, generation) = (place.header, values.generation)
    count = Int(values.commit.count)
    entrySize = Int(values.bodyLayout.entrySize)
    payloadEnd = Int(values.commit.payloadEnd)
    unsafe start = place.bytes.baseAddress!
    unsafe top = unsafe start + place.bytes.count
  }

  /// Of a window on a plain block.
  @inline(__always)
  init(_ window: BlockWindow) {
    (header, generation) = (window.header, window.generation)
    (count, entrySize, payloadEnd) = (window.count, window.entrySize, window.payloadEnd)
    unsafe start = window.start
    unsafe top = window.indexTop
  }

  /// The first slot whose frame is at or after `position`; the count when none is. `times` as for `EntrySearch`. O(log
  /// frames), and a few steps where times are about evenly spaced.
  @inline(__always)
  func lowerBound(_ position: FramePosition, times: (first: Int64, last: Int64)?) -> Int {
    // In 65,536ths of a byte. Bound: a block has less than 2^47 of them.
    let payload = ((payloadEnd - BlockPreamble.fixedByteCount) << 16) / max(count, 1)
    return unsafe EntrySearch(top, entrySize: entrySize, 0..<count).lowerBound(position, times: times) { slot in
      // Whoever looks for a frame reads its payload next: about here, if frames are of about one size. Within the block,
      // since payloads end at `payloadEnd`.
      unsafe nts_prefetch(start + (BlockPreamble.fixedByteCount + (slot * payload) >> 16))
    }
  }
}
