import Foundation
import Testing

struct CreateTests {
  @Test func makesAStoreOfTheSizeAskedFor() throws {
    let scratch = try Scratch()
    let path = scratch.path("new.nts")
    let created = try Program.run("create", path, "--block-size", "64KiB", "--blocks", "4")
    #expect(created.status == 0)
    #expect(created.output.hasPrefix("created \(path): 4 blocks of 64 KiB"))
    #expect(created.errors.isEmpty)
    let info = try #require(try Program.run("info", path, "--json").json() as? [String: Any])
    #expect(info["blockSize"] as? Int == 65_536)
    #expect(info["blockCount"] as? Int == 4)
    #expect(info["freeBlocks"] as? Int == 4)
    #expect(info["timeUnit"] as? String == "ns")
    let size = try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int
    #expect(info["fileSize"] as? Int == size)
  }

  @Test(arguments: [("us", "microseconds"), ("ms", "milliseconds"), ("s", "seconds")])
  func keepsTheUnit(_ symbol: String, _ word: String) throws {
    let scratch = try Scratch()
    let store = try scratch.store("--unit", symbol)
    #expect(try Program.run("info", store).output.contains("times in \(word)"))
  }

  @Test func aStoreThatGrowsStartsSmall() throws {
    let scratch = try Scratch()
    let store = try scratch.store("--initial-blocks", "2")
    #expect(try Program.run("info", store).output.contains("2 of at most 8, 64 KiB each"))
    let info = try #require(try Program.run("info", store, "--json").json() as? [String: Any])
    #expect(info["isGrowable"] as? Bool == true)
    #expect(info["blockCount"] as? Int == 8)
    #expect((info["blocks"] as? [Any])?.count == 2)
  }

  /// A recorder would go on into a file that has no name any more.
  @Test func aStoreThatIsWrittenIsNotReplaced() throws {
    let scratch = try Scratch()
    let store = try scratch.store()
    let recorder = try Program.Running([Program.url.path, "append", store, "s"])
    recorder.sendPart(Data("one\n".utf8))
    while try !Program.run("streams", store).output.contains("process") { usleep(10_000) }
    let refused = try Program.run("create", store, "--replace")
    #expect(refused.status == 1 && refused.errors.contains("is being written (stream 's', process "), "\(refused)")
    recorder.send(Data("two\n".utf8))
    #expect(recorder.outcome().status == 0)
    #expect(try Program.run("cat", store).lines.count == 2)
    #expect(try Program.run("create", store, "--replace").status == 0)
  }

  @Test func anExistingFileNeedsReplace() throws {
    let scratch = try Scratch()
    let store = try scratch.store()
    _ = try Program.run("append", store, "kept", input: "frame\n")
    let refused = try Program.run("create", store, "--block-size", "64KiB", "--blocks", "4")
    #expect(refused.status == 1)
    #expect(refused.errors.hasPrefix("nanots: "))
    #expect(refused.errors.contains(store) && refused.errors.contains("--replace"))
    #expect(try Program.run("streams", store).output.contains("kept"))
    let replaced = try Program.run("create", store, "--block-size", "64KiB", "--blocks", "4", "--replace")
    #expect(replaced.status == 0)
    #expect(try !Program.run("streams", store).output.contains("kept"))
  }

  /// Wrong numbers that only the engine can judge: a plain message, exit code 1, and no file left behind.
  @Test(arguments: [
    ["--block-size", "0"], ["--block-size", "1000"], ["--block-size", "4097"], ["--block-size", "2GiB"],
    ["--blocks", "0"], ["--blocks", "9223372036854775807"], ["--initial-blocks", "0"],
    ["--blocks", "4", "--initial-blocks", "5"], ["--stream-capacity", "0"],
  ])
  func refusesImpossibleStores(_ options: [String]) throws {
    let scratch = try Scratch()
    let path = scratch.path("bad.nts")
    let outcome = try Program.run(["create", path] + options)
    #expect(outcome.status == 1)
    #expect(outcome.errors.hasPrefix("nanots: "))
    #expect(outcome.errors.split(separator: "\n").count == 1)
    #expect(outcome.output.isEmpty)
    #expect(!FileManager.default.fileExists(atPath: path))
  }

  /// What is no size, number or unit at all is a usage error.
  @Test(arguments: [
    ["--block-size", "big"], ["--block-size", "1MB"], ["--blocks", "many"], ["--blocks", "1.5"], ["--unit", "days"],
    ["--no-such-option"],
  ])
  func refusesWhatIsNoNumber(_ options: [String]) throws {
    let scratch = try Scratch()
    let outcome = try Program.run(["create", scratch.path("bad.nts")] + options)
    #expect(outcome.status == 64)
    #expect(outcome.errors.hasPrefix("nanots: "))
    #expect(outcome.output.isEmpty)
  }

  @Test func refusesPathsThatCannotBe() throws {
    let scratch = try Scratch()
    for path in [scratch.path("no/such/directory.nts"), scratch.url.path, ""] {
      let outcome = try Program.run("create", path)
      #expect(outcome.status == 1)
      #expect(outcome.errors.hasPrefix("nanots: "))
    }
    // Not even --replace puts a store in the place of a directory.
    let outcome = try Program.run("create", scratch.url.path, "--replace")
    #expect(outcome.status == 1)
    #expect(FileManager.default.fileExists(atPath: scratch.url.path))
  }
}
