//  FileHeader: the first 4 KiB of the file. Written once, at creation, and never again.
//
//     0  magic                        8 B   89 4E 54 53 0D 0A 1A 0A
//     8  version                      u32   1
//    12  byte order                   u32   0x01020304
//    16  incompatible features        u64   a set bit that is not known: the file is not opened
//    24  write-incompatible features  u64   a set bit that is not known: the file is opened read-only
//                                           bit 0: pins hold
//    32  compatible features          u64   set bits that are not known are ignored
//    40  uuid                        16 B
//    56  block size                   u64   bytes
//    64  block count                  u64   of a growable store: the cap
//    72  initial block count          u64   equal to block count: fixed size
//    80  stream capacity              u32
//    84  time unit                    u8    0 ns, 1 µs, 2 ms, 3 s
//    85  payload checksums            u8    1 on, 0 off
//    86  zero                         u16
//    88  stream table offset          u64
//    96  block table offset           u64
//   104  data offset                  u64
//   112  compression                  u32   StoredCompression
//   116  zero                      3976 B
//  4092  checksum                     u32   CRC32C of bytes 0 to 4091

/// The immutable description of a store, as values.
struct FileHeader: Equatable {
  static let byteCount = 4096
  static let magic: UInt64 = 0x0A1A_0A0D_5354_4E89
  static let version: UInt32 = 1
  static let byteOrderMark: UInt32 = 0x0102_0304
  static let knownIncompatibleFeatures: UInt64 = 0
  static let knownWriteIncompatibleFeatures: UInt64 = pinsHold
  /// Write-incompatible feature: a writer never takes a pinned block. One that does not know of pins must not write.
  static let pinsHold: UInt64 = 1

  enum Offset {
    static let magic = 0
    static let version = 8
    static let byteOrder = 12
    static let incompatible = 16
    static let writeIncompatible = 24
    static let compatible = 32
    static let uuid = 40
    static let blockSize = 56
    static let blockCount = 64
    static let initialBlockCount = 72
    static let streamCapacity = 80
    static let timeUnit = 84
    static let payloadChecksums = 85
    static let streamTable = 88
    static let blockTable = 96
    static let data = 104
    static let compression = 112
    static let checksum = 4092
  }

  var magic = FileHeader.magic
  var version = FileHeader.version
  var byteOrder = FileHeader.byteOrderMark
  var incompatibleFeatures: UInt64 = 0
  var writeIncompatibleFeatures: UInt64 = 0
  var compatibleFeatures: UInt64 = 0
  var uuid: StoreUUID
  var blockSize: UInt64
  var blockCount: UInt64
  var initialBlockCount: UInt64
  var streamCapacity: UInt32
  var timeUnit: UInt8
  var payloadChecksums: UInt8
  var streamTableOffset: UInt64
  var blockTableOffset: UInt64
  var dataOffset: UInt64
  var compression: UInt32

  /// Reads the fields out of `bytes`, which must hold at least `byteCount` bytes. Nothing is checked here.
  init(reading bytes: UnsafeRawBufferPointer) {
    precondition(bytes.count >= FileHeader.byteCount)
    func load<T: FixedWidthInteger & BitwiseCopyable>(_ offset: Int, _: T.Type) -> T {
      unsafe T(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: T.self))
    }
    magic = load(Offset.magic, UInt64.self)
    version = load(Offset.version, UInt32.self)
    byteOrder = load(Offset.byteOrder, UInt32.self)
    incompatibleFeatures = load(Offset.incompatible, UInt64.self)
    writeIncompatibleFeatures = load(Offset.writeIncompatible, UInt64.self)
    compatibleFeatures = load(Offset.compatible, UInt64.self)
    uuid = StoreUUID(high: load(Offset.uuid, UInt64.self), low: load(Offset.uuid + 8, UInt64.self))
    blockSize = load(Offset.blockSize, UInt64.self)
    blockCount = load(Offset.blockCount, UInt64.self)
    initialBlockCount = load(Offset.initialBlockCount, UInt64.self)
    streamCapacity = load(Offset.streamCapacity, UInt32.self)
    timeUnit = load(Offset.timeUnit, UInt8.self)
    payloadChecksums = load(Offset.payloadChecksums, UInt8.self)
    streamTableOffset = load(Offset.streamTable, UInt64.self)
    blockTableOffset = load(Offset.blockTable, UInt64.self)
    dataOffset = load(Offset.data, UInt64.self)
    compression = load(Offset.compression, UInt32.self)
  }

  init(
    uuid: StoreUUID, layout: StoreLayout, initialBlockCount: Int, timeUnit: UInt8, payloadChecksums: Bool,
    writeIncompatibleFeatures: UInt64, compression: Compression
  ) {
    self.uuid = uuid
    self.compression = compression.storedWord
    self.writeIncompatibleFeatures = writeIncompatibleFeatures
    blockSize = UInt64(layout.blockSize)
    blockCount = UInt64(layout.blockCount)
    self.initialBlockCount = UInt64(initialBlockCount)
    streamCapacity = UInt32(layout.streamCapacity)
    self.timeUnit = timeUnit
    self.payloadChecksums = payloadChecksums ? 1 : 0
    streamTableOffset = UInt64(layout.streamTableOffset)
    blockTableOffset = UInt64(layout.blockTableOffset)
    dataOffset = UInt64(layout.dataOffset)
  }

  /// Writes the header and its checksum over the first `byteCount` bytes of `bytes`.
  func write(to bytes: UnsafeMutableRawBufferPointer) {
    precondition(bytes.count >= FileHeader.byteCount)
    func store<T: FixedWidthInteger & BitwiseCopyable>(_ value: T, _ offset: Int) {
      unsafe bytes.storeBytes(of: value.littleEndian, toByteOffset: offset, as: T.self)
    }
    for index in 0..<FileHeader.byteCount { unsafe bytes[index] = 0 }
    store(magic, Offset.magic)
    store(version, Offset.version)
    store(byteOrder, Offset.byteOrder)
    store(incompatibleFeatures, Offset.incompatible)
    store(writeIncompatibleFeatures, Offset.writeIncompatible)
    store(compatibleFeatures, Offset.compatible)
    store(uuid.high, Offset.uuid)
    store(uuid.low, Offset.uuid + 8)
    store(blockSize, Offset.blockSize)
    store(blockCount, Offset.blockCount)
    store(initialBlockCount, Offset.initialBlockCount)
    store(streamCapacity, Offset.streamCapacity)
    store(timeUnit, Offset.timeUnit)
    store(payloadChecksums, Offset.payloadChecksums)
    store(streamTableOffset, Offset.streamTable)
    store(blockTableOffset, Offset.blockTable)
    store(dataOffset, Offset.data)
    store(compression, Offset.compression)
    unsafe store(FileHeader.checksum(of: UnsafeRawBufferPointer(bytes)), Offset.checksum)
  }

  /// The checksum that the header page in `bytes` should carry.
  static func checksum(of bytes: UnsafeRawBufferPointer) -> UInt32 {
    var checksum = Checksum()
    unsafe checksum.add(UnsafeRawBufferPointer(rebasing: bytes[0..<Offset.checksum]))
    return checksum.value
  }

  /// The checksum that the header page in `bytes` does carry.
  static func storedChecksum(of bytes: UnsafeRawBufferPointer) -> UInt32 {
    unsafe UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: Offset.checksum, as: UInt32.self))
  }
}

/// The 16 random bytes that tell one store from another.
struct StoreUUID: Equatable {
  let high: UInt64
  let low: UInt64
}

extension FileHeader {
  static func checkLayout() {
    LayoutCheck.requireTiling(
      "FileHeader", byteCount,
      [
        (Offset.magic, 8), (Offset.version, 4), (Offset.byteOrder, 4), (Offset.incompatible, 8),
        (Offset.writeIncompatible, 8), (Offset.compatible, 8), (Offset.uuid, 16), (Offset.blockSize, 8),
        (Offset.blockCount, 8), (Offset.initialBlockCount, 8), (Offset.streamCapacity, 4), (Offset.timeUnit, 1),
        (Offset.payloadChecksums, 1), (86, 2), (Offset.streamTable, 8), (Offset.blockTable, 8), (Offset.data, 8),
        (Offset.compression, 4), (116, 3976), (Offset.checksum, 4),
      ])
  }
}
