/// Arithmetic on sizes and offsets that every structure of the format shares.

extension FixedWidthInteger {
  /// The least multiple of `alignment` (a power of two) that is not below `self`. Traps on overflow: callers bound
  /// `self` first.
  @inlinable @inline(__always)
  func roundedUp(to alignment: Self) -> Self { (self + (alignment - 1)) & ~(alignment - 1) }
}
