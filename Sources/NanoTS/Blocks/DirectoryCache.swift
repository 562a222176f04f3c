import Synchronization

/// Keeps each stream's directory, shared by every reader of one opened store.
///
/// The lock is between readers of this process, for the moment in which one of them looks for new blocks; writers and
/// other processes never meet it, and a reader meets it only when it has read a whole block.
final class DirectoryCache: Sendable {
  private struct Known {
    var directory: StreamDirectory
    var removals: UInt32
    /// Where the cache itself stopped: equal to the stream's next sequence when nothing is new.
    var slotSequence: UInt64
  }

  private let file: StoreFile
  private let known: ProcessLock<[UInt64: Known]?> = ProcessLock(nil)

  /// Longer gaps are found by one pass over the table, which reads memory in order, not by following links.
  private static let longestWalk: UInt64 = 4096

  init(_ file: StoreFile) { self.file = file }

  /// The directory of the stream with `identifier` in `slot`, up to date as of this call. O(1) when nothing is new,
  /// O(new blocks) usually, O(blocks of the store) at first and after blocks were taken from the middle.
  func directory(of identifier: UInt64, slot index: Int) throws(NanoTSError) -> StreamDirectory {
    guard file.trustsCounters.load(ordering: .relaxed) || isSettled() else { return try scan(identifier, upTo: .max) }
    return try known.withLock { known throws(NanoTSError) in
      if known == nil { known = try scanAll() }
      let slot = file.slot(index)
      let removals = slot.removals.acquired
      let nextSequence = slot.nextSequence.acquired
      var entry =
        known?[identifier] ?? Known(directory: StreamDirectory(), removals: removals, slotSequence: 0)
      let isStale = entry.removals != removals || nextSequence < entry.slotSequence
      var isCurrent = !isStale && nextSequence == entry.slotSequence
      if !isStale, !isCurrent { isCurrent = try extend(&entry, slot, identifier, to: nextSequence) }
      if !isCurrent {
        entry.directory = try scan(identifier, upTo: nextSequence)
      }
      entry.removals = removals
      entry.slotSequence = nextSequence
      dropReclaimed(&entry.directory, slot, identifier)
      known?[identifier] = entry
      forgetFreedStreams(&known)
      return entry.directory
    }
  }

  /// True, from then on for every reader of the store, once a writer has settled a store that lost power.
  private func isSettled() -> Bool {
    guard !StoreSession.isSuspect(file) else { return false }
    file.trustsCounters.store(true, ordering: .releasing)
    return true
  }

  /// Directories of streams that were freed go once they are many.
  private func forgetFreedStreams(_ known: inout [UInt64: Known]?) {
    guard let count = known?.count, count > 2 * file.usedSlots + 64 else { return }
    let living = Set((0..<file.usedSlots).map { file.slot($0).identifier.relaxed })
    known = known?.filter { living.contains($0.key) }
  }

  /// Appends the blocks that are new since the last look by walking back from the newest. False when the walk is too
  /// long or meets a block that has moved on.
  private func extend(
    _ known: inout Known, _ slot: StreamSlot, _ identifier: UInt64, to nextSequence: UInt64
  ) throws(NanoTSError) -> Bool {
    guard nextSequence - known.slotSequence <= DirectoryCache.longestWalk else { return false }
    var found: [DirectoryEntry] = []
    var link = Int(slot.tail.acquired)
    var above = UInt64.max
    let blocks = try file.blocksInFile()
    while link >= 1, link <= blocks {
      let header = file.header(link - 1)
      guard let values = header.values(), values.streamIdentifier == identifier, values.holdsFrames,
        values.sequence < above
      else { return false }
      above = values.sequence
      if values.sequence < known.slotSequence { break }
      if values.sequence < nextSequence { found.append(DirectoryEntry(block: link - 1, values)) }
      link = Int(header.previous.acquired)
      guard header.isStill(values.generation) else { return false }
    }
    known.directory.append(found.reversed(), nextSequence: nextSequence)
    return true
  }

  /// One pass over the block table for one stream.
  private func scan(_ identifier: UInt64, upTo nextSequence: UInt64) throws(NanoTSError) -> StreamDirectory {
    var entries: [DirectoryEntry] = []
    for block in 0..<(try file.blocksInFile()) {
      let header = file.header(block)
      guard header.streamIdentifier.relaxed == identifier, let values = header.values(), values.holdsFrames,
        values.streamIdentifier == identifier, values.sequence < nextSequence
      else { continue }
      entries.append(DirectoryEntry(block: block, values))
    }
    return StreamDirectory(ordered(entries), nextSequence: nextSequence)
  }

  /// One pass over the block table for every stream.
  private func scanAll() throws(NanoTSError) -> [UInt64: Known] {
    struct Stream {
      let identifier: UInt64
      let removals: UInt32
      let nextSequence: UInt64
      var entries: [DirectoryEntry] = []
    }
    let blocks = try file.blocksInFile()
    // However damaged the slots' counts are, no more is reserved than there are blocks.
    var reserved = 0
    // By slot number, not by identifier: two hash lookups a block would be a third of the time.
    var streams = (0..<file.usedSlots).map { index in
      let slot = file.slot(index)
      var stream = Stream(
        identifier: slot.identifier.acquired, removals: slot.removals.acquired, nextSequence: slot.nextSequence.acquired
      )
      let room = min(Int(slot.blockCount.relaxed), blocks - reserved)
      stream.entries.reserveCapacity(room)
      reserved += room
      return stream
    }
    for block in 0..<blocks {
      guard let values = file.header(block).values(), values.holdsFrames, values.streamIdentifier != 0,
        Int(values.streamSlot) < streams.count
      else { continue }
      let index = Int(values.streamSlot)
      guard streams[index].identifier == values.streamIdentifier, values.sequence < streams[index].nextSequence
      else { continue }
      streams[index].entries.append(DirectoryEntry(block: block, values))
    }
    var result: [UInt64: Known] = [:]
    for stream in streams where stream.identifier != 0 {
      let directory = StreamDirectory(ordered(stream.entries), nextSequence: stream.nextSequence)
      result[stream.identifier] = Known(
        directory: directory, removals: stream.removals, slotSequence: stream.nextSequence)
    }
    return result
  }

  /// In order of sequence. Two blocks with one sequence are damage; the first stays.
  private func ordered(_ entries: [DirectoryEntry]) -> [DirectoryEntry] {
    var isAscending = true
    for index in entries.indices.dropFirst() where entries[index - 1].sequence >= entries[index].sequence {
      isAscending = false
      break
    }
    if isAscending { return entries }
    var unique: [DirectoryEntry] = []
    unique.reserveCapacity(entries.count)
    for entry in entries.sorted(by: { $0.sequence < $1.sequence }) where unique.last?.sequence != entry.sequence {
      unique.append(entry)
    }
    return unique
  }

  /// Forgets blocks before the stream's oldest one, so that finding the oldest does not step over dead entries.
  private func dropReclaimed(_ directory: inout StreamDirectory, _ slot: StreamSlot, _ identifier: UInt64) {
    // In a snapshot the slot names a block that was the oldest, and may be a newer one by its header, which is younger.
    guard !file.isSnapshot else { return directory.dropBlocksAtFront(while: { !file.header($0).isStill($1) }) }
    // More than one look is needed only when blocks are recycled between two loads.
    for _ in 0..<8 {
      let head = slot.head.acquired
      // With no block in the list, every one that was published before is gone.
      if head == 0 { return directory.dropBlocks(before: directory.nextSequence) }
      if let oldest = sequence(ofHead: head, of: slot, identifier) { return directory.dropBlocks(before: oldest) }
    }
  }

  /// The sequence of the block that `head`, loaded from the slot before, names; nil when it is not the stream's oldest any
  /// more. In a small ring it may have become the newest meanwhile, with live blocks before it.
  func sequence(ofHead head: UInt32, of slot: StreamSlot, _ identifier: UInt64) -> UInt64? {
    guard head >= 1, head <= file.layout.blockCount, let values = file.header(Int(head) - 1).values(),
      values.streamIdentifier == identifier, values.holdsFrames, slot.head.acquired == head
    else { return nil }
    return values.sequence
  }
}
