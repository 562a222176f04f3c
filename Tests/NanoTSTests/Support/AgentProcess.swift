import Foundation

/// A process running the test agent, found beside the test bundle.
final class AgentProcess {
  let process = Process()
  private let output = Pipe()

  init(_ arguments: String...) throws {
    process.executableURL = Self.productsDirectory.appendingPathComponent("TestAgent")
    process.arguments = arguments
    process.standardOutput = output
    try process.run()
  }

  static var productsDirectory: URL {
    URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
  }

  func kill() {
    Foundation.kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
  }

  /// The first line that the process prints.
  func firstLine() -> String {
    var line: [UInt8] = []
    while let byte = output.fileHandleForReading.readData(ofLength: 1).first, byte != UInt8(ascii: "\n") {
      line.append(byte)
    }
    return String(decoding: line, as: UTF8.self)
  }
}
