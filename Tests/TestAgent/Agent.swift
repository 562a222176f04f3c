import Glibc
import NanoTS

/// A process of its own for tests that need one: a writer to be killed, a reader to be lapped.
///
///     TestAgent write STORE STREAM ACKNOWLEDGED-FILE   append until killed
///     TestAgent read STORE STREAM FRAMES               read forward, checking, until so many frames were read
///     TestAgent follow STORE STREAM FRAMES             the same, waiting for frames that are not there yet
///     TestAgent hold STORE STREAM                      open the writer, say so, and wait to be killed
///     TestAgent pin STORE STREAM                       pin all of it, say how many blocks, and wait to be killed
///     TestAgent export STORE STREAM ROUNDS             pin a part and read it, checking, so many times
@main
struct Agent {
  static func main() {
    let arguments = CommandLine.arguments
    // Whatever goes wrong with a test, its agents end.
    alarm(300)
    guard arguments.count >= 4, let stream = UInt64(arguments[3]) else { exit(64) }
    do {
      switch arguments[1] {
      case "write": try write(arguments[2], stream, acknowledging: arguments[4])
      case "read": try read(arguments[2], stream, frames: UInt64(arguments[4])!)
      case "follow":
        try read(arguments[2], stream, frames: UInt64(arguments[4])!, waitingMilliseconds: .max, .readWrite)
      case "hold": try hold(arguments[2], stream)
      case "pin": try pin(arguments[2], stream)
      case "export": try Export.run(arguments[2], stream, rounds: Int(arguments[4])!)
      default: exit(64)
      }
    } catch {
      print("agent failed: \(error)")
      exit(1)
    }
  }

  /// Appends frames from the stream's end on, and after each one stores how many were acknowledged in the first word of
  /// the given file, mapped: a word that survives the kill.
  private static func write(_ path: String, _ stream: UInt64, acknowledging file: String) throws {
    let descriptor = unsafe open(file, O_RDWR)
    let word = unsafe mmap(nil, 8, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0)!
    let store = try Store(at: path)
    let writer = try store.writer(for: "\(stream)", options: WriterOptions(durability: .none))
    var cursor = try store.cursor(of: "\(stream)")
    // All of the stream may have been recycled: then the word says where it was. One more frame than it says may have
    // been committed when the writer before was killed.
    let acknowledged = unsafe word.load(as: UInt64.self)
    var ordinal = try cursor.last().map { $0.ordinal + 1 } ?? acknowledged
    if let last = writer.last, last.timestamp >= ProvingPayload.timestamp(ordinal) { ordinal += 1 }
    var words: [UInt64] = []
    while true {
      ProvingPayload.fill(&words, stream: stream, ordinal: ordinal)
      try unsafe words.withUnsafeBytes { bytes in
        try unsafe writer.append(
          bytes, at: ProvingPayload.timestamp(ordinal), flags: UInt32(truncatingIfNeeded: ordinal))
      }
      ordinal += 1
      unsafe word.storeBytes(of: ordinal, as: UInt64.self)
    }
  }

  private static func pin(_ path: String, _ stream: UInt64) throws {
    let store = try Store(at: path, .readOnly)
    let pin = try store.pin("\(stream)")
    let line = Array("pinned \(pin.blocks)\n".utf8)
    _ = unsafe Glibc.write(STDOUT_FILENO, line, line.count)
    while true { pause() }
    pin.release()
  }

  private static func hold(_ path: String, _ stream: UInt64) throws {
    let store = try Store(at: path)
    let writer = try store.writer(for: "\(stream)")
    // Not by print, which would keep it in a buffer until the process ends.
    _ = unsafe Glibc.write(STDOUT_FILENO, "holding\n", 8)
    while true { pause() }
    _ = writer
  }

  /// Reads on and on, and says at the end how many frames were right, wrong and missed, and where it stood.
  private static func read(
    _ path: String, _ stream: UInt64, frames wanted: UInt64, waitingMilliseconds: Int = 0,
    _ access: Store.Access = .readOnly
  ) throws {
    let store = try Store(at: path, access)
    var cursor = try store.cursor(of: "\(stream)")
    var tally = Tally()
    while tally.right + tally.wrong < wanted {
      do {
        try step(&cursor, stream, &tally, waitingMilliseconds)
      } catch {
        guard error.code == .overwritten else { throw error }
        tally.add(missed: error.missedFrames)
      }
    }
    print("\(tally.first!) \(tally.end) \(tally.right) \(tally.wrong) \(tally.missed) \(tally.laps) \(tally.jumps)")
  }

  private static func step(
    _ cursor: inout Cursor, _ stream: UInt64, _ tally: inout Tally, _ waitingMilliseconds: Int
  ) throws(NanoTSError) {
    guard let frame = try cursor.next(waitingMilliseconds: waitingMilliseconds) else { return }
    let isRight = try frame.withBytes { ProvingPayload.isRight($0, stream: stream, ordinal: frame.ordinal) }
    tally.add(frame, isRight)
  }
}
