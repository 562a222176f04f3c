// Frames whose checksums are compared before they are handed out: a few at a time, so that most steps are as cheap as where
// nothing is compared.

extension Cursor {
  /// The frame at `slot` and those behind it, or going back before it, that prove themselves: some of them. Nil when that one
  /// does not. Bound: it is within reach. O(payload bytes).
  mutating func wholeRun(at slot: Int, goingBack: Bool) -> Range<Int>? {
    // The first step of a direction may be the only one.
    let before = goingBack ? -runLength : runLength
    let most = before > 0 ? min(4 * before, BlockWindow.mostInRun) : 1
    runLength = goingBack ? -most : most
    guard window!.chunks != nil else {
      return window!.wholeRun(at: slot, goingBack: goingBack, most, FrameChecksum(generation: window!.generation))
    }
    // Of a chunk, all frames have proved themselves when it was unpacked.
    guard let checksum = loader!.part!.checksum else { return window!.firstReady..<window!.readyEnd }
    return window!.wholeRun(at: slot, goingBack: goingBack, most, checksum)
  }
}

extension BlockWindow {
  /// So many frames are looked at together, and about so many bytes: what is summed is still in the processor's cache when
  /// the reader comes to it.
  fileprivate static let mostInRun = 64
  private static let bytesInRun = 16 << 10

  fileprivate func wholeRun(at slot: Int, goingBack: Bool, _ most: Int, _ checksum: FrameChecksum) -> Range<Int>? {
    let step = goingBack ? -1 : 1
    var (next, bytes) = (slot, 0)
    while abs(next - slot) < most, bytes < BlockWindow.bytesInRun, next >= firstReady, next < readyEnd {
      let entry = entry(next)
      guard isWhole(entry, checksum) else { break }
      bytes += entry.length
      next += step
    }
    guard next != slot else { return nil }
    return goingBack ? (next + 1)..<(slot + 1) : slot..<next
  }

  @inline(__always)
  private func isWhole(_ entry: IndexEntry, _ checksum: FrameChecksum) -> Bool {
    guard entry.liesWithin(BlockWindow.payloadsFrom, payloadEnd), entry.offset & 7 == 0 else { return false }
    // Bound: up to `payloadEnd`, payloads are readable.
    let payload = unsafe UnsafeRawBufferPointer(
      start: start + Int(entry.offset), count: coversPayload ? entry.length : 0)
    return unsafe checksum.value(of: entry, payload: payload) == entry.checksum
  }
}
