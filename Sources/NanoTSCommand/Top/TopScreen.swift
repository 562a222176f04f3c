import Glibc
import NanoTS

/// `top` on a terminal: draws the table at each interval and when the terminal changes, until q or a signal.
final class TopScreen {
  private enum Wake {
    case intervalOver
    case redraw
    case end
  }

  private let probe: StoreProbe
  private let names: [String]
  private let interval: Int64
  private let screen = TerminalScreen()
  private var picture = TopPicture()
  private var keysAreOpen = true

  init(_ probe: StoreProbe, _ names: [String], intervalNanoseconds: Int64) {
    self.probe = probe
    self.names = names
    interval = intervalNanoseconds
  }

  /// Refreshes `count` times after the first picture, or until told to end.
  func run(count: Int?) throws {
    let signals = try TerminalSignals.install()
    var activity = try probe.look()
    screen.enter()
    defer { screen.leave() }
    var deadline = SampleClock.now()
    var refreshes = 0
    while true {
      screen.draw(
        picture.lines(activity, of: names, notice: probe.notice, on: Terminal(descriptor: STDOUT_FILENO)))
      if let count, refreshes >= count { return }
      deadline = max(deadline + interval, SampleClock.now())
      switch wait(until: deadline, signals) {
      case .end: return
      case .redraw: deadline -= interval
      case .intervalOver:
        activity = try probe.look()
        refreshes += 1
      }
    }
  }

  private func wait(until deadline: Int64, _ signals: Int32) -> Wake {
    while true {
      // Where a look takes longer than the interval, keys and signals are heeded all the same.
      let left = max(0, deadline - SampleClock.now())
      var requests = [
        pollfd(fd: signals, events: Int16(POLLIN), revents: 0),
        // A negative descriptor is passed over.
        pollfd(fd: keysAreOpen ? screen.keys : -1, events: Int16(POLLIN), revents: 0),
      ]
      let milliseconds = Int32(clamping: (left + 999_999) / 1_000_000)
      _ = unsafe poll(&requests, nfds_t(requests.count), milliseconds)
      if requests[0].revents != 0, let wake = heed(TerminalSignals.events(from: signals)) { return wake }
      if requests[1].revents != 0, asksForEnd() { return .end }
      if left == 0 { return .intervalOver }
    }
  }

  private func heed(_ events: [TerminalSignals.Event]) -> Wake? {
    if events.contains(.end) { return .end }
    if events.contains(.suspend) {
      screen.leave()
      TerminalSignals.suspend()
    }
    if events.contains(where: { $0 != .resized }) { screen.enter() }
    return events.isEmpty ? nil : .redraw
  }

  private func asksForEnd() -> Bool {
    var bytes = [UInt8](repeating: 0, count: 64)
    guard let count = try? Descriptor.readSome(into: &bytes, from: screen.keys), count > 0 else {
      // Nothing will come from there any more; signals still end it.
      keysAreOpen = false
      return false
    }
    return bytes.prefix(count).contains { $0 == UInt8(ascii: "q") || $0 == UInt8(ascii: "Q") }
  }
}
