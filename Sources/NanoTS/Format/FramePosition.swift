/// A frame's place in its stream's order: by timestamp, and among equal timestamps by key.
@frozen
public struct FramePosition: Comparable, Hashable, Sendable {
  /// In the store's time unit; the engine only compares.
  public var timestamp: Int64
  /// 0 for frames that use no key.
  public var key: Int64

  /// A position at `timestamp` and `key`.
  @inlinable
  public init(timestamp: Int64, key: Int64 = 0) {
    self.timestamp = timestamp
    self.key = key
  }

  /// True when `left` comes first.
  @inlinable @inline(__always)
  public static func < (left: FramePosition, right: FramePosition) -> Bool {
    left.timestamp < right.timestamp || (left.timestamp == right.timestamp && left.key < right.key)
  }
}
