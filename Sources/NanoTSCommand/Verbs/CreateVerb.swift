import ArgumentParser
import NanoTS

struct CreateVerb: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "create",
    abstract: "Make an empty store.",
    discussion: "All its space is reserved on disk at once, unless --initial-blocks lets it start smaller and grow."
  )

  @OptionGroup var target: StoreArgument

  @Option(
    help: "Size of a block: a multiple of 4KiB, up to 1GiB. (default: 1MiB)", transform: SizeArgument.init(parsing:))
  var blockSize = SizeArgument(bytes: StoreOptions().blockSize)

  @Option(help: "Number of blocks.")
  var blocks = StoreOptions().blockCount

  @Option(help: "Start with this many blocks and grow up to --blocks as needed.")
  var initialBlocks: Int?

  @Option(help: "The most streams it can ever hold.")
  var streamCapacity = StoreOptions().streamCapacity

  @Option(help: "What timestamps count: ns, us, ms or s. (default: ns)", transform: TimeUnit.init(parsing:))
  var unit = TimeUnit.nanoseconds

  @Flag(help: "Write no checksums with the frames.")
  var noChecksums = false

  @Flag(help: "Pinned blocks are never taken: recording fails when no others are left. Without, they give way.")
  var pinsHold = false

  @OptionGroup var storing: CompressionOption

  @Flag(help: "Replace the file if there is one already. What it holds is lost.")
  var replace = false

  func run() throws {
    let options = StoreOptions(
      blockSize: blockSize.bytes, blockCount: blocks, initialBlockCount: initialBlocks, streamCapacity: streamCapacity,
      timeUnit: unit, checksums: !noChecksums, pins: pinsHold ? .hold : .giveWay,
      compression: storing.compression ?? .off)
    let store = try makeStore(options)
    let statistics = try store.statistics()
    try store.close()
    let output = StandardOutput()
    output.write(
      "created \(PrintableText.string(target.store)): \(NumberText.counted(statistics.blockCount, "block")) of "
        + "\(NumberText.size(UInt64(statistics.blockSize))), \(NumberText.size(statistics.fileSize)) on disk\n")
    try output.flush()
  }

  /// Whoever writes a store that is replaced would go on into a file that has no name any more.
  private func refuseWrittenStore() throws {
    guard replace, let store = try? target.open(.readOnly) else { return }
    guard let written = try store.statistics().streams.first(where: \.isWritten) else { return }
    throw CommandFailure(
      "\(PrintableText.string(target.store)) is being written (stream '\(PrintableText.string(written.name))'"
        + (written.writerProcessID.map { ", process \($0)" } ?? "") + "); end that before the store is replaced")
  }

  private func makeStore(_ options: StoreOptions) throws -> Store {
    try refuseWrittenStore()
    do {
      return try Store.create(at: target.store, options, replacing: replace)
    } catch {
      guard error.code == .alreadyExists else { throw error }
      throw CommandFailure(
        "\(PrintableText.string(target.store)) exists already; --replace replaces it and loses what it holds")
    }
  }
}
