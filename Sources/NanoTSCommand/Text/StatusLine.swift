import Glibc

/// A line that shows how something goes, written over itself ten times a second. On anything but a terminal it does
/// nothing.
final class StatusLine {
  /// A piece of the line, in a style or as it is.
  typealias Part = (text: String, style: Style?)

  private static let interval: Int64 = 100_000_000
  /// Columns that a bar takes.
  static let barWidth = 24

  private let terminal: Terminal
  private var lastShown: Int64 = 0
  private var isShowing = false

  init(on terminal: Terminal) {
    self.terminal = terminal
  }

  var isDue: Bool { terminal.isTerminal && SampleClock.now() - lastShown >= Self.interval }

  /// Shows `lead`, which takes `width` columns, and the parts, of which those at the right go where the terminal is
  /// narrow.
  func show(_ lead: String, width: Int, _ parts: [Part]) {
    lastShown = SampleClock.now()
    // A terminal that was stopped must not hold up what is going on.
    guard Terminal.acceptsOutput(STDOUT_FILENO) else { return }
    var (line, width) = (lead, width)
    for part in parts where width + 2 + part.text.count < terminal.columns {
      line += "  " + (part.style.map { $0.apply(to: part.text, on: terminal) } ?? part.text)
      width += 2 + part.text.count
    }
    write("\r" + line + "\u{1B}[K")
    isShowing = true
  }

  /// Takes the line away, to make room for what comes.
  func finish() {
    if isShowing { write("\r\u{1B}[K") }
    isShowing = false
  }

  /// A bar that is full by `share`, from 0 to 1.
  func bar(_ share: Double) -> String {
    let done = Int(share * Double(Self.barWidth))
    return Style.good.apply(to: String(repeating: "━", count: done), on: terminal)
      + Style.dim.apply(to: String(repeating: "─", count: Self.barWidth - done), on: terminal)
  }

  /// A mark that something is being recorded.
  var mark: String { Style.bad.apply(to: "●", on: terminal) + " " }

  private func write(_ text: String) {
    let bytes = Array(text.utf8)
    // Where the terminal has gone the work goes on.
    _ = try? Descriptor.writeAll(bytes.span, to: STDOUT_FILENO)
  }
}
