/// What a writer promises about power loss. A killed process loses nothing under any of them.
///
/// The store always opens, with no repair step, and each stream is contiguous up to its newest frame. How much of the end
/// may be missing is the policy's loss bound. Syncs that failed are reported by the writer's later calls, and by all of
/// them from then on.
public enum Durability: Sendable, Equatable {
  /// Nothing is synced; the kernel writes back when it likes. Loss bound: none. What is left may be old, and the oldest
  /// blocks may be missing.
  case none
  /// A block is synced when it is full or the writer closes. Loss bound: the frames of the writer's open block; in stores
  /// of 64 blocks and more, where the store's thread syncs while the writer goes on, also those of the block before it.
  /// That is less than one block size of data, or two. The default.
  case onSeal
  /// What is appended is synced within so many milliseconds, from 1 to 3,600,000, by the store's thread; and as with
  /// `onSeal`. Loss bound: when an append returns, every frame whose append had returned so long before is on the disk. An
  /// append waits when syncs take longer than half of that. Each append reads the clock, which costs about 25 ns.
  case interval(milliseconds: Int)
  /// Each append returns when its frame is on the disk. Loss bound: nothing that was acknowledged. Threads that wait at
  /// the same time share a sync.
  case everyFrame

  static let intervalLimits = 1...3_600_000

  /// Nil unless it is `interval`.
  var intervalMilliseconds: Int? {
    if case .interval(let milliseconds) = self { milliseconds } else { nil }
  }

  /// Throws `.invalidArgument` for an interval outside the limits.
  func check() throws(NanoTSError) {
    guard let intervalMilliseconds, !Durability.intervalLimits.contains(intervalMilliseconds) else { return }
    throw NanoTSError(
      .invalidArgument,
      "an interval of \(intervalMilliseconds) milliseconds between syncs is outside "
        + "\(Durability.intervalLimits.lowerBound) to \(Durability.intervalLimits.upperBound)")
  }
}

/// What a writer does with a frame that is not after the last one.
public enum OutOfOrderPolicy: Sendable {
  /// The append throws `.outOfOrder`, and the writer goes on. The default.
  case reject
  /// The frame is stored one time unit after the last one, with key 0 and `wasClamped` set. For recorders whose clock
  /// may step back. Nothing can be stored after timestamp Int64.max.
  case clamp
}

/// How a writer works.
public struct WriterOptions: Sendable {
  /// Default `.onSeal`.
  public var durability: Durability
  /// Whether the oldest sealed block of the store makes room when it is full. Default true; without, appends throw
  /// `.noFreeBlocks`.
  public var autoReclaim: Bool
  /// Default `.reject`.
  public var outOfOrder: OutOfOrderPolicy
  /// How frames are stored from here on, also by later writers of the stream. Nil (default): as was said before for the
  /// stream, or else for the store. A stream may hold blocks of both kinds.
  public var compression: Compression?

  /// Options with the defaults of the properties above.
  public init(
    durability: Durability = .onSeal, autoReclaim: Bool = true, outOfOrder: OutOfOrderPolicy = .reject,
    compression: Compression? = nil
  ) {
    self.durability = durability
    self.autoReclaim = autoReclaim
    self.outOfOrder = outOfOrder
    self.compression = compression
  }
}
