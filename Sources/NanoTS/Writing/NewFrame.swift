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

/// The frames of a batch, each as it is asked for.
protocol NewFrames {
  var count: Int { get }
  /// Bound: `index` is in `0..<count`.
  subscript(index: Int) -> NewFrame { get }
}

extension UnsafeBufferPointer: NewFrames where Element == NewFrame {}

/// Frames of equal size as columns. What the pointers point at stays alive and unchanged during the call.
@safe
package struct NewFrameColumns: NewFrames {
  package let count: Int
  private let timestamps: UnsafePointer<Int64>
  private let keys: UnsafePointer<Int64>?
  private let flags: UnsafePointer<UInt32>?
  private let payloads: UnsafeRawPointer?
  private let size: Int

  /// Bound: `timestamps`, and `keys` and `flags` where they are, have `count` elements, and `payloads` has `count` times
  /// `size` bytes, of the frames one behind the other.
  package init(
    count: Int, timestamps: UnsafePointer<Int64>, keys: UnsafePointer<Int64>?, flags: UnsafePointer<UInt32>?,
    payloads: UnsafeRawPointer?, size: Int
  ) {
    self.count = count
    unsafe self.timestamps = timestamps
    unsafe self.keys = keys
    unsafe self.flags = flags
    unsafe self.payloads = payloads
    self.size = size
  }

  @inline(__always)
  package subscript(index: Int) -> NewFrame {
    unsafe NewFrame(
      timestamp: timestamps[index], key: keys?[index] ?? 0, flags: flags?[index] ?? 0,
      payload: UnsafeRawBufferPointer(start: payloads.map { unsafe $0 + index * size }, count: size))
  }
}
