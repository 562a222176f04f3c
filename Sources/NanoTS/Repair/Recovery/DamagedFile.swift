/// Memory of this process that a piece of a file is read into; given back when the last reference goes.
@safe
final class PrivateBytes {
  /// Bound: `count` bytes that nobody else changes, aligned so that every structure of the format may begin there.
  let bytes: UnsafeMutableRawBufferPointer

  init(count: Int) {
    unsafe bytes = .allocate(byteCount: count, alignment: StoreLayout.blockSizeUnit)
  }

  deinit { unsafe bytes.deallocate() }

  var count: Int { unsafe bytes.count }

  /// The first `count` bytes.
  func prefix(_ count: Int) -> UnsafeRawBufferPointer {
    unsafe UnsafeRawBufferPointer(rebasing: bytes[0..<count])
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
    let target = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer.bytes[0..<count])
    if unsafe fill(target, at: offset) { return }
    // Page by page: one bad sector must not take its neighbours along.
    for start in stride(from: 0, to: count, by: StoreLayout.blockSizeUnit) {
      let page = unsafe UnsafeMutableRawBufferPointer(
        rebasing: target[start..<min(start + StoreLayout.blockSizeUnit, count)])
      if unsafe !fill(page, at: offset + start) {
        unsafe page.initializeMemory(as: UInt8.self, repeating: 0)
        unreadablePages += 1
      }
    }
  }

  private func fill(_ target: UnsafeMutableRawBufferPointer, at offset: Int) -> Bool {
    let expected = max(0, min(target.count, byteCount - offset))
    var done = 0
    while done < expected {
      let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: target[done..<expected])
      guard let read = unsafe try? descriptor.read(into: rest, at: offset + done) else { return false }
      // The file was cut off meanwhile.
      guard read > 0 else { break }
      done += read
    }
    unsafe UnsafeMutableRawBufferPointer(rebasing: target[done...]).initializeMemory(as: UInt8.self, repeating: 0)
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
  /// Sequences, segments and ordinals above this are damage: no writer comes so far.
  static let highestNumber = UInt64(1) << 62
}
