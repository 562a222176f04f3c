import Foundation
import Glibc
import Testing

/// A program on a terminal of its own, which is its controlling terminal, as in a window of its own.
final class PseudoTerminal {
  // Of <asm-generic/ioctls.h> and <spawn.h>, which Swift's Glibc module does not show.
  private static let unlock: UInt = 0x4004_5431
  private static let number: UInt = 0x8004_5430
  private static let newSession: Int16 = 0x80

  private static let seconds = 60.0

  let processID: pid_t
  private let master: Int32
  /// Kept open, so that the terminal's settings outlive the program.
  private let slave: Int32
  private let shown: ShownScreen
  private var status: Int32?

  init(
    _ command: [String], columns: Int = 80, rows: Int = 24, environment: [String: String] = [:]
  ) throws {
    master = unsafe open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)
    try #require(master >= 0)
    var (zero, index) = (Int32(0), Int32(0))
    try #require(unsafe ioctl(master, Self.unlock, &zero) == 0 && ioctl(master, Self.number, &index) == 0)
    let path = "/dev/pts/\(index)"
    slave = unsafe open(path, O_RDWR | O_NOCTTY | O_CLOEXEC)
    try #require(slave >= 0)
    shown = ShownScreen(columns: columns, rows: rows)
    Self.setSize(of: master, columns, rows)
    var values = ProcessInfo.processInfo.environment
    for name in ["NO_COLOR", "COLUMNS", "LINES"] { values[name] = nil }
    values["TERM"] = "xterm-256color"
    values.merge(environment) { $1 }
    processID = try Self.spawn(command, on: path, values.map { "\($0)=\($1)" })
    shown.start(reading: master)
  }

  deinit {
    if status == nil { kill(processID, SIGKILL) }
    if status == nil { _ = waitpid(processID, nil, 0) }
    close(slave)
    // The reader sees the end of the terminal.
    shown.finish()
    close(master)
  }

  convenience init(nanots arguments: String..., columns: Int = 80, rows: Int = 24) throws {
    try self.init([Program.url.path] + arguments, columns: columns, rows: rows)
  }

  /// The first open of a terminal by the leader of a new session makes it the controlling one.
  private static func spawn(_ command: [String], on path: String, _ environment: [String]) throws -> pid_t {
    var actions = unsafe posix_spawn_file_actions_t()
    var attributes = posix_spawnattr_t()
    unsafe posix_spawn_file_actions_init(&actions)
    unsafe posix_spawnattr_init(&attributes)
    defer {
      unsafe posix_spawn_file_actions_destroy(&actions)
      unsafe posix_spawnattr_destroy(&attributes)
    }
    unsafe posix_spawn_file_actions_addopen(&actions, 0, path, O_RDWR, 0)
    unsafe posix_spawn_file_actions_adddup2(&actions, 0, 1)
    unsafe posix_spawn_file_actions_adddup2(&actions, 0, 2)
    // What the test's threads block or ignore is none of the program's business.
    var (none, all) = (sigset_t(), sigset_t())
    unsafe sigemptyset(&none)
    unsafe sigfillset(&all)
    unsafe posix_spawnattr_setsigmask(&attributes, &none)
    unsafe posix_spawnattr_setsigdefault(&attributes, &all)
    unsafe posix_spawnattr_setflags(
      &attributes, newSession | Int16(POSIX_SPAWN_SETSIGMASK) | Int16(POSIX_SPAWN_SETSIGDEF))
    var words = unsafe command.map { unsafe strdup($0) } + [nil]
    var variables = unsafe environment.map { unsafe strdup($0) } + [nil]
    defer {
      for index in unsafe words.indices { unsafe free(words[index]) }
      for index in unsafe variables.indices { unsafe free(variables[index]) }
    }
    var process = pid_t()
    let result = unsafe posix_spawn(&process, words[0]!, &actions, &attributes, &words, &variables)
    try #require(result == 0, "\(command): error \(result)")
    return process
  }

  // MARK: What the user does

  func type(_ keys: String) {
    let bytes = Array(keys.utf8)
    _ = unsafe write(master, bytes, bytes.count)
  }

  static let controlC = "\u{3}"
  static let controlZ = "\u{1A}"

  /// As dragging a window's corner: the kernel sends SIGWINCH.
  func resize(columns: Int, rows: Int) {
    shown.withScreen { $0.resize(columns: columns, rows: rows) }
    Self.setSize(of: master, columns, rows)
  }

  private static func setSize(of master: Int32, _ columns: Int, _ rows: Int) {
    var size = winsize(ws_row: UInt16(rows), ws_col: UInt16(columns), ws_xpixel: 0, ws_ypixel: 0)
    _ = unsafe ioctl(master, UInt(TIOCSWINSZ), &size)
  }

  // MARK: What the user sees

  var screen: ScreenText { shown.withScreen { $0 } }

  /// Everything that the program wrote, as it wrote it.
  var transcript: String { shown.transcript }

  /// True once `condition` holds for what the terminal shows; false when it has not within a minute.
  func shows(_ condition: (ScreenText) -> Bool) -> Bool { shown.waits(Self.seconds, until: condition) }

  func shows(_ text: String) -> Bool { shows { $0.lines.contains { $0.contains(text) } } }

  /// The terminal's settings, as two sets of them can be compared.
  func settings() -> [UInt32] {
    var settings = termios()
    guard unsafe tcgetattr(slave, &settings) == 0 else { return [] }
    return [settings.c_iflag, settings.c_oflag, settings.c_cflag, settings.c_lflag]
  }

  /// Waits for the program's end and gives its exit code, 128 + n when signal n ended it. One that hangs is killed.
  func exitCode() -> Int32 {
    if let status { return status }
    let deadline = Date() + Self.seconds
    var result: Int32 = 0
    while unsafe waitpid(processID, &result, WNOHANG) == 0 {
      if Date() > deadline { kill(processID, SIGKILL) }
      usleep(1_000)
    }
    let signal = result & 0x7F
    let code = signal == 0 ? result >> 8 & 0xFF : 128 + signal
    status = code
    return code
  }
}

/// What a terminal shows, kept up to date by a thread that reads what its program writes.
private final class ShownScreen: @unchecked Sendable {
  private let changed = NSCondition()
  private let finished = DispatchSemaphore(value: 0)
  private var screen: ScreenText
  private var written: [UInt8] = []
  private var isStarted = false

  init(columns: Int, rows: Int) { screen = ScreenText(columns: columns, rows: rows) }

  func start(reading descriptor: Int32) {
    isStarted = true
    Thread.detachNewThread { [self] in
      var buffer = [UInt8](repeating: 0, count: 64 * 1024)
      while true {
        let count = unsafe read(descriptor, &buffer, buffer.count)
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { break }
        changed.withLock {
          written += buffer[..<count]
          for byte in buffer[..<count] { screen.feed(byte) }
          changed.broadcast()
        }
      }
      finished.signal()
    }
  }

  func finish() {
    if isStarted { finished.wait() }
  }

  var transcript: String { changed.withLock { String(decoding: written, as: UTF8.self) } }

  func withScreen<R>(_ body: (inout ScreenText) -> R) -> R { changed.withLock { body(&screen) } }

  func waits(_ seconds: Double, until condition: (ScreenText) -> Bool) -> Bool {
    let deadline = Date() + seconds
    return changed.withLock {
      while !condition(screen) {
        guard changed.wait(until: deadline) else { return condition(screen) }
      }
      return true
    }
  }
}
