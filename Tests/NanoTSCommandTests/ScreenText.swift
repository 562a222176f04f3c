/// What a terminal shows after the bytes that were written to it: as much of an xterm as this project's programs and a
/// shell use. What it does not know is kept in `unknown`, so that a test notices.
struct ScreenText {
  private struct Page {
    var cells: [[Character]]
    var row = 0
    var column = 0
  }

  private enum Parser {
    case text
    case escape
    case control([UInt8])
    /// A title for the window, until BEL or ESC.
    case command
  }

  private(set) var columns: Int
  private(set) var rows: Int
  private(set) var isAlternate = false
  private(set) var showsCursor = true
  private(set) var wraps = true
  /// Sequences that mean nothing to it.
  private(set) var unknown: [String] = []
  /// Lines that have left the main page at its top.
  private(set) var history: [String] = []
  /// The main page and the alternate one.
  private var pages: [Page]
  private var parser = Parser.text
  /// The bytes so far of a character that takes more than one.
  private var pending: [UInt8] = []

  init(columns: Int, rows: Int) {
    (self.columns, self.rows) = (columns, rows)
    pages = Array(repeating: Page(cells: Self.blank(columns, rows)), count: 2)
  }

  private static func blank(_ columns: Int, _ rows: Int) -> [[Character]] {
    Array(repeating: Array(repeating: " ", count: columns), count: rows)
  }

  private var page: Page {
    get { pages[isAlternate ? 1 : 0] }
    // In place: a copy of the page for each character would be too slow.
    _modify { yield &pages[isAlternate ? 1 : 0] }
  }

  /// The lines of the page that is shown, without the blanks at their ends.
  var lines: [String] { page.cells.map { Self.trimmed($0) } }

  private static func trimmed(_ cells: [Character]) -> String {
    String(cells[..<((cells.lastIndex { $0 != " " } ?? -1) + 1)])
  }

  /// Lines are cut or get blanks, as in a terminal that does not flow its text anew.
  mutating func resize(columns: Int, rows: Int) {
    func fitted(_ page: Page) -> Page {
      let blanks = Array(repeating: Character(" "), count: columns)
      var cells = page.cells.map { Array(($0 + blanks).prefix(columns)) }
      cells = Array(cells.prefix(rows)) + Self.blank(columns, max(0, rows - cells.count))
      return Page(cells: cells, row: min(page.row, rows - 1), column: min(page.column, columns - 1))
    }
    pages = pages.map(fitted)
    (self.columns, self.rows) = (columns, rows)
  }

  mutating func feed(_ byte: UInt8) {
    switch parser {
    case .text: feedText(byte)
    case .escape: feedEscape(byte)
    case .control(let bytes):
      guard (0x40...0x7E).contains(byte) else {
        parser = .control(bytes + [byte])
        return
      }
      parser = .text
      obey(String(decoding: bytes, as: UTF8.self), Character(UnicodeScalar(byte)))
    case .command:
      if byte == 0x07 { parser = .text } else if byte == 0x1B { parser = .escape }
    }
  }

  private mutating func feedText(_ byte: UInt8) {
    switch byte {
    case 0x1B: parser = .escape
    case 0x0D: page.column = 0
    case 0x0A: newLine()
    case 0x08: page.column = max(0, page.column - 1)
    case 0x09: page.column = min(columns - 1, (page.column / 8 + 1) * 8)
    case 0x07: break
    case 0x20...0x7E: put(Character(UnicodeScalar(byte)))
    case 0x80...:
      pending.append(byte)
      guard let text = String(validating: pending, as: UTF8.self), let character = text.first else { return }
      pending = []
      put(character)
    default: unknown.append("byte \(byte)")
    }
  }

  private mutating func feedEscape(_ byte: UInt8) {
    switch byte {
    case UInt8(ascii: "["): parser = .control([])
    case UInt8(ascii: "]"): parser = .command
    case UInt8(ascii: "\\"): parser = .text
    default:
      unknown.append("ESC \(UnicodeScalar(byte))")
      parser = .text
    }
  }

  private mutating func put(_ character: Character) {
    if page.column >= columns {
      if wraps {
        page.column = 0
        newLine()
      } else {
        page.column = columns - 1
      }
    }
    page.cells[page.row][page.column] = character
    page.column += 1
  }

  private mutating func newLine() {
    guard page.row == rows - 1 else {
      page.row += 1
      return
    }
    let first = page.cells.removeFirst()
    if !isAlternate { history.append(Self.trimmed(first)) }
    page.cells.append(Array(repeating: " ", count: columns))
  }

  private mutating func obey(_ parameters: String, _ final: Character) {
    let numbers = parameters.split(separator: ";", omittingEmptySubsequences: false).map { Int($0) ?? 0 }
    switch (parameters.first, final) {
    case (_, "m"), ("?", "h"), ("?", "l"), (">", _):
      if final != "m" { setMode(parameters, final == "h") }
    case (_, "H"):
      page.row = min(rows, max(1, numbers[0])) - 1
      page.column = min(columns, max(1, numbers.count > 1 ? numbers[1] : 1)) - 1
    case (_, "K"): erase(numbers[0], in: page.row)
    case (_, "J"):
      erase(numbers[0], in: page.row)
      let others = numbers[0] == 0 ? (page.row + 1)..<rows : numbers[0] == 1 ? 0..<page.row : 0..<rows
      for row in others { erase(2, in: row) }
    default: unknown.append("ESC [ \(parameters)\(final)")
    }
  }

  /// 0: from the cursor on, 1: up to it, 2: all.
  private mutating func erase(_ part: Int, in row: Int) {
    let column = min(page.column, columns - 1)
    let range = part == 0 ? column..<columns : part == 1 ? 0..<(column + 1) : 0..<columns
    for index in range { page.cells[row][index] = " " }
  }

  private mutating func setMode(_ mode: String, _ isOn: Bool) {
    switch mode {
    case "?1049":
      if isOn, !isAlternate {
        pages[1] = Page(cells: Self.blank(columns, rows), row: pages[0].row, column: pages[0].column)
      }
      isAlternate = isOn
    case "?25": showsCursor = isOn
    case "?7": wraps = isOn
    // How a shell wants pasted text.
    case "?2004": break
    default: unknown.append("ESC [ \(mode)\(isOn ? "h" : "l")")
    }
  }
}
