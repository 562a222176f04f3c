import ArgumentParser
import NanoTS

struct CatVerb: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cat",
    abstract: "Print frames, one line each: time, stream, payload.",
    discussion: """
      Several streams are merged by time. Payloads that 'record' wrote are shown by the names of their fields, text is \
      shown as it is with control characters escaped, and other bytes as hexadecimal digits after 0x.

      With --json each line is an object with time, timestamp, key, flags, stream, ordinal, and the payload as data \
      (text), fields (by name) or hex.
      """
  )

  @OptionGroup var target: StoreArgument

  @Argument(help: "The streams. Default: all.")
  var streams: [String] = []

  @OptionGroup var range: RangeOptions

  @Flag(help: "Newest frames first.")
  var reverse = false

  @Option(help: "Stop after this many frames.")
  var limit: UInt?

  @Flag(help: "Print payloads as hexadecimal digits.")
  var hex = false

  @Flag(help: "Print JSON Lines.")
  var json = false

  @Flag(help: "Print times as numbers in the store's unit, not as dates.")
  var rawTimes = false

  func run() throws {
    let store = try target.open(.readOnly)
    let range = try range.range(in: store.timeUnit)
    let names = try store.resolveStreams(streams)
    var merger = FrameMerger(try names.map { try frames(of: $0, in: store, range) }, isReversed: reverse)
    var line = FrameLine(form, streams: names, times: TimeText(unit: store.timeUnit, isRaw: rawTimes))
    try printFrames(of: &merger, names, with: &line)
  }

  private var form: FrameLine.Form {
    if json { return .json(isHex: hex) }
    return hex ? .hex : .text
  }

  private func frames(of name: String, in store: Store, _ range: ClosedRange<Int64>) throws -> AnyIterator<Frame> {
    let frames = try store.frames(of: name, in: range)
    return reverse ? AnyIterator(frames.reversed().makeIterator()) : AnyIterator(frames.makeIterator())
  }

  private func printFrames(of merger: inout FrameMerger, _ names: [String], with line: inout FrameLine) throws {
    let output = StandardOutput()
    /// Per stream, the frames that a writer overwrote and that nobody has been told of yet.
    var missed = Array(repeating: UInt64(0), count: names.count)
    var left = limit ?? .max
    while left > 0, let (frame, stream) = merger.next() {
      missed[stream] &+= frame.missed
      do {
        try line.append(frame, of: stream, to: &output.buffer)
      } catch {
        guard error.code == .overwritten else { throw error }
        missed[stream] += 1
        continue
      }
      report(&missed[stream], names[stream])
      try output.flushIfFull()
      left -= 1
    }
    try output.flush()
    for stream in names.indices { report(&missed[stream], names[stream]) }
  }

  private func report(_ missed: inout UInt64, _ stream: String) {
    guard missed > 0 else { return }
    Diagnostics.say(
      "stream '\(PrintableText.string(stream))': \(NumberText.counted(missed, "frame")) missed: recycled or damaged before "
        + "\(missed == 1 ? "it" : "they") could be read")
    missed = 0
  }
}
