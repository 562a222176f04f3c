/// A file that may be anything, opened for reading only and read piece by piece through its descriptor: a file that is
/// shorter than it says, or that somebody cuts off meanwhile, gives zeros and not a signal.
final class DamagedFile {
  let descriptor: FileDescriptor
  /// Its length when it was opened. What is added later is not looked at.
  let byteCount: Int
  /// Pages that the disk did not give.
  private(set) var unreadablePages = 0

  /// Throws `.notFound`, `.cannotOpen`, `.invalidArgument` or `.ioFailure`.
  init(opening path: String) throws(NanoTSError) {
    descriptor = try FileDescriptor(opening: path, .read)
    byteCount = Int(clamping: try descriptor.size())
  }

  var path: String { descriptor.path }

  /// Fills the first `count` bytes of `buffer` with those from `offset` on. What the file does not have, or the disk does
  /// not give, is zero. O(count).
  func read(_ count: Int, at offset: Int, into buffer: PrivateBytes) {
    precondition(count >= 0 && count <= buffer.count && offset >= 0)
    if fill(0..<count, of: buffer, at: offset) { return }
    // Page by page: one bad sector must not take its neighbours along.
    for start in stride(from: 0, to: count, by: StoreLayout.blockSizeUnit) {
      let page = start..<min(start + StoreLayout.blockSizeUnit, count)
      if !fill(page, of: buffer, at: offset + start) {
        buffer.clear(page)
        unreadablePages += 1
      }
    }
  }

  private func fill(_ range: Range<Int>, of buffer: PrivateBytes, at offset: Int) -> Bool {
    let expected = max(0, min(range.count, byteCount - offset))
    var done = 0
    while done < expected {
      let rest = (range.lowerBound + done)..<(range.lowerBound + expected)
      guard let read = unsafe try? descriptor.read(into: buffer.target(rest), at: offset + done) else { return false }
      // The file was cut off meanwhile.
      guard read > 0 else { break }
      done += read
    }
    buffer.clear((range.lowerBound + done)..<range.upperBound)
    return true
  }
}

/// Reads preambles of a damaged file one after the other.
final class PreambleReader {
  private let file: DamagedFile
  private let page = PrivateBytes(count: StoreLayout.blockSizeUnit)
  /// Texts longer than a page, of which a hostile file may claim one in each page, are read up to this many bytes.
  private var budget: Int

  init(_ file: DamagedFile) {
    self.file = file
    budget = 2 * min(file.byteCount, Int.max / 4) + (1 << 20)
  }

  /// The preamble at `offset`, if it proves itself. O(its bytes).
  func preamble(at offset: Int) -> BlockPreamble? {
    file.read(page.count, at: offset, into: page)
    return preamble(in: page, at: offset)
  }

  /// True when the page that was looked at last is zero from end to end.
  var lastPageIsZero: Bool { page.isZero(0..<page.count) }

  /// The same of the page at `offset` that was read before.
  func preamble(in page: PrivateBytes, at offset: Int) -> BlockPreamble? {
    let start = unsafe page.prefix(page.count)
    guard let needed = unsafe BlockPreamble.neededByteCount(of: start), needed <= file.byteCount - offset else {
      return nil
    }
    if needed <= page.count { return unsafe accepted(BlockPreamble(checking: start)) }
    budget -= needed
    guard budget >= 0 else { return nil }
    let whole = PrivateBytes(count: needed)
    file.read(needed, at: offset, into: whole)
    return unsafe accepted(BlockPreamble(checking: whole.prefix(needed)))
  }

  /// Nil for what has a right checksum and is not what a writer stores.
  private func accepted(_ preamble: BlockPreamble?) -> BlockPreamble? {
    guard let preamble, Generation.isLife(preamble.generation), preamble.isWithinBounds else { return nil }
    return preamble
  }
}

extension Generation {
  /// True for the generation of a block that holds, or held, frames.
  static func isLife(_ generation: UInt64) -> Bool { !isOdd(generation) && generation >> 32 != 0 }

  /// The number of the block's life.
  static func life(_ generation: UInt64) -> UInt64 { generation >> 32 }
}

extension BlockPreamble {
  /// Numbers that count up from 0 do not come near to half of what they could.
  fileprivate var isWithinBounds: Bool {
    [sequence, segment, firstOrdinal].allSatisfy { $0 <= DamagedFile.highestNumber } && timeUnit <= 3
      && payloadChecksums <= 1
  }
}

extension DamagedFile {
  /// Sequences, segments and ordinals above this are damage. What comes behind them in the new store is not.
  static let highestNumber = StreamSlot.highestNumber - 1 << 33
}
