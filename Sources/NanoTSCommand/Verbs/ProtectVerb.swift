import ArgumentParser
import NanoTS

struct ProtectVerb: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "protect",
    abstract: "Keep a range of time until it is released.",
    discussion: """
      Blocks that reach into the range are not used again, however full the store, and not freed. It may lie in the \
      future: without --to it holds for all that is recorded from --from on. A stream has at most 8 such ranges; those \
      that overlap or follow one another are one. 'streams' lists them, 'unprotect' releases them.

      When nothing but protected blocks is left, nothing more can be recorded.
      """
  )

  @OptionGroup var target: StoreArgument

  @Argument(help: "The streams. Default: all that there are.")
  var streams: [String] = []

  @OptionGroup var range: RangeOptions

  func validate() throws {
    if !range.isGiven { throw ValidationError("Say what to protect: a range with --from, --to or both.") }
  }

  func run() throws {
    let store = try target.open(.readWrite)
    let range = try range.range(in: store.timeUnit)
    let names = try store.resolveStreams(streams)
    guard !names.isEmpty else { throw CommandFailure("\(PrintableText.string(store.path)) has no stream to protect") }
    for name in names { try store.protect(name, in: range) }
    try store.close()
    try ProtectVerb.report("protected", names, range, store.timeUnit)
  }

  static func report(
    _ action: String, _ names: [String], _ range: ClosedRange<Int64>, _ unit: TimeUnit
  ) throws {
    var times = TimeText(unit: unit, isRaw: false)
    let output = StandardOutput()
    for name in names {
      output.write("\(action) \(PrintableText.string(name)): \(RangeText.string(range, &times))\n")
    }
    try output.flush()
  }
}

struct UnprotectVerb: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "unprotect",
    abstract: "Release protected ranges of time.",
    discussion: "What reaches beyond --from and --to stays protected. With --all, everything is released."
  )

  @OptionGroup var target: StoreArgument

  @Argument(help: "The streams. Default: all that there are.")
  var streams: [String] = []

  @OptionGroup var range: RangeOptions

  @Flag(help: "Release all times.")
  var all = false

  func validate() throws {
    if all == range.isGiven {
      throw ValidationError("Say what to release: a range with --from or --to, or everything with --all.")
    }
  }

  func run() throws {
    let store = try target.open(.readWrite)
    let range = try range.range(in: store.timeUnit)
    let names = try store.resolveStreams(streams)
    for name in names { try store.releaseProtection(of: name, in: range) }
    try store.close()
    try ProtectVerb.report("released", names, range, store.timeUnit)
  }
}
