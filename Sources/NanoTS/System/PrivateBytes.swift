internal import CNanoTS

/// Memory of this process that a piece of a file is read into, zero at first; given back when the last reference goes.
///
/// What nothing was ever put into takes no memory: a damaged header may claim a block much larger than its file.
@safe
final class PrivateBytes {
  /// Bound: `count` bytes that nobody else changes, aligned so that every structure of the format may begin there.
  let bytes: UnsafeMutableRawBufferPointer
  private let allocation: UnsafeMutableRawPointer
  /// From here on every byte is still zero.
  private var zerosStart = 0

  init(count: Int) {
    guard let memory = unsafe nts_zeroed_make(PrivateBytes.allocated(count)) else {
      fatalError("no memory is left for \(count) bytes of a damaged file")
    }
    unsafe allocation = memory
    unsafe bytes = unsafe PrivateBytes.aligned(memory, count)
  }

  /// The same for a piece of the file at `path`. Throws `.ioFailure`.
  init(of path: String, count: Int) throws(NanoTSError) {
    guard let memory = unsafe nts_zeroed_make(PrivateBytes.allocated(count)) else {
      throw NanoTSError(
        .ioFailure, "\(path): there is no memory for \(count) bytes of metadata; open it read-only, which maps them")
    }
    unsafe allocation = memory
    unsafe bytes = unsafe PrivateBytes.aligned(memory, count)
  }

  deinit { unsafe nts_zeroed_free(allocation, PrivateBytes.allocated(bytes.count)) }

  private static func allocated(_ count: Int) -> Int { count + StoreLayout.blockSizeUnit }

  private static func aligned(_ memory: UnsafeMutableRawPointer, _ count: Int) -> UnsafeMutableRawBufferPointer {
    // Bound: rounding up moves the start by less than the unit that was asked for beside `count`.
    unsafe UnsafeMutableRawBufferPointer(
      start: memory.alignedUp(toMultipleOf: StoreLayout.blockSizeUnit), count: count)
  }

  var count: Int { unsafe bytes.count }

  /// The first `count` bytes.
  func prefix(_ count: Int) -> UnsafeRawBufferPointer {
    unsafe UnsafeRawBufferPointer(rebasing: bytes[0..<count])
  }

  /// The bytes of `range` to put something into.
  func target(_ range: Range<Int>) -> UnsafeMutableRawBufferPointer {
    zerosStart = max(zerosStart, range.upperBound)
    return unsafe UnsafeMutableRawBufferPointer(rebasing: bytes[range])
  }

  /// Makes the bytes of `range` zero. O(those that were put into).
  func clear(_ range: Range<Int>) {
    guard range.lowerBound < zerosStart else { return }
    let part = unsafe bytes[range.lowerBound..<min(range.upperBound, zerosStart)]
    unsafe UnsafeMutableRawBufferPointer(rebasing: part).initializeMemory(as: UInt8.self, repeating: 0)
  }

  func isZero(_ range: Range<Int>) -> Bool {
    // By words: most of a damaged file may be zeros. Bound: `bytes[…]` checks the range, and words end within it.
    let part = unsafe UnsafeRawBufferPointer(rebasing: bytes[range])
    let words = part.count / 8
    for word in 0..<words where unsafe part.loadUnaligned(fromByteOffset: word * 8, as: UInt64.self) != 0 {
      return false
    }
    return unsafe part[(words * 8)...].allSatisfy { $0 == 0 }
  }
}
