import Foundation

/// Searches the models in Tests/ProtocolModels with Spin, which turns a model into a C program that visits every state.
enum ModelChecker {
  /// What a search said.
  struct Verdict {
    let output: String
    /// Property violations found, or nil when the program did not come to say.
    let errors: Int?

    /// True when every state was visited within the bounds given to the search.
    var isComplete: Bool {
      errors != nil && output.contains("Full statespace search") && !output.contains("Search not completed")
        && !output.contains("max search depth too small")
    }

    init(_ output: String) {
      self.output = output
      errors = output.firstMatch(of: /errors: (\d+)/).flatMap { Int($0.1) }
    }
  }

  struct Failed: Error, CustomStringConvertible {
    let description: String
  }

  static let folder = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("ProtocolModels").path

  static let spin = program("spin")
  static let compiler = program("gcc")

  /// Spin's preprocessor is gcc's, so both are needed also to read a model.
  static var isInstalled: Bool { spin != nil && compiler != nil }

  static func source(_ model: String) throws -> String {
    try String(contentsOfFile: "\(folder)/\(model).pml", encoding: .utf8)
  }

  /// Searches `model` with `switches` defined until the first error. Compiling takes longest where few states are
  /// visited, searching where many are: then it pays to be `thorough`, with an optimised program and much room.
  static func search(_ model: String, _ switches: [String], thorough: Bool) throws -> Verdict {
    guard let spin, let compiler else { throw Failed(description: "spin or gcc is not installed") }
    let directory = try TemporaryDirectory()
    let said = try run(spin, ["-a"] + switches.map { "-D" + $0 } + ["\(folder)/\(model).pml"], in: directory)
    guard try directory.contents().contains("pan.c"), !said.contains("Error") else { throw Failed(description: said) }
    // Safety only: assertions and ends that are none. No property here needs a look at cycles.
    let options = [thorough ? "-O1" : "-O0", "-w", "-DSAFETY", "-DMEMLIM=2048", "-o", "pan", "pan.c"]
    let complaints = try run(compiler, options, in: directory)
    guard try directory.contents().contains("pan") else { throw Failed(description: complaints) }
    return Verdict(try run(directory.path("pan"), thorough ? ["-m1000000"] : ["-m100000", "-w20"], in: directory))
  }

  private static func program(_ name: String) -> String? {
    (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map { "\($0)/\(name)" }
      .first { FileManager.default.isExecutableFile(atPath: $0) }
  }

  private static func run(_ program: String, _ arguments: [String], in directory: TemporaryDirectory) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    process.currentDirectoryURL = URL(fileURLWithPath: directory.path)
    let output = Pipe()
    process.standardOutput = output
    process.standardError = output
    try process.run()
    let said = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return said
  }
}
