import Glibc

/// Rows of JSON Lines: an object on each line. Its numbers, strings and booleans are the cells, named by their keys; those
/// of the first line are the columns, in the order of their names. A key that a line does not have, or null, is an empty
/// cell; one that the first line does not have is refused.
final class JSONRows: RowSource {
  private(set) var columns: [String] = []
  private var line = 0
  private let input: InputBytes
  /// How long the present line is, with its end; dropped when the next is asked for.
  private var lineByteCount = 0
  /// The first row was read for its columns, and not yet given out.
  private var isFirst = true
  private var bytes: [UInt8] = []
  private var cells: [(place: Range<Int>, kind: Cell.Kind)?] = []
  private var indexes: [String: Int] = [:]

  /// The longest line that is taken.
  static let longestLine = 16 << 20

  init(_ input: InputBytes) throws {
    self.input = input
    let path = PrintableText.string(input.path)
    guard let text = try nextLine() else {
      throw CommandFailure("\(path) is empty: it has no first object to name the columns")
    }
    guard let first = JSONObject(text), !first.members.isEmpty else {
      throw CommandFailure("\(path), line \(line): no JSON object with a value in it")
    }
    columns = Set(first.members.map(\.name)).sorted()
    indexes = Dictionary(uniqueKeysWithValues: columns.enumerated().map { ($1, $0) })
    try take(first)
  }

  var bytesUsed: UInt64 { input.bytesRead - UInt64(input.count - lineByteCount) }

  func next(_ row: inout Row) throws -> Bool {
    if isFirst {
      isFirst = false
    } else if try !takeNext() {
      return false
    }
    row.line = line
    // Bound: the cells lie in `bytes`, which nothing changes before the next row.
    row.cells = unsafe bytes.withUnsafeBufferPointer { bytes in
      cells.map { cell in
        let place = cell?.place ?? 0..<0
        return unsafe Cell(bytes.baseAddress! + place.lowerBound, count: place.count, kind: cell?.kind ?? .bare)
      }
    }
    return true
  }

  private func takeNext() throws -> Bool {
    guard let text = try nextLine() else { return false }
    guard let object = JSONObject(text) else { throw RowRefusal(line: line, reason: "it is no JSON object") }
    try take(object)
    return true
  }

  /// The next line that is not blank, without its end; nil behind the last.
  private func nextLine() throws -> Cell? {
    while true {
      input.drop(lineByteCount)
      lineByteCount = 0
      guard let text = try findLine() else { return nil }
      if !text.allSatisfy({ $0 <= 0x20 }) { return text }
    }
  }

  /// The last line may have no end.
  private func findLine() throws -> Cell? {
    var (searched, isTooLong) = (0, false)
    while true {
      // Bound: the bytes from `start` on that were read.
      let bytes = unsafe input.base + input.start
      let newline = unsafe memchr(bytes + searched, Int32(UInt8(ascii: "\n")), input.count - searched)
      let length = unsafe newline.map { unsafe $0 - UnsafeMutableRawPointer(bytes) }
      isTooLong = isTooLong || (length ?? input.count) > Self.longestLine
      if let length {
        line += 1
        lineByteCount = length + 1
        if isTooLong { break }
        return unsafe Cell(bytes, count: length)
      }
      if isTooLong { input.drop(input.count) }
      searched = input.count
      guard try !input.readMore() else { continue }
      guard input.count > 0 || isTooLong else { return nil }
      line += 1
      lineByteCount = input.count
      if isTooLong { break }
      return unsafe Cell(input.base + input.start, count: input.count)
    }
    throw RowRefusal(line: line, reason: "it is longer than \(Self.longestLine) bytes; shorten it")
  }

  private func take(_ object: JSONObject) throws {
    bytes.removeAll(keepingCapacity: true)
    cells = Array(repeating: nil, count: columns.count)
    for (name, value) in object.members {
      guard let index = indexes[name] else {
        throw RowRefusal(line: line, reason: "its key '\(PrintableText.string(name))' is not in the first line")
      }
      guard cells[index] == nil else {
        throw RowRefusal(line: line, reason: "its key '\(PrintableText.string(name))' is there twice")
      }
      switch value {
      case .text(let text): add(text, .text, at: index)
      case .number(let text): add(text, .number, at: index)
      case .boolean(let value): add((value ? "true" : "false").utf8, .bare, at: index)
      case .null: add([], .bare, at: index)
      case .nested:
        throw RowRefusal(line: line, reason: "the value of '\(PrintableText.string(name))' is an object or a list")
      }
    }
    // So that the memory is one piece and is not empty.
    bytes.append(0)
  }

  private func add(_ text: some Sequence<UInt8>, _ kind: Cell.Kind, at index: Int) {
    let first = bytes.count
    bytes.append(contentsOf: text)
    cells[index] = (first..<bytes.count, kind)
  }
}
