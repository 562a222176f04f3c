import Testing

@testable import NanoTS

/// Everything of a stream that readers can ask for, as values that can be compared.
struct StreamContent: Equatable {
  var frames: [StoredFrame]
  /// The numbers and metadata of the segments that have a frame.
  var segments: [String]

  init(frames: [StoredFrame], segments: [String]) {
    self.frames = frames
    self.segments = segments
  }

  init(_ store: Store, _ stream: String) throws {
    frames = try store.contents(of: stream)
    segments = try store.segments(of: stream).map { "\($0.number) \($0.metadata)" }
  }
}

extension Store {
  /// Every stream's content.
  func content() throws -> [String: StreamContent] {
    var content: [String: StreamContent] = [:]
    for stream in try streams() { content[stream] = try StreamContent(self, stream) }
    return content
  }
}

/// Expects that the copy at `path` is a clean store with exactly `content`, answers every kind of question by it, and
/// can be written on: each stream continues with the ordinal `nextOrdinals` has, or that after its last frame.
func expectCopy(
  at path: String, has content: [String: StreamContent], nextOrdinals: [String: UInt64] = [:],
  sourceLocation: SourceLocation = #_sourceLocation
) throws {
  let copy = try Store(at: path, .readOnly)
  #expect(!copy.isSuspect, sourceLocation: sourceLocation)
  // Neither is it in another boot.
  let shared = copy.file.shared
  #expect(shared.closedCleanly.relaxed == 1 && shared.unorderedReuse.relaxed == 0, sourceLocation: sourceLocation)
  #expect(shared.bootID == Machine.bootID(), sourceLocation: sourceLocation)
  let report = try copy.verify()
  #expect(report.findings.map(\.description) == [], sourceLocation: sourceLocation)
  #expect(try copy.streams() == content.keys.sorted(), sourceLocation: sourceLocation)
  for (stream, expected) in content {
    #expect(try StreamContent(copy, stream) == expected, "\(stream)", sourceLocation: sourceLocation)
    let ordinals = expected.frames.map(\.ordinal)
    #expect(
      try copy.frames(of: stream).reversed().map(\.ordinal) == ordinals.reversed(), sourceLocation: sourceLocation)
    #expect(try copy.frames(of: stream).allSatisfy { $0.missed == 0 }, sourceLocation: sourceLocation)
    #expect(try copy.frameCount(of: stream) == UInt64(ordinals.count), sourceLocation: sourceLocation)
    for frame in expected.frames.indices where frame % 37 == 0 {
      let tail = expected.frames[frame...]
      let range = tail.first!.timestamp...Int64.max
      let inRange = expected.frames.count { range.contains($0.timestamp) }
      #expect(try copy.frameCount(of: stream, in: range) == UInt64(inRange), sourceLocation: sourceLocation)
    }
  }
  #expect(
    report.checkedFrames == UInt64(content.values.reduce(0) { $0 + $1.frames.count }), sourceLocation: sourceLocation)
  try expectUse(of: copy, content, nextOrdinals, sourceLocation)
}

/// Writes on a copy of the copy, so that the copy stays as it is.
private func expectUse(
  of copy: Store, _ content: [String: StreamContent], _ nextOrdinals: [String: UInt64], _ sourceLocation: SourceLocation
) throws {
  let directory = try TemporaryDirectory()
  try StoreBytes.write(StoreBytes.read(copy.path), to: directory.path("used.nts"))
  let used = try Store(at: directory.path("used.nts"))
  for (stream, expected) in content where expected.frames.last?.timestamp != .max {
    let writer = try used.writer(for: stream, metadata: "after the copy")
    if let last = expected.frames.last {
      #expect(
        writer.last == FramePosition(timestamp: last.timestamp, key: last.key), "\(stream)",
        sourceLocation: sourceLocation)
      expectError(.outOfOrder, sourceLocation: sourceLocation) {
        try writer.append([1], at: last.timestamp, key: last.key)
      }
    }
    let time = (writer.last?.timestamp ?? 0) + 1
    try writer.append([1, 2, 3], at: time)
    try writer.close()
    let added = try #require(try used.contents(of: stream).last)
    let ordinal = nextOrdinals[stream] ?? expected.frames.last.map { $0.ordinal + 1 } ?? 0
    #expect(added.ordinal == ordinal, "\(stream)", sourceLocation: sourceLocation)
    #expect(added.payload == [1, 2, 3], sourceLocation: sourceLocation)
    #expect(
      try used.segments(of: stream).last?.metadata == "after the copy", "\(stream)", sourceLocation: sourceLocation)
  }
  #expect(try used.verify().findings.map(\.description) == [], sourceLocation: sourceLocation)
}
