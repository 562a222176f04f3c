/// Frames in the plain layout: in a staging area of a block, or in memory of the reader's own.
@safe
struct PlainFrames {
  /// What the offsets of entries count from.
  let base: UnsafeRawPointer
  /// One past the first frame's entry: entry i begins (i + 1) entry sizes before it.
  let indexTop: UnsafeRawPointer
  let isKeyed: Bool
  let count: Int

  /// Bound: `count` entries lie below `indexTop`, and each has its payload at its offset from `base`.
  init(base: UnsafeRawPointer, indexTop: UnsafeRawPointer, isKeyed: Bool, count: Int) {
    unsafe self.base = base
    unsafe self.indexTop = indexTop
    self.isKeyed = isKeyed
    self.count = count
  }

  var entrySize: Int { isKeyed ? IndexEntry.keyedByteCount : IndexEntry.byteCount }

  @inline(__always)
  func entry(_ slot: Int) -> IndexEntry {
    precondition(slot >= 0 && slot < count)
    return unsafe IndexEntry(at: indexTop - (slot + 1) * entrySize, keyed: isKeyed)
  }

  @inline(__always)
  func payload(of entry: IndexEntry) -> UnsafeRawBufferPointer {
    unsafe UnsafeRawBufferPointer(start: base + Int(entry.offset), count: entry.length)
  }
}
