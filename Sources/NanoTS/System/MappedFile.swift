internal import CNanoTS

/// A store's file, mapped shared from its first byte; unmapped and closed when the last reference goes.
///
/// The mapping covers the largest size the file may come to have. Bytes past the file's present end must not be
/// touched: whoever computes a block's address knows from `StoreFile.blocksInFile` that the file reaches so far.
@safe
final class MappedFile: Sendable {
  let descriptor: FileDescriptor
  let isWritable: Bool
  let byteCount: Int
  nonisolated(unsafe) let base: UnsafeMutableRawPointer

  static let pageSize = nts_page_size()

  init(mapping descriptor: FileDescriptor, byteCount: Int, writable: Bool) throws(NanoTSError) {
    self.descriptor = descriptor
    self.byteCount = byteCount
    isWritable = writable
    var address: UnsafeMutableRawPointer?
    try unsafe SystemCall.check(
      nts_map(descriptor.number, byteCount, writable ? 1 : 0, &address), "mmap", descriptor.path)
    unsafe base = unsafe address!
  }

  deinit { unsafe nts_unmap(base, byteCount) }

  /// Makes the bytes of `range`, and whatever shares a page with them, survive power loss. Waits for the disk.
  func sync(_ range: Range<Int>) throws(NanoTSError) {
    precondition(range.lowerBound >= 0 && range.upperBound <= byteCount)
    guard !range.isEmpty else { return }
    let start = range.lowerBound & ~(MappedFile.pageSize - 1)
    try unsafe SystemCall.check(
      nts_sync_range(base + start, range.upperBound - start), "msync", descriptor.path)
  }

  /// Moves the bytes of `range` to `offset`; the two may overlap.
  func move(_ range: Range<Int>, to offset: Int) {
    precondition(range.lowerBound >= 0 && range.upperBound <= byteCount && offset >= 0)
    precondition(range.count <= byteCount - offset)
    unsafe (base + offset).copyMemory(from: base + range.lowerBound, byteCount: range.count)
  }

  /// Fills `range` with zeros.
  func clear(_ range: Range<Int>) {
    precondition(range.lowerBound >= 0 && range.upperBound <= byteCount)
    unsafe (base + range.lowerBound).initializeMemory(as: UInt8.self, repeating: 0, count: range.count)
  }
}
