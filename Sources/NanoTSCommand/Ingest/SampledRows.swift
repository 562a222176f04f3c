/// Rows of which the first thousand were looked at before any is given out, for what they look like.
final class SampledRows: RowSource {
  private enum Seen {
    case row(line: Int, cells: [(bytes: [UInt8], kind: Cell.Kind)])
    case refused(RowRefusal)
  }

  private static let mostRows = 1_000
  /// Where empty cells lie.
  private nonisolated(unsafe) static let nothing: UnsafePointer<UInt8> = unsafe UnsafePointer(
    UnsafeMutablePointer<UInt8>.allocate(capacity: 1))

  private let rows: any RowSource
  private var seen: [Seen] = []
  private var given = 0

  init(_ rows: any RowSource) throws {
    self.rows = rows
    var row = Row()
    while seen.count < Self.mostRows {
      do {
        guard try rows.next(&row) else { break }
        seen.append(.row(line: row.line, cells: row.cells.map { (Array($0), $0.kind) }))
      } catch let refusal as RowRefusal {
        seen.append(.refused(refusal))
      } catch is InputStopped {
        // What came before is given out; who then asks for more is told again.
        break
      }
    }
  }

  /// Calls `body` with each cell of column `index` that was looked at.
  func forEachSample(of index: Int, _ body: (Cell) -> Void) {
    for case .row(_, let cells) in seen { body(Self.cell(cells[index])) }
  }

  var columns: [String] { rows.columns }
  var bytesUsed: UInt64 { rows.bytesUsed }

  func next(_ row: inout Row) throws -> Bool {
    guard given < seen.count else { return try rows.next(&row) }
    given += 1
    switch seen[given - 1] {
    case .refused(let refusal): throw refusal
    case .row(let line, let cells):
      row.line = line
      row.cells = cells.map(Self.cell)
      return true
    }
  }

  /// Bound: the bytes are kept as long as this is.
  private static func cell(_ seen: (bytes: [UInt8], kind: Cell.Kind)) -> Cell {
    unsafe seen.bytes.withUnsafeBufferPointer {
      unsafe Cell($0.baseAddress ?? nothing, count: $0.count, kind: seen.kind)
    }
  }
}
