import Foundation
import Testing

/// A C or C++ program of this folder, compiled against the library and run in a directory of its own.
///
/// The library is the installed one where NANOTS_C_PREFIX says so, else the one that this build made.
struct CompiledProgram {
  /// Under what a program is run.
  enum Tool: String, CaseIterable {
    case none
    case addressSanitizer
    case valgrind

    /// Nil, or why it cannot be run here.
    var isMissing: String? {
      switch self {
      case .none, .addressSanitizer: CompiledProgram.find("gcc") == nil ? "gcc is not installed" : nil
      case .valgrind:
        // It cannot read the debug information that Swift's linker writes, which the installed library has not.
        CompiledProgram.prefix == nil
          ? "valgrind needs the installed library; set NANOTS_C_PREFIX"
          : CompiledProgram.find("valgrind") == nil ? "valgrind is not installed" : nil
      }
    }
  }

  struct Outcome {
    let status: Int32
    let output: String
    let complaint: String
  }

  static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
  static let root = folder.deletingLastPathComponent().deletingLastPathComponent()

  /// True, or says why C programs are not compiled here: without a compiler that is no failure.
  static var canCompile: Bool {
    if find("gcc") != nil, find("g++") != nil { return true }
    print("skipped: gcc and g++ are not installed; apt-get install -y gcc g++ valgrind")
    return false
  }

  static func find(_ tool: String) -> String? {
    ["/usr/bin", "/usr/local/bin"].map { "\($0)/\(tool)" }.first(where: FileManager.default.isExecutableFile)
  }

  static var prefix: String? { ProcessInfo.processInfo.environment["NANOTS_C_PREFIX"] }

  /// Where headers and library are.
  private static var flags: [String] {
    if let prefix {
      return ["-I\(prefix)/include", "-L\(prefix)/lib", "-lnanots", "-Wl,-rpath,\(prefix)/lib"]
    }
    let products = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent().path
    let headers = root.appendingPathComponent("Sources/CInterface/include").path
    return ["-I\(headers)", "-L\(products)", "-lNanoTSC", "-Wl,-rpath,\(products)"]
  }

  /// Compiles `source` and runs it with `arguments`.
  static func run(_ source: String, _ arguments: [String] = [], under tool: Tool = .none) throws -> Outcome {
    let directory = FileManager.default.temporaryDirectory.appendingPathComponent("nanots-c-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }
    let program = directory.appendingPathComponent("program").path
    let isCPlusPlus = source.hasSuffix(".cpp")
    let sanitizer = tool == .addressSanitizer ? ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"] : []
    let compiled = try start(
      isCPlusPlus ? "/usr/bin/g++" : "/usr/bin/gcc",
      [isCPlusPlus ? "-std=c++17" : "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-g", "-pthread"] + sanitizer + [
        folder.appendingPathComponent(source).path, "-o", program,
      ] + flags + ["-lm"], in: directory)
    guard compiled.status == 0 else { return compiled }
    guard tool == .valgrind else { return try start(program, arguments, in: directory) }
    return try start(
      "/usr/bin/valgrind",
      [
        "-q", "--error-exitcode=99", "--leak-check=full", "--show-leak-kinds=definite",
        "--errors-for-leak-kinds=definite", program,
      ] + arguments, in: directory)
  }

  private static func start(_ path: String, _ arguments: [String], in directory: URL) throws -> Outcome {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: path)
    process.arguments = arguments
    process.currentDirectoryURL = directory
    let files = ["output", "complaint"].map { directory.appendingPathComponent($0) }
    for file in files { try Data().write(to: file) }
    process.standardOutput = try FileHandle(forWritingTo: files[0])
    process.standardError = try FileHandle(forWritingTo: files[1])
    try process.run()
    process.waitUntilExit()
    return Outcome(
      status: process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus,
      output: try String(contentsOf: files[0], encoding: .utf8),
      complaint: try String(contentsOf: files[1], encoding: .utf8))
  }
}
