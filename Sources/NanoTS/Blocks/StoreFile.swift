import Synchronization

/// A mapped store with its geometry: where each structure is, with every index checked.
///
/// Every other part of the engine reaches the mapping through this type, so the bounds are stated here once: an index
/// that passes its check gives an address inside the mapping, and inside the file when it also passed `hasBlock`.
final class StoreFile: Sendable {
  let mapped: MappedFile
  let layout: StoreLayout
  let uuid: StoreUUID
  let timeUnit: UInt8
  let checksPayloads: Bool
  let isGrowable: Bool
  /// A pinned block is never taken; otherwise it is when no other is left.
  let pinsHold: Bool
  /// Of streams for which nothing else was said.
  let compression: Compression
  let initialBlockCount: Int
  /// What frames of chunked blocks, and blocks of a snapshot, are brought into.
  let memory = FrameMemoryPool()
  /// The SharedState page for writing, in a store that a follower opened: the rest of the file is mapped for reading.
  private let sharedWindow: MappedWindow?

  /// Taken before the allocation lock: threads of this process wait here for each other, and in the kernel for other
  /// processes alone.
  ///
  /// It keeps a number, and not nothing: the thread sanitizer takes a variable of no size for the one beside it.
  let allocationTurn = ProcessLock<Int>(0)

  /// Throws `.ioFailure` when a page of the file was lost under the mapping: what was read since is void.
  func checkMapping() throws(NanoTSError) {
    try mapped.check()
    try sharedWindow?.check()
  }

  /// Runs `body`, whose result or error counts only if no page was lost meanwhile: zeros that took its place may have
  /// looked like an end, or like damage.
  func reading<R>(_ body: () throws(NanoTSError) -> R) throws(NanoTSError) -> R {
    do throws(NanoTSError) {
      let result = try body()
      try checkMapping()
      return result
    } catch {
      try checkMapping()
      throw error
    }
  }

  /// In smaller stores blocks are synced and prepared by the writer itself: one that is prepared holds no frames, which
  /// would be too much of the whole.
  static let fewestBlocksWithThread = 64

  /// Byte-range locks lie far past any byte of the file.
  enum LockOffset {
    static let base: UInt64 = 1 << 62
    static let allocation = base
    static let writers = base + 1
    static func stream(_ slot: Int) -> UInt64 { base + 4096 + UInt64(slot) }
    /// What `PinLocks` shares out; just below the allocation lock, so that one call takes or gives back both.
    static let pins = (base >> 1)...(base - 1)
    static let pinsAndAllocation = pins.lowerBound...allocation
  }

  init(
    mapped: MappedFile, sharedWindow: MappedWindow? = nil, layout: StoreLayout, header: FileHeader, blocks: Int? = nil
  ) {
    self.mapped = mapped
    self.sharedWindow = sharedWindow
    self.layout = layout
    uuid = header.uuid
    timeUnit = header.timeUnit
    checksPayloads = header.payloadChecksums == 1
    pinsHold = header.writeIncompatibleFeatures & FileHeader.pinsHold != 0
    compression = Compression(storedAs: header.compression) ?? .off
    isGrowable = header.initialBlockCount < header.blockCount
    initialBlockCount = Int(header.initialBlockCount)
    // Opening has checked that the file is so long.
    knownBlocks = Atomic(blocks ?? (isGrowable ? Int(header.initialBlockCount) : layout.blockCount))
  }

  var path: String { mapped.descriptor.path }

  /// True where the metadata is a copy that does not change, and blocks are read when they are wanted.
  var isSnapshot: Bool { mapped.isCopy }

  var shared: SharedState { unsafe SharedState(base: mapped.base + FileHeader.byteCount) }

  static let sharedRange = FileHeader.byteCount..<(FileHeader.byteCount + SharedState.byteCount)

  /// SharedState as one reaches it who asks writers for wakes; nil where its words may not be written.
  var wakeable: SharedState? {
    if mapped.isWritable { return shared }
    return sharedWindow.map { unsafe SharedState(base: $0.start) }
  }

  /// Bound: the stream table was inside the file when the store was opened.
  func slot(_ index: Int) -> StreamSlot {
    precondition(index >= 0 && index < layout.streamCapacity)
    return unsafe StreamSlot(base: mapped.base + layout.streamTableOffset + index * StreamSlot.byteCount)
  }

  /// Bound: the block table was inside the file when the store was opened.
  func header(_ index: Int) -> BlockHeader {
    return unsafe BlockHeader(base: mapped.base + headerStart(index))
  }

  /// The bytes of a block in the mapping. Bound: inside it; the caller knows that the file reaches so far.
  @inline(__always)
  func body(_ index: Int) -> UnsafeMutableRawBufferPointer {
    precondition(!isSnapshot)
    return unsafe UnsafeMutableRawBufferPointer(start: mapped.base + bodyStart(index), count: layout.blockSize)
  }

  /// Where in the file the header of block `index` begins.
  func headerStart(_ index: Int) -> Int {
    precondition(index >= 0 && index < layout.blockCount)
    return layout.blockTableOffset + index * BlockHeader.byteCount
  }

  /// Where in the file block `index` begins.
  func bodyStart(_ index: Int) -> Int {
    precondition(index >= 0 && index < layout.blockCount)
    return layout.dataOffset + index * layout.blockSize
  }

  /// False for a suspect store: counters in SharedState and the stream table may be older than the blocks, and readers
  /// go by the block headers alone.
  let trustsCounters = Atomic<Bool>(true)

  /// How many stream slots may be in use: the shared counter, held to the capacity.
  var usedSlots: Int {
    guard trustsCounters.load(ordering: .relaxed) else { return layout.streamCapacity }
    return min(Int(shared.usedStreamSlots.acquired), layout.streamCapacity)
  }

  /// How many blocks the file has room for now. One system call for a growable store, none for a fixed one, whose
  /// length was checked when it was opened.
  func blocksInFile() throws(NanoTSError) -> Int {
    // A snapshot goes by what was there when it was taken, whatever is cut off or added later.
    guard !isSnapshot else { return knownBlocks.load(ordering: .relaxed) }
    guard isGrowable else { return layout.blockCount }
    let blocks = layout.wholeBlocks(inFileOf: try mapped.descriptor.size())
    // Only upwards: the file may have grown since, and whoever made it grow relies on what it has noted.
    knownBlocks.max(blocks, ordering: .relaxed)
    return blocks
  }

  /// The same for the holder of the allocation lock, for whom the file does not grow meanwhile: notes also that it was cut.
  func blocksInFileUnderLock() throws(NanoTSError) -> Int {
    let blocks = try blocksInFile()
    knownBlocks.store(blocks, ordering: .relaxed)
    return blocks
  }

  /// How many blocks the file was seen to have room for.
  private let knownBlocks: Atomic<Int>

  /// True when the file was seen to reach to the end of block `index`. The count in SharedState is not enough for whoever
  /// touches the block: it may be damaged.
  func holds(_ index: Int) -> Bool { index >= 0 && index < knownBlocks.load(ordering: .relaxed) }

  /// Makes everything written to the file survive power loss, in one call for all threads that ask at the same time.
  func syncTogether() throws(NanoTSError) {
    try gate.pass { () throws(NanoTSError) in try mapped.syncAll() }
  }

  private let gate = SyncGate()

  /// Makes the headers of two blocks survive power loss, in one call if they are near each other: most of a sync's cost is
  /// that it is one.
  func syncHeaders(_ one: Int, _ other: Int) throws(NanoTSError) {
    let (first, last) = (min(one, other), max(one, other))
    guard (last - first) * BlockHeader.byteCount < 4 * MappedFile.pageSize else {
      try syncHeader(one)
      return try syncHeader(other)
    }
    let start = layout.blockTableOffset
    try mapped.sync((start + first * BlockHeader.byteCount)..<(start + (last + 1) * BlockHeader.byteCount))
  }

  /// Makes the header of block `index` survive power loss.
  func syncHeader(_ index: Int) throws(NanoTSError) {
    let start = headerStart(index)
    try mapped.sync(start..<(start + BlockHeader.byteCount))
  }

  /// Makes `range` of the bytes of block `index` survive power loss.
  func syncBody(_ index: Int, _ range: Range<Int>) throws(NanoTSError) {
    precondition(range.lowerBound >= 0 && range.upperBound <= layout.blockSize)
    let start = bodyStart(index)
    try mapped.sync((start + range.lowerBound)..<(start + range.upperBound))
  }

  /// Makes the bytes of block `index` survive power loss, also those of which an earlier sync has failed.
  func syncAgain(_ index: Int) throws(NanoTSError) {
    mapped.markWritten(bodyRange(index))
    try syncBody(index, 0..<layout.blockSize)
  }

  /// Makes the slot `index` survive power loss.
  func syncSlot(_ index: Int) throws(NanoTSError) {
    let start = layout.streamTableOffset + index * StreamSlot.byteCount
    try mapped.sync(start..<(start + StreamSlot.byteCount))
  }

  /// Forgets the page-table entries of block `index`: it will not be touched soon.
  func dropPages(of index: Int) { mapped.dropPages(bodyRange(index)) }

  /// Makes block `index`, which holds no frames, ready to be written with no page fault.
  func populatePages(of index: Int) { _ = populatePages(of: index, discarding: true) }

  /// The same for a block whose end of life is not on the disk yet, and what it holds has to stay as it is. False, with nothing
  /// done, where that cannot be.
  func populatePages(keeping index: Int) -> Bool { populatePages(of: index, discarding: false) }

  private func populatePages(of index: Int, discarding: Bool) -> Bool {
    // A block that is written again: its pages may be write-protected in the table, from when they were synced.
    mapped.dropPages(bodyRange(index))
    return mapped.populatePages(bodyRange(index), discarding: discarding)
  }

  /// Has the processor fetch what a writer of the stream in slot `slot` stores to when it begins block `index`, whose
  /// preamble has `preambleByteCount` bytes. The store's thread has changed most of it, on another processor.
  func fetchForInstall(of index: Int, in slot: Int, preambleByteCount: Int) {
    mapped.fetchForWriting(StoreFile.sharedRange.lowerBound, SharedState.listsByteCount)
    mapped.fetchForWriting(layout.streamTableOffset + slot * StreamSlot.byteCount, StreamSlot.countersEnd)
    mapped.fetchForWriting(headerStart(index), BlockHeader.byteCount)
    mapped.fetchForWriting(bodyStart(index), preambleByteCount)
  }

  /// Has the kernel begin to write block `index` to the disk.
  func beginWriteBack(of index: Int) { mapped.beginWriteBack(bodyRange(index)) }

  /// Makes pages of block `index` ready again that may not be written without a fault because block `written` is being written
  /// back; others stay as they are.
  func keepPagesReady(of index: Int, besideWritten written: Int) {
    mapped.keepPagesReady(bodyRange(index), besideWritten: bodyRange(written))
  }

  private func bodyRange(_ index: Int) -> Range<Int> {
    let start = bodyStart(index)
    return start..<(start + layout.blockSize)
  }

  /// Makes block `index` one that was never used: zeros in its header and its body.
  func clear(_ index: Int) {
    let header = headerStart(index)
    mapped.clear(header..<(header + BlockHeader.byteCount))
    mapped.clear(bodyRange(index))
  }

  /// Makes the SharedState page survive power loss.
  func syncShared() throws(NanoTSError) {
    try mapped.sync(StoreFile.sharedRange)
  }
}
