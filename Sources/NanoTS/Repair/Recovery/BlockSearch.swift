/// What the blocks of one store have in common.
struct BlockFamily: Hashable {
  let uuidHigh: UInt64
  let uuidLow: UInt64
  let blockSize: Int
  /// Where blocks begin, modulo the block size.
  let phase: Int
  let timeUnit: UInt8
  let checksPayloads: Bool

  init(_ preamble: BlockPreamble, at offset: Int) {
    uuidHigh = preamble.uuid.high
    uuidLow = preamble.uuid.low
    blockSize = Int(preamble.blockSize)
    phase = offset % blockSize
    timeUnit = preamble.timeUnit
    checksPayloads = preamble.payloadChecksums == 1
  }
}

/// Searches a file with no right header for the blocks of a store.
///
/// Blocks begin at multiples of 4 KiB. A file may hold blocks of several stores: remains of an earlier file, or a store
/// that lies as a payload in another one. The store whose blocks cover the most bytes is meant: the blocks of a store
/// within a payload cover less than those of the one around it.
struct BlockSearch {
  private let file: DamagedFile
  private var families: [BlockFamily: Int] = [:]
  /// A hostile file must not take memory without a bound.
  private static let maximumFamilies = 4_096
  private static let chunkByteCount = 1 << 20

  init(_ file: DamagedFile) { self.file = file }

  /// The family of the store's blocks and how many there are; nil when no block proves itself. O(bytes of the file).
  mutating func run(
    _ tell: (_ done: Int, _ total: Int) throws(NanoTSError) -> Void
  ) throws(NanoTSError) -> (family: BlockFamily, blocks: Int)? {
    let chunk = PrivateBytes(count: BlockSearch.chunkByteCount)
    let page = PrivateBytes(count: StoreLayout.blockSizeUnit)
    let reader = PreambleReader(file)
    let total = (file.byteCount + chunk.count - 1) / chunk.count
    for index in 0..<total {
      try tell(index, total)
      let start = index * chunk.count
      let count = min(chunk.count, file.byteCount - start)
      file.read(count, at: start, into: chunk)
      for offset in stride(from: 0, to: count, by: page.count) where isBegin(chunk, offset) {
        file.read(page.count, at: start + offset, into: page)
        if let preamble = reader.preamble(in: page, at: start + offset) { note(preamble, at: start + offset) }
      }
    }
    guard let best = families.max(by: { isLess($0, $1) }) else { return nil }
    return (best.key, best.value)
  }

  /// Fewer bytes; the rest only so that the same file always gives the same answer.
  private func isLess(_ one: (key: BlockFamily, value: Int), _ other: (key: BlockFamily, value: Int)) -> Bool {
    // Blocks that overlap, as only a hostile file has them, cover no more than the file.
    func covered(_ family: (key: BlockFamily, value: Int)) -> Int {
      min(family.value, file.byteCount / family.key.blockSize + 1) * family.key.blockSize
    }
    let (left, right) = (covered(one), covered(other))
    if left != right { return left < right }
    if one.key.phase != other.key.phase { return one.key.phase > other.key.phase }
    return (one.key.uuidHigh, one.key.uuidLow) < (other.key.uuidHigh, other.key.uuidLow)
  }

  /// Bound: blocks begin at a multiple of 4 KiB within the chunk, so a word fits.
  private func isBegin(_ chunk: PrivateBytes, _ offset: Int) -> Bool {
    unsafe UInt64(littleEndian: chunk.bytes.load(fromByteOffset: offset, as: UInt64.self)) == BlockPreamble.magic
  }

  private mutating func note(_ preamble: BlockPreamble, at offset: Int) {
    let family = BlockFamily(preamble, at: offset)
    if families[family] == nil, families.count >= BlockSearch.maximumFamilies { return }
    families[family, default: 0] += 1
  }
}

/// Finds the block table of a file with no right header: its entries name lives that preambles name as well, and lie as
/// far apart from each other as the blocks do.
struct BlockTableSearch {
  let file: DamagedFile
  let layout: DamagedLayout
  /// So many blocks are enough to find the table by.
  private static let maximumSamples = 65_536
  private static let maximumPlaces = 4_096

  /// Where the header of block 0 of `layout` is, or would be; nil when no entry matches. O(bytes before the blocks).
  func run() -> Int? {
    var lives: [UInt64: Int] = [:]
    let reader = PreambleReader(file)
    var firstBlock = layout.blockCount
    for index in 0..<layout.blockCount where lives.count < BlockTableSearch.maximumSamples {
      guard let preamble = reader.preamble(at: layout.offset(of: index)), layout.has(preamble) else { continue }
      firstBlock = min(firstBlock, index)
      lives[preamble.generation] = index
    }
    guard !lives.isEmpty else { return nil }
    var votes: [Int: Int] = [:]
    let chunk = PrivateBytes(count: StoreLayout.blockSizeUnit)
    for start in stride(from: DamagedLayout.slotsOffset, to: layout.offset(of: firstBlock), by: chunk.count) {
      file.read(chunk.count, at: start, into: chunk)
      for offset in stride(from: 0, to: chunk.count, by: BlockHeader.byteCount) {
        let header = StoredHeader(chunk, at: offset)
        guard header.isRight, let block = lives[header.generation] else { continue }
        let place = start + offset - block * BlockHeader.byteCount
        if votes[place] != nil || votes.count < BlockTableSearch.maximumPlaces { votes[place, default: 0] += 1 }
      }
    }
    return votes.max { ($0.value, $1.key) < ($1.value, $0.key) }?.key
  }
}
