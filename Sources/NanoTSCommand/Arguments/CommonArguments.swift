import ArgumentParser
import NanoTS

/// The store that every verb takes first.
struct StoreArgument: ParsableArguments {
  @Argument(help: "The store's file.", completion: .file())
  var store: String

  func open(_ access: Store.Access) throws -> Store {
    try Store(at: store, access)
  }
}

extension Store {
  /// The named streams, each checked to be there, or all of them in the order of their names.
  func resolveStreams(_ names: [String]) throws -> [String] {
    let known = try streams()
    guard !names.isEmpty else { return known }
    for name in names where !known.contains(where: { $0.utf8.elementsEqual(name.utf8) }) {
      throw CommandFailure(
        "\(PrintableText.string(path)) has no stream '\(PrintableText.string(name))'; \(listing(known))")
    }
    return names.unique()
  }

  private func listing(_ names: [String]) -> String {
    guard !names.isEmpty else { return "it has no stream at all" }
    let shown = names.prefix(12).map { PrintableText.string($0) }.joined(separator: ", ")
    let more = names.count > 12 ? ", … (\(names.count) in all, see 'nanots streams')" : ""
    return "its streams are \(shown)\(more)"
  }
}

extension [String] {
  /// Streams as they were named: one that is named twice is meant once.
  ///
  /// By their bytes, as the engine tells them apart: Swift takes an é of one scalar and one of two for the same.
  func unique() -> [String] {
    var seen: Set<[UInt8]> = []
    return filter { name in seen.insert([UInt8](name.utf8)).inserted }
  }
}

/// `--from` and `--to`: the range of time a verb works on, both ends included.
struct RangeOptions: ParsableArguments {
  @Option(
    parsing: .unconditional, help: "The first time to take. Default: the beginning.",
    transform: TimeArgument.init(parsing:))
  var from: TimeArgument?

  @Option(
    parsing: .unconditional, help: "The last time to take. Default: the end.", transform: TimeArgument.init(parsing:))
  var to: TimeArgument?

  var isGiven: Bool { from != nil || to != nil }

  func range(in unit: TimeUnit) throws -> ClosedRange<Int64> {
    let now = WallClock.now()
    let first = try from?.timestamp(in: unit, now: now) ?? .min
    let last = try to?.timestamp(in: unit, now: now) ?? .max
    guard first <= last else {
      throw CommandFailure("--from \(described(from, first, unit)) is after --to \(described(to, last, unit))")
    }
    return first...last
  }

  /// The time as it was typed, and as a date where it was typed otherwise.
  private func described(_ argument: TimeArgument?, _ timestamp: Int64, _ unit: TimeUnit) -> String {
    var times = TimeText(unit: unit, isRaw: false)
    return "\(argument?.text ?? "") (\(times.string(timestamp)))"
  }
}

/// How a verb that prints a table prints it.
struct DisplayOptions: ParsableArguments {
  @Flag(help: "Print JSON in place of tables.")
  var json = false

  @Flag(help: "Print times as numbers in the store's unit, not as dates.")
  var rawTimes = false
}

/// How a verb that prints frames prints them.
struct FrameFormOptions: ParsableArguments {
  @Flag(help: "Print payloads as hexadecimal digits.")
  var hex = false

  @Flag(help: "Print JSON Lines.")
  var json = false

  @Flag(help: "Print times as numbers in the store's unit, not as dates.")
  var rawTimes = false

  func line(of streams: [String], in store: Store) -> FrameLine {
    FrameLine(form, streams: streams, times: TimeText(unit: store.timeUnit, isRaw: rawTimes))
  }

  private var form: FrameLine.Form {
    if json { return .json(isHex: hex) }
    return hex ? .hex : .text
  }
}
