import Glibc
import Testing

@testable import NanoTS

/// Stores opened as a snapshot, where the model, the torture, the faults and the cut files do not look.
@Suite struct SnapshotTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  /// A growable store goes by how long it was when the snapshot was taken: what is cut off later is not an end.
  @Test func blocksThatAreCutOffBeforeTheFirstLookAreTold() throws {
    let store = try directory.plainStore(blocks: 8, initial: 1)
    try store.appendHalfBlocks(1...12, to: "a")
    try store.close()
    let snapshot = try Store(at: store.path, .snapshot)
    #expect(unsafe truncate(store.path, off_t(store.file.bodyStart(2) + 100)) == 0)
    var cursor = try snapshot.cursor(of: "a")
    var (times, missed): ([Int64], UInt64) = ([], 0)
    for _ in 0..<20 {
      do {
        guard let frame = try cursor.next() else { break }
        times.append(frame.timestamp)
      } catch {
        #expect(error.code == .truncated)
        missed += error.missedFrames
      }
    }
    #expect(times == [1, 2, 3, 4] && missed == 8)
    let findings = try snapshot.verify().findings
    #expect(findings.count == 4 && findings.allSatisfy { $0.kind == .file && $0.message.contains("pread") })
  }

  /// A block that is between two lives for long, as a spare is, keeps nobody from looking at lists and counters.
  @Test func verifyFindsTheSameAsInTheMapping() throws {
    let store = try directory.plainStore(blocks: 8)
    try store.appendHalfBlocks(1...7, to: "a")
    try store.close()
    // The counter of free blocks, and the generation of a block that was never used.
    try StoreBytes.patch(store.path, at: 4096 + SharedState.Offset.freeListCount, [77])
    try StoreBytes.patch(store.path, at: store.file.headerStart(7), [1])
    let mapped = try Store(at: store.path, .readOnly).verify().findings.map(\.description)
    let copied = try Store(at: store.path, .snapshot).verify().findings.map(\.description)
    #expect(!mapped.isEmpty && copied == mapped, "\(mapped), \(copied)")
  }
}
