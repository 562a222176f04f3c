import Glibc

/// The line that shows how a recording goes, written over itself ten times a second. On anything but a terminal it does
/// nothing.
final class RecordProgress {
  private static let interval: Int64 = 100_000_000
  private static let barWidth = 24

  private let terminal: Terminal
  private let title: String
  private let duration: Double?
  private var lastShown: Int64 = 0
  private var isShowing = false

  init(title: String, durationSeconds: Double?, on terminal: Terminal) {
    self.title = title
    duration = durationSeconds
    self.terminal = terminal
  }

  var isDue: Bool { terminal.isTerminal && SampleClock.now() - lastShown >= Self.interval }

  func show(_ streams: [RecordedStream], _ elapsed: Double) {
    guard isDue else { return }
    lastShown = SampleClock.now()
    // A terminal that was stopped must not hold up the sampling.
    guard Terminal.acceptsOutput(STDOUT_FILENO) else { return }
    write("\r" + line(streams, elapsed) + "\u{1B}[K")
    isShowing = true
  }

  /// Takes the line away, to make room for the table.
  func finish() {
    if isShowing { write("\r\u{1B}[K") }
    isShowing = false
  }

  /// The line, of which parts go from the right where the terminal is narrow.
  private func line(_ streams: [RecordedStream], _ elapsed: Double) -> String {
    let samples = streams.map(\.frames).max() ?? 0
    let late = streams.map(\.late).max() ?? 0
    let rate = elapsed > 0 ? Double(samples) / elapsed : 0
    let bytes = streams.reduce(0) { $0 + $1.bytes }
    let lateStyle: Style = late > 0 ? .bad : .dim
    let parts: [(text: String, style: Style?)] = [
      (time(elapsed), nil),
      ("\(NumberText.decimal(rate, places: 0)) Hz", .bold),
      ("\(NumberText.grouped(streams.reduce(0) { $0 + $1.frames })) frames", nil),
      (NumberText.size(bytes), nil),
      ("\(NumberText.grouped(late)) late", lateStyle),
      (title, .dim),
    ]
    var line = bar(elapsed)
    var width = duration == nil ? 2 : Self.barWidth
    for part in parts where width + 2 + part.text.count < terminal.columns {
      line += "  " + (part.style.map { $0.apply(to: part.text, on: terminal) } ?? part.text)
      width += 2 + part.text.count
    }
    return line
  }

  private func time(_ elapsed: Double) -> String {
    let now = NumberText.decimal(elapsed, places: 1)
    return duration.map { "\(now) / \(NumberText.decimal($0, places: 1)) s" } ?? "\(now) s"
  }

  /// How much of the time is over; without a duration, a mark that something is being recorded.
  private func bar(_ elapsed: Double) -> String {
    guard let duration else { return Style.bad.apply(to: "●", on: terminal) + " " }
    let share = duration > 0 ? min(1, elapsed / duration) : 1
    let done = Int(share * Double(Self.barWidth))
    return Style.good.apply(to: String(repeating: "━", count: done), on: terminal)
      + Style.dim.apply(to: String(repeating: "─", count: Self.barWidth - done), on: terminal)
  }

  private func write(_ text: String) {
    let bytes = Array(text.utf8)
    // Where the terminal has gone the recording goes on.
    _ = try? Descriptor.writeAll(bytes.span, to: STDOUT_FILENO)
  }
}
