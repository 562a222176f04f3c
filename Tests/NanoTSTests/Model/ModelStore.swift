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
  /// Nil where blocks are plain.
  var chunkByteCount: Int?
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
  var quota = StreamQuota()
  /// In order, none touching another.
  var protected: [ClosedRange<Int64>] = []

  var frames: [ModelFrame] { blocks.flatMap(\.frames) }

  func payloadStart(_ metadata: String) -> Int { (96 + name.utf8.count + metadata.utf8.count + 63) / 64 * 64 }
}

struct ModelStore {
  let blockSize: Int
  let capacity: Int
  let pinsHold: Bool
  var available: Int
  var used = 0
  var slots: [ModelStream?] = []
  var pins: [ModelPin] = []
  /// Whether the frame with an ordinal found no room in its stream's open block: for compressed blocks, of which the model
  /// does not know how much goes into one. Nil: by sizes.
  var foundNoRoom: ((UInt64) -> Bool)?
  /// By life of the stream and ordinal, every frame that was stored in a chunk or was to be: a cursor that has a chunk in
  /// memory goes on in it when its block is gone.
  private(set) var chunked: [Int: [UInt64: ModelFrame]] = [:]
  private var lives = 0

  init(blockSize: Int, capacity: Int, initial: Int, pinsHold: Bool = false) {
    self.blockSize = blockSize
    self.capacity = capacity
    self.pinsHold = pinsHold
    available = initial
  }

  func slot(_ name: String) -> Int? { slots.firstIndex { $0?.name == name } }

  subscript(_ name: String) -> ModelStream? { slot(name).flatMap { slots[$0] } }

  // MARK: Writers

  mutating func openWriter(
    _ name: String, metadata: String, autoReclaim: Bool, clamps: Bool, chunkByteCount: Int?
  ) -> Int {
    let index = findOrMake(name)
    recover(index)
    let stream = slots[index]!
    let positions = [stream.blocks.last?.frames.last?.position, stream.floor].compactMap { $0 }
    slots[index]!.writer = ModelWriter(
      segment: stream.nextSegment, metadata: metadata, usesKeys: stream.blocks.last?.isKeyed ?? false,
      autoReclaim: autoReclaim, clamps: clamps, chunkByteCount: chunkByteCount, last: positions.max())
    return index
  }

  mutating func findOrMake(_ name: String) -> Int {
    if let known = slot(name) { return known }
    lives += 1
    let stream = ModelStream(name: name, life: lives)
    if let empty = slots.firstIndex(where: { $0 == nil }) {
      slots[empty] = stream
      return empty
    }
    slots.append(stream)
    return slots.count - 1
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
  ) -> ModelOutcome<(FramePosition, Bool)> {
    guard let last, !(last < position) else { return .success((position, false)) }
    if clamps, last.timestamp < .max { return .success((FramePosition(timestamp: last.timestamp + 1), true)) }
    return .failure(.outOfOrder)
  }

  private func limit(_ index: Int, keyed: Bool) -> Int {
    let stream = slots[index]!
    let (start, entry) = (stream.payloadStart(stream.writer!.metadata), keyed ? 32 : 24)
    guard let chunk = stream.writer!.chunkByteCount else { return (blockSize - start - entry) / 8 * 8 }
    // A frame alone in a chunk, or in the staging area: 15/8 of a chunk at the block's end, 9/8 of it for payloads.
    let staging = (chunk / 8 * 15 + 63) / 64 * 64
    return max(blockSize - staging - start - 48 - 32, min(chunk / 8 * 9, staging - entry)) / 8 * 8
  }

  /// Whether the stream's open block takes the frame that comes next.
  private func fits(_ index: Int, _ block: ModelBlock?, _ byteCount: Int, key: Int64) -> Bool {
    guard let block else { return false }
    if let foundNoRoom { return !foundNoRoom(slots[index]!.nextOrdinal) }
    return block.fits(byteCount, key: key, blockSize: blockSize)
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
    if !fits(index, open, frame.payload.count, key: position.key) {
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
    if writer.chunkByteCount != nil { chunked[slots[index]!.life, default: [:]][stored.ordinal] = stored }
    return nil
  }
}

/// What an operation comes to, or the code with which it is refused.
enum ModelOutcome<Value> {
  case success(Value)
  case failure(NanoTSError.Code)
}
