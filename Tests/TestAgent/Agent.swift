import Glibc
import NanoTS

/// A process of its own for tests that need one: a writer to be killed, a reader to be lapped.
///
///     TestAgent write STORE STREAM WORDS PLACE STYLE DURABILITY SEED
///     TestAgent read STORE STREAM,STREAM… WORDS PLACE ROLE SEED
///     TestAgent hold STORE STREAM
///     TestAgent wait STORE STREAM
///     TestAgent lock STORE [SLOT]
///     TestAgent pin STORE STREAM
///     TestAgent export STORE STREAM ROUNDS
///     TestAgent scribble STORE WORDS PLACE SEED
///     TestAgent abuse-read STORE WORDS PLACE SEED
///     TestAgent abuse-write STORE WORDS PLACE SEED
///     TestAgent prove STORE
///     TestAgent demoted STORE
///     TestAgent cut STORE OTHER USE GUARD
///
/// The first appends until it is told to stop, the second reads until then and prints its report. STYLE is "restless"
/// or "steady"; WORDS are a file of `SharedWords`, PLACE is the agent's own word there. The others wait to be
/// killed: with the stream's writer, for a frame at the stream's end, with the allocation lock and its mark that lists are
/// being changed, also as the writer of a stream has it that begins a block; or with a pin on all of a stream. They say
/// when they have it, the one that waits aside. "export" pins parts of a stream and reads them so many times. "scribble"
/// writes over a store that the next two use until they are told to stop, and "prove" reads what is left. "demoted" gives
/// up what only root may do, and uses the store after its permissions were taken away. "cut" goes on with a store that is
/// cut while it has it open.
@main
struct Agent {
  static func main() {
    let arguments = CommandLine.arguments
    // A test's thread may have every signal blocked, and its processes inherit that.
    var signals = sigset_t()
    _ = unsafe sigemptyset(&signals)
    _ = unsafe sigaddset(&signals, SIGALRM)
    _ = unsafe sigaddset(&signals, SIGBUS)
    _ = unsafe sigprocmask(SIG_UNBLOCK, &signals, nil)
    alarm(300)
    do {
      switch (arguments.dropFirst().first, arguments.count) {
      case ("write", 9): try write(arguments)
      case ("read", 8): try read(arguments)
      case ("hold", 4): try hold(arguments[2], arguments[3])
      case ("wait", 4): try wait(arguments[2], arguments[3])
      case ("lock", 3): try takeTheLock(arguments[2], .inTurn)
      case ("lock", 4): try takeTheLock(arguments[2], .atOnce(slot: UInt32(arguments[3])!))
      case ("pin", 4): try pin(arguments[2], arguments[3])
      case ("export", 5): try Export.run(arguments[2], ProvingStream(arguments[3])!, rounds: Int(arguments[4])!)
      case ("scribble", 6):
        try Scribbler.run(
          arguments[2], try SharedWords(at: arguments[3]), Int(arguments[4])!, seed: UInt64(arguments[5])!)
      case ("abuse-read", 6), ("abuse-write", 6):
        var use = HostileUse(
          arguments[2], try SharedWords(at: arguments[3]), Int(arguments[4])!, seed: UInt64(arguments[5])!)
        if arguments[1] == "abuse-read" { use.read() } else { use.write() }
      case ("prove", 3): HostileUse.prove(arguments[2])
      case ("cut", 6): try CutStore(arguments[2], arguments[3]).run(arguments[4], isGuarded: arguments[5] == "guarded")
      case ("demoted", 3): try demoted(arguments[2])
      default: fail("arguments: \(arguments.dropFirst())", 64)
      }
    } catch {
      fail("agent failed: \(error)", 1)
    }
  }

  private static func fail(_ text: String, _ status: Int32) -> Never {
    let line = "\(text)\n"
    _ = unsafe line.withCString { unsafe Glibc.write(STDERR_FILENO, $0, strlen($0)) }
    exit(status)
  }

  private static func write(_ arguments: [String]) throws {
    guard let stream = ProvingStream(arguments[3]), let place = Int(arguments[5]), let seed = UInt64(arguments[8])
    else { fail("arguments: \(arguments)", 64) }
    let options = TortureWriter.Options(
      durability: arguments[7] == "onSeal" ? .onSeal : .none, isRestless: arguments[6] == "restless")
    var writer = TortureWriter(
      try Store(at: arguments[2]), isAlone: true, stream, options, try SharedWords(at: arguments[4]), place, seed: seed)
    try writer.run()
  }

  private static func read(_ arguments: [String]) throws {
    let streams = arguments[3].split(separator: ",").compactMap { ProvingStream($0) }
    guard !streams.isEmpty, let place = Int(arguments[5]), let role = TortureReader.Role(rawValue: arguments[6]),
      let seed = UInt64(arguments[7])
    else { fail("arguments: \(arguments)", 64) }
    let words = try SharedWords(at: arguments[4])
    alarm(words.secondsLeft)
    // Of those who wait for frames, one half is woken by writers and one looks again and again.
    let access: Store.Access = role == .follow && seed % 2 == 0 ? .following : .readOnly
    var reader = try TortureReader(try Store(at: arguments[2], access), streams, words, place, seed: seed)
    try reader.run(role)
    print(reader.report.lines)
  }

  private static func hold(_ path: String, _ stream: String) throws {
    let store = try Store(at: path)
    let writer = try store.writer(for: stream)
    waitForDeath()
    _ = writer
  }

  private static func wait(_ path: String, _ stream: String) throws {
    var cursor = try Store(at: path, .following).cursor(of: stream)
    while true { _ = try cursor.next(waitingMilliseconds: .max) }
  }

  private static func takeTheLock(_ path: String, _ way: HeldLock.Way) throws {
    try HeldLock.take(path, way)
    waitForDeath()
  }

  private static func pin(_ path: String, _ stream: String) throws {
    let pin = try Store(at: path, .readOnly).pin(stream)
    waitForDeath(saying: "pinned \(pin.blocks)")
    pin.release()
  }

  /// Opens the store, waits for a line of input, and says how it goes on.
  private static func demoted(_ path: String) throws {
    // Root passes every check of permissions.
    if getuid() == 0, setuid(65_534) != 0 { fail("cannot become nobody", 1) }
    let store = try Store(at: path)
    let writer = try store.writer(for: "w")
    for time in Int64(0)..<300 { try writer.append(HostileContent.payload(time, "w"), at: time) }
    awaitLine()
    for time in Int64(300)..<900 { try writer.append(HostileContent.payload(time, "w"), at: time) }
    let last = try store.statistics(of: "w")?.last ?? -1
    var refusals: [String] = []
    do { _ = try store.writer(for: "other") } catch { refusals.append("\(error.code) \(error)") }
    do { _ = try Store(at: path, .readOnly) } catch { refusals.append("\(error.code) \(error)") }
    try writer.flush()
    try writer.close()
    try store.close()
    print(([String(last)] + refusals).joined(separator: "\n"))
  }

  /// Says that it is ready, and waits until it is told to go on.
  static func awaitLine() {
    let line = Array("ready\n".utf8)
    _ = unsafe Glibc.write(STDOUT_FILENO, line, line.count)
    _ = readLine()
  }

  private static func waitForDeath(saying text: String = "holding") {
    // Not by print, which would keep it in a buffer until the process ends.
    let line = Array("\(text)\n".utf8)
    _ = unsafe Glibc.write(STDOUT_FILENO, line, line.count)
    while true { pause() }
  }
}
