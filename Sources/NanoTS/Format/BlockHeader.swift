//  BlockHeader: one block's entry in the BlockTable, 128 B (two cache lines). The only mutable truth about the block.
//
//  line 0
//     0  generation         u64   the seqlock: odd while the block is handed to a new life, even and unique otherwise
//     8  commit             u64   frame count (low 32 bits) and payload end (high 32; chunked: number of chunks): one store
//                                 publishes both
//    16  next               u32   the stream's (or free list's) next block, index + 1; 0: none
//    20  previous           u32   the stream's previous block, index + 1
//    24  state              u32   0 unused, 1 free, 2 claimed, 3 open, 4 sealed
//    28  body layout        u32   layout (low 8 bits: 0 plain, 1 chunked), index entry size (next 8 bits: 24 or 32), chunk
//                                 size in units of 256 B (high 16 bits; 0 where plain)
//    32  stream identifier  u64
//    40  sequence           u64   of this block within its stream
//    48  segment            u64
//    56  stream slot        u32
//    60  identity checksum  u32   CRC32C of generation, stream identifier, sequence, segment, first ordinal,
//                                 body layout and stream slot (as one u64)
//  line 1
//    64  first ordinal      u64
//    72  first timestamp    i64   valid when the count is not 0
//    80  first key          i64
//    88  last timestamp     i64   valid when sealed
//    96  last key           i64
//   104  synced count       u32   frames known to survive power loss
//   108  uniform length     u32   every payload has this length; 0xFFFFFFFF: they differ; 0xFFFFFFFE: no frame yet
//   112  seal checksum      u32   CRC32C of generation, commit, first timestamp, first key, last timestamp, last key,
//                                 payload bytes (as u64)
//   116  payload bytes      u32   sum of the payload lengths, valid when sealed
//   120  preceding end      u64   blocks before this one were taken, from this ordinal on; 0: none that is not the
//                                 stream's oldest
//
//  Links (next, previous) are hints that the allocation lock guards; whoever follows one checks where it leads.

/// A view of one block header. Bound: `base` is the header's first byte in a mapping that holds all its 128 bytes.
@frozen @usableFromInline
@safe
struct BlockHeader {
  @usableFromInline static let byteCount = 128
  static let mixedLengths = UInt32.max
  static let noLength = UInt32.max - 1
  @usableFromInline let base: UnsafeMutableRawPointer

  @inlinable @inline(__always)
  init(base: UnsafeMutableRawPointer) { unsafe self.base = unsafe base }

  enum Offset {
    static let generation = 0
    static let commit = 8
    static let next = 16
    static let previous = 20
    static let state = 24
    static let bodyLayout = 28
    static let streamIdentifier = 32
    static let sequence = 40
    static let segment = 48
    static let streamSlot = 56
    static let identityChecksum = 60
    static let firstOrdinal = 64
    static let firstTimestamp = 72
    static let firstKey = 80
    static let lastTimestamp = 88
    static let lastKey = 96
    static let syncedCount = 104
    static let uniformLength = 108
    static let sealChecksum = 112
    static let payloadBytes = 116
    static let precedingEnd = 120
  }

  /// Written out because inlined readers in other modules use it: offset 0 of the header.
  @inlinable @inline(__always)
  var generation: AtomicUInt64 { unsafe AtomicUInt64(base, 0) }

  var commit: AtomicUInt64 { unsafe AtomicUInt64(base, Offset.commit) }
  var next: AtomicUInt32 { unsafe AtomicUInt32(base, Offset.next) }
  var previous: AtomicUInt32 { unsafe AtomicUInt32(base, Offset.previous) }
  var state: AtomicUInt32 { unsafe AtomicUInt32(base, Offset.state) }
  var bodyLayout: AtomicUInt32 { unsafe AtomicUInt32(base, Offset.bodyLayout) }
  var streamIdentifier: AtomicUInt64 { unsafe AtomicUInt64(base, Offset.streamIdentifier) }
  var sequence: AtomicUInt64 { unsafe AtomicUInt64(base, Offset.sequence) }
  var segment: AtomicUInt64 { unsafe AtomicUInt64(base, Offset.segment) }
  var streamSlot: AtomicUInt32 { unsafe AtomicUInt32(base, Offset.streamSlot) }
  var identityChecksum: AtomicUInt32 { unsafe AtomicUInt32(base, Offset.identityChecksum) }
  var firstOrdinal: AtomicUInt64 { unsafe AtomicUInt64(base, Offset.firstOrdinal) }
  var firstTimestamp: AtomicUInt64 { unsafe AtomicUInt64(base, Offset.firstTimestamp) }
  var firstKey: AtomicUInt64 { unsafe AtomicUInt64(base, Offset.firstKey) }
  var lastTimestamp: AtomicUInt64 { unsafe AtomicUInt64(base, Offset.lastTimestamp) }
  var lastKey: AtomicUInt64 { unsafe AtomicUInt64(base, Offset.lastKey) }
  var syncedCount: AtomicUInt32 { unsafe AtomicUInt32(base, Offset.syncedCount) }
  var uniformLength: AtomicUInt32 { unsafe AtomicUInt32(base, Offset.uniformLength) }
  var sealChecksum: AtomicUInt32 { unsafe AtomicUInt32(base, Offset.sealChecksum) }
  var payloadBytes: AtomicUInt32 { unsafe AtomicUInt32(base, Offset.payloadBytes) }
  var precedingEnd: AtomicUInt64 { unsafe AtomicUInt64(base, Offset.precedingEnd) }

  /// True while no handover has begun since `expected` was loaded: what was read of the block before is good.
  @inlinable @inline(__always)
  func isStill(_ expected: UInt64) -> Bool { generation.isStill(expected) }
}

/// What a block is at the moment.
@usableFromInline
enum BlockState: UInt32 {
  case unused = 0
  case free = 1
  case claimed = 2
  case open = 3
  case sealed = 4
}

/// The word that publishes frames: how many there are and where their payloads end.
struct BlockCommit: Equatable {
  let count: UInt32
  /// In a plain body: offset of the payloads' end from the block's first byte, a multiple of 8.
  let payloadEnd: UInt32

  init(count: UInt32, payloadEnd: UInt32) {
    self.count = count
    self.payloadEnd = payloadEnd
  }

  /// Of a chunked body.
  init(count: UInt32, chunkCount: UInt32) { self.init(count: count, payloadEnd: chunkCount) }

  /// Of a block that holds nothing yet.
  static func empty(_ layout: BodyLayout, payloadStart: Int) -> BlockCommit {
    BlockCommit(count: 0, payloadEnd: layout.kind == BodyLayout.plain ? UInt32(payloadStart) : 0)
  }

  init(word: UInt64) {
    count = UInt32(truncatingIfNeeded: word)
    payloadEnd = UInt32(truncatingIfNeeded: word >> 32)
  }

  /// In a chunked body: how many chunks hold the first frames.
  var chunkCount: UInt32 { payloadEnd }

  var word: UInt64 { UInt64(count) | UInt64(payloadEnd) << 32 }
}

/// The seqlock word of a block.
///
/// High 32 bits count the block's lives; bits 1 to 31 are random, so that a life which power loss took back is never
/// taken for the one that follows it; bit 0 is set during a handover.
enum Generation {
  static func isOdd(_ generation: UInt64) -> Bool { generation & 1 == 1 }

  /// The odd value that ends the life `generation`.
  static func ending(_ generation: UInt64) -> UInt64 { generation | 1 }

  /// The even value of the life after `generation`.
  static func following(_ generation: UInt64, random: UInt64) -> UInt64 {
    ((generation >> 32) &+ 1) << 32 | (random & 0xFFFF_FFFE)
  }
}

/// How a block's body is laid out.
struct BodyLayout: Equatable {
  static let plain: UInt8 = 0
  static let chunked: UInt8 = 1
  let kind: UInt8
  let entrySize: UInt8
  /// In units of 256 bytes.
  let chunkUnits: UInt16

  static func plain(keyed: Bool) -> BodyLayout { BodyLayout(kind: plain, entrySize: entrySize(keyed), chunkUnits: 0) }

  static func chunked(_ layout: ChunkedLayout, keyed: Bool) -> BodyLayout {
    BodyLayout(
      kind: chunked, entrySize: entrySize(keyed), chunkUnits: UInt16(layout.chunkByteCount / ChunkedLayout.chunkUnit))
  }

  private static func entrySize(_ keyed: Bool) -> UInt8 {
    UInt8(keyed ? IndexEntry.keyedByteCount : IndexEntry.byteCount)
  }

  init(kind: UInt8, entrySize: UInt8, chunkUnits: UInt16) {
    self.kind = kind
    self.entrySize = entrySize
    self.chunkUnits = chunkUnits
  }

  init(word: UInt32) {
    kind = UInt8(truncatingIfNeeded: word)
    entrySize = UInt8(truncatingIfNeeded: word >> 8)
    chunkUnits = UInt16(truncatingIfNeeded: word >> 16)
  }

  var word: UInt32 { UInt32(kind) | UInt32(entrySize) << 8 | UInt32(chunkUnits) << 16 }

  var isKeyed: Bool { Int(entrySize) == IndexEntry.keyedByteCount }

  /// True for a plain body, as every build knows it.
  @inline(__always)
  var isKnownPlain: Bool {
    kind == BodyLayout.plain && chunkUnits == 0 && (Int(entrySize) == IndexEntry.byteCount || isKeyed)
  }

  /// True when this build knows such a body in a block of `blockSize` bytes.
  func isKnown(blockSize: Int) -> Bool {
    guard Int(entrySize) == IndexEntry.byteCount || isKeyed else { return false }
    switch kind {
    case BodyLayout.plain: return isKnownPlain
    case BodyLayout.chunked: return LZ4.isAvailable && chunks(blockSize: blockSize) != nil
    default: return false
    }
  }

  /// Sizes and places in the body of a block of `blockSize` bytes; nil where it is not chunked.
  func chunks(blockSize: Int) -> ChunkedLayout? {
    guard kind == BodyLayout.chunked else { return nil }
    return ChunkedLayout(blockSize: blockSize, chunkByteCount: Int(chunkUnits) * ChunkedLayout.chunkUnit)
  }
}

extension BlockHeader {
  static func checkLayout() {
    LayoutCheck.requireTiling(
      "BlockHeader", byteCount,
      [
        (Offset.generation, 8), (Offset.commit, 8), (Offset.next, 4), (Offset.previous, 4), (Offset.state, 4),
        (Offset.bodyLayout, 4), (Offset.streamIdentifier, 8), (Offset.sequence, 8), (Offset.segment, 8),
        (Offset.streamSlot, 4), (Offset.identityChecksum, 4), (Offset.firstOrdinal, 8), (Offset.firstTimestamp, 8),
        (Offset.firstKey, 8), (Offset.lastTimestamp, 8), (Offset.lastKey, 8), (Offset.syncedCount, 4),
        (Offset.uniformLength, 4), (Offset.sealChecksum, 4), (Offset.payloadBytes, 4), (Offset.precedingEnd, 8),
      ])
  }
}
