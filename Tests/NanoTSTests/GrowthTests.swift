import Synchronization
import Testing

@testable import NanoTS

/// A store that grows while others look how far its file reaches.
@Suite struct GrowthTests {
  private final class Growth: Sendable {
    let hasBegun = Atomic(false)
  }

  private static func append(_ count: Int, from first: Int64, to writer: Writer) throws {
    // One a block.
    for time in first..<(first + Int64(count)) {
      try writer.append(Array(repeating: UInt8(truncatingIfNeeded: time), count: 2100), at: time)
    }
    try unsafe writer.core.pointee.background?.finish()
  }

  /// A reader that looked before a growth, and notes what it saw after it, must not take from the writer what it knows: the
  /// newest block would seem to be none, and the list to end nowhere.
  @Test(arguments: [Durability.none, .onSeal])
  func aReaderTakesNothingFromAWriterThatMakesTheFileGrow(_ durability: Durability) throws {
    let directory = try TemporaryDirectory()
    let store = try Store.create(
      at: directory.path("g.nts"), StoreOptions(blockSize: 4096, blockCount: 256, initialBlockCount: 4))
    let writer = try store.writer(for: "s", options: WriterOptions(durability: durability, compression: .off))
    try Self.append(3, from: 0, to: writer)
    let removals = store.file.slot(0).removals.relaxed
    let growth = Growth()
    nonisolated(unsafe) let grows = writer
    // On this thread; the writer's own calls come here too.
    let hook = CallHook(after: { call in
      guard call == .stat, !growth.hasBegun.exchange(true, ordering: .relaxed) else { return }
      do { try unsafe Self.append(97, from: 3, to: grows) } catch { Issue.record("\(error)") }
    })
    #expect(try hook.interposed { try store.file.blocksInFile() } == 4)
    #expect(store.file.shared.availableBlocks.relaxed >= 100)
    try Self.append(100, from: 100, to: writer)
    try writer.close()
    // No list was made anew, which is what a writer does that finds no end.
    #expect(store.file.slot(0).removals.relaxed == removals)
    let report = try store.verify()
    #expect(report.isClean, "\(report.findings)")
    #expect(try store.contents(of: "s").map(\.timestamp) == Array(0..<200))
  }
}
