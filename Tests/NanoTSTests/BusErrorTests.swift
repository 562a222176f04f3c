import Foundation
import NanoTS
import TestAgent
import Testing

/// A file that is cut under a process that has it mapped. Each case is a process of its own: what is expected may be its
/// end.
@Suite struct BusErrorTests {
  private let directory: TemporaryDirectory
  private static let tables = 65_536

  init() throws { directory = try TemporaryDirectory() }

  private func makeStore(_ name: String) throws -> String {
    let store = try Store.create(
      at: directory.path(name), StoreOptions(blockSize: 4096, blockCount: 16, streamCapacity: 4))
    let writer = try store.writer(for: "s", options: WriterOptions(durability: .none))
    for time in Int64(0)..<200 { try writer.append(HostileContent.payload(time, "s"), at: time) }
    try writer.close()
    try store.close()
    return store.path
  }

  /// Runs the agent's `use` of a store that is cut to `size` once it is open.
  private func cut(to size: Int, _ use: String, isGuarded: Bool = true) throws -> AgentProcess {
    let path = try makeStore("cut.nts")
    let agent = try AgentProcess(
      withoutBacktraces: "cut", path, makeStore("other.nts"), use, isGuarded ? "guarded" : "bare")
    try #require(agent.firstLine() == "ready")
    if unsafe truncate(path, size) != 0 { throw AgentProcess.Failed(description: "cannot cut \(path)") }
    try agent.say("go on")
    return agent
  }

  /// What the agent says of each thing that it did: `name: code errno message`.
  private func lines(_ agent: AgentProcess) async throws -> [String: String] {
    var said: [String: String] = [:]
    for line in try await agent.finish(withinSeconds: 120).split(separator: "\n") {
      let parts = line.split(separator: ":", maxSplits: 1)
      said[String(parts[0])] = parts.count > 1 ? String(parts[1]).trimmingCharacters(in: .whitespaces) : ""
    }
    return said
  }

  private func expectFailures(
    _ said: [String: String], _ names: [String], sourceLocation: SourceLocation = #_sourceLocation
  ) {
    for name in names {
      #expect(
        said[name]?.hasPrefix("ioFailure 5") == true, "\(name): \(said[name] ?? "nothing")",
        sourceLocation: sourceLocation)
    }
    #expect(said["wrong bytes"] == nil, sourceLocation: sourceLocation)
    // The other store goes on, and one frame was appended to it.
    #expect(said["other 201"] != nil, "\(said)", sourceLocation: sourceLocation)
  }

  // MARK: With the guard

  /// Cut behind the tables, in the middle of the blocks, in the tables, and to nothing.
  @Test(arguments: [tables, tables + 2 * 4096, 8192, 4096, 0])
  func aReaderGetsAnErrorAndTheOtherStoreGoesOn(_ size: Int) async throws {
    let said = try await lines(try cut(to: size, "read"))
    expectFailures(said, ["payload", "step", "first", "new cursor", "verify"])
    // A frame that was handed out before is not taken for zeros.
    if let held = said["held frame"] { #expect(held.hasPrefix("ioFailure 5"), "\(held)") }
  }

  @Test(arguments: [tables + 4096, 8192])
  func aQuestionGetsAnErrorAndNoCopyIsLeft(_ size: Int) async throws {
    let said = try await lines(try cut(to: size, "ask"))
    expectFailures(said, ["verify", "statistics", "copy"])
    #expect(try directory.contents() == ["cut.nts", "other.nts"])
  }

  @Test(arguments: ["write", "write-none"], [tables + 5 * 4096, 4096])
  func aWriterFindsOutAtTheEndOfItsBlock(_ use: String, _ size: Int) async throws {
    let said = try await lines(try cut(to: size, use))
    expectFailures(said, ["append", "append again", "flush", "new writer"])
    let appended = said.keys.first { $0.hasPrefix("appended") }.flatMap { Int($0.dropFirst(9)) }
    // A block of 4 KiB holds fewer frames than this.
    #expect(try #require(appended) < 170)
  }

  @Test func underEveryFrameNoAppendReturnsThatWentNowhere() async throws {
    let said = try await lines(try cut(to: 4096, "write-every"))
    expectFailures(said, ["append", "append again", "flush", "new writer"])
    #expect(said["appended 0"] != nil, "\(said)")
  }

  // MARK: A snapshot, which needs no guard

  /// Cut in the middle of the blocks, behind the tables, and to nothing: what was read stays, and each block that is gone is
  /// told of with the frames that it had.
  @Test(arguments: [tables + 3 * 4096 + 100, tables, 0])
  func aSnapshotGetsAnErrorForEachBlockThatIsGone(_ size: Int) async throws {
    let said = try await lines(try cut(to: size, "copied", isGuarded: false))
    #expect(said["wrong bytes"] == nil && said["held frame"] == "fine", "\(said)")
    #expect(said["step"]?.hasPrefix("truncated 0") == true, "\(said)")
    func numbers(_ name: String) throws -> [Int] {
      let line = try #require(said.keys.first { $0.hasPrefix(name + " ") }, "\(said)")
      return line.split(separator: " ").dropFirst().compactMap { Int($0) }
    }
    let (right, missed, failures) = (try numbers("right")[0], try numbers("missed")[0], try numbers("failures")[0])
    #expect(failures > 1 && right < 200 && right + missed == 200, "\(said)")
    // The block that the cursor had entered before is gone for others.
    #expect(try numbers("findings") == [size > Self.tables ? failures : failures + 1])
    #expect(try numbers("sequence")[0] <= right)
    #expect(said["other 201"] != nil, "\(said)")
  }

  // MARK: Without it, and other signals

  private func ending(_ agent: AgentProcess) async throws -> (Process.TerminationReason, Int32) {
    _ = try? await agent.finish(withinSeconds: 120)
    return (agent.process.terminationReason, agent.process.terminationStatus)
  }

  @Test func withoutTheGuardTheProcessEnds() async throws {
    let end = try await ending(try cut(to: 4096, "read", isGuarded: false))
    #expect(end == (.uncaughtSignal, SIGBUS))
  }

  @Test(arguments: ["raise", "elsewhere"])
  func aSignalThatConcernsNoStoreEndsTheProcess(_ use: String) async throws {
    let end = try await ending(try cut(to: Self.tables, use))
    #expect(end == (.uncaughtSignal, SIGBUS))
  }

  @Test func aSignalThatConcernsNoStoreGoesToTheEarlierHandler() async throws {
    let end = try await ending(try cut(to: Self.tables, "chained"))
    #expect(end == (.exit, 7))
  }
}
