import Testing

@testable import NanoTS

/// A store with everything that recovery must bring along, what it holds, and what it ever held.
///
/// "plain" was recycled at its front and freed in its middle, has three segments and a clamped frame; "keyed ü" has keys
/// and a quota and a protected range; "gone" was freed; "empty" has no frame. Blocks of 4 KiB.
final class RecoverySource {
  let directory: TemporaryDirectory
  let path: String
  let output: String
  let bytes: [UInt8]
  /// What readers see.
  let content: [String: StreamContent]
  /// Every frame that was ever appended, by ordinal.
  private(set) var history: [String: [UInt64: StoredFrame]] = [:]
  /// Blocks that hold frames.
  let blocks: [(index: Int, stream: String, ordinals: Range<UInt64>)]
  /// Where the structures lie.
  let layout: StoreLayout

  init(
    blocks: Int = 24, initial: Int? = nil, streams: Int = 8, checksums: Bool = true, unit: TimeUnit = .milliseconds
  ) throws {
    directory = try TemporaryDirectory()
    path = directory.path("source.nts")
    output = directory.path("recovered.nts")
    let store = try Store.create(
      at: path,
      StoreOptions(
        blockSize: 4096, blockCount: blocks, initialBlockCount: initial, streamCapacity: streams, timeUnit: unit,
        checksums: checksums))
    var history: [String: [UInt64: StoredFrame]] = [:]
    var random = SeededGenerator(seed: 11)
    func append(_ count: Int, _ stream: String, _ segment: UInt64, keyed: Bool = false) throws {
      let writer = try store.writer(
        for: stream, metadata: "\(stream) \(segment)", options: WriterOptions(durability: .none))
      let start = (writer.last?.timestamp ?? 0) + 1
      for index in 0..<count {
        let ordinal = UInt64(history[stream]?.count ?? 0)
        let frame = StoredFrame(
          start + Int64(keyed ? index / 3 : index), key: keyed ? Int64(index % 3) - 1 : 0,
          flags: UInt32(truncatingIfNeeded: ordinal &* 7), random.bytes(Int.random(in: 0...200, using: &random)),
          ordinal: ordinal, segment: segment)
        try writer.append(frame.payload, at: frame.timestamp, key: frame.key, flags: frame.flags)
        history[stream, default: [:]][ordinal] = frame
      }
      try writer.close()
    }
    try append(60, "plain", 0)
    try append(40, "gone", 0)
    try append(120, "keyed ü", 0, keyed: true)
    try append(400, "plain", 1)
    try store.free(stream: "gone")
    try store.setQuota(StreamQuota(minimumBlocks: 2), of: "keyed ü")
    try store.protect("keyed ü", in: 5...30)
    try append(150, "plain", 2)
    let clamping = try store.writer(for: "plain", metadata: "clamping", options: WriterOptions(outOfOrder: .clamp))
    let last = clamping.last!.timestamp
    try clamping.append([9, 9], at: 0)
    try clamping.close()
    history["plain"]![610] = StoredFrame(last + 1, [9, 9], ordinal: 610, segment: 3, wasClamped: true)
    try store.writer(for: "empty").close()
    let oldest = try store.contents(of: "plain").first!.timestamp
    try store.free("plain", in: (oldest + 150)...(oldest + 220))
    content = try store.content()
    layout = store.file.layout
    self.blocks = (0..<(try store.file.blocksInFile())).compactMap { index in
      guard let values = store.file.header(index).values(), values.holdsFrames, values.commit.count > 0,
        let name = StreamTable(file: store.file).name(of: values)
      else { return nil }
      return (index, name, values.firstOrdinal..<(values.firstOrdinal + UInt64(values.commit.count)))
    }
    try store.close()
    bytes = try StoreBytes.read(path)
    self.history = history
  }

  /// The place of the bytes of block `index`.
  func body(_ index: Int) -> Range<Int> { layout.fileSize(blocks: index)..<layout.fileSize(blocks: index + 1) }

  // MARK: Recovering

  /// Writes `damaged` to a file, recovers it, and checks what must hold whatever the damage: the input stays as it is; the
  /// new store is clean, can be written on, and holds every frame of each block whose bytes are as they were; no frame is
  /// there that was not appended; the report says what is there. Nil when nothing was left, and nothing was intact.
  @discardableResult
  func recover(
    _ damaged: [UInt8], _ what: String = "", sourceLocation: SourceLocation = #_sourceLocation
  ) throws -> (store: Store, report: RecoveryReport)? {
    let input = directory.path("damaged.nts")
    try StoreBytes.write(damaged, to: input)
    let report: RecoveryReport
    do throws(NanoTSError) {
      report = try Store.recover(input, to: output, RecoveryOptions(replacing: true))
    } catch {
      guard error.code == .notAStore || error.code == .corrupt else { throw error }
      #expect(!blocks.contains { isIntact($0.index, in: damaged) }, "\(what): \(error)", sourceLocation: sourceLocation)
      return nil
    }
    #expect(try StoreBytes.read(input) == damaged, "\(what)", sourceLocation: sourceLocation)
    #expect(
      try directory.contents().filter { $0.hasSuffix(".new") } == [], "\(what)", sourceLocation: sourceLocation)
    let store = try Store(at: output, .readOnly)
    #expect(try store.verify().findings.map(\.description) == [], "\(what)", sourceLocation: sourceLocation)
    let found = try store.content()
    for (name, content) in found {
      let known = history[String(name.prefix { $0 != "(" }).trimmed] ?? history[name] ?? [:]
      let isRight = content.frames.allSatisfy { known[$0.ordinal] == $0 || name.hasPrefix("unnamed-") }
      #expect(isRight, "\(what): wrong frames in '\(name)'", sourceLocation: sourceLocation)
    }
    for block in blocks where isIntact(block.index, in: damaged) {
      let there = Set(found[block.stream]?.frames.map(\.ordinal) ?? [])
      #expect(
        block.ordinals.allSatisfy { there.contains($0) },
        "\(what): block \(block.index) of '\(block.stream)', frames \(block.ordinals); \(report.losses)",
        sourceLocation: sourceLocation)
    }
    #expect(report.streams.map(\.name).sorted() == found.keys.sorted(), "\(what)", sourceLocation: sourceLocation)
    for stream in report.streams {
      let frames = found[stream.name]?.frames ?? []
      #expect(stream.frames == UInt64(frames.count), "\(what)", sourceLocation: sourceLocation)
      #expect(
        stream.firstTimestamp == frames.first?.timestamp && stream.lastTimestamp == frames.last?.timestamp,
        "\(what)", sourceLocation: sourceLocation)
      #expect(stream.bytes == UInt64(frames.reduce(0) { $0 + $1.payload.count }), sourceLocation: sourceLocation)
    }
    return (store, report)
  }

  private func isIntact(_ index: Int, in damaged: [UInt8]) -> Bool {
    let range = body(index)
    return range.upperBound <= damaged.count && bytes[range] == damaged[range]
  }

  /// Recovers and expects everything that readers saw, and nothing told as lost.
  @discardableResult
  func expectWhole(
    _ damaged: [UInt8], _ what: String = "", sourceLocation: SourceLocation = #_sourceLocation
  ) throws -> RecoveryReport? {
    guard let (store, report) = try recover(damaged, what, sourceLocation: sourceLocation) else {
      Issue.record("nothing was recovered: \(what)", sourceLocation: sourceLocation)
      return nil
    }
    #expect(report.losses.map(\.description) == [], "\(what)", sourceLocation: sourceLocation)
    #expect(report.isWhole, "\(what)", sourceLocation: sourceLocation)
    #expect(try store.content() == content, "\(what)", sourceLocation: sourceLocation)
    return report
  }
}

extension String {
  fileprivate var trimmed: String { hasSuffix(" ") ? String(dropLast()) : self }
}
