import CNanoTS

@testable import NanoTS

/// One random run: the same operations on the engine and on the model, compared after each.
struct ModelRun<Choices: ModelChoices> {
  struct Mismatch: Error, CustomStringConvertible {
    let description: String
  }

  private var random: Choices
  private let path: String
  private let names: [String]
  private var store: Store
  private var model: ModelStore
  private var writers: [String: Writer] = [:]
  private var cursors: [ModelCursor] = []
  /// The engine's pins, as `model.pins` has them.
  private var pins: [Pin] = []
  private var clock: Int64 = 0
  /// Whether some of the streams are compressed.
  private let compresses: Bool
  private(set) var steps = 0

  init(_ choices: Choices, path: String) throws {
    var random = choices
    self.path = path
    let blocks = Int.random(in: 1...12, using: &random)
    let initial = random.oneIn(3) ? Int.random(in: 1...blocks, using: &random) : blocks
    let blockSize = random.oneIn(4) ? 8192 : 4096
    names = (0..<Int.random(in: 1...4, using: &random)).map { String(repeating: "s\($0)", count: 1 + $0 * 9) }
    let pinsHold = random.oneIn(3)
    compresses = LZ4.isAvailable && random.oneIn(2)
    store = try Store.create(
      at: path,
      StoreOptions(
        blockSize: blockSize, blockCount: blocks, initialBlockCount: initial == blocks ? nil : initial,
        streamCapacity: 8, checksums: !random.oneIn(5), pins: pinsHold ? .hold : .giveWay), replacing: true)
    model = ModelStore(blockSize: blockSize, capacity: blocks, initial: initial, pinsHold: pinsHold)
    self.random = random
  }

  mutating func run(steps count: Int) throws {
    for _ in 0..<count where !random.isOver {
      steps += 1
      try step()
      if steps % 500 == 0 { try compareAll() }
    }
    try compareAll()
  }

  private mutating func step() throws {
    let name = names[Int.random(in: 0..<names.count, using: &random)]
    switch Int.random(in: 0..<1000, using: &random) {
    case 0..<450: try append(name)
    case 450..<480: try appendBatch(name)
    case 480..<500: try fill(name)
    case 500..<512: try close(name)
    case 512..<524: try die(name)
    case 524..<527: try dieDuringHandover(name)
    case 527..<533: try free(name)
    case 533..<535: try freeStream(name)
    case 535..<537: try reopen()
    case 537..<540: markHolderDead()
    case 540..<560: try ask(name)
    case 560..<570: try walk(name)
    case 570..<576: try pin(name)
    case 576..<581: unpin()
    case 581..<584: try protect(name)
    case 584..<589: try unprotect(name)
    case 589..<593: try setQuota(name)
    default: try moveCursor(name)
    }
  }

  // MARK: Writing

  private mutating func writer(_ name: String) throws -> (Writer, Int) {
    if let writer = writers[name] { return (writer, model.slot(name)!) }
    let metadata = String(repeating: "m", count: Int.random(in: 0...200, using: &random))
    let clamps = random.oneIn(6)
    let autoReclaim = !random.oneIn(8)
    let chunkByteCount = compresses && !random.oneIn(4) ? 256 << Int.random(in: 0...2, using: &random) : nil
    let writer = try store.writer(
      for: name, metadata: metadata,
      options: WriterOptions(
        durability: .none, autoReclaim: autoReclaim, outOfOrder: clamps ? .clamp : .reject,
        compression: chunkByteCount.map { .lz4(chunkByteCount: $0) } ?? .off))
    writers[name] = writer
    let index = model.openWriter(
      name, metadata: metadata, autoReclaim: autoReclaim, clamps: clamps, chunkByteCount: chunkByteCount)
    guard writer.last == model.slots[index]!.writer!.last else {
      throw Mismatch(description: "'\(name)' goes on after \(writer.last as Any), the model \(model.slots[index]!)")
    }
    return (writer, index)
  }

  private mutating func newFrame() -> ModelFrame {
    let kind = Int.random(in: 0..<100, using: &random)
    if clock > .max - 5 { clock = random.oneIn(3) ? 0 : clock - 5 }
    clock +=
      kind < 90 ? Int64.random(in: 1...5, using: &random) : kind < 95 ? 0 : -Int64.random(in: 0...3, using: &random)
    if random.oneIn(20_000) { clock = .max }
    let key = random.oneIn(40) ? Int64.random(in: -2...5, using: &random) : 0
    let size: Int
    switch Int.random(in: 0..<20, using: &random) {
    case 0: size = 0
    case 1: size = Int.random(in: 0...9000, using: &random)
    case 2...6: size = 16
    default: size = Int.random(in: 0...300, using: &random)
    }
    let payload =
      compresses && random.oneIn(2)
      ? (0..<size).map { UInt8(truncatingIfNeeded: $0 / 8 + steps) } : random.bytes(size)
    return ModelFrame(
      timestamp: clock, key: key, flags: UInt32.random(in: 0...UInt32.max, using: &random), isClamped: false,
      payload: payload, ordinal: 0)
  }

  private func code(_ body: () throws -> Void) throws -> NanoTSError.Code? {
    do {
      try body()
      return nil
    } catch let error as NanoTSError {
      return error.code
    }
  }

  private func same(_ engine: NanoTSError.Code?, _ expected: NanoTSError.Code?, _ what: String) throws {
    guard engine == expected else {
      throw Mismatch(description: "\(what): the engine said \(engine as Any), the model \(expected as Any)")
    }
  }

  /// Runs an append, and tells the model at which frame a compressed block was left.
  private mutating func watching(
    _ writer: Writer, _ index: Int, _ body: () throws -> Void
  ) throws -> NanoTSError.Code? {
    let before = unsafe writer.core.pointee.appender?.life
    let outcome = try code(body)
    let after = unsafe writer.core.pointee.appender
    model.foundNoRoom = nil
    guard model.slots[index]!.writer!.chunkByteCount != nil else { return outcome }
    let start = after.flatMap { $0.life == before ? nil : $0.firstOrdinal }
    // Without an open block, the last one was sealed to be recycled, in vain.
    let end =
      after.map { $0.firstOrdinal + UInt64($0.count) } ?? (unsafe writer.core.pointee.lease!.slot.nextOrdinal.relaxed)
    model.foundNoRoom = { $0 == start || (outcome == .noFreeBlocks && $0 == end) }
    return outcome
  }

  private mutating func append(_ name: String) throws {
    let (writer, index) = try writer(name)
    let frame = newFrame()
    let outcome = try watching(writer, index) {
      try writer.append(frame.payload, at: frame.timestamp, key: frame.key, flags: frame.flags)
    }
    try same(
      outcome, model.append(index, frame),
      "append of \(frame.payload.count) bytes at \(frame.position) after \(writer.last as Any) to '\(name)'")
  }

  private mutating func appendBatch(_ name: String) throws {
    let (writer, index) = try writer(name)
    var frames = (0..<Int.random(in: 0...30, using: &random)).map { _ in newFrame() }
    // So that no more than one block ends in it, and it can be seen which.
    if model.slots[index]!.writer!.chunkByteCount != nil {
      var bytes = 0
      frames = Array(
        frames.prefix {
          // A key, in a stream without, ends a block as well.
          let isFirst = bytes == 0
          bytes += $0.payload.count + 32
          return bytes < 700 && (isFirst || $0.key == 0)
        })
    }
    let payloads = frames.flatMap(\.payload)
    let outcome = try watching(writer, index) {
      let result = unsafe payloads.withUnsafeBytes { bytes in
        var start = 0
        let batch = frames.map { frame in
          defer { start += frame.payload.count }
          return unsafe NewFrame(
            timestamp: frame.timestamp, key: frame.key, flags: frame.flags,
            payload: UnsafeRawBufferPointer(rebasing: bytes[start..<(start + frame.payload.count)]))
        }
        return Result { try writer.append(contentsOf: batch) }
      }
      try result.get()
    }
    var expected = model.refusal(index, frames)
    if expected == nil {
      for frame in frames where expected == nil { expected = model.append(index, frame) }
    }
    try same(outcome, expected, "batch of \(frames.count) to '\(name)'")
  }

  private mutating func fill(_ name: String) throws {
    let (writer, index) = try writer(name)
    var frame = newFrame()
    let reserved = frame.payload.count
    let used = random.oneIn(4) ? -1 : Int.random(in: 0...reserved, using: &random)
    let outcome = try watching(writer, index) {
      unsafe try writer.append(byteCount: reserved, at: frame.timestamp, key: frame.key, flags: frame.flags) { bytes in
        unsafe bytes.copyBytes(from: frame.payload)
        return used
      }
    }
    // Room is made for what was reserved, also when less of it is used.
    var expected = model.append(index, frame, isAbandoned: true)
    if expected == .invalidArgument, used >= 0 {
      frame.payload.removeLast(reserved - used)
      if model.foundNoRoom != nil { model.foundNoRoom = { _ in false } }
      expected = model.append(index, frame)
    }
    try same(outcome, expected, "fill of \(used) of \(reserved) bytes in '\(name)'")
  }

  // MARK: Ending

  private mutating func close(_ name: String) throws {
    guard let writer = writers.removeValue(forKey: name), let index = model.slot(name) else { return }
    try writer.close()
    model.seal(index)
    model.slots[index]!.writer = nil
  }

  /// Leaves the writer as a kill leaves it: the lock is gone, the block open.
  private mutating func die(_ name: String) throws {
    guard let writer = writers.removeValue(forKey: name), let index = model.slot(name) else { return }
    try writer.abandon()
    model.slots[index]!.writer = nil
  }

  private mutating func dieDuringHandover(_ name: String) throws {
    guard let writer = writers[name], let index = model.slot(name) else { return }
    let isClaimed = unsafe try writer.core.pointee.handover.claim() != nil
    let expected = model.claim(for: index, reclaiming: model.slots[index]!.writer!.autoReclaim)
    guard isClaimed == expected else { throw Mismatch(description: "claim gave \(isClaimed), the model \(expected)") }
    try die(name)
  }

  /// As a holder of the allocation lock leaves it that is killed before it changed a list.
  private func markHolderDead() {
    let epoch = store.file.shared.allocationEpoch
    epoch.storeRelaxed(epoch.relaxed | 1)
  }

  private mutating func free(_ name: String) throws {
    let low = clock - Int64.random(in: 0...800, using: &random)
    let high = random.oneIn(3) ? Int64.max : low &+ Int64.random(in: 0...800, using: &random)
    let freed = try store.free(name, in: low...max(low, high))
    let expected = model.free(name, in: low...max(low, high))
    let same = ModelStore.Freed(
      blocks: freed.blocks, frames: Int(freed.frames), protected: freed.protectedBlocks, pinned: freed.pinnedBlocks)
    guard same == expected else {
      throw Mismatch(description: "free of '\(name)' gave \(freed), the model \(expected)")
    }
  }

  private mutating func freeStream(_ name: String) throws {
    if writers[name] != nil {
      try same(try code { try store.free(stream: name) }, model.free(stream: name), "free of the busy stream '\(name)'")
      try close(name)
    }
    try same(try code { try store.free(stream: name) }, model.free(stream: name), "free of the stream '\(name)'")
  }

  // MARK: Keeping

  private mutating func pin(_ name: String) throws {
    if pins.count >= 3 { unpin() }
    let range = range()
    let (pin, expected) = (try store.pin(name, in: range), model.pin(name, range))
    guard pin.blocks == expected.sequences.count, pin.range == expected.range else {
      throw Mismatch(
        description: "pin of '\(name)' in \(range) holds \(pin.blocks) blocks, \(pin.range as Any), in the model "
          + "\(expected)")
    }
    pins.append(pin)
    model.pins.append(expected)
  }

  private mutating func unpin() {
    guard !pins.isEmpty else { return }
    let index = Int.random(in: 0..<pins.count, using: &random)
    // Half of them go by losing their last reference.
    if random.oneIn(2) { pins[index].release() }
    pins.remove(at: index)
    model.pins.remove(at: index)
  }

  private mutating func protect(_ name: String) throws {
    let (time, isPastTheEnd) = clock.addingReportingOverflow(Int64.random(in: -800...300, using: &random))
    let low = isPastTheEnd ? .max : time
    let range = low...(random.oneIn(6) ? .max : max(low, low &+ Int64.random(in: 0...200, using: &random)))
    try same(
      try code { try store.protect(name, in: range) }, model.protect(name, range, true), "protect '\(name)' \(range)")
  }

  private mutating func unprotect(_ name: String) throws {
    let range = random.oneIn(2) ? Int64.min...Int64.max : range()
    try same(
      try code { try store.releaseProtection(of: name, in: range) }, model.protect(name, range, false),
      "release of the protection of '\(name)' in \(range)")
  }

  private mutating func setQuota(_ name: String) throws {
    var quota = StreamQuota()
    if random.oneIn(2) { quota.minimumBlocks = Int.random(in: -1...4, using: &random) }
    if random.oneIn(2) { quota.maximumBlocks = Int.random(in: 0...6, using: &random) }
    if random.oneIn(3) { quota.maximumAge = Int64.random(in: 0...900, using: &random) }
    let expected = model.setQuota(quota, of: name)
    do {
      let freed = try store.setQuota(quota, of: name)
      guard case .success(let released) = expected, released == (freed.blocks, Int(freed.frames)) else {
        throw Mismatch(description: "\(quota) for '\(name)' freed \(freed), the model \(expected)")
      }
    } catch let error as NanoTSError {
      guard case .failure(error.code) = expected else {
        throw Mismatch(description: "\(quota) for '\(name)' threw \(error), the model \(expected)")
      }
    }
  }

  private mutating func reopen() throws {
    for name in names { if random.oneIn(2) { try close(name) } else { try die(name) } }
    cursors = []
    if random.oneIn(2) { try store.close() }
    store = try Store(at: path)
  }

  // MARK: Reading

  private mutating func moveCursor(_ name: String) throws {
    if cursors.count < 3 || random.oneIn(200) {
      if cursors.count >= 3 { cursors.removeFirst() }
      cursors.append(
        ModelCursor(
          cursor: try store.cursor(of: name, options: CursorOptions(verifiesChecksums: random.oneIn(3))), name: name,
          life: model[name]?.life))
    }
    let index = Int.random(in: 0..<cursors.count, using: &random)
    // Most cursors stay behind; some come to the stream's end and find there what came since.
    if random.oneIn(20) {
      for _ in 0..<Int.random(in: 1...150, using: &random) { try cursors[index].step(.next, model) }
      return
    }
    let step: ModelCursor.Step
    switch Int.random(in: 0..<100, using: &random) {
    case 0..<4: step = .first
    case 4..<8: step = .last
    case 8..<20: step = .seek(position())
    case 20..<23: step = .end
    case 23..<70: step = .next
    default: step = .previous
    }
    try cursors[index].step(step, model)
  }

  private mutating func position() -> FramePosition {
    FramePosition(
      timestamp: clock &- Int64.random(in: -20...1500, using: &random),
      key: random.oneIn(2) ? .min : Int64.random(in: -2...5, using: &random))
  }

  private mutating func range() -> ClosedRange<Int64> {
    if random.oneIn(5) { return Int64.min...Int64.max }
    let low = position().timestamp
    return low...(random.oneIn(4) ? .max : max(low, low &+ Int64.random(in: 0...900, using: &random)))
  }

  private mutating func ask(_ name: String) throws {
    let range = range()
    let expected = (model[name]?.frames ?? []).count { range.contains($0.timestamp) }
    let count = try store.frameCount(of: name, in: range)
    guard count == UInt64(expected) else {
      throw Mismatch(description: "count of '\(name)' in \(range) gave \(count), the model \(expected)")
    }
    let streams = try store.streams(in: range)
    let having = names.filter { (model[$0]?.frames ?? []).contains { range.contains($0.timestamp) } }.sorted()
    guard streams == having else { throw Mismatch(description: "streams gave \(streams), the model \(having)") }
  }

  private mutating func walk(_ name: String) throws {
    let range = range()
    let expected = (model[name]?.frames ?? []).filter { range.contains($0.timestamp) }
    let sequence = try store.frames(of: name, in: range)
    let forward = sequence.map(\.ordinal)
    let backward = Array(sequence.reversed().map(\.ordinal))
    guard forward == expected.map(\.ordinal), backward == forward.reversed() else {
      throw Mismatch(
        description: "'\(name)' in \(range) has \(forward.count) frames forward, \(backward.count) back, "
          + "\(expected.count) in the model")
    }
    var cursor = try store.cursor(of: name)
    try cursor.place(before: FramePosition(timestamp: range.lowerBound, key: .min))
    var batched: [UInt64] = []
    while let batch = try cursor.nextBatch(through: range.upperBound) {
      batched += (0..<UInt64(batch.count)).map { batch.firstOrdinal + $0 }
    }
    guard batched == forward else { throw Mismatch(description: "batches of '\(name)' differ from its frames") }
  }

  private func compareAll() throws {
    let report = try store.verify()
    guard report.isClean else { throw Mismatch(description: "verify found \(report.findings)") }
    for name in names { try compare(name, in: store) }
    if steps % 3 == 0 { try compareSnapshot() }
    try comparePins()
    let free = try store.statistics().freeBlocks
    let expected = model.available - model.used + model.slots.count { $0?.hasSpare ?? false }
    guard free == expected else { throw Mismatch(description: "\(free) blocks are free, in the model \(expected)") }
  }

  private func compareSnapshot() throws {
    let snapshot = try Store(at: path, .snapshot)
    let report = try snapshot.verify()
    guard report.isClean else { throw Mismatch(description: "verify of a snapshot found \(report.findings)") }
    for name in names { try compare(name, in: snapshot) }
  }

  private func comparePins() throws {
    for (pin, expected) in zip(pins, model.pins) {
      let lost = model.lostBlocks(of: expected)
      guard pin.lostBlocks == lost, pin.isIntact == (lost == 0) else {
        throw Mismatch(description: "a pin of '\(pin.stream)' has lost \(pin.lostBlocks) blocks, in the model \(lost)")
      }
    }
    let expected = names.compactMap { model[$0] }.map { stream in
      stream.blocks.count { !$0.frames.isEmpty && model.isPinned(stream, $0) }
    }
    let statistics = try store.statistics()
    let pinned = try store.blocks().count { $0.isPinned && $0.frames > 0 }
    guard statistics.pinnedBlocks == expected.reduce(0, +), pinned == statistics.pinnedBlocks else {
      throw Mismatch(description: "\(statistics.pinnedBlocks) blocks are pinned, in the model \(expected)")
    }
  }

  private func compare(_ name: String, in store: Store) throws {
    guard let stream = model[name] else {
      guard try store.statistics(of: name) == nil else { throw Mismatch(description: "'\(name)' should not be there") }
      return
    }
    let frames = stream.frames
    let read = try store.frames(of: name).map { frame in
      ModelFrame(
        timestamp: frame.timestamp, key: frame.key, flags: frame.flags, isClamped: frame.wasClamped,
        payload: try frame.copyBytes(), ordinal: frame.ordinal)
    }
    guard read == frames else { throw Mismatch(description: "'\(name)' does not hold the model's frames") }
    let statistics = try store.statistics(of: name)!
    let blocks = stream.blocks.filter { !$0.frames.isEmpty }
    guard statistics.frames == UInt64(frames.count), statistics.blocks == blocks.count,
      statistics.bytes == UInt64(frames.reduce(0) { $0 + $1.payload.count }),
      statistics.first == frames.first?.timestamp, statistics.last == frames.last?.timestamp,
      statistics.reclaimedBlocks == stream.reclaimedBlocks, statistics.reclaimedFrames == stream.reclaimedFrames,
      statistics.quota == stream.quota, statistics.protectedRanges == stream.protected,
      statistics.protectedBlocks == blocks.count(where: { model.isProtected(stream, $0) })
    else { throw Mismatch(description: "statistics of '\(name)' are \(statistics)") }
    let segments = try store.segments(of: name)
    let runs = try store.contiguousRuns(of: name)
    guard segments.map(\.number) == Self.unique(blocks.map(\.segment)),
      segments.map(\.metadata)
        == Self.unique(blocks.map(\.segment)).map({ n in blocks.last { $0.segment == n }!.metadata }),
      runs.map(\.frames).reduce(0, +) == UInt64(frames.count), runs.count == Self.runs(blocks)
    else { throw Mismatch(description: "segments of '\(name)' are \(segments), runs \(runs)") }
  }

  private static func unique(_ numbers: [UInt64]) -> [UInt64] {
    numbers.reduce(into: []) { if $0.last != $1 { $0.append($1) } }
  }

  private static func runs(_ blocks: [ModelBlock]) -> Int {
    var runs = 0
    for (index, block) in blocks.enumerated() {
      let before = index > 0 ? blocks[index - 1] : nil
      let followsOn = before.map {
        $0.segment == block.segment && $0.frames.last!.ordinal + 1 == block.frames[0].ordinal
      }
      if followsOn != true { runs += 1 }
    }
    return runs
  }
}

extension Writer {
  /// What a kill does to a writer, within one process: its lock goes and nothing is sealed.
  func abandon() throws {
    try unsafe core.pointee.background?.finish()
    unsafe try core.pointee.lease?.release()
    unsafe core.pointee.lease = nil
    unsafe core.pointee.appender = nil
  }
}
