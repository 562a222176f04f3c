/// How a store is recovered.
public struct RecoveryOptions: Sendable {
  /// Whether a file that is there already under the new name is replaced. Default: it is left, and `.alreadyExists` thrown.
  public var replacing: Bool
  /// At least how many blocks the new store has, so that recording can go on in it. Nil (default): as many as the damaged
  /// file has room for, where its header proves itself, and otherwise as many as are used.
  public var blockCount: Int?

  /// Options with the defaults of the properties above.
  public init(replacing: Bool = false, blockCount: Int? = nil) {
    self.replacing = replacing
    self.blockCount = blockCount
  }
}

/// How far a recovery has come.
public struct RecoveryProgress: Sendable {
  /// What is being done.
  public enum Phase: String, Sendable {
    /// The file has no header that proves itself: it is searched for blocks.
    case searching
    /// Each block is asked what it is.
    case surveying
    /// Frames are checked and copied into the new file.
    case copying
    /// The new file is read again and checked.
    case verifying
  }

  /// What is being done.
  public let phase: Phase
  /// How much of this phase is done, of `total`: blocks; while searching, MiB.
  public let done: Int
  /// How much there is to do in this phase.
  public let total: Int
  /// Frames recovered so far.
  public let frames: UInt64
}

/// Frames that are not in the recovered store, or may not be.
public struct RecoveryLoss: Sendable, Equatable, CustomStringConvertible {
  /// The stream, where one is known.
  public let stream: String?
  /// The block's number in the damaged file, where its header proves itself.
  public let block: Int?
  /// Where the block begins in the damaged file; nil for frames of which no block was found.
  public let offset: UInt64?
  /// The ordinals of the frames that are missing, where they are known.
  public let ordinals: ClosedRange<UInt64>?
  /// They are not before this time, where that is known.
  public internal(set) var from: Int64?
  /// They are not after this time, where that is known.
  public internal(set) var to: Int64?
  /// For a person: what is wrong there.
  public let reason: String

  /// Place and reason on one line.
  public var description: String {
    var place: [String] = []
    if let stream { place.append("stream '\(stream)'") }
    if let block { place.append("block \(block)") } else if let offset { place.append("byte \(offset)") }
    if let ordinals {
      place.append(
        ordinals.count == 1 ? "frame \(ordinals.lowerBound)" : "frames \(ordinals.lowerBound) to \(ordinals.upperBound)"
      )
    }
    if from != nil || to != nil {
      place.append("time \(from.map { "\($0)" } ?? "…") to \(to.map { "\($0)" } ?? "…")")
    }
    return (place.isEmpty ? "" : place.joined(separator: ", ") + ": ") + reason
  }
}

/// What was recovered, and what was not.
public struct RecoveryReport: Sendable {
  /// One stream of the recovered store.
  public struct Stream: Sendable, Equatable {
    /// Its name in the recovered store.
    public let name: String
    /// Blocks that hold its frames there.
    public internal(set) var blocks = 0
    /// Its frames.
    public internal(set) var frames: UInt64 = 0
    /// The sum of their payload lengths.
    public internal(set) var bytes: UInt64 = 0
    /// The time of the first frame; nil without a frame.
    public internal(set) var firstTimestamp: Int64?
    /// The time of the last frame; nil without a frame.
    public internal(set) var lastTimestamp: Int64?
    /// Losses told of it in `losses`, and those beyond the first 1,000.
    public internal(set) var losses = 0
    /// Frames that are missing, as far as their number is known.
    public internal(set) var lostFrames: UInt64 = 0
  }

  /// The streams of the recovered store.
  public internal(set) var streams: [Stream] = []
  /// Frames in the recovered store.
  public internal(set) var frames: UInt64 = 0
  /// The sum of their payload lengths.
  public internal(set) var bytes: UInt64 = 0
  /// Blocks that hold frames in the recovered store.
  public internal(set) var blocks = 0
  /// Bytes of one block.
  public internal(set) var blockSize = 0
  /// Length of the recovered store's file in bytes.
  public internal(set) var fileSize: UInt64 = 0
  /// What timestamps count.
  public internal(set) var timeUnit = TimeUnit.nanoseconds
  /// False where checksums do not cover payloads: damage in a payload was not seen, and is in the recovered store.
  public internal(set) var checksPayloads = true
  /// What is missing, or may be, of which at most the first 1,000.
  public internal(set) var losses: [RecoveryLoss] = []
  /// How many losses there are.
  public internal(set) var lossCount = 0
  /// What of the file did not prove itself and what that means for the result, one sentence each.
  public internal(set) var notes: [String] = []

  /// True when nothing is missing as far as the file tells.
  public var isWhole: Bool { lossCount == 0 }

  /// Damage must not take memory without a bound.
  static let maximumLosses = 1_000

  mutating func add(_ loss: RecoveryLoss) {
    lossCount += 1
    if losses.count < RecoveryReport.maximumLosses { losses.append(loss) }
  }
}
