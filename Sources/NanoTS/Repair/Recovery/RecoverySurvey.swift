/// Which blocks of a damaged store have frames, and of which streams they are.
struct RecoverySurvey {
  /// One block that is to be searched for frames.
  struct Block {
    let index: Int
    let generation: UInt64
    let identifier: UInt64
    let sequence: UInt64
    let segment: UInt64
    let firstOrdinal: UInt64
    let hasPreamble: Bool

    init(_ index: Int, _ live: LiveBlock) {
      self.index = index
      generation = live.generation
      identifier = live.identifier
      sequence = live.sequence
      segment = live.segment
      firstOrdinal = live.firstOrdinal
      hasPreamble = live.hasPreamble
    }
  }

  /// One stream and its blocks.
  struct Stream {
    let identifier: UInt64
    var name: [UInt8]
    var slot: DamagedSlots.Slot?
    /// In order of sequence, each sequence once.
    var blocks: [Block] = []
  }

  /// Blocks are of one stream when identifier and name are the same.
  private struct Key: Hashable {
    let identifier: UInt64
    let name: [UInt8]
  }

  private(set) var streams: [Stream] = []
  /// Blocks of which nobody knows what they were.
  private(set) var unknownBlocks: [Int] = []
  /// Blocks that a right header or preamble vouches for in a layout that this build does not know.
  private(set) var unreadableBlocks: [Int] = []
  /// Blocks that are not in use, or whose frames were freed or recycled.
  private(set) var endedBlocks = 0
  /// Blocks whose preamble proves itself and whose header does not.
  private(set) var blocksWithoutHeader = 0
  /// Blocks that look as if they had never been used, where the counters say that they were.
  private(set) var suspiciousBlocks: [Int] = []
  /// Blocks with frames of which the file has a byte.
  private(set) var liveBlocks = 0

  private var firstLiveBlock: Int?
  private var places: [Key: Int] = [:]
  /// Blocks without a preamble, until it is known which streams there are.
  private var nameless: [Block] = []
  private let slots: DamagedSlots

  /// O(blocks · log blocks); reads the preamble and the header of each.
  init(
    _ inspector: BlockInspector, _ slots: DamagedSlots,
    _ tell: (_ done: Int, _ total: Int) throws(NanoTSError) -> Void
  ) throws(NanoTSError) {
    self.slots = slots
    for slot in slots.slots.values.sorted(by: { $0.index < $1.index }) {
      places[Key(identifier: slot.identifier, name: slot.name)] = streams.count
      streams.append(Stream(identifier: slot.identifier, name: slot.name, slot: slot))
    }
    let count = inspector.layout.blockCount
    for index in 0..<count {
      if index % 256 == 0 { try tell(index, count) }
      let (life, preamble) = inspector.look(at: index)
      add(life, preamble, index, inspector)
    }
    // Without a header, what lies before the first block may as well be the tables.
    if inspector.layout.headerLayout == nil { unknownBlocks.removeAll { $0 < firstLiveBlock ?? count } }
    joinNameless()
    for index in streams.indices {
      streams[index].blocks.sort { ($0.sequence, $0.index) < ($1.sequence, $1.index) }
    }
    streams.removeAll { $0.blocks.isEmpty && $0.slot == nil }
  }

  private mutating func add(
    _ life: BlockLife, _ preamble: BlockPreamble?, _ index: Int, _ inspector: BlockInspector
  ) {
    switch life {
    case .unused:
      endedBlocks += 1
      if index < inspector.freshBlocks { suspiciousBlocks.append(index) }
    case .ended:
      endedBlocks += 1
    case .unknown:
      unknownBlocks.append(index)
    case .alive(let live):
      guard live.bodyLayout.isKnown(blockSize: inspector.layout.blockSize) else {
        unreadableBlocks.append(index)
        return
      }
      if inspector.layout.hasByte(of: index, in: inspector.file) { liveBlocks += 1 }
      if firstLiveBlock == nil { firstLiveBlock = index }
      guard live.hasPreamble, let preamble else {
        nameless.append(Block(index, live))
        return
      }
      if live.header == nil, slots.proveRemoval(of: live.identifier, preamble.name) {
        endedBlocks += 1
        return
      }
      if live.header == nil { blocksWithoutHeader += 1 }
      join(Block(index, live), Key(identifier: live.identifier, name: preamble.name))
    }
  }

  private mutating func join(_ block: Block, _ key: Key) {
    let place = places[key] ?? streams.count
    if place == streams.count {
      places[key] = place
      streams.append(Stream(identifier: key.identifier, name: key.name))
    }
    streams[place].blocks.append(block)
  }

  /// A block whose preamble is damaged is of the stream that has its identifier: the one in the stream table, or else the
  /// one that another block names.
  private mutating func joinNameless() {
    var byIdentifier: [UInt64: Int] = [:]
    for (place, stream) in streams.enumerated() where byIdentifier[stream.identifier] == nil {
      byIdentifier[stream.identifier] = place
    }
    for block in nameless {
      if let place = byIdentifier[block.identifier] {
        streams[place].blocks.append(block)
      } else {
        let name = RecoverySurvey.placeholder(block.identifier)
        join(block, Key(identifier: block.identifier, name: name))
      }
    }
    nameless = []
  }

  /// The name of a stream whose name is lost.
  static func placeholder(_ identifier: UInt64) -> [UInt8] { Array("unnamed-\(String(identifier, radix: 16))".utf8) }

  // MARK: Names

  /// Gives each stream a name that a store can have and that no other has; says what was changed. Of streams with one
  /// name, the one in the stream table keeps it, or else the one with the most blocks.
  mutating func settleNames() -> [String] {
    var notes: [String] = []
    for index in streams.indices where !RecoverySurvey.isValid(streams[index].name) {
      let name = RecoverySurvey.placeholder(streams[index].identifier)
      notes.append(
        "a stream's name is none that a store can have; it is called '\(String(decoding: name, as: UTF8.self))'")
      streams[index].name = name
    }
    let order = streams.indices.sorted {
      let (one, other) = (streams[$0], streams[$1])
      if (one.slot != nil) != (other.slot != nil) { return one.slot != nil }
      return (one.blocks.count, $1) > (other.blocks.count, $0)
    }
    var taken: Set<[UInt8]> = []
    for index in order {
      let name = streams[index].name
      if taken.insert(name).inserted { continue }
      var number = 2
      while !taken.insert(RecoverySurvey.name(name, number)).inserted { number += 1 }
      streams[index].name = RecoverySurvey.name(name, number)
      notes.append(
        "there are blocks of more than one stream called '\(String(decoding: name, as: UTF8.self))', of which one may "
          + "have been freed; one is called '\(String(decoding: streams[index].name, as: UTF8.self))'")
    }
    return notes
  }

  private static func isValid(_ name: [UInt8]) -> Bool {
    guard let checked = try? StreamTable.checkedName(String(decoding: name, as: UTF8.self)) else { return false }
    return checked == name
  }

  /// `name` with a number behind it, cut so that it is not too long.
  private static func name(_ name: [UInt8], _ number: Int) -> [UInt8] {
    let suffix = " (\(number))"
    var text = String(decoding: name, as: UTF8.self)
    while text.utf8.count + suffix.utf8.count > StreamSlot.maximumNameByteCount { text.removeLast() }
    return Array((text + suffix).utf8)
  }

  /// Leaves out streams beyond those that a store can have; says how many those were.
  mutating func limitStreams() -> Int {
    let surplus = max(0, streams.count - StoreLayout.streamCapacities.upperBound)
    streams.removeLast(surplus)
    return surplus
  }
}
