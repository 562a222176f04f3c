internal import CLimit

/// The index of a filled store as the C search has it; unmapped with the last reference.
@safe
final class LimitIndex {
  private var index: limit_index

  init(_ filled: FilledStore) throws {
    var index = unsafe limit_index()
    let result = unsafe limit_index_map(&index, filled.path)
    guard result == 0 else { throw BenchmarkError("\(filled.path): mapping its index failed with errno \(-result)") }
    unsafe self.index = unsafe index
  }

  deinit { unsafe limit_index_unmap(&index) }

  /// How many of the timestamps were found.
  func search(_ timestamps: [Int64]) -> Int { unsafe limit_search(&index, timestamps, timestamps.count) }
}
