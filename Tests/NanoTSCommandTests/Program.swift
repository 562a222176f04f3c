import Foundation
import Glibc
import Testing

/// The built `nanots`, run as a process with pipes for its input and output.
enum Program {
  struct Outcome {
    let status: Int32
    let output: String
    let errors: String

    var lines: [String] { output.split(separator: "\n", omittingEmptySubsequences: true).map(String.init) }

    func json() throws -> Any {
      try JSONSerialization.jsonObject(with: Data(output.utf8))
    }
  }

  /// It lies beside the test bundle, which is the program that runs these tests.
  static let url = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    .deletingLastPathComponent().appendingPathComponent("nanots")

  static func run(_ arguments: String..., input: String = "") throws -> Outcome {
    try run(arguments, input: Data(input.utf8))
  }

  static func run(_ arguments: [String], input: Data = Data(), through launcher: [String] = []) throws -> Outcome {
    let running = try Running(launcher + [url.path] + arguments + compression(of: arguments))
    running.send(input)
    return running.outcome()
  }

  /// With `NANOTS_TEST_CHUNK=n`, stores that are made are compressed in chunks of n bytes where the test does not say, so
  /// that one suite is run over both kinds.
  private static func compression(of arguments: [String]) -> [String] {
    guard ["create", "record"].contains(arguments.first), !arguments.contains("--compress"),
      let chunk = ProcessInfo.processInfo.environment["NANOTS_TEST_CHUNK"]
    else { return [] }
    return ["--compress", "lz4:\(chunk)"]
  }

  /// A process that has not ended yet.
  final class Running {
    private let process = Process()
    private let input = Pipe()
    private let output = Reader()
    private let errors = Reader()

    /// `readsOutput`: without, a full pipe stops the program until `readOutput` is called.
    init(_ command: [String], readsOutput: Bool = true) throws {
      process.executableURL = URL(fileURLWithPath: try #require(command.first))
      process.arguments = Array(command.dropFirst())
      process.standardInput = input
      process.standardOutput = output.pipe
      process.standardError = errors.pipe
      // A program that ends before it has read its input must not end the tests.
      _ = Glibc.signal(SIGPIPE, SIG_IGN)
      try process.run()
      if readsOutput { output.start() }
      errors.start()
    }

    func readOutput() { output.start() }

    /// Waits until there is something to read, and leaves it.
    func waitForOutput() {
      var request = pollfd(fd: output.pipe.fileHandleForReading.fileDescriptor, events: Int16(POLLIN), revents: 0)
      _ = unsafe poll(&request, 1, 60_000)
    }

    convenience init(nanots arguments: String...) throws {
      try self.init([Program.url.path] + arguments)
    }

    /// Writes to the program's input, which stays open.
    func sendPart(_ data: Data) {
      try? input.fileHandleForWriting.write(contentsOf: data)
    }

    /// Writes to the program's input and ends it.
    func send(_ data: Data) {
      try? input.fileHandleForWriting.write(contentsOf: data)
      try? input.fileHandleForWriting.close()
    }

    /// True once what the program has printed so far holds `text`; false when it has not within a minute.
    func prints(_ text: String) -> Bool { output.waits { $0.contains(text) } }

    /// The same for what it says on stderr.
    func says(_ text: String) -> Bool { errors.waits { $0.contains(text) } }

    func signal(_ number: Int32) {
      kill(process.processIdentifier, number)
    }

    /// Waits for the end. A program that hangs is killed, so that the test fails and does not hang as well.
    func outcome() -> Outcome {
      let deadline = Date() + 60
      while process.isRunning, Date() < deadline { usleep(1_000) }
      if process.isRunning { kill(process.processIdentifier, SIGKILL) }
      process.waitUntilExit()
      // A program that a signal ended gets the number a shell would give it.
      let signalled = process.terminationReason == .uncaughtSignal
      return Outcome(
        status: process.terminationStatus + (signalled ? 128 : 0), output: output.text(), errors: errors.text())
    }
  }

  /// Reads one pipe to its end, on a thread of its own so that a full pipe stops nobody.
  private final class Reader: @unchecked Sendable {
    let pipe = Pipe()
    private let changed = NSCondition()
    private var data = Data()
    private var isFinished = false

    func start() {
      Thread.detachNewThread { [self] in
        while true {
          let part = pipe.fileHandleForReading.availableData
          changed.withLock {
            data.append(part)
            isFinished = part.isEmpty
            changed.broadcast()
          }
          if part.isEmpty { return }
        }
      }
    }

    /// All of it.
    func text() -> String {
      changed.withLock {
        while !isFinished { changed.wait() }
        return String(decoding: data, as: UTF8.self)
      }
    }

    /// True once `condition` holds for what has come; false when the pipe ended before or a minute has passed.
    func waits(until condition: (String) -> Bool) -> Bool {
      let deadline = Date() + 60
      return changed.withLock {
        while !condition(String(decoding: data, as: UTF8.self)) {
          guard !isFinished, changed.wait(until: deadline) else { return false }
        }
        return true
      }
    }
  }
}

/// A directory that goes away with the test that made it.
final class Scratch {
  let url: URL

  init() throws {
    url = FileManager.default.temporaryDirectory.appendingPathComponent("nanots-tests-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit {
    try? FileManager.default.removeItem(at: url)
  }

  func path(_ name: String) -> String { url.appendingPathComponent(name).path }

  /// A store with small blocks, made by the program itself.
  func store(_ options: String...) throws -> String { try store(options) }

  func store(_ options: [String]) throws -> String {
    let path = path("store.nts")
    let outcome = try Program.run(["create", path, "--block-size", "64KiB", "--blocks", "8"] + options)
    try #require(outcome.status == 0, "\(outcome.errors)")
    return path
  }

  func file(_ name: String, _ data: Data) throws -> String {
    let path = path(name)
    try data.write(to: URL(fileURLWithPath: path))
    return path
  }
}
