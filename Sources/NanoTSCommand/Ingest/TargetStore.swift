import Glibc
import NanoTS

/// What is known of the rows' records before the first of them is stored.
struct RecordShape {
  let metadata: String
  let byteCount: Int
  /// Columns of the input, those included that are no fields.
  let columnCount: Int
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
      let needed = try streams.map { try blocks(of: $0, record) } ?? mostBlocks(record)
      options.blockCount = max(4, min(needed, mostBlocksOfStore))
      // It grows by itself; a small table makes a small file.
      options.initialBlockCount = min(64, max(4, min(options.blockCount, input.byteCount * 4 / max(1, blockSize))))
    }
    return try Store.create(at: path, options)
  }

  /// Two besides those of a stream: one may wait for being written.
  private func blocks(of streams: [HeldStream], _ record: RecordShape) throws -> Int {
    try streams.reduce(0) { sum, stream in
      let nameByteCount = stream.name.utf8.count
      return try sum + 2
        + blocks(of: stream.unkeyed, room(record, of: nil, nameByteCount: nameByteCount, isKeyed: false), record)
        + blocks(of: stream.keyed, room(record, of: nil, nameByteCount: nameByteCount, isKeyed: true), record)
    }
  }

  /// As many as so many frames take, or more.
  private func blocks(of frames: Int, _ room: BlockRoom, _ record: RecordShape) -> Int {
    let framesInBlock = room.leastFrames(of: record.byteCount)
    return (frames + framesInBlock - 1) / framesInBlock
  }

  private func mostBlocks(_ record: RecordShape) throws -> Int {
    let rows = input.byteCount / input.shortestRow(columnCount: record.columnCount) + input.count
    let filled = blocks(
      of: rows, try room(record, of: nil, nameByteCount: BlockRoom.maximumNameByteCount, isKeyed: true), record)
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

  private func room(
    _ record: RecordShape, of stream: StreamStatistics?, nameByteCount: Int, isKeyed: Bool
  ) throws -> BlockRoom {
    try BlockRoom(
      blockSize: blockSize, nameByteCount: nameByteCount, metadataByteCount: record.metadata.utf8.count,
      compression ?? stream?.compression ?? existing?.compression ?? options.compression, isKeyed: isKeyed)
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
      let limit = try room(
        record, of: known[stream.name], nameByteCount: stream.name.utf8.count, isKeyed: isKeyed
      ).largestFrameByteCount
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
  /// Why a store would not take it; nil where it would.
  static func refusal(of name: String) -> String? {
    if name.isEmpty { return "its stream has no name; each row needs one" }
    let mostBytes = BlockRoom.maximumNameByteCount
    if name.utf8.count > mostBytes {
      return
        "its stream's name '\(PrintableText.string(String(name.prefix(40))))…' has \(name.utf8.count) bytes of UTF-8; at "
        + "most \(mostBytes) fit"
    }
    return name.utf8.contains(0)
      ? "its stream's name '\(PrintableText.string(name))' holds a NUL byte; take it out" : nil
  }
}
