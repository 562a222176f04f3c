import Foundation
import Testing

/// The Swift examples of the guides are those in Tests/GuideExamples, and these run.
@Suite struct GuideTests {
  private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

  private static let guides = [
    "NanoTS/NanoTS.docc/Start", "NanoTS/NanoTS.docc/Concurrency", "NanoTS/NanoTS.docc/ChoosingDurability",
    "NanoTS/NanoTS.docc/Recovery", "NanoTS/NanoTS.docc/NanoTS", "NanoTSRecords/NanoTSRecords.docc/NanoTSRecords",
  ]

  private func text(_ path: String) throws -> String {
    try String(contentsOf: Self.root.appendingPathComponent(path), encoding: .utf8)
  }

  /// The example of a guide as the body of a function.
  private func example(of guide: String) throws -> String {
    let text = try text("Sources/\(guide).md")
    let start = try #require(text.range(of: "```swift\n"))
    let end = try #require(text.range(of: "```", range: start.upperBound..<text.endIndex))
    let lines = text[start.upperBound..<end.lowerBound].split(separator: "\n", omittingEmptySubsequences: false)
    return lines.filter { !$0.hasPrefix("import ") }.map { $0.isEmpty ? "" : "  \($0)" }.joined(separator: "\n")
      .trimmingCharacters(in: .newlines)
  }

  @Test(arguments: guides) func theExampleIsWhatIsCompiledHere(_ guide: String) throws {
    let program = try text("Tests/GuideExamples/main.swift")
    #expect(program.contains("() throws {\n\(try example(of: guide))\n}\n"))
  }

  @Test func noGuideHasAnExampleThatIsNotCompiled() throws {
    for folder in ["NanoTS/NanoTS.docc", "NanoTSRecords/NanoTSRecords.docc"] {
      for file in try FileManager.default.contentsOfDirectory(atPath: "\(Self.root.path)/Sources/\(folder)") {
        let examples = try text("Sources/\(folder)/\(file)").components(separatedBy: "```swift\n").count - 1
        let isCompiled = Self.guides.contains("\(folder)/\(file.dropLast(3))")
        #expect(examples == (isCompiled ? 1 : 0), "\(file) has \(examples) examples")
      }
    }
  }

  @Test func theExamplesRun() throws {
    let directory = try TemporaryDirectory()
    let printed = try ExampleProgram.run("GuideExamples", in: directory)
    #expect(printed.hasPrefix("599000000 300\n2696.99"))
  }
}
