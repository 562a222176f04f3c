internal import CNanoTS

/// A store's file, mapped shared from its first byte; unmapped and closed when the last reference goes. Or, of a snapshot, a
/// copy of the file's first bytes in memory of the process.
///
/// The mapping covers the largest size the file may come to have. Bytes past the file's present end must not be
/// touched: whoever computes a block's address knows from `StoreFile.blocksInFile` that the file reaches so far.
@safe
final class MappedFile: Sendable {
  let descriptor: FileDescriptor
  let isWritable: Bool
  let byteCount: Int
  nonisolated(unsafe) let base: UnsafeMutableRawPointer
  private let guarded: GuardedMapping
  /// True where the file is in memory, and no writing to a disk ever makes its pages unready.
  private let staysReady: Bool
  // Unchecked: whoever filled it is done; the bytes themselves are reached as those of a mapping.
  /// What `base` lies in, where nothing is mapped.
  private nonisolated(unsafe) let copy: PrivateBytes?

  /// True when nothing of the file is mapped, and only its first `byteCount` bytes are here.
  var isCopy: Bool { unsafe copy != nil }

  static let pageSize = nts_page_size()

  init(mapping descriptor: FileDescriptor, byteCount: Int, writable: Bool) throws(NanoTSError) {
    self.descriptor = descriptor
    self.byteCount = byteCount
    isWritable = writable
    unsafe copy = nil
    var address: UnsafeMutableRawPointer?
    try unsafe SystemCall.check(
      nts_map(descriptor.number, 0, byteCount, writable ? 1 : 0, &address), "mmap", descriptor.path)
    unsafe base = unsafe address!
    guarded = unsafe GuardedMapping(base, byteCount, writable: writable)
    staysReady = writable && nts_is_in_memory(descriptor.number) == 1
  }

  /// The first bytes of the file behind `descriptor`, which were read into `copy`.
  init(_ copy: PrivateBytes, of descriptor: FileDescriptor) {
    self.descriptor = descriptor
    unsafe self.copy = copy
    byteCount = copy.count
    isWritable = false
    unsafe base = unsafe copy.bytes.baseAddress!
    guarded = GuardedMapping()
    staysReady = false
  }

  deinit {
    guarded.end()
    if unsafe copy == nil { unsafe nts_unmap(base, byteCount) }
  }

  /// Throws `.ioFailure` when a page of the mapping was lost: from then on all of it reads as zeros.
  func check() throws(NanoTSError) { try guarded.check(descriptor.path) }

  /// Makes the bytes of `range`, and whatever shares a page with them, survive power loss. Waits for the disk. Throws
  /// as `FileDescriptor.syncing`.
  func sync(_ range: Range<Int>) throws(NanoTSError) {
    let (start, count) = unsafe pages(range)
    guard count > 0 else { return }
    try descriptor.syncing(.range) { unsafe nts_sync_range(start, count) }
    // A sync of what has taken the place of a lost page says nothing.
    try check()
  }

  /// Makes each page of `range` one that the next sync writes, whatever an earlier one did: after a failure, the kernel may
  /// call what it could not write written. A word of each is exchanged for itself, so that who writes there meanwhile loses
  /// nothing.
  func markWritten(_ range: Range<Int>) {
    let (start, count) = unsafe pages(range)
    // Bound: `range` lies in the mapping, and a page begins with a whole word.
    for offset in stride(from: 0, to: count, by: MappedFile.pageSize) {
      let word = unsafe AtomicUInt64(start, offset)
      let value = word.relaxed
      _ = word.exchange(value, for: value)
    }
  }

  /// Makes everything written to the file survive power loss.
  func syncAll() throws(NanoTSError) {
    try descriptor.sync()
    try check()
  }

  /// Forgets the page-table entries of `range`, so that writing it back and writing to it again cost less. What it holds
  /// stays as it is.
  func dropPages(_ range: Range<Int>) {
    let (start, count) = unsafe pages(range)
    if count > 0, !staysReady { _ = unsafe nts_drop_pages(start, count) }
  }

  /// Has the kernel begin to write `range` to the disk, and does not wait. It is advice: what fails is told by the sync that
  /// has to follow.
  func beginWriteBack(_ range: Range<Int>) {
    precondition(range.lowerBound >= 0 && range.upperBound <= byteCount)
    _ = nts_begin_write_back(descriptor.number, UInt64(range.lowerBound), UInt64(range.count))
  }

  /// Makes `range` ready to be written with no page fault. Nothing changes if the system cannot do it.
  func populatePages(_ range: Range<Int>) {
    let (start, count) = unsafe pages(range)
    if count > 0 { _ = unsafe nts_populate_pages(start, count) }
  }

  /// The same for pages that may not be in memory, or not be writable. False, with nothing done, when one of them is not in
  /// memory and what they hold matters: `discarding` them is quicker, once it does not.
  ///
  /// The kernel brings a file in, and writes it back, in pieces of up to 2 MiB. Whoever writes to one part of a piece waits
  /// while the other part is written back. So that none reaches beyond `range`, and nothing is read that will be written over,
  /// what is not in memory is not brought in: all of `range` is filled with zeros there.
  func populatePages(_ range: Range<Int>, discarding: Bool) -> Bool {
    beginPages(alone: range)
    // All of it is there in the end; left so, each block would be a mapping of its own, and slow to read when it is cold.
    defer { endPages(alone: range) }
    if !staysReady, !isInMemory(range) {
      guard discarding else { return false }
      // Nothing is written behind the end of a file that somebody has cut.
      if let size = try? descriptor.size(), size >= range.upperBound {
        _ = nts_fill_cache(descriptor.number, UInt64(range.lowerBound), UInt64(range.count))
      }
    }
    populatePages(range)
    return true
  }

  /// True when every page of `range` is in memory, or the system does not say.
  private func isInMemory(_ range: Range<Int>) -> Bool {
    let (start, count) = unsafe pages(range)
    let cached = unsafe nts_cached_pages(start, count)
    return cached < 0 || cached == count.roundedUp(to: MappedFile.pageSize) / MappedFile.pageSize
  }

  /// From now on a page of `range` that is not in memory is brought in without those around it.
  func beginPages(alone range: Range<Int>) {
    let (start, count) = unsafe pages(range)
    if count > 0, !staysReady { _ = unsafe nts_bring_pages_alone(start, count, 1) }
  }

  /// From now on not any more.
  private func endPages(alone range: Range<Int>) {
    let (start, count) = unsafe pages(range)
    if count > 0, !staysReady { _ = unsafe nts_bring_pages_alone(start, count, 0) }
  }

  /// Has the kernel begin to bring `range` in, and does not wait.
  func bringPages(_ range: Range<Int>) {
    let (start, count) = unsafe pages(range)
    if count > 0, !staysReady { _ = unsafe nts_bring_pages(start, count) }
  }

  /// Makes those pages of `range`, which was ready, ready again that may not be because `written` is written back: the ones
  /// that may be in a piece of memory with pages of that.
  func keepPagesReady(_ range: Range<Int>, besideWritten written: Range<Int>) {
    let first = written.lowerBound / MappedFile.largestPiece * MappedFile.largestPiece
    let shared = range.clamped(to: first..<written.upperBound.roundedUp(to: MappedFile.largestPiece))
    if !staysReady { populatePages(shared) }
  }

  /// The kernel has a file in memory in pieces of at most so many bytes, at multiples of their size.
  private static let largestPiece = 2 << 20

  /// The bytes from the start of the first page of `range` to its end.
  private func pages(_ range: Range<Int>) -> (start: UnsafeMutableRawPointer, byteCount: Int) {
    precondition(range.lowerBound >= 0 && range.upperBound <= byteCount)
    let first = range.lowerBound & ~(MappedFile.pageSize - 1)
    return unsafe (base + first, range.isEmpty ? 0 : range.upperBound - first)
  }

  /// Has the processor fetch `count` bytes from `start` on, which will be written soon.
  func fetchForWriting(_ start: Int, _ count: Int) {
    precondition(start >= 0 && count >= 0 && count <= byteCount - start)
    for offset in stride(from: 0, to: count, by: MappedFile.cacheLineByteCount) {
      unsafe nts_prefetch_for_writing(base + start + offset)
    }
  }

  private static let cacheLineByteCount = 64

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

/// A few bytes of a file, mapped for writing apart from the rest of it; unmapped when the last reference goes.
@safe
final class MappedWindow: Sendable {
  private nonisolated(unsafe) let base: UnsafeMutableRawPointer
  private let byteCount: Int
  /// The first byte that was asked for. Bound: so many bytes as were asked for lie behind it.
  nonisolated(unsafe) let start: UnsafeMutableRawPointer
  private let guarded: GuardedMapping
  private let path: String

  /// Maps the pages that hold `range` of the file behind `descriptor`, which needs to be open for reading only.
  ///
  /// Throws `.cannotOpen`, `.readOnly` or `.ioFailure` when the file may not be written.
  init(mapping range: Range<Int>, of descriptor: FileDescriptor) throws(NanoTSError) {
    let writable = try FileDescriptor(reopening: descriptor, .readWrite)
    let first = range.lowerBound & ~(MappedFile.pageSize - 1)
    byteCount = range.upperBound - first
    var address: UnsafeMutableRawPointer?
    try unsafe SystemCall.check(
      nts_map(writable.number, UInt64(first), byteCount, 1, &address), "mmap", descriptor.path)
    unsafe base = unsafe address!
    unsafe start = unsafe base + (range.lowerBound - first)
    guarded = unsafe GuardedMapping(base, byteCount, writable: true)
    path = descriptor.path
  }

  deinit {
    guarded.end()
    unsafe nts_unmap(base, byteCount)
  }

  /// As `MappedFile.check`.
  func check() throws(NanoTSError) { try guarded.check(path) }
}
