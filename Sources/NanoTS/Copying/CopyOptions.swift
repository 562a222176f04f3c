/// What of a store is copied, and into how many blocks.
public struct CopyOptions: Sendable {
  /// The streams to copy; nil (default): all.
  public var streams: [String]?
  /// The timestamps to copy, both ends included. Default: all. With less than all, streams without a frame in the range
  /// stay away; otherwise each chosen stream comes along, also an empty one.
  public var range: ClosedRange<Int64>
  /// How many blocks the copy has, so that recording can go on in it. Nil (default): as many as it uses, at least 1.
  public var blockCount: Int?
  /// How the copy stores its frames, whatever this store does. Nil (default): as they are stored here. Otherwise the copy is
  /// made twice, the first time as it is, and needs room on the disk for both until it is done.
  public var compression: CopyCompression?

  /// Options with the defaults of the properties above.
  public init(
    streams: [String]? = nil, range: ClosedRange<Int64> = Int64.min...Int64.max, blockCount: Int? = nil,
    compression: CopyCompression? = nil
  ) {
    self.streams = streams
    self.range = range
    self.blockCount = blockCount
    self.compression = compression
  }

  var isWholeRange: Bool { range == Int64.min...Int64.max }
}

/// How a copy stores its frames. Streams go on so in it, with the quick kind of LZ4.
public enum CopyCompression: Sendable, Equatable {
  /// As they are.
  case off
  /// In compressed chunks, as ``Compression/lz4(chunkByteCount:)``.
  case lz4(chunkByteCount: Int? = nil)
  /// The same, compressed harder: about ten times as slow, smaller, and read back as fast.
  case lz4hc(chunkByteCount: Int? = nil)

  var streamCompression: Compression {
    switch self {
    case .off: .off
    case .lz4(let chunkByteCount), .lz4hc(let chunkByteCount): .lz4(chunkByteCount: chunkByteCount)
    }
  }

  var effort: LZ4Compressor.Effort {
    if case .lz4hc = self { .high } else { .fast }
  }
}

/// How far a copy has come.
public struct CopyProgress: Sendable {
  /// What is being done.
  public enum Phase: Sendable {
    /// Frames are copied into the new file.
    case copying
    /// The new file is read again and checked.
    case verifying
    /// Its frames are stored anew, with another compression.
    case rewriting
  }

  /// What is being done.
  public let phase: Phase
  /// Blocks done in this phase: of the store while copying, of the copy while verifying.
  public let blocks: Int
  /// Blocks to do in this phase.
  public let totalBlocks: Int
  /// Frames copied so far.
  public let frames: UInt64
  /// Frames that were to be copied when it began.
  public let totalFrames: UInt64
  /// The sum of the payload lengths copied so far.
  public let bytes: UInt64
}

/// What a copy holds, and what it does not.
public struct CopyReport: Sendable {
  /// Streams in the copy.
  public internal(set) var streams = 0
  /// Blocks that hold frames in the copy.
  public internal(set) var blocks = 0
  /// Frames in the copy.
  public internal(set) var frames: UInt64 = 0
  /// The sum of their payload lengths.
  public internal(set) var bytes: UInt64 = 0
  /// Length of the copy's file in bytes.
  public internal(set) var fileSize: UInt64 = 0
  /// Frames that were there when the copy began and were recycled or freed before they were copied.
  public internal(set) var missedFrames: UInt64 = 0
  /// Frames left out because they or their block are damaged.
  public internal(set) var damagedFrames: UInt64 = 0
  /// Frames left out because nobody vouches for them: those behind the first one that does not prove itself, in a block
  /// that a dead writer or a power loss left so. No reader of the store sees them either.
  public internal(set) var unprovenFrames: UInt64 = 0
  /// What is damaged: one for each run of damaged frames, block or stream, of which at most the first 1,000.
  public internal(set) var findings: [Finding] = []

  /// True when the copy holds everything that was visible when it began and was asked for.
  public var isComplete: Bool { missedFrames == 0 && damagedFrames == 0 && findings.isEmpty }

  /// Damage must not take memory without a bound.
  static let maximumFindings = 1_000

  mutating func note(_ finding: Finding) {
    if findings.count < CopyReport.maximumFindings { findings.append(finding) }
  }

  /// Adds what copying one block came to.
  mutating func add(_ part: CopyReport) {
    frames += part.frames
    bytes += part.bytes
    damagedFrames &+= part.damagedFrames
    unprovenFrames &+= part.unprovenFrames
    for finding in part.findings { note(finding) }
  }
}
