internal import FoundationEssentials

/// The machine that the figures come from.
struct Machine: Codable {
  let processor: String
  let cores: Int
  let kernel: String
  let architecture: String

  static var current: Machine {
    let information = text(of: "/proc/cpuinfo").split(separator: "\n")
    let model = information.first { $0.hasPrefix("model name") }?.split(separator: ":").last
    return Machine(
      processor: model.map { String($0.drop { $0 == " " }) } ?? "unknown",
      cores: information.count { $0.hasPrefix("processor") },
      kernel: String(text(of: "/proc/sys/kernel/osrelease").prefix { $0 != "\n" }), architecture: architecture)
  }

  /// Bytes of memory that are this process's alone.
  static var ownMemory: Int {
    let line = text(of: "/proc/self/status").split(separator: "\n").first { $0.hasPrefix("RssAnon:") }
    return line?.split(separator: " ").dropFirst().first.flatMap { Int($0) }.map { $0 << 10 } ?? 0
  }

  private static func text(of path: String) -> String {
    guard let data = try? Data(contentsOf: URL(filePath: path)) else { return "" }
    return String(decoding: data, as: UTF8.self)
  }

  private static var architecture: String {
    #if arch(x86_64)
      "x86_64"
    #elseif arch(arm64)
      "aarch64"
    #else
      "unknown"
    #endif
  }
}

/// What was built, and by what.
struct Versions: Codable {
  let benchmark: String
  let swift: String
  let configuration: String

  static var current: Versions { Versions(benchmark: "1", swift: swift, configuration: configuration) }

  private static var swift: String {
    #if compiler(>=6.5)
      "6.5 or later"
    #elseif compiler(>=6.4)
      "6.4"
    #elseif compiler(>=6.3)
      "6.3"
    #else
      "6.2"
    #endif
  }

  private static var configuration: String {
    #if DEBUG
      "debug"
    #else
      "release"
    #endif
  }
}
