/// Values of one type that lie at equal distances in a block, viewed without a copy.
///
/// Handed to a closure and valid only inside it.
@frozen
@safe
public struct StridedView<Element: BitwiseCopyable>: RandomAccessCollection {
  @usableFromInline let base: UnsafeRawPointer
  @usableFromInline let stride: Int
  /// The number of values.
  public let count: Int

  /// Bound: `count` values of `Element` at distances of `stride` from `base` are readable.
  @inlinable
  init(base: UnsafeRawPointer, stride: Int, count: Int) {
    unsafe self.base = unsafe base
    self.stride = stride
    self.count = count
  }

  public var startIndex: Int { @inlinable get { 0 } }
  public var endIndex: Int { @inlinable get { count } }

  /// The value at `position`. O(1).
  @inlinable @inline(__always)
  public subscript(position: Int) -> Element {
    precondition(position >= 0 && position < count, "index out of range")
    return unsafe (base + position * stride).loadUnaligned(as: Element.self)
  }
}
