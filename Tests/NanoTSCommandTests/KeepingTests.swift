import Foundation
import NanoTS
import Testing

/// protect, unprotect, quota, and what info, streams, create and free say of what is kept.
struct KeepingTests {
  private let scratch: Scratch
  private let store: String

  init() throws {
    scratch = try Scratch()
    store = scratch.path("store.nts")
    try #require(
      try Program.run("create", store, "--block-size", "4KiB", "--blocks", "8", "--unit", "s", "--compress", "none")
        .status == 0)
  }

  /// Frames of half a block, one for each second.
  private func append(_ times: ClosedRange<Int>, to stream: String = "s") throws {
    let input = times.map { "\($0)\t\(String(repeating: "x", count: 1_800))\n" }.joined()
    let outcome = try Program.run("append", store, stream, "--timestamps", input: input)
    try #require(outcome.status == 0, "\(outcome.errors)")
  }

  private func times(of stream: String = "s") throws -> [Int] {
    try Program.run("cat", store, stream, "--raw-times").lines.compactMap { Int($0.prefix { $0 != " " }) }
  }

  private func streamRecord(_ name: String = "s") throws -> [String: Any] {
    let records = try #require(try Program.run("streams", store, "--json").json() as? [[String: Any]])
    return try #require(records.first { $0["name"] as? String == name })
  }

  // MARK: protect

  @Test func protectsAndReleases() throws {
    try append(0...15)
    let outcome = try Program.run("protect", store, "s", "--from", "4", "--to", "5")
    #expect(outcome.status == 0)
    #expect(outcome.output == "protected s: 1970-01-01T00:00:04Z to 1970-01-01T00:00:05Z\n")
    try append(16...31)
    #expect(try times() == [4, 5] + Array(18...31))
    let record = try streamRecord()
    #expect(record["protectedRanges"] as? [[String: Int]] == [["first": 4, "last": 5]])
    #expect(record["protectedBlocks"] as? Int == 1)
    #expect(try Program.run("streams", store, "--raw-times").output.contains("1 block: 4 to 5"))
    let info = try Program.run("info", store)
    #expect(info.output.contains("kept      1 block protected\n"))
    let json = try #require(try Program.run("info", store, "--json").json() as? [String: Any])
    #expect(json["protectedBlocks"] as? Int == 1)
    #expect((json["blocks"] as? [[String: Any]])?.count { $0["isProtected"] as? Bool == true } == 1)
    #expect(try Program.run("unprotect", store, "s", "--to", "4").output == "released s: up to 1970-01-01T00:00:04Z\n")
    #expect(try streamRecord()["protectedRanges"] as? [[String: Int]] == [["first": 5, "last": 5]])
    #expect(try Program.run("unprotect", store, "--all").output == "released s: all times\n")
    #expect(try !Program.run("info", store).output.contains("kept"))
    #expect(try !Program.run("streams", store).output.contains("protected"))
    try append(32...33)
    #expect(try times() == Array(18...33))
  }

  @Test func protectsEveryStreamFromATimeOn() throws {
    try append(0...1)
    try append(0...1, to: "t")
    let outcome = try Program.run("protect", store, "--from", "1")
    #expect(
      outcome.output == "protected s: from 1970-01-01T00:00:01Z on\nprotected t: from 1970-01-01T00:00:01Z on\n")
    for name in ["s", "t"] {
      #expect(try streamRecord(name)["protectedRanges"] as? [[String: Int]] == [["first": 1, "last": Int.max]])
    }
    try append(2...13)
    let full = try Program.run(
      "append", store, "s", "--timestamps", input: "100\t\(String(repeating: "x", count: 1_800))\n")
    #expect(full.status == 1)
    #expect(full.errors.contains("8 are protected ('s', 't')"))
  }

  @Test func freeSaysWhatItLeft() throws {
    try append(0...9)
    try #require(try Program.run("protect", store, "s", "--from", "2", "--to", "3").status == 0)
    let freed = try Program.run("free", store, "s", "--to", "9")
    #expect(freed.output == "freed 4 blocks, 8 frames; 1 protected block left\n")
    let refused = try Program.run("free", store, "s", "--all")
    #expect(refused.status == 1)
    #expect(refused.errors.contains("from 2 to 3 is protected"))
    #expect(try times() == [2, 3])
  }

  @Test func protectMustBeToldWhat() throws {
    try append(0...1)
    #expect(try Program.run("protect", store, "s").status == 64)
    #expect(try Program.run("unprotect", store, "s").status == 64)
    #expect(try Program.run("unprotect", store, "s", "--all", "--from", "1").status == 64)
    #expect(try Program.run("protect", store, "s", "--from", "soon").status == 64)
    for verb in ["protect", "unprotect"] {
      let unknown = try Program.run(verb, store, "nowhere", "--from", "1")
      #expect(unknown.status == 1)
      #expect(unknown.errors.contains("'nowhere'"))
      let turned = try Program.run(verb, store, "s", "--from", "30", "--to", "10")
      #expect(turned.status == 1)
      #expect(turned.errors.contains("30") && turned.errors.contains("10"))
    }
    for time in stride(from: 100, to: 180, by: 10) {
      #expect(try Program.run("protect", store, "s", "--from", "\(time)", "--to", "\(time)").status == 0)
    }
    let ninth = try Program.run("protect", store, "s", "--from", "200", "--to", "200")
    #expect(ninth.status == 1)
    #expect(ninth.errors.contains("at most 8"))
    let empty = scratch.path("empty.nts")
    try #require(try Program.run("create", empty, "--block-size", "4KiB", "--blocks", "2").status == 0)
    #expect(try Program.run("protect", empty, "--from", "1").status == 1)
  }

  // MARK: quota

  @Test func setsShowsAndClearsAQuota() throws {
    let made = try Program.run("quota", store, "s", "--minimum", "2", "--maximum", "3", "--age", "1.5m")
    #expect(made.status == 0)
    #expect(made.output == "s: at least 2 blocks, at most 3 blocks, at most 1 min 30 s old\n")
    #expect(try Program.run("quota", store, "s").output == made.output)
    let json = try #require(try Program.run("quota", store, "s", "--json").json() as? [String: Int])
    #expect(json == ["minimumBlocks": 2, "maximumBlocks": 3, "maximumAge": 90])
    try append(0...9)
    #expect(try times() == Array(4...9))
    let record = try streamRecord()
    #expect((record["quota"] as? [String: Int])?["maximumBlocks"] == 3)
    #expect(try Program.run("streams", store).output.contains("at least 2 blocks, at most 3 blocks"))
    // What is not named stays.
    let lowered = try Program.run("quota", store, "s", "--minimum", "0", "--maximum", "1")
    #expect(lowered.output == "s: at most 1 block, at most 1 min 30 s old; freed 2 blocks, 4 frames\n")
    #expect(try times() == [8, 9])
    #expect(try Program.run("quota", store, "s", "--clear").output == "s: no quota\n")
    #expect(try Program.run("quota", store, "s").output == "s: no quota\n")
    let none = try #require(try Program.run("quota", store, "s", "--json").json() as? [String: Any])
    #expect(none["maximumBlocks"] is NSNull)
    // Ages are rounded up to the store's unit.
    #expect(try Program.run("quota", store, "s", "--age", "1ms").output == "s: at most 1.000 s old\n")
  }

  @Test(arguments: [
    (["--minimum", "-1"], "-1"), (["--minimum", "9"], "9"), (["--maximum", "0"], "0"), (["--maximum", "-3"], "-3"),
    (["--minimum", "4", "--maximum", "3"], "minimum"), (["--age", "0"], "0"),
  ])
  func refusesImpossibleQuotas(_ options: [String], _ part: String) throws {
    let outcome = try Program.run(["quota", store, "s"] + options)
    #expect(outcome.status == 1)
    #expect(outcome.errors.hasPrefix("nanots: ") && outcome.errors.contains(part))
    #expect(outcome.output.isEmpty)
    #expect(try Program.run("streams", store).lines.count == 1)
  }

  @Test func refusesWhatIsNoQuota() throws {
    #expect(try Program.run("quota", store, "s", "--minimum", "few").status == 64)
    #expect(try Program.run("quota", store, "s", "--age", "-5").status == 64)
    #expect(try Program.run("quota", store, "s", "--clear", "--minimum", "1").status == 64)
    #expect(try Program.run("quota", store).status == 64)
    for arguments in [["quota", store, "nowhere"], ["quota", store, "nowhere", "--clear"]] {
      let unknown = try Program.run(arguments)
      #expect(unknown.status == 1)
      #expect(unknown.errors.contains("'nowhere'"))
    }
    try #require(try Program.run("quota", store, "s", "--minimum", "5").status == 0)
    let others = try Program.run("quota", store, "t", "--minimum", "4")
    #expect(others.status == 1)
    #expect(others.errors.contains("5 are the minimums of other streams"))
  }

  // MARK: Pins

  @Test func showsWhatIsPinned() throws {
    try append(0...9)
    #expect(try !Program.run("info", store).output.contains("kept"))
    let reader = try Store(at: store, .readOnly)
    let pin = try reader.pin("s", in: 2...5)
    #expect(try Program.run("info", store).output.contains("kept      2 blocks pinned\n"))
    let json = try #require(try Program.run("info", store, "--json").json() as? [String: Any])
    #expect(json["pinnedBlocks"] as? Int == 2)
    #expect(json["pinsHold"] as? Bool == false)
    let blocks = try #require(json["blocks"] as? [[String: Any]])
    #expect(blocks.filter { $0["isPinned"] as? Bool == true }.map { $0["first"] as? Int } == [2, 4])
    #expect(try streamRecord()["pinnedBlocks"] as? Int == 2)
    #expect(try Program.run("streams", store).lines.first?.hasSuffix("pinned") == true)
    pin.release()
    #expect(try streamRecord()["pinnedBlocks"] as? Int == 0)
  }

  @Test func aStoreInWhichPinsHold() throws {
    let store = scratch.path("hold.nts")
    try #require(
      try Program.run("create", store, "--block-size", "4KiB", "--blocks", "1", "--pins-hold").status == 0)
    #expect(try Program.run("info", store).output.contains("kept      pins hold\n"))
    try #require(try Program.run("append", store, "s", "--time", "1", input: "x\n").status == 0)
    let reader = try Store(at: store, .readOnly)
    let pin = try reader.pin("s")
    let refused = try Program.run("append", store, "t", "--time", "2", input: "x\n")
    #expect(refused.status == 1)
    #expect(refused.errors.contains("1 are pinned"))
    pin.release()
    #expect(try Program.run("append", store, "t", "--time", "2", input: "x\n").status == 0)
  }
}
