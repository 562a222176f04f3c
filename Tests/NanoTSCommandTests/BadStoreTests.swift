import Foundation
import Glibc
import Testing

/// Files that are no stores, and stores that may not be written, met by every verb.
struct BadStoreTests {
  private static let verbs: [[String]] = [
    ["append", "", "s"], ["cat", ""], ["tail", ""], ["tail", "", "-f"], ["top", ""], ["info", ""], ["streams", ""],
    ["segments", ""], ["free", "", "s", "--all"], ["protect", "", "s", "--from", "1"], ["unprotect", "", "--all"],
    ["quota", "", "s"], ["quota", "", "s", "--maximum", "3"], ["verify", ""], ["copy", "", "/nowhere/copy.nts"],
    ["record", "", "--duration", "0.1"],
  ]

  private func run(_ verb: [String], on path: String) throws -> Program.Outcome {
    try Program.run([verb[0], path] + verb.dropFirst(2), input: Data("x\n".utf8))
  }

  private func expectFailure(_ verb: [String], on path: String) throws {
    let outcome = try run(verb, on: path)
    #expect(outcome.status == 1, "\(verb) \(path)")
    #expect(outcome.errors.hasPrefix("nanots: "))
    #expect(outcome.errors.split(separator: "\n").count == 1)
    #expect(outcome.output.isEmpty)
  }

  @Test(arguments: verbs)
  func refusesWhatIsNoStore(_ verb: [String]) throws {
    let scratch = try Scratch()
    let text = Data("this is no store\n".utf8)
    try expectFailure(verb, on: scratch.url.path)
    try expectFailure(verb, on: try scratch.file("empty", Data()))
    try expectFailure(verb, on: try scratch.file("text", text))
    try expectFailure(verb, on: try scratch.file("zeros", Data(count: 1 << 20)))
    // A file that is refused stays as it was.
    #expect(try Data(contentsOf: URL(fileURLWithPath: scratch.path("text"))) == text)
  }

  /// All but `record`, which makes a store where there is none.
  @Test(arguments: verbs.dropLast())
  func refusesWhatIsNotThere(_ verb: [String]) throws {
    let scratch = try Scratch()
    try expectFailure(verb, on: scratch.path("missing.nts"))
    #expect(!FileManager.default.fileExists(atPath: scratch.path("missing.nts")))
  }

  @Test(arguments: verbs)
  func refusesAStoreThatWasCut(_ verb: [String]) throws {
    let scratch = try Scratch()
    let store = try scratch.store()
    let whole = try Data(contentsOf: URL(fileURLWithPath: store))
    try expectFailure(verb, on: try scratch.file("cut", whole.prefix(whole.count / 2)))
  }

  @Test func noVerbIsAUsageError() throws {
    #expect(try Program.run("no-such-verb").status == 64)
    #expect(try Program.run("cat").status == 64)
    let help = try Program.run("--help")
    #expect(help.status == 0)
    #expect(help.output.contains("record"))
    #expect(help.errors.isEmpty)
  }

  /// How to run as somebody who may not write: file permissions do not stop root.
  static let launcher =
    geteuid() == 0 ? ["/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] : []

  static var canDropRights: Bool {
    launcher.first.map { FileManager.default.isExecutableFile(atPath: $0) } ?? true
  }

  @Test(.enabled(if: canDropRights))
  func aStoreThatMayOnlyBeReadIsReadAndNotWritten() throws {
    let scratch = try Scratch()
    let store = try scratch.store()
    try #require(try Program.run("append", store, "s", "--time", "5", input: "frame\n").status == 0)
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: scratch.url.path)
    try FileManager.default.setAttributes([.posixPermissions: 0o444], ofItemAtPath: store)
    func run(_ arguments: String...) throws -> Program.Outcome {
      try Program.run(arguments, input: Data("x\n".utf8), through: Self.launcher)
    }
    #expect(try run("cat", store, "--raw-times").output == "5  s  frame\n")
    for verb in ["tail", "info", "streams", "segments", "verify"] { #expect(try run(verb, store).status == 0) }
    #expect(try run("quota", store, "s").output == "s: no quota\n")
    for arguments in [
      ["append", store, "s"], ["free", store, "s", "--all"], ["record", store, "--duration", "0.1"],
      ["protect", store, "s", "--from", "1"], ["unprotect", store, "s", "--all"], ["quota", store, "s", "--clear"],
    ] {
      let outcome = try Program.run(arguments, input: Data("x\n".utf8), through: Self.launcher)
      #expect(outcome.status == 1)
      #expect(outcome.errors.hasPrefix("nanots: "))
    }
    #expect(try run("cat", store, "--raw-times").output == "5  s  frame\n")
  }

  @Test(arguments: [">&-", "2>&-", "<&-"])
  func aClosedStandardStreamDoesNotBecomeTheStore(_ closing: String) throws {
    let scratch = try Scratch()
    let store = try scratch.store()
    let shell = "echo line | \"$0\" append \"$1\" s \(closing); \"$0\" append \"$1\" s \(closing) < /dev/null; true"
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments = ["-c", shell, Program.url.path, store]
    try process.run()
    process.waitUntilExit()
    #expect(try Program.run("verify", store).status == 0)
  }
}
