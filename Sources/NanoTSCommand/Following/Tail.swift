import Glibc
import NanoTS

/// Prints frames as they come, until told to stop: those of the streams that are wanted, from the place where each is to
/// begin, and of a store that takes this one's place.
final class Tail {
  /// A signal that comes just before a sleep does not end it, so no sleep is longer than this.
  private static let longestWaitMilliseconds = 100
  /// How often it looks for what no frame tells: new streams, a new file, the end of those who read the lines.
  private static let lookInterval: Int64 = 1_000_000_000

  private let wanted: [String]
  private let form: FrameFormOptions
  private var opened: OpenedStore
  private var printer: FramePrinter
  /// Nil while there is no stream to follow.
  private var follower: Follower?
  private var streams: [Followed] = []
  private var numbers: [String: Int] = [:]
  private var lastLook = SampleClock.now()

  /// A stream, in the order in which the follower has them.
  private struct Followed {
    /// True for a stream made meanwhile, until its first frame: what it lost before it was found was missed.
    var countsFromZero: Bool
    /// The ordinal behind the last frame that was printed.
    var next: UInt64 = 0
  }

  /// Follows the streams that are `wanted`, or all that there are and will be where it is empty, from the last `count`
  /// frames on.
  init(_ opened: OpenedStore, _ wanted: [String], last count: Int, _ form: FrameFormOptions) throws {
    self.opened = opened
    self.wanted = wanted
    self.form = form
    let store = opened.store
    let known = try store.streams()
    let names = wanted.isEmpty ? known : wanted
    printer = FramePrinter(form.line(of: [], in: store), streams: [])
    try follow(names, from: try LastFrames(count, of: names, in: store).cursors, countsFromZero: false)
    for name in names where !known.contains(name) {
      Diagnostics.say("stream '\(PrintableText.string(name))' is not there yet; waiting for it")
    }
    tellHowItWaits()
  }

  /// Prints until a signal asks for the end, or nobody reads what is printed.
  func run() throws {
    while !StopSignal.isRequested {
      if SampleClock.now() - lastLook >= Self.lookInterval { try lookAround() }
      if try printNext(waitingMilliseconds: 0) { continue }
      // Nothing more is there: now whoever reads the lines gets them.
      try printer.flush()
      _ = try printNext(waitingMilliseconds: Self.longestWaitMilliseconds)
    }
    try printer.finish()
  }

  /// False when there was no frame in so much time.
  private func printNext(waitingMilliseconds: Int) throws -> Bool {
    guard follower != nil else {
      usleep(UInt32(waitingMilliseconds) * 1_000)
      return false
    }
    guard let followed = try follower?.next(waitingMilliseconds: waitingMilliseconds),
      let number = numbers[followed.stream]
    else { return false }
    var frame = followed.frame
    if frame.ordinal < streams[number].next { printer.forgetLayout(of: number) }
    if streams[number].countsFromZero { frame.missed = frame.ordinal }
    streams[number] = Followed(countsFromZero: false, next: frame.ordinal + 1)
    try printer.print(frame, of: number)
    return true
  }

  private func follow(_ names: [String], from cursors: [Cursor], countsFromZero: Bool) throws {
    for (name, cursor) in zip(names, cursors) {
      if follower == nil {
        follower = try opened.store.follow(from: cursor)
      } else {
        try follower?.add(cursor)
      }
      numbers[name] = streams.count
      streams.append(Followed(countsFromZero: countsFromZero))
    }
    if !names.isEmpty { printer.add(names) }
  }

  // MARK: What no frame tells

  private func lookAround() throws {
    lastLook = SampleClock.now()
    if Descriptor.hasNoReader(STDOUT_FILENO) { throw OutputClosed() }
    switch opened.change() {
    case .gone: say("is gone; what comes to it is still printed, and a new store of that name is waited for")
    case .refused(let error): say("was replaced by a file that is no store to follow: \(error.message)")
    case .replaced(let next): try move(to: next)
    case nil: try followNewStreams(countsFromZero: true)
    }
  }

  private func followNewStreams(countsFromZero: Bool) throws {
    guard wanted.isEmpty else { return }
    let store = opened.store
    let names = try store.streams().filter { numbers[$0] == nil }
    try follow(names, from: try names.map { try store.cursor(of: $0) }, countsFromZero: countsFromZero)
  }

  /// Goes on with the beginning of the store that took this one's place.
  private func move(to next: OpenedStore) throws {
    while !StopSignal.isRequested, try printNext(waitingMilliseconds: 0) {}
    try printer.finish()
    say("was replaced by a new store, which is followed from its beginning")
    opened = next
    (follower, streams, numbers) = (nil, [], [:])
    printer = FramePrinter(form.line(of: [], in: next.store), streams: [])
    try follow(wanted, from: try wanted.map { try next.store.cursor(of: $0) }, countsFromZero: false)
    try followNewStreams(countsFromZero: false)
    tellHowItWaits()
  }

  private func tellHowItWaits() {
    guard opened.store.followMethod == .polling else { return }
    say("is polled for new frames, up to every 20 ms: nobody may write the file, or the system has no membarrier call")
  }

  private func say(_ what: String) {
    Diagnostics.say("\(PrintableText.string(opened.store.path)) \(PrintableText.string(what))")
  }
}
