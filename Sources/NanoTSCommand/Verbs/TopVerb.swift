import ArgumentParser
import Glibc
import NanoTS

struct TopVerb: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "top",
    abstract: "Show live what the streams of a store do.",
    discussion: """
      For each stream: the process that writes it, frames and payload bytes a second, how far its newest frame is behind \
      the clock (lag), its share of the store's blocks (ring), the age of its oldest frame, and its newest frame, with its \
      flags where it has any. Lag and age are known where timestamps are times of the calendar. Bytes a second are an \
      estimate while blocks are recycled and frames differ in length.

      On a terminal it is a table that is drawn anew at each interval; narrow ones get fewer columns; q ends it. Anywhere \
      else, and with --json, it is a line for each stream at each interval, the first after one interval.
      """
  )

  private static let shortestInterval: Int64 = 100_000_000
  private static let longestInterval: Int64 = 86_400_000_000_000

  @OptionGroup var target: StoreArgument

  @Argument(help: "The streams to show. Default: all.")
  var streams: [String] = []

  @Option(
    help: "Time between two looks: seconds, or with a unit such as 500ms. At least 0.1. (default: 1)",
    transform: DurationArgument.init(parsing:))
  var interval: DurationArgument?

  @Option(help: "End after this many intervals. Default: when told to.")
  var count: Int?

  @Flag(help: "Print JSON Lines.")
  var json = false

  private var nanoseconds: Int64 { interval?.nanoseconds ?? 1_000_000_000 }

  func validate() throws {
    guard (Self.shortestInterval...Self.longestInterval).contains(nanoseconds) else {
      throw ValidationError("--interval is from 0.1 seconds to 1 day.")
    }
    guard count.map({ $0 > 0 }) ?? true else { throw ValidationError("--count is at least 1.") }
  }

  func run() throws {
    let probe = try StoreProbe(at: target.store)
    // Streams that are named must be there, or be a mistake.
    let names = streams.isEmpty ? [] : try probe.store.resolveStreams(streams)
    if Terminal.standardOutput.canPlaceText, !json {
      try TopScreen(probe, names, intervalNanoseconds: nanoseconds).run(count: count)
    } else {
      try printLines(probe, names)
    }
  }

  private func printLines(_ probe: StoreProbe, _ names: [String]) throws {
    StopSignal.install()
    let output = StandardOutput()
    let lines = TopLines(isJSON: json)
    var notice: String?
    var clock = SampleClock(rate: 1e9 / Double(nanoseconds), duration: nil)
    var left = count ?? .max
    _ = try probe.look()
    while left > 0, clock.next(isStopped: { StopSignal.isRequested }, whileWaiting: { _ in }) != nil {
      let activity = try probe.look()
      if let news = probe.notice, news != notice { Diagnostics.say("\(activity.path): \(news)") }
      notice = probe.notice
      output.write(try lines.text(activity, of: names, in: probe.store.timeUnit))
      try output.flush()
      if Descriptor.hasNoReader(STDOUT_FILENO) { throw OutputClosed() }
      left -= 1
    }
  }
}
