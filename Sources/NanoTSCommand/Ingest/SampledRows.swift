/// Rows of which the first thousand were looked at before any is given out, for what they look like.
final class SampledRows: RowSource {
  private enum Seen {
    case row(line: Int, cells: [[UInt8]])
    case refused(RowRefusal)
  }

  private static let mostRows = 1_000
  /// Where empty cells lie.
  private nonisolated(unsafe) static let nothing: UnsafePointer<UInt8> = unsafe UnsafePointer(
    UnsafeMutablePointer<UInt8>.allocate(capacity: 1))

  private let rows: any RowSource
  private var seen: [Seen] = []
  private var index = -1

  init(_ rows: any RowSource) throws {
    self.rows = rows
    while seen.count < Self.mostRows {
      do {
        guard try rows.next() else { break }
        seen.append(.row(line: rows.line, cells: (0..<rows.cellCount).map { Array(rows.cell($0)) }))
      } catch let refusal as RowRefusal {
        seen.append(.refused(refusal))
      }
    }
  }

  /// Calls `body` with each cell of column `index` that was looked at.
  func forEachSample(of index: Int, _ body: (Cell) -> Void) {
    for case .row(_, let cells) in seen { unsafe cells[index].withUnsafeBufferPointer { unsafe body(Cell($0.baseAddress ?? Self.nothing, count: $0.count)) } }
  }

  var columns: [String] { rows.columns }
  var cellCount: Int { rows.cellCount }
  var bytesUsed: UInt64 { rows.bytesUsed }

  var line: Int {
    if index < seen.count, case .row(let line, _) = seen[index] { return line }
    return rows.line
  }

  func cell(_ column: Int) -> Cell {
    guard index < seen.count, case .row(_, let cells) = seen[index] else { return rows.cell(column) }
    // Bound: the cells are kept until the last of them was given out.
    return unsafe cells[column].withUnsafeBufferPointer { unsafe Cell($0.baseAddress ?? Self.nothing, count: $0.count) }
  }

  func next() throws -> Bool {
    guard index < seen.count else { return try rows.next() }
    index += 1
    guard index < seen.count else { return try rows.next() }
    if case .refused(let refusal) = seen[index] { throw refusal }
    return true
  }
}
