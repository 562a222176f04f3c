internal import CNanoTS

/// How the payloads of a chunk are rearranged before they are compressed. Only of frames of equal size: then what changes
/// little from frame to frame comes to lie together.
///
/// It doubles the ratio of many recordings of numbers, and makes that of others worse, so it is tried and may lose.
enum PayloadFilter: UInt8, CaseIterable {
  case none = 0
  /// The first bytes of all frames, the second bytes of all, and so on.
  case byFrameSize = 1
  /// The same of items of two bytes.
  case byTwoBytes = 2
  /// The same of items of four bytes.
  case byFourBytes = 4

  /// The size of what is shuffled, in frames of `frameSize` bytes. 0: nothing is.
  func itemSize(_ frameSize: Int) -> Int {
    switch self {
    case .none: 0
    case .byFrameSize: frameSize
    case .byTwoBytes: 2
    case .byFourBytes: 4
    }
  }

  /// Rearranges `payloads`, of frames of `frameSize` bytes, into `target`. Bytes behind the last whole item stay where they
  /// are. Bound: both have the same count, which is checked. O(count).
  func apply(
    _ payloads: UnsafeRawBufferPointer, frameSize: Int, to target: UnsafeMutableRawBufferPointer
  ) {
    precondition(payloads.count == target.count)
    let size = itemSize(frameSize)
    guard size > 1, let from = payloads.baseAddress, let to = target.baseAddress else {
      return unsafe target.copyMemory(from: payloads)
    }
    let items = payloads.count / size
    unsafe nts_shuffle(to, from, items, size)
    unsafe copyRest(from: payloads, to: target, start: items * size)
  }

  /// The reverse, with each frame `stride` bytes behind the one before it: more than its size only when frames are what was
  /// shuffled. Bound: `target` has room for as many frames, which is checked. O(count).
  func undo(
    _ filtered: UnsafeRawBufferPointer, frameSize: Int, stride: Int, to target: UnsafeMutableRawBufferPointer
  ) {
    precondition(filtered.count / max(frameSize, 1) * stride <= target.count)
    precondition(stride == frameSize || (self == .byFrameSize && stride > frameSize))
    let size = itemSize(frameSize)
    guard size > 1, let from = filtered.baseAddress, let to = target.baseAddress else {
      return unsafe target.copyMemory(from: filtered)
    }
    let items = filtered.count / size
    unsafe nts_unshuffle(to, self == .byFrameSize ? stride : size, from, items, size)
    // Where frames are what was shuffled, there is no rest.
    if self != .byFrameSize { unsafe copyRest(from: filtered, to: target, start: items * size) }
  }

  /// The reverse for a single frame. Bound: the frame is in `filtered`, and `target` has its size, which is checked.
  /// O(frameSize).
  func undo(
    _ filtered: UnsafeRawBufferPointer, frame: Int, frameSize: Int, to target: UnsafeMutableRawBufferPointer
  ) {
    let start = frame * frameSize
    precondition(frame >= 0 && target.count == frameSize && start + frameSize <= filtered.count)
    let size = max(itemSize(frameSize), 1)
    let items = filtered.count / size
    let rest = items * size
    for byte in 0..<frameSize {
      let place = start + byte
      // Bound: of whole items, byte k of item i is at k × items + i, which is below `rest`.
      let from = place < rest ? place % size * items + place / size : place
      unsafe target[byte] = filtered[from]
    }
  }

  /// Bound: `start` is not behind the end of the source, and the target has no less room.
  private func copyRest(
    from source: UnsafeRawBufferPointer, to target: UnsafeMutableRawBufferPointer, start: Int
  ) {
    unsafe UnsafeMutableRawBufferPointer(rebasing: target[start...]).copyMemory(
      from: UnsafeRawBufferPointer(rebasing: source[start...]))
  }
}
