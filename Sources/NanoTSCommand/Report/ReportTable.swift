/// A table that scrolls by itself where the page is too narrow.
struct ReportTable {
  private let titles: [String]
  private let rows: [[String]]
  private let numbers: Set<Int>
  private let text: Int?

  /// `numbers`: the columns that are set to the right. `text`: one whose cells take as many lines as they need.
  init(_ titles: [String], _ rows: [[String]], numbers: Set<Int>, text: Int? = nil) {
    (self.titles, self.rows, self.numbers, self.text) = (titles, rows, numbers, text)
  }

  var lines: [String] {
    ["<div class=\"scroll\"><table>", "<thead>\(row(titles, "th"))</thead>", "<tbody>"] + rows.map { row($0, "td") }
      + ["</tbody>", "</table></div>"]
  }

  private func row(_ cells: [String], _ tag: String) -> String {
    let cells = cells.enumerated().map { index, cell in
      let style = numbers.contains(index) ? " class=\"number\"" : index == text ? " class=\"text\"" : ""
      return "<\(tag)\(style)>\(MarkupText.escaped(cell))</\(tag)>"
    }
    return "<tr>\(cells.joined())</tr>"
  }
}
