import ArgumentParser
import NanoTS

struct FreeVerb: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "free",
    abstract: "Give blocks of a stream back to the store.",
    discussion: """
      With --from or --to, the sealed blocks that lie wholly inside the range are freed: frames of blocks that reach \
      beyond it stay, and so do protected blocks, and pinned ones in a store where pins hold. With --all, the stream \
      goes with all its blocks and its name can be used afresh.
      """
  )

  @OptionGroup var target: StoreArgument

  @Argument(help: "The stream.")
  var stream: String

  @OptionGroup var range: RangeOptions

  @Flag(help: "Free the stream itself.")
  var all = false

  func validate() throws {
    if all == range.isGiven {
      throw ValidationError("Say what to free: a range with --from or --to, or the whole stream with --all.")
    }
  }

  func run() throws {
    let store = try target.open(.readWrite)
    _ = try store.resolveStreams([stream])
    let freed =
      all ? try store.free(stream: stream) : try store.free(stream, in: try range.range(in: store.timeUnit))
    try store.close()
    let output = StandardOutput()
    output.write(
      "freed \(NumberText.counted(freed.blocks, "block")), \(NumberText.counted(freed.frames, "frame"))"
        + "\(left(freed.protectedBlocks, "protected"))\(left(freed.pinnedBlocks, "pinned"))\n")
    try output.flush()
  }

  private func left(_ blocks: Int, _ why: String) -> String {
    blocks > 0 ? "; \(NumberText.counted(blocks, "\(why) block")) left" : ""
  }
}
