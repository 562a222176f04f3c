/// A table of text: columns as wide as their widest cell, two spaces between them, numbers to the right.
struct Table {
  enum Alignment {
    case left
    case right
  }

  struct Column {
    let title: String
    let alignment: Alignment

    static func left(_ title: String) -> Column { Column(title: title, alignment: .left) }
    static func right(_ title: String) -> Column { Column(title: title, alignment: .right) }
  }

  private static let gap = "  "

  private let columns: [Column]
  private let cutsLastColumn: Bool
  private var rows: [[String]] = []
  private var totals: [String]?

  /// `cutsLastColumn`: on a terminal, what is too long in the last column is cut so that a row stays one line.
  init(_ columns: [Column], cutsLastColumn: Bool = false) {
    self.columns = columns
    self.cutsLastColumn = cutsLastColumn
  }

  mutating func add(_ cells: [String]) {
    precondition(cells.count == columns.count, "a row of \(cells.count) cells in \(columns.count) columns")
    rows.append(cells)
  }

  /// A last row that sums up the others and stands apart from them.
  mutating func addTotals(_ cells: [String]) {
    precondition(cells.count == columns.count, "a row of \(cells.count) cells in \(columns.count) columns")
    totals = cells
  }

  func text(on terminal: Terminal) -> String {
    let widths = columns.indices.map { width(ofColumn: $0) }
    let header = line(columns.map(\.title), widths, terminal)
    var text = Style.bold.apply(to: header, on: terminal) + "\n"
    for row in rows { text += line(row, widths, terminal) + "\n" }
    if let totals { text += Style.bold.apply(to: line(totals, widths, terminal), on: terminal) + "\n" }
    return text
  }

  private func width(ofColumn index: Int) -> Int {
    let cells = (rows + [columns.map(\.title)] + (totals.map { [$0] } ?? [])).map { $0[index].count }
    return cells.max() ?? 0
  }

  private func line(_ cells: [String], _ widths: [Int], _ terminal: Terminal) -> String {
    var line = ""
    for (index, cell) in cells.enumerated() {
      let isLast = index == cells.count - 1
      let padding = String(repeating: " ", count: widths[index] - cell.count)
      switch columns[index].alignment {
      case .right: line += padding + cell
      case .left: line += isLast ? cell : cell + padding
      }
      if !isLast { line += Self.gap }
    }
    let isCut = cutsLastColumn && terminal.isTerminal && line.count > terminal.columns
    return isCut ? line.prefix(terminal.columns - 1) + "…" : line
  }
}
