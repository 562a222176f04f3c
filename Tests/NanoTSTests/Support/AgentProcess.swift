import Foundation
import TestAgent

/// A process running the test agent: the one beside the test bundle, or that which `NANOTS_TEST_AGENT` names, for processes
/// that are optimised under tests that are not.
final class AgentProcess {
  let process = Process()
  private let input = Pipe()
  private let output = Pipe()
  private let complaint = Pipe()

  /// Without Swift's own handlers of signals when the process is to end by one.
  convenience init(withoutBacktraces arguments: String...) throws {
    try self.init(arguments, ProcessInfo.processInfo.environment.merging(["SWIFT_BACKTRACE": "enable=no"]) { $1 })
  }

  convenience init(_ arguments: String...) throws { try self.init(arguments) }

  init(_ arguments: [String], _ environment: [String: String]? = nil) throws {
    if let environment { process.environment = environment }
    process.executableURL =
      Self.otherAgent.map { URL(fileURLWithPath: $0) } ?? Self.productsDirectory.appendingPathComponent("TestAgent")
    process.arguments = arguments
    process.standardInput = input
    process.standardOutput = output
    process.standardError = complaint
    try process.run()
  }

  private static let otherAgent = ProcessInfo.processInfo.environment["NANOTS_TEST_AGENT"]

  /// True where the processes are optimised, so that long tests run at full length.
  static var areOptimised: Bool {
    #if DEBUG
      otherAgent != nil
    #else
      true
    #endif
  }

  static var productsDirectory: URL {
    URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
  }

  /// A writer that counts what is acknowledged in the word at `place`. A steady one appends frame by frame and never
  /// closes.
  static func writer(
    _ path: String, _ stream: ProvingStream, _ words: SharedWords, _ place: Int, isRestless: Bool = false,
    durability: String = "none", seed: UInt64 = 0
  ) throws -> AgentProcess {
    try AgentProcess(
      "write", path, stream.name, words.path, "\(place)", isRestless ? "restless" : "steady", durability, "\(seed)")
  }

  /// A reader that counts what it checked in the word at `place`, until the words say stop.
  static func reader(
    _ path: String, _ streams: [ProvingStream], _ words: SharedWords, _ place: Int, _ role: TortureReader.Role,
    seed: UInt64
  ) throws -> AgentProcess {
    let names = streams.map(\.name).joined(separator: ",")
    return try AgentProcess("read", path, names, words.path, "\(place)", role.rawValue, "\(seed)")
  }

  func kill() {
    Foundation.kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
  }

  /// What is wrong with a process that should be running, or nil.
  func failure() -> String? { process.isRunning ? nil : ending }

  /// The first line that the process prints.
  func firstLine() -> String {
    var line: [UInt8] = []
    while let byte = output.fileHandleForReading.readData(ofLength: 1).first, byte != UInt8(ascii: "\n") {
      line.append(byte)
    }
    return String(decoding: line, as: UTF8.self)
  }

  /// Gives the process a line to read.
  func say(_ line: String) throws { try input.fileHandleForWriting.write(contentsOf: Data("\(line)\n".utf8)) }

  struct Failed: Error, CustomStringConvertible {
    let description: String
  }

  /// Waits for the process, which was told to stop, and returns what it printed. One that does not come to an end is
  /// killed. Throws when it did not end well.
  func finish(withinSeconds seconds: Double = 30) async throws -> String {
    let limit = Date() + seconds
    while process.isRunning, Date() < limit { try await Task.sleep(for: .milliseconds(2)) }
    guard !process.isRunning else {
      kill()
      throw Failed(description: "the agent \(arguments) did not stop within \(seconds) s")
    }
    guard process.terminationStatus == 0, process.terminationReason == .exit else { throw Failed(description: ending) }
    return String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
  }

  private var arguments: String { (process.arguments ?? []).joined(separator: " ") }

  private var ending: String {
    // A reader that has complaints ends at once and in good order; they are in what it prints.
    let said = [complaint, output].map {
      String(decoding: $0.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    }.joined()
    return "the agent \(arguments) ended with \(process.terminationReason == .exit ? "status" : "signal") "
      + "\(process.terminationStatus): \(said)"
  }
}
