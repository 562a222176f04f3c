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

  @OptionGroup var form: FrameFormOptions

  func run() throws {
    let store = try target.open(.snapshot)
    let range = try range.range(in: store.timeUnit)
    let names = try store.resolveStreams(streams)
    let printer = FramePrinter(form.line(of: names, in: store), streams: names)
    var sources: [AnyIterator<Frame>] = []
    for (index, name) in names.enumerated() {
      let frames = try store.frames(of: name, in: range)
      sources.append(
        reverse
          ? self.frames(of: frames.reversed().makeIterator(), \.missedAtEnd, index, printer)
          : self.frames(of: frames.makeIterator(), \.missedAtEnd, index, printer))
    }
    var merger = FrameMerger(sources, isReversed: reverse)
    try printFrames(of: &merger, with: printer)
  }

  /// The iterator's frames, with a word to the printer of what was missed at their end.
  private func frames<I: IteratorProtocol<Frame>>(
    of iterator: I, _ missedAtEnd: KeyPath<I, UInt64>, _ stream: Int, _ printer: FramePrinter
  ) -> AnyIterator<Frame> {
    var iterator = iterator
    return AnyIterator {
      if let frame = iterator.next() { return frame }
      printer.addMissed(iterator[keyPath: missedAtEnd], of: stream)
      return nil
    }
  }

  private func printFrames(of merger: inout FrameMerger, with printer: FramePrinter) throws {
    var left = limit ?? .max
    while left > 0, let (frame, stream) = merger.next() {
      if try printer.print(frame, of: stream) { left -= 1 }
    }
    try printer.finish()
  }
}
