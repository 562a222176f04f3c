import Glibc

/// Rows of comma-separated values as RFC 4180 describes them: cells may stand in quotes, and then hold delimiters, line
/// ends, and quotes that are doubled. Lines end with LF or CRLF. Empty lines are passed over. The first row names the columns.
///
/// SwiftCSV, the parser that there is for Swift, takes a whole file as a String and gives a dictionary for each row: a gigabyte
/// would need several in memory. This one looks at each byte once, in the piece that was read.
final class CSVRows: RowSource {
  private(set) var columns: [String] = []
  private var line = 1
  private let input: InputBytes
  private let delimiter: UInt8
  /// Where a row's cells lie behind `input.start`.
  private typealias Places = [(start: Int, end: Int, isQuoted: Bool, hasDoubled: Bool)]
  private var places: Places = []
  /// The first cell of the present row, counted from 1, that goes on behind its closing quote.
  private var strayCell: Int?
  /// How long the present row is, with its line end; dropped when the next is asked for.
  private var rowByteCount = 0
  private var linesInRow = 0

  init(_ input: InputBytes, delimiter: UInt8 = UInt8(ascii: ",")) throws {
    self.input = input
    self.delimiter = delimiter
    skipByteOrderMark(try input.readMore())
    var header = Row()
    guard try nextRow(&header) else {
      throw CommandFailure("\(PrintableText.string(input.path)) is empty: it has no header line")
    }
    columns = header.cells.map(\.text)
    var seen: Set<String> = []
    for name in columns where !seen.insert(name).inserted {
      throw CommandFailure(
        "\(PrintableText.string(input.path)) has two columns called '\(PrintableText.string(name))'; each needs its own name"
      )
    }
  }

  var bytesUsed: UInt64 { input.bytesRead - UInt64(input.count - rowByteCount) }

  func next(_ row: inout Row) throws -> Bool {
    guard try nextRow(&row) else { return false }
    guard row.cells.count == columns.count else {
      throw RowRefusal(line: line, reason: "it has \(row.cells.count) cells, the header has \(columns.count)")
    }
    return true
  }

  private func skipByteOrderMark(_ isThere: Bool) {
    guard isThere, input.count >= 3 else { return }
    // Bound: three bytes were read.
    let mark = unsafe (input.base[0], input.base[1], input.base[2])
    if mark == (0xEF, 0xBB, 0xBF) { input.drop(3) }
  }

  private func nextRow(_ row: inout Row) throws -> Bool {
    repeat {
      input.drop(rowByteCount)
      line += linesInRow
      (rowByteCount, linesInRow) = (0, 0)
      guard try scanWhole() else { return false }
      show(&row)
    } while row.cells.count == 1 && row.cells[0].count == 0
    return true
  }

  private func show(_ row: inout Row) {
    row.line = line
    row.cells.removeAll(keepingCapacity: true)
    // Bound: cells lie in the present row, which is in the input's memory until the next one is asked for.
    let bytes = unsafe input.base + input.start
    for place in places { unsafe row.cells.append(Cell(bytes + place.start, count: place.end - place.start)) }
  }

  /// Finds the next row, reading on as far as it goes; false at the end. The last line may have no end.
  private func scanWhole() throws -> Bool {
    // Taken out, so that nobody asks for each cell whether somebody else is at it.
    var places = self.places
    self.places = []
    defer { self.places = places }
    while !scan(&places) {
      guard try !readFurther() else { continue }
      guard input.count > 0 else { return false }
      guard !scan(&places, isLast: true) else { return try checkQuotes() }
      rowByteCount = input.count
      throw RowRefusal(line: line, reason: "its quotes are not closed before the end")
    }
    return try checkQuotes()
  }

  private func checkQuotes() throws -> Bool {
    guard let strayCell else { return true }
    throw RowRefusal(
      line: line,
      reason: "cell \(strayCell) goes on behind its closing quote; a quote within quotes is written twice")
  }

  /// Reads on before the row is looked at from its start again: a piece, or once the row is long twice as much as there is, so
  /// that the looking is linear in what comes.
  private func readFurther() throws -> Bool {
    let enough = input.count > Self.longRowByteCount ? 2 * input.count : input.count + 1
    guard try input.readMore() else { return false }
    while input.count < enough, try input.readMore() {}
    return true
  }

  private static let longRowByteCount = 64 << 10

  /// How often a row was looked at from its start.
  private(set) var scans = 0

  /// Finds the cells of the row at the input's start. False when the row goes on behind what was read.
  private func scan(_ cells: inout Places, isLast: Bool = false) -> Bool {
    scans += 1
    cells.removeAll(keepingCapacity: true)
    (linesInRow, strayCell) = (0, nil)
    let (quote, newline) = (UInt8(ascii: "\""), UInt8(ascii: "\n"))
    // Bound: `index` and `end` stay within the bytes that were read.
    let bytes = unsafe input.base + input.start
    let count = input.count
    var index = 0
    while true {
      if index < count, unsafe bytes[index] == quote {
        guard let closed = unsafe closingQuote(bytes, count, from: index + 1) else { return false }
        cells.append((index + 1, closed.index, true, closed.doubled))
        index = closed.index + 1
        let behind = index
        while index < count, unsafe bytes[index] != delimiter, unsafe bytes[index] != newline { index += 1 }
        // The CR of a CRLF is all that may stand there.
        let isLineEnd =
          unsafe index == behind + 1 && bytes[behind] == UInt8(ascii: "\r")
          && (index == count || bytes[index] == newline)
        if index > behind, !isLineEnd, strayCell == nil { strayCell = cells.count }
      } else {
        let first = index
        while index < count, unsafe bytes[index] != delimiter, unsafe bytes[index] != newline { index += 1 }
        cells.append((first, index, false, false))
      }
      guard index < count else {
        guard isLast else { return false }
        unsafe finishRow(&cells, bytes, ofBytes: count)
        return true
      }
      index += 1
      guard unsafe bytes[index - 1] == newline else { continue }
      unsafe finishRow(&cells, bytes, ofBytes: index)
      return true
    }
  }

  /// Only now: a row that is not whole yet is looked at again from its start.
  private func finishRow(_ cells: inout Places, _ bytes: UnsafeMutablePointer<UInt8>, ofBytes count: Int) {
    linesInRow += 1
    rowByteCount = count
    let last = cells.count - 1
    let end = cells[last].end
    // Bound: the cell is not empty. Within quotes a CR is the cell's own.
    if !cells[last].isQuoted, end > cells[last].start, unsafe bytes[end - 1] == UInt8(ascii: "\r") {
      cells[last].end = end - 1
    }
    for index in cells.indices where cells[index].hasDoubled {
      cells[index].end = unsafe joinDoubled(bytes, cells[index].start, cells[index].end)
    }
  }

  /// Where the quotes end that were opened before `first`, and whether there are doubled ones in them. Nil when that was not
  /// read yet. Bound: `first` is at most `count`.
  private func closingQuote(
    _ bytes: UnsafeMutablePointer<UInt8>, _ count: Int, from first: Int
  ) -> (index: Int, doubled: Bool)? {
    let quote = UInt8(ascii: "\"")
    var (index, doubled, lines) = (first, false, 0)
    while true {
      guard index < count else { return nil }
      if unsafe bytes[index] == quote {
        guard index + 1 < count else {
          // It may be the first of two.
          guard input.isAtEnd else { return nil }
          break
        }
        guard unsafe bytes[index + 1] == quote else { break }
        doubled = true
        index += 1
      } else if unsafe bytes[index] == UInt8(ascii: "\n") {
        lines += 1
      }
      index += 1
    }
    linesInRow += lines
    return (index, doubled)
  }

  /// Moves the bytes of a cell together over the second of each two quotes, and returns its new end. Bound: the cell lies
  /// within the bytes that were read.
  private func joinDoubled(_ bytes: UnsafeMutablePointer<UInt8>, _ start: Int, _ end: Int) -> Int {
    var (from, to) = (start, start)
    while from < end {
      unsafe bytes[to] = unsafe bytes[from]
      from += unsafe bytes[from] == UInt8(ascii: "\"") ? 2 : 1
      to += 1
    }
    return to
  }
}
