import Glibc

/// What stdout is: a terminal of some width, with or without colour, or something else (a pipe, a file).
struct Terminal {
  let isTerminal: Bool
  let columns: Int
  let rows: Int
  let hasColour: Bool
  /// False where text can only be added line by line.
  let canPlaceText: Bool

  /// The size assumed where there is no terminal to ask.
  private static let defaultColumns = 100
  private static let defaultRows = 24

  static let standardOutput = Terminal(descriptor: STDOUT_FILENO)

  init(descriptor: Int32) {
    isTerminal = isatty(descriptor) == 1
    (columns, rows) = isTerminal ? Self.size(of: descriptor) : (Self.defaultColumns, Self.defaultRows)
    // https://no-color.org: any value that is not empty turns colour off.
    let refusesColour = unsafe getenv("NO_COLOR").map { unsafe $0.pointee != 0 } ?? false
    let kind = unsafe getenv("TERM").map { unsafe String(cString: $0) } ?? ""
    hasColour = isTerminal && !refusesColour && kind != "dumb"
    canPlaceText = isTerminal && !kind.isEmpty && kind != "dumb"
  }

  private static func size(of descriptor: Int32) -> (columns: Int, rows: Int) {
    var size = winsize()
    // TIOCGWINSZ writes one winsize, which is what the pointer leads to.
    guard unsafe ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0 else { return (defaultColumns, defaultRows) }
    return (
      size.ws_col > 0 ? Int(size.ws_col) : defaultColumns, size.ws_row > 0 ? Int(size.ws_row) : defaultRows
    )
  }

  /// True when a write of a short line will not wait. A terminal stopped by Ctrl-S would hold the writer up.
  static func acceptsOutput(_ descriptor: Int32) -> Bool {
    var request = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
    return unsafe poll(&request, 1, 0) == 1 && request.revents & Int16(POLLOUT) != 0
  }
}

/// The few ways in which text stands out on a terminal.
enum Style {
  case bold
  case dim
  case good
  case bad
  /// One of the colours that tell streams apart.
  case series(Int)
  case seriesReversed(Int)

  private static let seriesColours = [36, 33, 32, 35, 34, 31]

  private var code: String {
    switch self {
    case .bold: "1"
    case .dim: "2"
    case .good: "32"
    case .bad: "31"
    case .series(let index): "\(Self.seriesColours[index % Self.seriesColours.count])"
    case .seriesReversed(let index): "7;\(Self.seriesColours[index % Self.seriesColours.count])"
    }
  }

  /// `text` in this style, or as it is where there is no colour.
  func apply(to text: String, on terminal: Terminal) -> String {
    terminal.hasColour ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
  }
}
