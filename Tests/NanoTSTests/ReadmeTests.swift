import Foundation
import Testing

/// The README's example is the program in Tests/ReadmeExample, and it prints what the README says.
@Suite struct ReadmeTests {
  private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

  private func block(after fence: String, in text: String) throws -> String {
    let start = try #require(text.range(of: fence + "\n"))
    let end = try #require(text.range(of: "```", range: start.upperBound..<text.endIndex))
    return String(text[start.upperBound..<end.lowerBound])
  }

  @Test func theExampleIsTheProgramThatIsCompiledHere() throws {
    let readme = try String(contentsOf: Self.root.appendingPathComponent("README.md"), encoding: .utf8)
    let program = try String(
      contentsOf: Self.root.appendingPathComponent("Tests/ReadmeExample/main.swift"), encoding: .utf8)
    #expect(try block(after: "```swift", in: readme) == program)
  }

  @Test func theExamplePrintsWhatTheReadmeSays() throws {
    let readme = try String(contentsOf: Self.root.appendingPathComponent("README.md"), encoding: .utf8)
    let directory = try TemporaryDirectory()
    let printed = try ExampleProgram.run("ReadmeExample", in: directory)
    #expect(try block(after: "It prints:\n\n```text", in: readme) == printed)
  }
}
