import Foundation
import TestAgent
import Testing

@testable import NanoTS

/// The disk, the file and its permissions change while a store is open: what the documentation says happens.
@Suite struct EnvironmentTests {
  private static let blockSize = 4096
  private static let tables = 65_536

  // MARK: A full disk

  @Test(.enabled(if: SmallDisk.isPossible, "a tmpfs cannot be mounted here: the full disk is not tested"))
  func onAFullDiskAGrowableStoreGoesOnWithinWhatItHasAndGrowsAgainLater() throws {
    let disk = try SmallDisk(byteCount: 256 << 10)
    let path = disk.path("a.nts")
    let store = try Store.create(
      at: path, StoreOptions(blockSize: Self.blockSize, blockCount: 256, initialBlockCount: 1, streamCapacity: 4))
    let filler = disk.path("filler")
    try StoreBytes.write(Array(repeating: 1, count: 100 << 10), to: filler)
    let writer = try store.writer(for: "s")
    for time in Int64(0)..<200 { try writer.appendHalfBlock(at: time) }
    let most = try #require(try store.statistics(of: "s")).blocks
    #expect(most > 8 && most < 40)
    // Recycling: what is left is a suffix, whole, and what went was counted.
    let left = try store.provenTimes(of: "s")
    #expect(left == Array((200 - Int64(left.count))..<200))
    #expect(try store.statistics(of: "s")?.reclaimedFrames == UInt64(200 - left.count))
    let modest = try store.writer(for: "t", options: WriterOptions(autoReclaim: false))
    expectError(.noFreeBlocks, naming: [path]) { try modest.appendHalfBlock(at: 0) }
    try FileManager.default.removeItem(atPath: filler)
    try modest.appendHalfBlock(at: 0)
    for time in Int64(200)..<240 { try writer.appendHalfBlock(at: time) }
    #expect(try #require(try store.statistics(of: "s")).blocks > most)
    #expect(try store.provenTimes(of: "t") == [0])
    try writer.close()
    try modest.close()
    #expect(try store.verify().isClean)
    try store.close()
    #expect(try Store(at: path, .readOnly).provenTimes(of: "s").last == 239)
  }

  @Test(.enabled(if: SmallDisk.isPossible, "a tmpfs cannot be mounted here: the full disk is not tested"))
  func aFixedStoreNeedsNothingOfAFullDisk() throws {
    let disk = try SmallDisk(byteCount: 256 << 10)
    let store = try Store.create(
      at: disk.path("a.nts"), StoreOptions(blockSize: Self.blockSize, blockCount: 16, streamCapacity: 4))
    let filler = disk.path("filler")
    #expect(FileManager.default.createFile(atPath: filler, contents: nil))
    let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: filler))
    while (try? handle.write(contentsOf: Data(count: 4096))) != nil {}
    try handle.close()
    let writer = try store.writer(for: "s")
    for time in Int64(0)..<100 { try writer.appendHalfBlock(at: time) }
    try writer.close()
    #expect(try store.provenTimes(of: "s").last == 99)
    #expect(try store.verify().isClean)
  }

  // MARK: A file that was cut

  @Test func aFixedStoreThatWasCutWhileOpenIsRefusedAtTheNextOpening() throws {
    let directory = try TemporaryDirectory()
    let store = try directory.store()
    try store.appendHalfBlocks(1...6, to: "s")
    let size = Self.tables + 8 * Self.blockSize
    #expect(unsafe truncate(store.path, size - 1) == 0)
    for access in [Store.Access.readOnly, .readWrite, .following] {
      expectError(.truncated, naming: [store.path, "\(size - 1)", "\(size)"]) { try Store(at: store.path, access) }
    }
    // The tables are there, and a last page that is cut in its middle still is.
    #expect(try store.provenTimes(of: "s") == Array(1...6))
  }

  @Test func ofAGrowableStoreThatWasCutWhileOpenNewCursorsSeeTheBlocksLeft() throws {
    let directory = try TemporaryDirectory()
    let store = try directory.store(blocks: 16, initial: 2)
    try store.appendHalfBlocks(1...12, to: "s")
    let reader = try Store(at: store.path, .readOnly)
    #expect(unsafe truncate(store.path, Self.tables + 3 * Self.blockSize) == 0)
    #expect(try reader.provenTimes(of: "s") == Array(1...6))
    #expect(try reader.blocks().count == 3)
    // A writer's next opening takes the blocks that are gone for never used.
    let writer = try Store(at: store.path)
    #expect(try writer.provenTimes(of: "s") == Array(1...6))
    try writer.appendHalfBlocks(20...29, to: "s")
    #expect(try writer.provenTimes(of: "s") == Array(1...6) + Array(20...29))
    #expect(try writer.verify().isClean)
  }

  // MARK: Permissions

  private static func change(_ path: String, _ permissions: mode_t) throws {
    try FileManager.default.setAttributes([.posixPermissions: NSNumber(value: permissions)], ofItemAtPath: path)
  }

  @Test func permissionsTakenAwayKeepOutWhoComesAndNotWhoIsThere() async throws {
    let directory = try TemporaryDirectory()
    let store = try directory.store(blocks: 64)
    try Self.change(directory.path, 0o755)
    try Self.change(store.path, 0o666)
    let agent = try AgentProcess("demoted", store.path)
    try #require(agent.firstLine() == "ready", "the agent did not open the store")
    try Self.change(store.path, 0)
    try agent.say("go on")
    let said = try await agent.finish()
    let parts = said.split(separator: "\n")
    try #require(parts.count == 3, "\(said)")
    #expect(parts[0] == "899")
    for refusal in parts[1...] {
      #expect(refusal.hasPrefix("cannotOpen") && refusal.contains("open failed") && refusal.contains(store.path))
    }
    try Self.change(store.path, 0o600)
    #expect(try store.contents(of: "w").map(\.timestamp) == Array(0..<900))
    #expect(try store.verify().isClean)
  }

  // MARK: A read-only file system

  @Test(.enabled(if: SmallDisk.isPossible, "a tmpfs cannot be mounted here: the remount is not tested"))
  func remountedReadOnlyAStoreIsReadOnAndNotWritten() throws {
    let disk = try SmallDisk(byteCount: 1 << 20)
    let path = disk.path("a.nts")
    do {
      let store = try Store.create(
        at: path, StoreOptions(blockSize: Self.blockSize, blockCount: 16, streamCapacity: 4))
      try store.appendHalfBlocks(1...6, to: "s")
      // The kernel refuses to remount under an open writer.
      #expect(throws: SmallDisk.Refused.self) { try disk.makeReadOnly() }
      #expect(try store.provenTimes(of: "s") == Array(1...6))
      try store.close()
    }
    let before = try Store(at: path, .readOnly)
    var cursor = try before.cursor(of: "s")
    #expect(try cursor.next()?.timestamp == 1)
    let pin = try before.pin("s")
    try disk.makeReadOnly()
    #expect(try cursor.next()?.timestamp == 2)
    #expect(try before.provenTimes(of: "s") == Array(1...6))
    #expect(try before.pin("s", in: 1...2).blocks == 1)
    pin.release()
    expectError(.readOnly, naming: [path, "open failed"]) { try Store(at: path) }
    expectError(.readOnly, naming: [disk.path("b.nts")]) { try Store.create(at: disk.path("b.nts")) }
    expectError(.readOnly, naming: [path]) { try before.writer(for: "s") }
    let following = try Store(at: path, .following)
    #expect(following.followMethod == .polling)
    #expect(try following.provenTimes(of: "s") == Array(1...6))
    #expect(try following.verify().isClean)
    #expect(try disk.contents() == ["a.nts"])
  }
}
