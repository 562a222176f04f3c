/// What happens to pinned blocks (``Pin``) when no other block is left that a writer may take.
public enum PinPolicy: Sendable, CaseIterable {
  /// The oldest pinned block is taken and its reader is told: recording goes on.
  case giveWay
  /// Pinned blocks are not taken and not freed: appends throw `.noFreeBlocks` until the pins are released.
  case hold
}

/// The shape of a new store. Everything in it is fixed when the store is created.
public struct StoreOptions: Sendable {
  /// Bytes of one block: a multiple of 4 KiB from 4 KiB to 1 GiB. A block is the unit of recycling and of syncing, and
  /// bounds the size of a frame. Default 1 MiB.
  public var blockSize: Int
  /// How many blocks the store has; of a growable store, how many it may come to have. From 1 to 2³¹ − 1. Default 64.
  public var blockCount: Int
  /// Nil (default): fixed size, every block reserved on the disk at creation. A number: growable, starting with so many
  /// blocks and doubling, at most 1 GiB at a time, up to `blockCount`.
  public var initialBlockCount: Int?
  /// How many streams the store can hold, from 1 to 65,536. Each takes 512 bytes. Default 1,024.
  public var streamCapacity: Int
  /// What timestamps count. Default nanoseconds.
  public var timeUnit: TimeUnit
  /// Whether each frame's checksum covers its payload (default). Without, it covers only the index entry: appends of
  /// large frames are faster, and damage in a payload goes unnoticed.
  public var checksums: Bool
  /// How frames are stored, unless something else is said for a stream (``WriterOptions``). Default as they are.
  public var compression: Compression
  /// Whether pinned blocks give way when nothing else is left (default), or hold. A build that does not know of pins may
  /// only read a store where they hold.
  public var pins: PinPolicy

  /// Options with the defaults of the properties above.
  public init(
    blockSize: Int = 1 << 20, blockCount: Int = 64, initialBlockCount: Int? = nil, streamCapacity: Int = 1_024,
    timeUnit: TimeUnit = .nanoseconds, checksums: Bool = true, pins: PinPolicy = .giveWay,
    compression: Compression = .off
  ) {
    self.blockSize = blockSize
    self.blockCount = blockCount
    self.initialBlockCount = initialBlockCount
    self.streamCapacity = streamCapacity
    self.timeUnit = timeUnit
    self.checksums = checksums
    self.pins = pins
    self.compression = compression
  }
}
