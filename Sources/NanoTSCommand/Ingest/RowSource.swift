/// One cell of a row: bytes that are there until the next row is asked for, and not longer.
@safe
struct Cell: RandomAccessCollection {
  /// What the source says of it besides its bytes.
  enum Kind {
    /// Nothing: what it is shows in its bytes.
    case bare
    /// A JSON string, which is a text whatever it looks like.
    case text
    /// A JSON number.
    case number
  }

  private let base: UnsafePointer<UInt8>
  let count: Int
  let kind: Kind

  /// Bound: `count` bytes from `base` on are there while the cell is used.
  init(_ base: UnsafePointer<UInt8>, count: Int, kind: Kind = .bare) {
    unsafe self.base = unsafe base
    self.count = count
    self.kind = kind
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

/// One row. Its cells are there until the next row is asked for.
struct Row {
  /// The line that it begins in, counted from 1.
  var line = 0
  /// As many as there are columns.
  var cells: [Cell] = []
}

/// What gives rows of cells, one after the other.
protocol RowSource: AnyObject {
  /// The names of the columns.
  var columns: [String] { get }

  /// Makes `row` the next one; false behind the last. What is wrong with a row is thrown as `RowRefusal`, and the call
  /// after it goes on behind it; anything else ends the input.
  func next(_ row: inout Row) throws -> Bool

  /// How many bytes of the input were used.
  var bytesUsed: UInt64 { get }
}

/// Why a row is not taken.
struct RowRefusal: Error {
  let line: Int
  let reason: String
  /// True where the row would be taken with another `--out-of-order`.
  let isOutOfOrder: Bool

  init(line: Int, reason: String, isOutOfOrder: Bool = false) {
    (self.line, self.reason, self.isOutOfOrder) = (line, reason, isOutOfOrder)
  }

  /// The same where it ends the command.
  func failure(in path: String) -> CommandFailure {
    CommandFailure("\(PrintableText.string(path)), line \(line): \(reason)")
  }
}

extension Cell {
  /// The cell for a message: printable, and not longer than a line.
  var shown: String {
    let text = String(decoding: self.prefix(60), as: UTF8.self)
    return PrintableText.string(count > 60 ? text + "…" : text)
  }
}
