import Glibc

/// The terminal of stdout taken over for a picture that is drawn again and again: the alternate screen, without a cursor
/// and without wrapping, and keys that come one by one and are not echoed.
///
/// Whoever takes it gives it back by `leave`, whatever happens.
final class TerminalScreen {
  private static let enterText = "\u{1B}[?1049h\u{1B}[?25l\u{1B}[?7l"
  private static let leaveText = "\u{1B}[?7h\u{1B}[?25h\u{1B}[?1049l"

  /// Where keys come from; -1 where there is no terminal for that.
  let keys: Int32
  private var settings: termios?
  private var isEntered = false

  init() {
    // With stdin from elsewhere, the keyboard is still there under this name.
    keys = isatty(STDIN_FILENO) == 1 ? STDIN_FILENO : unsafe open("/dev/tty", O_RDONLY | O_CLOEXEC)
  }

  /// Takes the terminal. Called again, it sets what somebody else may have changed meanwhile.
  func enter() {
    var raw = termios()
    if keys >= 0, unsafe tcgetattr(keys, &raw) == 0 {
      if settings == nil { settings = raw }
      // Ctrl-C and Ctrl-Z stay signals, and newlines newlines.
      raw.c_lflag &= ~tcflag_t(ICANON | ECHO)
      unsafe tcsetattr(keys, TCSANOW, &raw)
    }
    isEntered = true
    write(Self.enterText)
  }

  /// Gives the terminal back as it was.
  func leave() {
    guard isEntered else { return }
    isEntered = false
    write(Self.leaveText)
    if var settings { unsafe tcsetattr(keys, TCSANOW, &settings) }
  }

  /// Shows `lines` in place of what was there, in one write and without clearing first, so that nothing flickers. There
  /// must be no more of them than the terminal has rows.
  func draw(_ lines: [String]) {
    // A terminal that was stopped by Ctrl-S must not hold up the keys.
    guard Terminal.acceptsOutput(STDOUT_FILENO) else { return }
    write("\u{1B}[H" + lines.map { $0 + "\u{1B}[K" }.joined(separator: "\r\n") + "\u{1B}[J")
  }

  private func write(_ text: String) {
    let bytes = Array(text.utf8)
    // A terminal that has gone is told by SIGHUP.
    _ = try? Descriptor.writeAll(bytes.span, to: STDOUT_FILENO)
  }
}
