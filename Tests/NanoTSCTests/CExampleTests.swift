import Foundation
import Testing

/// What the examples print, and that the README's are these.
@Suite(.enabled(if: CompiledProgram.canCompile)) struct CExampleTests {
  @Test(arguments: ["readme.c", "readme.cpp"])
  func theReadmesExampleIsTheProgramThatIsCompiledHere(name: String) throws {
    let readme = try String(contentsOf: CompiledProgram.root.appendingPathComponent("README.md"), encoding: .utf8)
    let program = try String(
      contentsOf: CompiledProgram.folder.appendingPathComponent("Examples/\(name)"), encoding: .utf8)
    let fence = name.hasSuffix(".cpp") ? "```cpp" : "```c"
    #expect(readme.contains("\(fence)\n\(program)```"))
  }

  @Test(arguments: [
    ("readme.c", "21600 20.00\n25200 20.25\n28800 20.50\n32400 20.75\n"),
    ("readme.cpp", "21600 20\n25200 20.25\n28800 20.5\n32400 20.75\n"),
    ("sensor_logger.c", "100001 samples, mean 1.00 g; backup of 200000 frames\n"),
    (
      "video_frames.c",
      "25.5 s: decoded from the key frame at 25000 ms, 15 frames before\n"
        + "a second of it: 30 frames, 150152 bytes, h264, 1280 x 720\n"
    ),
    (
      "ticks.cpp",
      "second 2: low 100.00, high 101.99, volume 60000\ntrade 6002 is at 2000 ms\n15000: 100.00\n14999: 101.99\n"
    ),
  ])
  func whatItPrints(example: (name: String, output: String)) throws {
    let outcome = try CompiledProgram.run("Examples/\(example.name)")
    #expect(outcome.status == 0, "\(outcome.complaint)")
    #expect(outcome.output == example.output)
  }
}
