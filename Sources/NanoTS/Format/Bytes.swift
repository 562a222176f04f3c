/// Arithmetic on sizes and offsets that every structure of the format shares.

extension FixedWidthInteger {
  /// The least multiple of `alignment` (a power of two) that is not below `self`. Traps on overflow: callers bound
  /// `self` first.
  @inlinable @inline(__always)
  func roundedUp(to alignment: Self) -> Self { (self + (alignment - 1)) & ~(alignment - 1) }
}

/// Refuses to go on when a structure's size or offset is not what its diagram says.
///
/// Layout mistakes would corrupt files, so these checks run in release builds too, once for each process.
@inline(never)
func requireLayout(_ holds: Bool, _ what: StaticString) {
  precondition(holds, "format layout: \(what)")
}
