import Glibc
import NanoTS

/// What is known of the rows' records before the first of them is stored.
struct RecordShape {
  let metadata: String
  let byteCount: Int
  /// Columns of the input, those included that are no fields.
  let columnCount: Int
}

/// How frames of one shape fill blocks.
///
/// A block holds a preamble, and for each frame its record, rounded up to 8, and an entry of the index.
struct BlockFilling {
  let blockSize: Int
  let record: RecordShape
  let compression: Compression

  /// Names and metadata of so many bytes lie at a block's beginning.
  private func start(_ nameByteCount: Int) -> Int { (96 + nameByteCount + record.metadata.utf8.count + 63) & ~63 }

  private var paddedByteCount: Int { (record.byteCount + 7) & ~7 }

  private static func entryByteCount(isKeyed: Bool) -> Int { isKeyed ? 32 : 24 }

  /// The largest record that a block can hold. Where frames are compressed, a part of the block is for those that are not yet.
  func largestRecord(nameByteCount: Int, isKeyed: Bool) -> Int {
    let (start, entry) = (start(nameByteCount), Self.entryByteCount(isKeyed: isKeyed))
    guard case .lz4(let said) = compression else { return (blockSize - start - entry) & ~7 }
    let chunk = said ?? min(16 << 10, blockSize / 16)
    let staging = (chunk / 8 * 15 + 63) & ~63
    // A chunk of one frame has an entry of 48 bytes, and 32 at most beside the payload.
    return max(blockSize - staging - start - 48 - 32, min(chunk / 8 * 9, staging - entry)) & ~7
  }

  /// How many blocks so many frames of a stream take, or fewer.
  func blocks(of frames: Int, nameByteCount: Int, isKeyed: Bool) -> Int {
    var (room, frame) = (blockSize - start(nameByteCount), paddedByteCount + Self.entryByteCount(isKeyed: isKeyed))
    if compression != .off {
      // What does not become smaller: up to half of a block is for other than chunks, and each frame may be a chunk.
      (room, frame) = (blockSize / 2 - start(nameByteCount), frame + 96)
    }
    let framesInBlock = max(1, room / frame)
    return (frames + framesInBlock - 1) / framesInBlock
  }
}

/// Frames that wait for being stored, of one stream.
struct HeldStream {
  let name: String
  /// Where its first row was.
  let line: Int
  /// Frames before the first that has a key, which all have entries without.
  var unkeyed = 0
  /// That one and those after it.
  var keyed = 0
}

/// The store that rows go to: one that is there, or one that is made when the first frame comes.
struct TargetStore {
  let existing: Store?
  let path: String
  /// Of a store that is made.
  let options: StoreOptions
  /// As many as were asked for, of a store that is made.
  let blocks: Int?
  /// As was asked for.
  let compression: Compression?
  let input: InputSize

  var unit: TimeUnit { existing?.timeUnit ?? options.timeUnit }
  private var blockSize: Int { existing?.blockSize ?? options.blockSize }

  /// A store that is made for the rows keeps all of them.
  var reclaims: Bool { existing != nil || blocks != nil }

  /// Opens the store, or makes it for `streams`; nil where they are not known yet.
  func open(_ record: RecordShape, for streams: [HeldStream]? = nil) throws -> Store {
    if let existing { return existing }
    var options = options
    if let blocks {
      options.blockCount = blocks
    } else {
      let needed = streams.map { blocks(of: $0, record) } ?? mostBlocks(record)
      options.blockCount = max(4, min(needed, mostBlocksOfStore))
      // It grows by itself; a small table makes a small file.
      options.initialBlockCount = min(64, max(4, min(options.blockCount, input.byteCount * 4 / max(1, blockSize))))
    }
    return try Store.create(at: path, options)
  }

  /// Two besides those of a stream: one may wait for being written.
  private func blocks(of streams: [HeldStream], _ record: RecordShape) -> Int {
    let filling = filling(record, of: nil)
    return streams.reduce(0) { sum, stream in
      let nameByteCount = stream.name.utf8.count
      return sum + 2 + filling.blocks(of: stream.unkeyed, nameByteCount: nameByteCount, isKeyed: false)
        + filling.blocks(of: stream.keyed, nameByteCount: nameByteCount, isKeyed: true)
    }
  }

  private func mostBlocks(_ record: RecordShape) -> Int {
    let rows = input.byteCount / input.shortestRow(columnCount: record.columnCount) + input.count
    let filled = filling(record, of: nil).blocks(
      of: rows, nameByteCount: StreamName.mostBytes, isKeyed: true)
    // What has no length is not taken to be of the shortest rows that there can be: each block takes 128 bytes of the file.
    let assumed = input.isCounted ? filled : min(filled, Self.mostGrowth * input.byteCount / max(1, blockSize))
    return assumed + Self.blocksBesideFull * options.streamCapacity + 64
  }

  /// Of a stream: one that is not full, one that was not when the first key came, and one that waits.
  private static let blocksBesideFull = 3

  /// How much larger than an input of unknown length a store is taken to become.
  private static let mostGrowth = 64

  /// What the format allows: 2^31 - 1 blocks, and 64 TiB.
  private var mostBlocksOfStore: Int { min(Int(Int32.max), ((1 << 46) - (64 << 20)) / max(1, blockSize + 128)) }

  private func filling(_ record: RecordShape, of stream: StreamStatistics?) -> BlockFilling {
    BlockFilling(
      blockSize: blockSize, record: record,
      compression: compression ?? stream?.compression ?? existing?.compression ?? options.compression)
  }

  /// Takes back a store that was made and has nothing in it yet.
  func discard(_ store: Store) {
    guard existing == nil else { return }
    try? store.close()
    unsafe unlink(path)
  }

  // MARK: Before anything is stored

  /// Throws when a store would refuse any of the streams or frames. Nothing is made or changed.
  func check(_ streams: [HeldStream], _ record: RecordShape) throws {
    let mostMetadata = blockSize / 4
    guard record.metadata.utf8.count <= mostMetadata else {
      throw CommandFailure(
        "the names of the columns take \(record.metadata.utf8.count) bytes in each block, and at most \(mostMetadata) of "
          + "\(blockSize) may be theirs; take larger blocks (--block-size) or fewer columns")
    }
    let statistics = try existing?.statistics()
    let known = Dictionary((statistics?.streams ?? []).map { ($0.name, $0) }) { first, _ in first }
    try checkSizes(streams, record, known)
    try checkStreams(streams, known, capacity: statistics?.streamCapacity ?? options.streamCapacity)
    try checkRoom(streams, statistics)
  }

  private func checkSizes(
    _ streams: [HeldStream], _ record: RecordShape, _ known: [String: StreamStatistics]
  ) throws {
    for stream in streams {
      // A stream that is there may have had keys, and has then room for them from there on.
      let isKeyed = stream.keyed > 0 || known[stream.name] != nil
      let limit = filling(record, of: known[stream.name]).largestRecord(
        nameByteCount: stream.name.utf8.count, isKeyed: isKeyed)
      guard record.byteCount <= limit else {
        throw RowRefusal(
          line: stream.line,
          reason:
            "a frame of \(record.byteCount) bytes does not fit: the limit is \(limit) bytes with blocks of \(blockSize), this "
            + "stream name and these columns; take larger blocks (--block-size) or shorter texts (--types)")
      }
    }
  }

  private func checkStreams(_ streams: [HeldStream], _ known: [String: StreamStatistics], capacity: Int) throws {
    let new = streams.count { known[$0.name] == nil }
    guard known.count + new <= capacity else {
      throw CommandFailure(
        "the rows are of \(new) streams that the store does not have, and it has room for \(capacity - known.count) more; make "
          + "one with 'nanots create --stream-capacity'")
    }
    for stream in streams {
      guard let known = known[stream.name], known.isWritten else { continue }
      throw CommandFailure(
        "the stream '\(PrintableText.string(stream.name))' has a writer already, in process \(known.writerProcessID ?? 0); "
          + "end that one, or take another stream")
    }
  }

  /// Where older blocks make room, each stream must at least come to have those that it writes.
  private func checkRoom(_ streams: [HeldStream], _ statistics: StoreStatistics?) throws {
    guard reclaims else { return }
    let count = statistics?.blockCount ?? blocks ?? 0
    // In stores of so many blocks another one is made ready while one is written.
    let needed = streams.count * (count >= 64 ? 2 : 1)
    let takeable = statistics.map { takeableBlocks($0, by: Set(streams.map(\.name))) } ?? count
    guard needed <= takeable else {
      throw CommandFailure(
        "\(NumberText.counted(streams.count, "stream")) need \(NumberText.counted(needed, "block")), and of the \(count) of "
          + "the store \(takeable) can be had; release what is protected or pinned, or make a store of more blocks")
    }
  }

  /// Blocks that are nobody's or may be taken from somebody.
  private func takeableBlocks(_ statistics: StoreStatistics, by names: Set<String>) -> Int {
    let unowned = statistics.blockCount - statistics.openBlocks - statistics.sealedBlocks
    let kept = statistics.streams.reduce(0) { sum, stream in
      let own = names.contains(stream.name)
      let minimum = own ? 0 : stream.quota.minimumBlocks
      let held = stream.protectedBlocks + (statistics.pinPolicy == .hold ? stream.pinnedBlocks : 0)
      // What a stream has, or may yet claim, is the larger of what is held in it and of its minimum; its open block apart.
      return sum + max(min(held, stream.blocks), minimum - (stream.isWritten ? 1 : 0), 0)
    }
    return max(0, unowned + statistics.sealedBlocks - kept)
  }
}

/// How much there is to be read.
struct InputSize {
  let byteCount: Int
  /// False where one of the inputs has no length, and what it has is assumed.
  let isCounted: Bool
  /// How many inputs there are: the last row of each may have no line end.
  let count: Int
  let isJSON: Bool

  /// No row that is taken has fewer bytes of text: a digit, delimiters and the line's end, or {"":1} with it.
  func shortestRow(columnCount: Int) -> Int { isJSON ? 7 : columnCount + 1 }
}

/// What a stream may be called.
enum StreamName {
  static let mostBytes = 192

  /// Why a store would not take it; nil where it would.
  static func refusal(of name: String) -> String? {
    if name.isEmpty { return "its stream has no name; each row needs one" }
    if name.utf8.count > mostBytes {
      return
        "its stream's name '\(PrintableText.string(String(name.prefix(40))))…' has \(name.utf8.count) bytes of UTF-8; at "
        + "most \(mostBytes) fit"
    }
    return name.utf8.contains(0)
      ? "its stream's name '\(PrintableText.string(name))' holds a NUL byte; take it out" : nil
  }
}
