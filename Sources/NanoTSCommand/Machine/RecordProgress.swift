/// The line that shows how a recording goes.
final class RecordProgress {
  private let line: StatusLine
  private let title: String
  private let duration: Double?

  init(title: String, durationSeconds: Double?, on terminal: Terminal) {
    self.title = title
    duration = durationSeconds
    line = StatusLine(on: terminal)
  }

  var isDue: Bool { line.isDue }

  func show(_ streams: [RecordedStream], _ elapsed: Double) {
    guard isDue else { return }
    line.show(bar(elapsed), width: duration == nil ? 2 : StatusLine.barWidth, parts(streams, elapsed))
  }

  /// Takes the line away, to make room for the table.
  func finish() { line.finish() }

  private func parts(_ streams: [RecordedStream], _ elapsed: Double) -> [StatusLine.Part] {
    let samples = streams.map(\.frames).max() ?? 0
    let late = streams.map(\.late).max() ?? 0
    let rate = elapsed > 0 ? Double(samples) / elapsed : 0
    let bytes = streams.reduce(0) { $0 + $1.bytes }
    return [
      (time(elapsed), nil),
      ("\(NumberText.decimal(rate, places: 0)) Hz", .bold),
      ("\(NumberText.grouped(streams.reduce(0) { $0 + $1.frames })) frames", nil),
      (NumberText.size(bytes), nil),
      ("\(NumberText.grouped(late)) late", late > 0 ? .bad : .dim),
      (title, .dim),
    ]
  }

  private func time(_ elapsed: Double) -> String {
    let now = NumberText.decimal(elapsed, places: 1)
    return duration.map { "\(now) / \(NumberText.decimal($0, places: 1)) s" } ?? "\(now) s"
  }

  /// How much of the time is over; without a duration, a mark that something is being recorded.
  private func bar(_ elapsed: Double) -> String {
    guard let duration else { return line.mark }
    return line.bar(duration > 0 ? min(1, elapsed / duration) : 1)
  }
}
