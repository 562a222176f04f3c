/// Giving back what a stream's quota has outgrown.
extension BlockPool {
  /// Releases the oldest sealed blocks of the claimant's stream as long as it has more than its maximum, if the claimant
  /// may reclaim, or they are older than its maximum age before its newest frame; at most `limit`. Blocks that are
  /// protected or pinned are passed over. Returns how many blocks, and frames in them. O(released + passed over).
  @discardableResult
  func releaseOutgrown(by claimant: Claimant, atMost limit: Int) throws(NanoTSError) -> (blocks: Int, frames: UInt64) {
    let quota = claimant.keeping.quota(of: claimant.index)
    var released: (blocks: Int, frames: UInt64) = (0, 0)
    guard quota.maximumBlocks > 0 || quota.maximumAge > 0 else { return released }
    let slot = file.slot(claimant.index)
    let maximum = claimant.reclaims && quota.maximumBlocks > 0 ? Int(quota.maximumBlocks) : .max
    let oldest = try quota.maximumAge > 0 ? oldestTime(in: slot, maximumAge: quota.maximumAge) : nil
    var pinnedThrough: UInt64?
    var next = target(slot.head)
    var steps = 0
    while let block = next, steps < file.layout.blockCount, released.blocks < limit {
      let header = file.header(block)
      guard let values = header.values(), values.state == .sealed else { break }
      guard Int(slot.blockCount.relaxed) > maximum || oldest.map({ values.lastTimestamp < $0 }) ?? false else { break }
      next = target(header.next)
      steps += 1
      if claimant.keeping.isProtected(values) || pinnedThrough.map({ values.sequence <= $0 }) ?? false { continue }
      guard try takesPin(of: values) else {
        pinnedThrough = try pins?.end(of: values)
        continue
      }
      recycle(block, values, from: slot)
      release(block)
      released = (released.blocks + 1, released.frames + UInt64(values.commit.count))
    }
    return released
  }

  /// The first timestamp that is not too old; nil when the stream has no frame, or every time is young enough.
  private func oldestTime(in slot: StreamSlot, maximumAge: Int64) throws(NanoTSError) -> Int64? {
    guard let tail = target(slot.tail), let values = file.header(tail).values(),
      let newest = try file.lastTimestamp(of: tail, values)
    else { return nil }
    let (oldest, overflow) = newest.subtractingReportingOverflow(maximumAge)
    return overflow ? nil : oldest
  }
}
