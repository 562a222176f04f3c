/// Where the blocks of a damaged store lie: as its header says or, without one that proves itself, as its blocks do.
struct DamagedLayout {
  let uuid: StoreUUID
  let blockSize: Int
  let timeUnit: UInt8
  let checksPayloads: Bool
  let pinsHold: Bool
  let compression: Compression
  /// The header's layout; nil when it did not prove itself.
  let headerLayout: StoreLayout?
  /// Where block 0 begins. Without a header: a place before which no block is, a whole number of blocks away from each.
  let dataOffset: Int
  /// Blocks of which the file has a byte, or room for the header.
  let blockCount: Int
  /// Where the block header of block 0 is, or would be; nil when no block table was found.
  var tableOffset: Int?

  /// The layout that a right header gives. Throws `.unsupportedVersion` or `.unsupportedFeature` for a store of a later
  /// release; nil when the header does not prove itself.
  static func fromHeader(of file: DamagedFile) throws(NanoTSError) -> DamagedLayout? {
    let page = PrivateBytes(count: FileHeader.byteCount)
    file.read(page.count, at: 0, into: page)
    let bytes = unsafe page.prefix(page.count)
    let header = unsafe FileHeader(reading: bytes)
    guard header.magic == FileHeader.magic,
      unsafe FileHeader.storedChecksum(of: bytes) == FileHeader.checksum(of: bytes)
    else { return nil }
    let layout: StoreLayout
    do throws(NanoTSError) {
      _ = try unsafe StoreOpening.check(bytes, page.count, file.path)
      // As for writing: what has features that this build does not know how to write cannot be written anew.
      try StoreOpening.checkFeatures(of: header, .readWrite, file.path)
      layout = try StoreOpening.checkedLayout(of: header, file.path)
    } catch {
      guard error.code != .corrupt else { return nil }
      throw error
    }
    // Headers also tell of blocks that were cut off.
    let headers = max(0, file.byteCount - layout.blockTableOffset) / BlockHeader.byteCount
    return DamagedLayout(
      uuid: header.uuid, blockSize: layout.blockSize, timeUnit: header.timeUnit,
      checksPayloads: header.payloadChecksums == 1,
      pinsHold: header.writeIncompatibleFeatures & FileHeader.pinsHold != 0,
      compression: Compression(storedAs: header.compression) ?? .off, headerLayout: layout,
      dataOffset: layout.dataOffset,
      blockCount: min(layout.blockCount, headers),
      tableOffset: layout.blockTableOffset)
  }

  /// The layout that `family`, found by searching, gives.
  init(_ family: BlockFamily, in file: DamagedFile) {
    uuid = StoreUUID(high: family.uuidHigh, low: family.uuidLow)
    blockSize = family.blockSize
    timeUnit = family.timeUnit
    checksPayloads = family.checksPayloads
    pinsHold = false
    compression = .off
    headerLayout = nil
    // Blocks begin behind the tables, which end before the first multiple of 64 KiB at the earliest.
    let least = DamagedLayout.leastDataOffset
    dataOffset = least + (family.phase + blockSize - least % blockSize) % blockSize
    blockCount = max(0, (file.byteCount - dataOffset + blockSize - 1) / blockSize)
    tableOffset = nil
  }

  private init(
    uuid: StoreUUID, blockSize: Int, timeUnit: UInt8, checksPayloads: Bool, pinsHold: Bool, compression: Compression,
    headerLayout: StoreLayout, dataOffset: Int, blockCount: Int, tableOffset: Int
  ) {
    self.uuid = uuid
    self.blockSize = blockSize
    self.timeUnit = timeUnit
    self.checksPayloads = checksPayloads
    self.pinsHold = pinsHold
    self.compression = compression
    self.headerLayout = headerLayout
    self.dataOffset = dataOffset
    self.blockCount = blockCount
    self.tableOffset = tableOffset
  }

  static let leastDataOffset = 65_536

  static var slotsOffset: Int { FileHeader.byteCount + SharedState.byteCount }

  /// Where block `index` begins.
  func offset(of index: Int) -> Int { dataOffset + index * blockSize }

  /// True when the file has a byte of block `index`.
  func hasByte(of index: Int, in file: DamagedFile) -> Bool { offset(of: index) < file.byteCount }

  /// Where the block header of block `index` is; nil when it is not known or not in the file.
  func headerOffset(of index: Int, in file: DamagedFile) -> Int? {
    guard let tableOffset else { return nil }
    let offset = tableOffset + index * BlockHeader.byteCount
    return offset >= DamagedLayout.slotsOffset && offset <= file.byteCount - BlockHeader.byteCount ? offset : nil
  }

  /// True when `preamble` is of a block of this store.
  func has(_ preamble: BlockPreamble) -> Bool {
    preamble.uuid == uuid && Int(preamble.blockSize) == blockSize && preamble.timeUnit == timeUnit
      && preamble.payloadChecksums == (checksPayloads ? 1 : 0)
  }
}
