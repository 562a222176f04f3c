/// What went wrong, with the values and how to put it right.
///
/// Every throwing function of the library throws this type and no other.
public struct NanoTSError: Error, Sendable, CustomStringConvertible {
  /// The kind of failure, stable across versions: programs decide by it, people read `message`.
  public enum Code: Int32, Sendable, CaseIterable {
    /// An argument is outside its documented range.
    case invalidArgument = 1
    /// The path names no file, or the store has no stream of that name.
    case notFound
    /// The file is there and cannot be opened: a directory, a device, no permission.
    case cannotOpen
    /// Creation would replace a file and was not told to.
    case alreadyExists
    /// The file does not begin as a store does.
    case notAStore
    /// The file was written by a later format version.
    case unsupportedVersion
    /// The file uses a feature that this build does not know.
    case unsupportedFeature
    /// Bytes in the file contradict a checksum or a bound.
    case corrupt
    /// The file is shorter than its header says.
    case truncated
    /// The block size is not a multiple of 4 KiB between 4 KiB and 1 GiB.
    case invalidBlockSize
    /// The number of blocks is zero or too large.
    case invalidBlockCount
    /// The stream name is empty, too long, or holds a NUL byte.
    case invalidName
    /// Every slot of the stream table is taken.
    case tooManyStreams
    /// The segment metadata is longer than a quarter of the block size.
    case metadataTooLarge
    /// The payload does not fit into a block.
    case frameTooLarge
    /// The frame is not after the stream's last one in (timestamp, key).
    case outOfOrder
    /// No block is free and none may be reclaimed.
    case noFreeBlocks
    /// Another writer has the stream.
    case streamBusy
    /// The store was opened read-only.
    case readOnly
    /// The block was recycled under the reader.
    case overwritten
    /// A system call failed.
    case ioFailure
    /// The disk has no room.
    case outOfSpace
    /// The store or writer was closed.
    case closed
    /// The caller ended what was going on.
    case cancelled
    /// What was to be freed is protected, or pinned in a store where pins hold.
    case protected
    /// A stream's records are not of the fields that the reader asked for.
    case layoutMismatch
  }

  /// The kind of failure.
  public let code: Code
  /// One sentence or two for a person: the values, the limit, the remedy.
  public let message: String
  /// From a cursor or frame, with `.overwritten`, `.corrupt` or `.unsupportedFeature`, and with `.ioFailure` or
  /// `.truncated` for a block of a snapshot that could not be read: how many frames the reader missed. Otherwise 0.
  public let missedFrames: UInt64
  /// The errno of the system call that failed, or 0.
  public let systemError: Int32

  @usableFromInline
  package init(_ code: Code, _ message: String, missedFrames: UInt64 = 0, systemError: Int32 = 0) {
    self.code = code
    self.message = message
    self.missedFrames = missedFrames
    self.systemError = systemError
  }

  /// The message.
  public var description: String { message }

  @usableFromInline
  static func overwritten(missing count: UInt64, of stream: String) -> NanoTSError {
    NanoTSError(
      .overwritten,
      "stream '\(stream)': \(count) frames were recycled before they were read; read on from the oldest frame left, "
        + "or give the store more blocks",
      missedFrames: count)
  }
}

extension NanoTSError {
  /// After how many errors that tell of no frame missed whoever passes over errors gives up: the cursor has not come on.
  /// In a file that is being damaged it may never do so.
  @usableFromInline package static var futileAttempts: Int { 8 }

  /// True for what a cursor tells of frames that cannot be read: its next call goes on behind them.
  @usableFromInline
  package var isPassable: Bool {
    switch code {
    case .overwritten, .corrupt, .unsupportedFeature: true
    // Of one block of a snapshot.
    case .ioFailure, .truncated: missedFrames > 0
    default: false
    }
  }
}
