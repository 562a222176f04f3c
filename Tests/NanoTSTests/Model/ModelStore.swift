import NanoTS

/// What the engine promises, said in the simplest way: arrays of frames in blocks, and the rules by which blocks move.
struct ModelFrame: Equatable {
  var timestamp: Int64
  var key: Int64
  var flags: UInt32
  var isClamped: Bool
  var payload: [UInt8]
  var ordinal: UInt64

  var position: FramePosition { FramePosition(timestamp: timestamp, key: key) }
}

struct ModelBlock {
  var sequence: UInt64
  var segment: UInt64
  var metadata: String
  var isKeyed: Bool
  var isSealed = false
  var payloadEnd: Int
  /// The timestamp that the block was opened for; the first frame's from then on.
  var firstTimestamp: Int64
  var frames: [ModelFrame] = []

  var entrySize: Int { isKeyed ? 32 : 24 }

  func fits(_ byteCount: Int, key: Int64, blockSize: Int) -> Bool {
    payloadEnd + (byteCount + 7) / 8 * 8 + (frames.count + 1) * entrySize <= blockSize && (key == 0 || isKeyed)
  }
}

struct ModelWriter {
  var segment: UInt64
  var metadata: String
  var usesKeys: Bool
  var autoReclaim: Bool
  var clamps: Bool
  var last: FramePosition?
}

struct ModelStream {
  var name: String
  /// Tells a stream from a later one of the same name.
  var life: Int
  var blocks: [ModelBlock] = []
  var nextOrdinal: UInt64 = 0
  var nextSequence: UInt64 = 0
  var nextSegment: UInt64 = 0
  var floor: FramePosition?
  var hasSpare = false
  var reclaimedBlocks: UInt64 = 0
  var reclaimedFrames: UInt64 = 0
  var writer: ModelWriter?
  /// Ordinals that `free` took out; readers may pass over them without a word.
  var freed: Set<UInt64> = []

  var frames: [ModelFrame] { blocks.flatMap(\.frames) }

  func payloadStart(_ metadata: String) -> Int { (96 + name.utf8.count + metadata.utf8.count + 63) / 64 * 64 }
}

struct ModelStore {
  let blockSize: Int
  let capacity: Int
  var available: Int
  var used = 0
  var slots: [ModelStream?] = []
  private var lives = 0

  init(blockSize: Int, capacity: Int, initial: Int) {
    self.blockSize = blockSize
    self.capacity = capacity
    available = initial
  }

  func slot(_ name: String) -> Int? { slots.firstIndex { $0?.name == name } }

  subscript(_ name: String) -> ModelStream? { slot(name).flatMap { slots[$0] } }

  // MARK: Writers

  mutating func openWriter(_ name: String, metadata: String, autoReclaim: Bool, clamps: Bool) -> Int {
    let index: Int
    if let known = slot(name) {
      index = known
    } else {
      lives += 1
      let stream = ModelStream(name: name, life: lives)
      if let empty = slots.firstIndex(where: { $0 == nil }) {
        index = empty
        slots[index] = stream
      } else {
        index = slots.count
        slots.append(stream)
      }
    }
    recover(index)
    let stream = slots[index]!
    let last = stream.blocks.last.map { $0.frames.last!.position } ?? stream.floor
    slots[index]!.writer = ModelWriter(
      segment: stream.nextSegment, metadata: metadata, usesKeys: stream.blocks.last?.isKeyed ?? false,
      autoReclaim: autoReclaim, clamps: clamps, last: last)
    return index
  }

  /// Seals the last block of a stream without a writer, or takes it back if it is empty.
  mutating func recover(_ index: Int) {
    guard let block = slots[index]!.blocks.last, !block.isSealed else { return }
    seal(index)
  }

  mutating func seal(_ index: Int) {
    guard let block = slots[index]!.blocks.last, !block.isSealed else { return }
    if block.frames.isEmpty {
      slots[index]!.blocks.removeLast()
      slots[index]!.nextSequence -= 1
      used -= 1
    } else {
      slots[index]!.blocks[slots[index]!.blocks.count - 1].isSealed = true
    }
  }

  // MARK: Blocks

  /// Takes a block for the stream as the engine does; false when there is none.
  mutating func claim(for index: Int, reclaiming: Bool) -> Bool {
    if slots[index]!.hasSpare { return true }
    if used == available, available < capacity {
      available = min(capacity, available + max(1, min(available, (1 << 30) / blockSize)))
    }
    if used < available {
      used += 1
    } else if let dead = slots.firstIndex(where: { $0?.hasSpare == true && $0?.writer == nil }), dead != index {
      slots[dead]!.hasSpare = false
    } else {
      guard reclaiming else { return false }
      // Looking for the oldest may give back an empty block, which is then taken.
      if !reclaimOldest() {
        guard used < available else { return false }
        used += 1
      }
    }
    slots[index]!.hasSpare = true
    return true
  }

  private mutating func reclaimOldest() -> Bool {
    var oldest: (slot: Int, last: Int64)?
    var open: [Int] = []
    func consider(_ index: Int, _ block: ModelBlock) {
      let last = block.frames.last!.timestamp
      if oldest.map({ last < $0.last }) ?? true { oldest = (index, last) }
    }
    for index in slots.indices {
      guard let block = slots[index]?.blocks.first else { continue }
      if block.isSealed { consider(index, block) } else { open.append(index) }
    }
    for index in open {
      let block = slots[index]!.blocks[0]
      guard oldest.map({ block.firstTimestamp < $0.last }) ?? true, slots[index]!.writer == nil else { continue }
      recover(index)
      if let sealed = slots[index]!.blocks.first { consider(index, sealed) }
    }
    guard let victim = oldest else { return false }
    let block = slots[victim.slot]!.blocks.removeFirst()
    slots[victim.slot]!.floor = block.frames.last!.position
    slots[victim.slot]!.reclaimedBlocks += 1
    slots[victim.slot]!.reclaimedFrames += UInt64(block.frames.count)
    return true
  }

  private mutating func install(_ index: Int, first: FramePosition) {
    var stream = slots[index]!
    let writer = stream.writer!
    let keyed = writer.usesKeys || first.key != 0
    stream.hasSpare = false
    stream.blocks.append(
      ModelBlock(
        sequence: stream.nextSequence, segment: writer.segment, metadata: writer.metadata, isKeyed: keyed,
        payloadEnd: stream.payloadStart(writer.metadata), firstTimestamp: first.timestamp))
    stream.nextSequence += 1
    stream.nextSegment = max(stream.nextSegment, writer.segment + 1)
    stream.writer!.usesKeys = keyed
    slots[index] = stream
  }

  // MARK: Appending

  /// The frame's position as it will be stored, or the refusal.
  private func stamp(
    _ position: FramePosition, after last: FramePosition?, clamps: Bool
  ) -> Result<(FramePosition, Bool), NanoTSError.Code> {
    guard let last, !(last < position) else { return .success((position, false)) }
    if clamps, last.timestamp < .max { return .success((FramePosition(timestamp: last.timestamp + 1), true)) }
    return .failure(.outOfOrder)
  }

  private func limit(_ index: Int, keyed: Bool) -> Int {
    let stream = slots[index]!
    return (blockSize - stream.payloadStart(stream.writer!.metadata) - (keyed ? 32 : 24)) / 8 * 8
  }

  /// Whether the batch would be refused before anything is stored.
  func refusal(_ index: Int, _ frames: [ModelFrame]) -> NanoTSError.Code? {
    let writer = slots[index]!.writer!
    var last = writer.last
    var keyed = writer.usesKeys
    for frame in frames {
      switch stamp(frame.position, after: last, clamps: writer.clamps) {
      case .failure(let code): return code
      case .success(let (position, _)):
        keyed = keyed || position.key != 0
        if frame.payload.count > limit(index, keyed: keyed) { return .frameTooLarge }
        last = position
      }
    }
    return nil
  }

  /// Appends one frame, or only makes room for it when `isAbandoned`; returns the refusal.
  mutating func append(_ index: Int, _ frame: ModelFrame, isAbandoned: Bool = false) -> NanoTSError.Code? {
    let writer = slots[index]!.writer!
    if let refusal = refusal(index, [frame]) { return refusal }
    guard case .success(let (position, isClamped)) = stamp(frame.position, after: writer.last, clamps: writer.clamps)
    else { return .outOfOrder }
    let open = slots[index]!.blocks.last.flatMap { $0.isSealed ? nil : $0 }
    if !(open?.fits(frame.payload.count, key: position.key, blockSize: blockSize) ?? false) {
      var isClaimed = claim(for: index, reclaiming: writer.autoReclaim)
      if !isClaimed, writer.autoReclaim, open != nil {
        seal(index)
        isClaimed = claim(for: index, reclaiming: true)
      }
      guard isClaimed else { return .noFreeBlocks }
      seal(index)
      install(index, first: position)
    }
    if isAbandoned { return .invalidArgument }
    var stored = frame
    (stored.timestamp, stored.key, stored.isClamped) = (position.timestamp, position.key, isClamped)
    stored.ordinal = slots[index]!.nextOrdinal
    slots[index]!.nextOrdinal += 1
    slots[index]!.writer!.last = position
    let block = slots[index]!.blocks.count - 1
    if slots[index]!.blocks[block].frames.isEmpty { slots[index]!.blocks[block].firstTimestamp = position.timestamp }
    slots[index]!.blocks[block].payloadEnd += (frame.payload.count + 7) / 8 * 8
    slots[index]!.blocks[block].frames.append(stored)
    return nil
  }

  // MARK: Freeing

  mutating func free(_ name: String, in range: ClosedRange<Int64>) -> (blocks: Int, frames: Int) {
    guard let index = slot(name) else { return (0, 0) }
    let gone = slots[index]!.blocks.filter {
      $0.isSealed && range.contains($0.frames.first!.timestamp) && range.contains($0.frames.last!.timestamp)
    }
    let sequences = Set(gone.map(\.sequence))
    slots[index]!.blocks.removeAll { sequences.contains($0.sequence) }
    for block in gone { slots[index]!.freed.formUnion(block.frames.map(\.ordinal)) }
    used -= gone.count
    if slots[index]!.blocks.isEmpty, let floor = slots[index]!.floor,
      !gone.isEmpty || range.contains(floor.timestamp)
    {
      slots[index]!.floor = nil
    }
    return (gone.count, gone.reduce(0) { $0 + $1.frames.count })
  }

  mutating func free(stream name: String) {
    guard let index = slot(name) else { return }
    used -= slots[index]!.blocks.count + (slots[index]!.hasSpare ? 1 : 0)
    slots[index] = nil
  }
}

extension NanoTSError.Code: Error {}
