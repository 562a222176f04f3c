import ArgumentParser
import Glibc
import NanoTS

struct RecordVerb: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "record",
    abstract: "Record this machine: processors, memory, load, network, disks and interrupts.",
    discussion: """
      Makes the store if there is none, then samples /proc into the streams cpu, memory, load, network, disk and \
      interrupts, until --duration is over or Ctrl-C. Each record is packed binary; the metadata of its segment says \
      what is where, and 'cat' shows the fields by name.

      A sample is late when it is taken more than one period after it was due; what was due meanwhile is skipped, not \
      made up for. A source whose reading takes more than a tenth of the period (on machines with very many processors \
      or disks) is sampled every second, third … time; the table and the metadata give the rate that it is sampled at. \
      When an interface, disk or processor comes or goes, a new segment begins with the new layout.
      """
  )

  private static let highestRate = 100_000.0
  private static let lowestRate = 0.00001

  @OptionGroup var target: StoreArgument

  @Option(help: "Samples a second.")
  var rate = 1_000.0

  @Option(
    help: "How long: seconds, or with a unit such as 500ms, 10m. Default: until Ctrl-C.",
    transform: DurationArgument.init(parsing:))
  var duration: DurationArgument?

  @Option(help: "Size of a block, where the store is made. (default: 1MiB)", transform: SizeArgument.init(parsing:))
  var blockSize = SizeArgument(bytes: StoreOptions().blockSize)

  @Option(help: "Number of blocks, where the store is made.")
  var blocks = StoreOptions().blockCount

  @OptionGroup var storing: CompressionOption

  @Flag(help: "End with JSON in place of a table.")
  var json = false

  func validate() throws {
    if let duration, duration.nanoseconds == 0 { throw ValidationError("--duration is more than 0.") }
    guard rate >= Self.lowestRate, rate <= Self.highestRate else {
      throw ValidationError(
        "--rate is at least 0.00001, about once a day, and at most \(NumberText.decimal(Self.highestRate, places: 0)).")
    }
  }

  func run() throws {
    StopSignal.install()
    let store = try openStore()
    let recorder = try Recorder(store: store, rate: rate, compression: storing.compression)
    for absence in recorder.absences { Diagnostics.say("\(absence); not recorded") }
    let progress = RecordProgress(
      title: PrintableText.string(target.store), durationSeconds: duration.map { Double($0.nanoseconds) / 1e9 },
      on: .standardOutput)
    // What was recorded before something failed is in the store, so the table comes in any case.
    let result = Result {
      try recorder.run(duration: duration?.nanoseconds, progress: progress)
      try store.close()
    }
    progress.finish()
    let summary = RecordSummary(store: target.store, recorder)
    let output = StandardOutput()
    output.write(json ? try JSONDocument.text(summary) : summary.text(on: .standardOutput))
    try output.flush()
    try result.get()
  }

  private func openStore() throws -> Store {
    guard unsafe access(target.store, F_OK) != 0 else { return try target.open(.readWrite) }
    return try Store.create(
      at: target.store,
      StoreOptions(blockSize: blockSize.bytes, blockCount: blocks, compression: storing.compression ?? .off))
  }
}
