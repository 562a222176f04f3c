import ArgumentParser
import NanoTS

struct QuotaVerb: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "quota",
    abstract: "Show or set how many blocks a stream may count on, and keeps within.",
    discussion: """
      Without an option, the stream's quota is shown. Options that are not given stay as they are. A stream that is not \
      there is made, so that its minimum is kept for it from the start.

      What the stream has too much is freed at once, oldest first; protected and pinned blocks stay.
      """
  )

  @OptionGroup var target: StoreArgument

  @Argument(help: "The stream.")
  var stream: String

  @Option(parsing: .unconditional, help: "Blocks that other streams cannot take, free ones included.")
  var minimum: Int?

  @Option(parsing: .unconditional, help: "The most blocks that it has before it uses its own oldest again.")
  var maximum: Int?

  @Option(
    help: "How much older than its newest frame its blocks may be: seconds, or with a unit such as 10m, 2h, 7d.",
    transform: DurationArgument.init(parsing:))
  var age: DurationArgument?

  @Flag(help: "Take the quota away.")
  var clear = false

  @Flag(help: "Print JSON in place of text.")
  var json = false

  private var isChange: Bool { minimum != nil || maximum != nil || age != nil }

  func validate() throws {
    if clear && isChange { throw ValidationError("--clear goes with neither --minimum, --maximum nor --age.") }
  }

  func run() throws {
    let store = try target.open(isChange || clear ? .readWrite : .snapshot)
    var freed: FreedBlocks?
    if isChange {
      freed = try store.setQuota(try changed(try store.quota(of: stream), store.timeUnit), of: stream)
    } else {
      _ = try store.resolveStreams([stream])
      if clear { freed = try store.setQuota(StreamQuota(), of: stream) }
    }
    let quota = try store.quota(of: stream)
    let unit = store.timeUnit
    try store.close()
    try show(quota, freed, unit)
  }

  private func changed(_ quota: StreamQuota, _ unit: TimeUnit) throws -> StreamQuota {
    var quota = quota
    if let minimum { quota.minimumBlocks = minimum }
    if let maximum { quota.maximumBlocks = maximum }
    if let age {
      // Rounded up: what is asked to be kept is kept.
      let (steps, rest) = age.nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000 / unit.unitsPerSecond)
      quota.maximumAge = steps + (rest > 0 ? 1 : 0)
    }
    return quota
  }

  private func show(_ quota: StreamQuota, _ freed: FreedBlocks?, _ unit: TimeUnit) throws {
    let output = StandardOutput()
    if json {
      output.write(try JSONDocument.text(QuotaRecord(quota)))
    } else {
      let text = QuotaText.string(quota, unit)
      var line = "\(PrintableText.string(stream)): \(text.isEmpty ? "no quota" : text)"
      if let freed, freed.blocks > 0 {
        line += "; freed \(NumberText.counted(freed.blocks, "block")), \(NumberText.counted(freed.frames, "frame"))"
      }
      output.write(line + "\n")
    }
    try output.flush()
  }
}
