import Foundation
import Testing

/// An example of the documentation, built beside the tests.
enum ExampleProgram {
  /// Runs it to its end in `directory`, and gives what it printed.
  static func run(_ name: String, in directory: TemporaryDirectory) throws -> String {
    let process = Process()
    process.executableURL = AgentProcess.productsDirectory.appendingPathComponent(name)
    process.currentDirectoryURL = URL(fileURLWithPath: directory.path)
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let printed = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
    return printed
  }
}
