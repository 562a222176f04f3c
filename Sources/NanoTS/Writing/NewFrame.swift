/// A frame to be appended as part of a batch.
@frozen
@safe
public struct NewFrame {
  /// When, in the store's time unit.
  public var timestamp: Int64
  /// Orders frames of equal timestamp.
  public var key: Int64
  /// Any 32 bits.
  public var flags: UInt32
  /// The bytes, which the caller keeps alive and unchanged during the call.
  public var payload: UnsafeRawBufferPointer

  /// A frame with `payload` at `timestamp`.
  @inlinable
  public init(timestamp: Int64, key: Int64 = 0, flags: UInt32 = 0, payload: UnsafeRawBufferPointer) {
    self.timestamp = timestamp
    self.key = key
    self.flags = flags
    unsafe self.payload = unsafe payload
  }
}
