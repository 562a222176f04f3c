//  BlockPreamble: the first bytes of a block's body. It says everything that is needed to read the block when the rest
//  of the file is gone.
//
//     0  magic              u64   "NTSBLOCK"
//     8  generation         u64   equal to the block header's
//    16  store uuid        16 B
//    32  stream identifier  u64
//    40  sequence           u64
//    48  segment            u64
//    56  first ordinal      u64
//    64  block size         u32   bytes
//    68  body layout kind   u8
//    69  entry size         u8
//    70  time unit          u8
//    71  payload checksums  u8
//    72  name length        u32   bytes
//    76  metadata length    u32   bytes
//    80  chunk size         u16   in units of 256 B; 0 where the layout is plain
//    82  zero              10 B
//    92  checksum           u32   CRC32C of bytes 0 to 91, then of name and metadata
//    96  name, metadata           UTF-8, then zeros to a multiple of 64: there the payloads begin

/// A block's preamble as values.
struct BlockPreamble {
  static let fixedByteCount = 96
  static let magic: UInt64 = 0x4B43_4F4C_4253_544E
  static let alignment = 64

  enum Offset {
    static let magic = 0
    static let generation = 8
    static let uuid = 16
    static let streamIdentifier = 32
    static let sequence = 40
    static let segment = 48
    static let firstOrdinal = 56
    static let blockSize = 64
    static let layoutKind = 68
    static let entrySize = 69
    static let timeUnit = 70
    static let payloadChecksums = 71
    static let nameLength = 72
    static let metadataLength = 76
    static let chunkUnits = 80
    static let checksum = 92
    static let text = 96
  }

  var generation: UInt64
  var uuid: StoreUUID
  var streamIdentifier: UInt64
  var sequence: UInt64
  var segment: UInt64
  var firstOrdinal: UInt64
  var blockSize: UInt32
  var bodyLayout: BodyLayout
  var timeUnit: UInt8
  var payloadChecksums: UInt8
  var name: [UInt8]
  var metadata: [UInt8]

  /// Bytes from the block's start to its first payload.
  static func byteCount(name: Int, metadata: Int) -> Int {
    (fixedByteCount + name + metadata).roundedUp(to: alignment)
  }

  /// Bytes from the block's start to its first payload, or chunk.
  var byteCount: Int { BlockPreamble.byteCount(name: name.count, metadata: metadata.count) }

  /// Writes the preamble. Bound: `bytes` is the whole block; name and metadata were held against their limits before,
  /// so that the preamble takes less than half of the smallest block.
  func write(to bytes: UnsafeMutableRawBufferPointer) {
    let end = BlockPreamble.byteCount(name: name.count, metadata: metadata.count)
    precondition(end <= bytes.count)
    func store<T: FixedWidthInteger & BitwiseCopyable>(_ value: T, _ offset: Int) {
      unsafe bytes.storeBytes(of: value.littleEndian, toByteOffset: offset, as: T.self)
    }
    for index in 0..<BlockPreamble.fixedByteCount { unsafe bytes[index] = 0 }
    store(BlockPreamble.magic, Offset.magic)
    store(generation, Offset.generation)
    store(uuid.high, Offset.uuid)
    store(uuid.low, Offset.uuid + 8)
    store(streamIdentifier, Offset.streamIdentifier)
    store(sequence, Offset.sequence)
    store(segment, Offset.segment)
    store(firstOrdinal, Offset.firstOrdinal)
    store(blockSize, Offset.blockSize)
    store(bodyLayout.kind, Offset.layoutKind)
    store(bodyLayout.entrySize, Offset.entrySize)
    store(timeUnit, Offset.timeUnit)
    store(payloadChecksums, Offset.payloadChecksums)
    store(UInt32(name.count), Offset.nameLength)
    store(UInt32(metadata.count), Offset.metadataLength)
    store(bodyLayout.chunkUnits, Offset.chunkUnits)
    var at = Offset.text
    for byte in name {
      unsafe bytes[at] = byte
      at += 1
    }
    for byte in metadata {
      unsafe bytes[at] = byte
      at += 1
    }
    while at < end {
      unsafe bytes[at] = 0
      at += 1
    }
    unsafe store(
      BlockPreamble.checksum(of: UnsafeRawBufferPointer(bytes), textLength: name.count + metadata.count),
      Offset.checksum)
  }

  /// Bound: `bytes` holds the fixed part and `textLength` bytes after it.
  static func checksum(of bytes: UnsafeRawBufferPointer, textLength: Int) -> UInt32 {
    var checksum = Checksum()
    unsafe checksum.add(UnsafeRawBufferPointer(rebasing: bytes[0..<Offset.checksum]))
    unsafe checksum.add(UnsafeRawBufferPointer(rebasing: bytes[Offset.text..<(Offset.text + textLength)]))
    return checksum.value
  }

  /// The lengths of name and metadata, or nil when so much text cannot be in `bytes`.
  static func textLengths(of bytes: UnsafeRawBufferPointer) -> (name: Int, metadata: Int)? {
    guard bytes.count >= fixedByteCount else { return nil }
    let name = unsafe Int(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: Offset.nameLength, as: UInt32.self)))
    let metadata = unsafe Int(
      UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: Offset.metadataLength, as: UInt32.self)))
    guard name <= StreamSlot.maximumNameByteCount, metadata <= bytes.count - fixedByteCount - name else { return nil }
    return (name, metadata)
  }

  /// How many bytes `init(checking:)` needs of a block that begins with the fixed part in `bytes`; nil when that is not
  /// the beginning of a preamble, by its magic, block size and lengths. Nothing is proven by it.
  static func neededByteCount(of bytes: UnsafeRawBufferPointer) -> Int? {
    guard bytes.count >= fixedByteCount else { return nil }
    func load(_ offset: Int) -> Int {
      unsafe Int(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self)))
    }
    let blockSize = load(Offset.blockSize)
    guard unsafe UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: Offset.magic, as: UInt64.self)) == magic,
      StoreLayout.blockSizes.contains(blockSize), blockSize % StoreLayout.blockSizeUnit == 0,
      load(Offset.nameLength) <= StreamSlot.maximumNameByteCount, load(Offset.metadataLength) <= blockSize / 4
    else { return nil }
    return fixedByteCount + load(Offset.nameLength) + load(Offset.metadataLength)
  }
}

extension BlockPreamble {
  /// Reads and checks the preamble at the start of `bytes`, the block or its first part; nil when its magic, lengths or checksum are wrong.
  /// O(name + metadata).
  init?(checking bytes: UnsafeRawBufferPointer) {
    guard let lengths = unsafe BlockPreamble.textLengths(of: bytes) else { return nil }
    func load<T: FixedWidthInteger & BitwiseCopyable>(_ offset: Int, _: T.Type) -> T {
      unsafe T(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: T.self))
    }
    guard load(Offset.magic, UInt64.self) == BlockPreamble.magic,
      unsafe load(Offset.checksum, UInt32.self)
        == BlockPreamble.checksum(of: bytes, textLength: lengths.name + lengths.metadata)
    else { return nil }
    generation = load(Offset.generation, UInt64.self)
    uuid = StoreUUID(high: load(Offset.uuid, UInt64.self), low: load(Offset.uuid + 8, UInt64.self))
    streamIdentifier = load(Offset.streamIdentifier, UInt64.self)
    sequence = load(Offset.sequence, UInt64.self)
    segment = load(Offset.segment, UInt64.self)
    firstOrdinal = load(Offset.firstOrdinal, UInt64.self)
    blockSize = load(Offset.blockSize, UInt32.self)
    bodyLayout = BodyLayout(
      kind: load(Offset.layoutKind, UInt8.self), entrySize: load(Offset.entrySize, UInt8.self),
      chunkUnits: load(Offset.chunkUnits, UInt16.self))
    timeUnit = load(Offset.timeUnit, UInt8.self)
    payloadChecksums = load(Offset.payloadChecksums, UInt8.self)
    name = unsafe Array(bytes[Offset.text..<(Offset.text + lengths.name)])
    metadata = unsafe Array(bytes[(Offset.text + lengths.name)..<(Offset.text + lengths.name + lengths.metadata)])
  }
}

extension BlockPreamble {
  static func checkLayout() {
    LayoutCheck.requireTiling(
      "BlockPreamble", fixedByteCount,
      [
        (Offset.magic, 8), (Offset.generation, 8), (Offset.uuid, 16), (Offset.streamIdentifier, 8),
        (Offset.sequence, 8), (Offset.segment, 8), (Offset.firstOrdinal, 8), (Offset.blockSize, 4),
        (Offset.layoutKind, 1), (Offset.entrySize, 1), (Offset.timeUnit, 1), (Offset.payloadChecksums, 1),
        (Offset.nameLength, 4), (Offset.metadataLength, 4), (Offset.chunkUnits, 2), (82, 10),
        (Offset.checksum, 4),
      ])
    precondition(Offset.text == fixedByteCount)
  }
}
