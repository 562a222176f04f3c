/// What a writer promises about power loss. A killed process loses nothing under any of them.
public enum Durability: Sendable {
  /// Nothing is synced; the kernel writes back when it likes. After power loss the store opens, and holds a prefix of
  /// what was appended, possibly an old one.
  case none
  /// A block is synced when it is full or the writer closes. Loss bound: the frames of the writer's open block, which
  /// is less than one block size of data. The default.
  case onSeal
  /// Each append returns when its frame is on the disk. Loss bound: nothing that was acknowledged.
  case everyFrame
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

  /// Options with the defaults of the properties above.
  public init(durability: Durability = .onSeal, autoReclaim: Bool = true, outOfOrder: OutOfOrderPolicy = .reject) {
    self.durability = durability
    self.autoReclaim = autoReclaim
    self.outOfOrder = outOfOrder
  }
}
