import NanoTS

/// A reader's claim on blocks of one stream.
struct ModelPin {
  let life: Int
  let sequences: Set<UInt64>
  let range: ClosedRange<Int64>?
}

/// Which block a stream gets, and what it must leave alone: pins, quotas, protected ranges.
extension ModelStore {
  // MARK: What is kept

  func isPinned(_ stream: ModelStream, _ block: ModelBlock) -> Bool {
    pins.contains { $0.life == stream.life && $0.sequences.contains(block.sequence) }
  }

  func isProtected(_ stream: ModelStream, _ block: ModelBlock) -> Bool {
    guard let first = block.frames.first?.timestamp, let last = block.frames.last?.timestamp else { return false }
    return stream.protected.contains { $0.overlaps(first...last) }
  }

  private func held(_ stream: ModelStream) -> Int { stream.blocks.count + (stream.hasSpare ? 1 : 0) }

  private func isAtMinimum(_ index: Int) -> Bool {
    let stream = slots[index]!
    return stream.quota.minimumBlocks > 0 && held(stream) <= stream.quota.minimumBlocks
  }

  private func isAtMaximum(_ index: Int) -> Bool {
    slots[index]!.quota.maximumBlocks.map { slots[index]!.blocks.count >= $0 } ?? false
  }

  private func mayTakeUnowned(_ index: Int) -> Bool {
    guard !isAtMaximum(index) else { return false }
    var reserved = 0
    for other in slots.indices where other != index {
      if let stream = slots[other] { reserved += max(0, stream.quota.minimumBlocks - held(stream)) }
    }
    return reserved == 0 || capacity - used > reserved
  }

  // MARK: Claiming

  /// Takes a block for the stream as the engine does; false when there is none.
  mutating func claim(for index: Int, reclaiming: Bool) -> Bool {
    if slots[index]!.hasSpare { return true }
    _ = releaseOutgrown(index, atMost: 8, surplusToo: reclaiming)
    guard find(for: index, reclaiming: reclaiming) else { return false }
    slots[index]!.hasSpare = true
    return true
  }

  private mutating func find(for index: Int, reclaiming: Bool) -> Bool {
    if mayTakeUnowned(index) {
      if used == available, available < capacity {
        available = min(capacity, available + max(1, min(available, (1 << 30) / blockSize)))
      }
      if takeUnowned() { return true }
    }
    if !isAtMaximum(index),
      let dead = slots.indices.first(where: {
        $0 != index && slots[$0]?.hasSpare == true && slots[$0]?.writer == nil && !isAtMinimum($0)
      })
    {
      slots[dead]!.hasSpare = false
      return true
    }
    guard reclaiming else { return false }
    // Looking for the oldest may give back an empty block, which is then taken.
    return reclaim(for: index) || (mayTakeUnowned(index) && takeUnowned())
  }

  private mutating func takeUnowned() -> Bool {
    guard used < available else { return false }
    used += 1
    return true
  }

  private struct Place: Hashable {
    let slot: Int
    let sequence: UInt64
  }

  /// The streams whose blocks are looked at, in turn.
  private func scopes(of index: Int) -> [[Int]] {
    let others = slots.indices.filter { $0 != index && slots[$0] != nil && !isAtMinimum($0) }
    if isAtMaximum(index) { return [[index]] }
    if slots[index]!.blocks.count < slots[index]!.quota.minimumBlocks { return [others, [index]] }
    return [(others + [index]).sorted()]
  }

  private mutating func reclaim(for taker: Int) -> Bool {
    // Twice, as the engine does: the first look seals what dead writers left open, and of two blocks that are equally old
    // another may then come first.
    var oldestPinned: Place?
    for _ in 0..<2 {
      var passed: Set<Place> = []
      oldestPinned = nil
      for scope in scopes(of: taker) {
        while let place = oldest(in: scope, taker, passing: passed) {
          let stream = slots[place.slot]!
          if !isPinned(stream, stream.blocks.first { $0.sequence == place.sequence }!) {
            recycle(place)
            return true
          }
          oldestPinned = oldestPinned ?? place
          passed.insert(place)
        }
      }
    }
    guard !pinsHold, let oldestPinned else { return false }
    recycle(oldestPinned)
    return true
  }

  private mutating func recycle(_ place: Place) {
    let stream = slots[place.slot]!
    let index = stream.blocks.firstIndex { $0.sequence == place.sequence }!
    let block = slots[place.slot]!.blocks.remove(at: index)
    let last = block.frames.last!.position
    slots[place.slot]!.floor = max(stream.floor ?? last, last)
    slots[place.slot]!.reclaimedBlocks += 1
    slots[place.slot]!.reclaimedFrames += UInt64(block.frames.count)
  }

  private mutating func oldest(in scope: [Int], _ taker: Int, passing passed: Set<Place>) -> Place? {
    var oldest: (place: Place, last: Int64)?
    var open: [Int] = []
    func loose(_ slot: Int) -> ModelBlock? {
      let stream = slots[slot]!
      return stream.blocks.first {
        !$0.isSealed || !(isProtected(stream, $0) || passed.contains(Place(slot: slot, sequence: $0.sequence)))
      }
    }
    func consider(_ slot: Int, _ block: ModelBlock) {
      let last = block.frames.last!.timestamp
      if oldest.map({ last < $0.last }) ?? true { oldest = (Place(slot: slot, sequence: block.sequence), last) }
    }
    for slot in scope {
      guard let block = loose(slot) else { continue }
      if block.isSealed { consider(slot, block) } else { open.append(slot) }
    }
    for slot in open where slot != taker && slots[slot]!.writer == nil {
      guard let block = loose(slot), oldest.map({ block.firstTimestamp < $0.last }) ?? true else { continue }
      recover(slot)
      if let sealed = loose(slot), sealed.isSealed { consider(slot, sealed) }
    }
    return oldest?.place
  }

  /// What the stream's quota has outgrown goes, oldest first.
  mutating func releaseOutgrown(_ index: Int, atMost limit: Int, surplusToo: Bool) -> (blocks: Int, frames: Int) {
    let quota = slots[index]!.quota
    let newest = slots[index]!.blocks.last?.frames.last?.timestamp
    let oldest = quota.maximumAge.flatMap { age in
      newest.flatMap { $0.subtractingReportingOverflow(age).overflow ? nil : $0 - age }
    }
    var released = (blocks: 0, frames: 0)
    for block in slots[index]!.blocks {
      let stream = slots[index]!
      let isSurplus = surplusToo && quota.maximumBlocks.map { stream.blocks.count > $0 } ?? false
      guard block.isSealed, released.blocks < limit,
        isSurplus || oldest.map({ block.frames.last!.timestamp < $0 }) ?? false
      else { break }
      if isProtected(stream, block) || isPinned(stream, block) { continue }
      recycle(Place(slot: index, sequence: block.sequence))
      used -= 1
      released = (released.blocks + 1, released.frames + block.frames.count)
    }
    return released
  }

  // MARK: Changing what is kept

  /// Sets the quota, or says why not.
  mutating func setQuota(
    _ quota: StreamQuota, of name: String
  ) -> ModelOutcome<(blocks: Int, frames: Int)> {
    let others = slots.reduce(0) { $0 + ($1.map { $0.name == name ? 0 : $0.quota.minimumBlocks } ?? 0) }
    let isRight =
      quota.minimumBlocks >= 0 && quota.minimumBlocks <= capacity
      && quota.maximumBlocks.map { $0 >= max(1, quota.minimumBlocks) } ?? true
      && quota.maximumAge.map { $0 > 0 } ?? true
    guard isRight, quota.minimumBlocks == 0 || others + quota.minimumBlocks <= capacity else {
      return .failure(.invalidArgument)
    }
    if slot(name) == nil, quota == StreamQuota() { return .success((0, 0)) }
    let index = findOrMake(name)
    slots[index]!.quota = quota
    return .success(releaseOutgrown(index, atMost: .max, surplusToo: true))
  }

  /// Adds the range to the protected ones, or takes it out of them.
  mutating func protect(_ name: String, _ range: ClosedRange<Int64>, _ isProtected: Bool) -> NanoTSError.Code? {
    guard let index = slot(name) else { return isProtected ? .notFound : nil }
    let old = slots[index]!.protected
    // Every end of a range, or what lies just beside one, divides time into parts that are protected or not as a whole.
    let starts = Set((old + [range]).flatMap { [$0.lowerBound] + ($0.upperBound < .max ? [$0.upperBound + 1] : []) })
    var new: [ClosedRange<Int64>] = []
    let ordered = starts.sorted()
    for (place, start) in ordered.enumerated() {
      let end = place + 1 < ordered.count ? ordered[place + 1] - 1 : .max
      let isIn = range.contains(start) ? isProtected : old.contains { $0.contains(start) }
      guard isIn else { continue }
      if let last = new.last, last.upperBound + 1 == start {
        new[new.count - 1] = last.lowerBound...end
      } else {
        new.append(start...end)
      }
    }
    guard new.count <= 8 else { return .invalidArgument }
    slots[index]!.protected = new
    return nil
  }

  /// A pin on the stream's blocks that reach into the range.
  func pin(_ name: String, _ range: ClosedRange<Int64>) -> ModelPin {
    let stream = self[name]
    let blocks = (stream?.blocks ?? []).filter { block in
      guard let first = block.frames.first?.timestamp, let last = block.frames.last?.timestamp else { return false }
      return range.overlaps(first...last)
    }
    let ends = blocks.first.map { $0.frames.first!.timestamp...blocks.last!.frames.last!.timestamp }
    return ModelPin(life: stream?.life ?? 0, sequences: Set(blocks.map(\.sequence)), range: ends)
  }

  /// How many blocks of the pin are gone.
  func lostBlocks(of pin: ModelPin) -> Int {
    let left = slots.compactMap { $0 }.first { $0.life == pin.life }?.blocks.map(\.sequence) ?? []
    return pin.sequences.subtracting(left).count
  }

  // MARK: Freeing

  struct Freed: Equatable {
    var blocks = 0
    var frames = 0
    var protected = 0
    var pinned = 0
  }

  mutating func free(_ name: String, in range: ClosedRange<Int64>) -> Freed {
    var freed = Freed()
    guard let index = slot(name) else { return freed }
    let stream = slots[index]!
    var left: [ModelBlock] = []
    for block in stream.blocks {
      left.append(block)
      guard block.isSealed, range.contains(block.frames.first!.timestamp), range.contains(block.frames.last!.timestamp)
      else { continue }
      if isProtected(stream, block) {
        freed.protected += 1
      } else if pinsHold && isPinned(stream, block) {
        freed.pinned += 1
      } else {
        freed.blocks += 1
        freed.frames += block.frames.count
        left.removeLast()
      }
    }
    slots[index]!.blocks = left
    used -= freed.blocks
    let isEmptied = slots[index]!.blocks.isEmpty && freed.blocks > 0
    if let floor = stream.floor, range.contains(floor.timestamp) || isEmptied { slots[index]!.floor = nil }
    return freed
  }

  mutating func free(stream name: String) -> NanoTSError.Code? {
    guard let index = slot(name), let stream = slots[index] else { return nil }
    if !stream.protected.isEmpty { return .protected }
    if stream.writer != nil { return .streamBusy }
    if pinsHold, stream.blocks.contains(where: { isPinned(stream, $0) }) { return .protected }
    used -= stream.blocks.count + (stream.hasSpare ? 1 : 0)
    slots[index] = nil
    return nil
  }
}
