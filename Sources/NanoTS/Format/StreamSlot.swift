//  StreamSlot: one stream's entry in the StreamTable, 512 B (eight cache lines, one disk sector: it never tears).
//
//     0  version             u64   seqlock of identity and name: odd while they change
//     8  identifier          u64   random, never 0 for a stream; 0: the slot is empty
//    16  name hash           u64   FNV-1a of the name
//    24  name length         u16   bytes
//    26  zero                u16
//    28  identity checksum   u32   CRC32C of identifier, name length (as u64), name
//    32  writer process      u32   process id of the writer, a hint for people; the lock decides
//    36  spare block         u32   block index + 1 taken out of its earlier life for this stream; 0: none
//    40  floor timestamp     i64   with no block left, the next frame must be after this ...
//    48  floor key           i64   ... and this
//    56  has floor           u32   1: the two fields above count
//
//    64  next sequence       u64   block sequence that the stream's next block gets
//    72  head                u32   oldest block, index + 1; 0: none
//    76  tail                u32   newest block, index + 1
//    80  block count         u32
//    84  removals            u32   blocks taken from anywhere but the head, ever
//    88  next ordinal        u64   ordinal of the frame after the last sealed one
//    96  next segment        u64
//   104  reclaimed blocks    u64
//   112  reclaimed frames    u64
//   120  terms               u64   which term entries are in force, and their checksum (StreamTerms)
//
//   128  compression         u64   StoredCompression; 0: not said
//   136  zero                 8 B
//   144  term entries      176 B   11 × 16 B: quota and protected ranges
//   320  name              192 B   UTF-8, no NUL, padded with zeros

/// A view of one slot. Bound: `base` is the slot's first byte in a mapping that holds all its 512 bytes.
@safe
struct StreamSlot {
  static let byteCount = 512
  static let maximumNameByteCount = 192
  /// What changes when blocks change hands lies before.
  static let countersEnd = 128
  let base: UnsafeMutableRawPointer

  enum Offset {
    static let version = 0
    static let identifier = 8
    static let nameHash = 16
    static let nameLength = 24
    static let identityChecksum = 28
    static let writerProcess = 32
    static let spareBlock = 36
    static let floorTimestamp = 40
    static let floorKey = 48
    static let hasFloor = 56
    static let nextSequence = 64
    static let head = 72
    static let tail = 76
    static let blockCount = 80
    static let removals = 84
    static let nextOrdinal = 88
    static let nextSegment = 96
    static let reclaimedBlocks = 104
    static let reclaimedFrames = 112
    static let terms = 120
    static let compression = 128
    static let termEntries = 144
    static let name = 320
  }

  /// No stream comes to count so many blocks, segments or frames: a number above it is damage.
  static let highestNumber = UInt64(1) << 62 - 1

  var version: AtomicUInt64 { unsafe AtomicUInt64(base, Offset.version) }
  var identifier: AtomicUInt64 { unsafe AtomicUInt64(base, Offset.identifier) }
  var nameHash: AtomicUInt64 { unsafe AtomicUInt64(base, Offset.nameHash) }
  var writerProcess: AtomicUInt32 { unsafe AtomicUInt32(base, Offset.writerProcess) }
  var spareBlock: AtomicUInt32 { unsafe AtomicUInt32(base, Offset.spareBlock) }
  var hasFloor: AtomicUInt32 { unsafe AtomicUInt32(base, Offset.hasFloor) }
  var nextSequence: AtomicUInt64 { unsafe AtomicUInt64(base, Offset.nextSequence) }
  var head: AtomicUInt32 { unsafe AtomicUInt32(base, Offset.head) }
  var tail: AtomicUInt32 { unsafe AtomicUInt32(base, Offset.tail) }
  var blockCount: AtomicUInt32 { unsafe AtomicUInt32(base, Offset.blockCount) }
  var removals: AtomicUInt32 { unsafe AtomicUInt32(base, Offset.removals) }
  var nextOrdinal: AtomicUInt64 { unsafe AtomicUInt64(base, Offset.nextOrdinal) }
  var nextSegment: AtomicUInt64 { unsafe AtomicUInt64(base, Offset.nextSegment) }
  var reclaimedBlocks: AtomicUInt64 { unsafe AtomicUInt64(base, Offset.reclaimedBlocks) }
  var reclaimedFrames: AtomicUInt64 { unsafe AtomicUInt64(base, Offset.reclaimedFrames) }
  var terms: AtomicUInt64 { unsafe AtomicUInt64(base, Offset.terms) }
  var compressionField: AtomicUInt64 { unsafe AtomicUInt64(base, Offset.compression) }

  /// The position that the next frame must exceed when the stream has no block left to tell it.
  var floor: FramePosition? {
    get {
      guard hasFloor.acquired == 1 else { return nil }
      return unsafe FramePosition(
        timestamp: Int64(bitPattern: AtomicUInt64(base, Offset.floorTimestamp).relaxed),
        key: Int64(bitPattern: AtomicUInt64(base, Offset.floorKey).relaxed))
    }
    nonmutating set {
      if let newValue {
        unsafe AtomicUInt64(base, Offset.floorTimestamp).storeRelaxed(UInt64(bitPattern: newValue.timestamp))
        unsafe AtomicUInt64(base, Offset.floorKey).storeRelaxed(UInt64(bitPattern: newValue.key))
      }
      hasFloor.storeReleased(newValue == nil ? 0 : 1)
    }
  }

  /// Name length and identity checksum share a word, read and written as one.
  private var lengthAndChecksum: AtomicUInt64 { unsafe AtomicUInt64(base, Offset.nameLength) }

  /// FNV-1a, 64 bits (Fowler, Noll, Vo): spreads short names well and needs no table.
  static func hash(of name: [UInt8]) -> UInt64 {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in name { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
    return hash
  }

  static func checksum(identifier: UInt64, name: [UInt8]) -> UInt32 {
    var checksum = Checksum()
    checksum.add(identifier)
    checksum.add(UInt64(name.count))
    unsafe name.withUnsafeBytes { unsafe checksum.add($0) }
    return checksum.value
  }

  /// Writes identity and name. The caller holds the allocation lock and made `version` odd.
  func writeIdentity(identifier newIdentifier: UInt64, name: [UInt8]) {
    precondition(name.count <= StreamSlot.maximumNameByteCount)
    for word in 0..<(StreamSlot.maximumNameByteCount / 8) {
      var value: UInt64 = 0
      for byte in 0..<8 where word * 8 + byte < name.count { value |= UInt64(name[word * 8 + byte]) << (8 * byte) }
      unsafe AtomicUInt64(base, Offset.name + word * 8).storeRelaxed(value)
    }
    nameHash.storeRelaxed(StreamSlot.hash(of: name))
    let checksum = StreamSlot.checksum(identifier: newIdentifier, name: name)
    lengthAndChecksum.storeRelaxed(UInt64(name.count) | UInt64(checksum) << 32)
    identifier.storeRelaxed(newIdentifier)
  }

  /// The name as stored, or nil when its length or checksum is impossible. The caller re-checks `version`.
  func readName(identifier: UInt64) -> [UInt8]? {
    guard let (name, checksum) = readRemains(),
      StreamSlot.checksum(identifier: identifier, name: name) == checksum
    else { return nil }
    return name
  }

  /// The name and the identity checksum as stored, which an emptied slot keeps of its earlier stream; nil when the name's
  /// length is impossible.
  func readRemains() -> (name: [UInt8], checksum: UInt32)? {
    let word = lengthAndChecksum.relaxed
    let length = Int(word & 0xFFFF)
    guard length > 0, length <= StreamSlot.maximumNameByteCount else { return nil }
    var name: [UInt8] = []
    name.reserveCapacity(length)
    for index in 0..<length {
      let value = unsafe AtomicUInt64(base, Offset.name + (index & ~7)).relaxed
      name.append(UInt8(truncatingIfNeeded: value >> (8 * UInt64(index & 7))))
    }
    return (name, UInt32(word >> 32))
  }
}

extension StreamSlot {
  static func checkLayout() {
    LayoutCheck.requireTiling(
      "StreamSlot", byteCount,
      [
        (Offset.version, 8), (Offset.identifier, 8), (Offset.nameHash, 8), (Offset.nameLength, 2), (26, 2),
        (Offset.identityChecksum, 4), (Offset.writerProcess, 4), (Offset.spareBlock, 4), (Offset.floorTimestamp, 8),
        (Offset.floorKey, 8), (Offset.hasFloor, 4), (60, 4), (Offset.nextSequence, 8), (Offset.head, 4),
        (Offset.tail, 4), (Offset.blockCount, 4), (Offset.removals, 4), (Offset.nextOrdinal, 8),
        (Offset.nextSegment, 8), (Offset.reclaimedBlocks, 8), (Offset.reclaimedFrames, 8), (Offset.terms, 8),
        (Offset.compression, 8), (136, 8), (Offset.termEntries, termEntriesByteCount),
        (Offset.name, maximumNameByteCount),
      ])
  }
}
