/// One cell of a row: bytes that are there until the next row is asked for, and not longer.
@safe
struct Cell: RandomAccessCollection {
  private let base: UnsafePointer<UInt8>
  let count: Int

  /// Bound: `count` bytes from `base` on are there while the cell is used.
  init(_ base: UnsafePointer<UInt8>, count: Int) {
    unsafe self.base = unsafe base
    self.count = count
  }

  var startIndex: Int { 0 }
  var endIndex: Int { count }

  @inline(__always)
  subscript(_ index: Int) -> UInt8 {
    precondition(index >= 0 && index < count)
    return unsafe base[index]
  }

  /// The bytes as text.
  var text: String { unsafe String(decoding: UnsafeBufferPointer(start: base, count: count), as: UTF8.self) }
}

/// What gives rows of cells, one after the other.
protocol RowSource: AnyObject {
  /// The names of the columns.
  var columns: [String] { get }

  /// Goes to the next row; false behind the last one. What is wrong with a row is thrown as `RowRefusal`, and the call
  /// after it goes on behind it; anything else ends the input.
  func next() throws -> Bool

  /// The line that the present row begins in, counted from 1.
  var line: Int { get }

  /// How many cells the row has: as many as there are columns.
  var cellCount: Int { get }

  /// The cell of column `index`. Bound: below `cellCount`; to be used before the next call of `next`.
  func cell(_ index: Int) -> Cell

  /// How many bytes of the input were used.
  var bytesUsed: UInt64 { get }
}

/// Why a row is not taken.
struct RowRefusal: Error {
  let line: Int
  let reason: String
}

extension Cell {
  /// The cell for a message: printable, and not longer than a line.
  var shown: String {
    let text = String(decoding: self.prefix(60), as: UTF8.self)
    return PrintableText.string(count > 60 ? text + "…" : text)
  }
}
