import ArgumentParser
import NanoTS

struct TailVerb: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tail",
    abstract: "Print the last frames, and with -f those that come, one line each.",
    discussion: """
      Lines look as those of 'cat'. Several streams are merged by time; of those that are followed, a frame that is \
      committed late comes late. Frames that were recycled before they could be printed are counted on stderr.

      With -f it goes on until Ctrl-C or SIGTERM, also when a writer ends and another one comes, when a stream is freed \
      and made anew, and when another store takes the file's place. Without the name of a stream, streams that are made \
      later are followed too. Writers wake it; of a file that may only be read, it looks for new frames up to every 20 ms.
      """
  )

  @OptionGroup var target: StoreArgument

  @Argument(help: "The streams. Default: all.")
  var streams: [String] = []

  @Flag(name: .shortAndLong, help: "Print frames as they come.")
  var follow = false

  @Option(
    name: [.customShort("n", allowingJoined: true), .customLong("frames")],
    help: "How many of the newest frames to begin with, of all streams together. (default: 10)",
    transform: Self.parse(count:))
  var count = 10

  @OptionGroup var form: FrameFormOptions

  /// Not by Int itself: where 'tail' takes +5 for "from the fifth on", it must not mean the last five here.
  private static func parse(count text: String) throws -> Int {
    guard text.allSatisfy({ $0.isASCII && $0.isNumber }), let count = Int(text) else {
      throw ValidationError("-n takes a whole number of frames, 0 or more.")
    }
    return count
  }

  func run() throws {
    if follow {
      try followStreams(last: count)
    } else {
      try printLast(count)
    }
  }

  private func printLast(_ count: Int) throws {
    let store = try target.open(.snapshot)
    let names = try store.resolveStreams(streams)
    let last = try LastFrames(count, of: names, in: store)
    let printer = FramePrinter(form.line(of: names, in: store), streams: names)
    var merger = FrameMerger(last.sources(tellingOfTheRest: printer), isReversed: false)
    while let (frame, stream) = merger.next() { try printer.print(frame, of: stream) }
    try printer.finish()
  }

  private func followStreams(last count: Int) throws {
    StopSignal.install()
    let opened = try OpenedStore(at: target.store, .following)
    try Tail(opened, streams.unique(), last: count, form).run()
  }
}
