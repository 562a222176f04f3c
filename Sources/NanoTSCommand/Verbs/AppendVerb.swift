import ArgumentParser
import Glibc
import NanoTS

struct AppendVerb: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "append",
    abstract: "Append frames to a stream: each line of stdin, or each file, is the payload of one.",
    discussion: """
      A frame is in the store, and any reader sees it, as soon as its line has been read. The stream is made if there \
      is none of that name. Frames take the present as their time unless --time or --timestamps says another.

      A line or file that is refused (out of order, too long, no time) is reported with its number, the rest goes on, \
      and the exit code is 1.
      """
  )

  @OptionGroup var target: StoreArgument

  @Argument(help: "The stream.")
  var stream: String

  @Option(parsing: .upToNextOption, help: "Append these files, one frame each, in place of stdin.")
  var file: [String] = []

  @Option(parsing: .unconditional, help: "The time of the frames.", transform: TimeArgument.init(parsing:))
  var time: TimeArgument?

  @Flag(help: "Each line begins with its time and a tab, then comes the payload.")
  var timestamps = false

  @Option(parsing: .unconditional, help: "The key of the frames.")
  var key: Int64 = 0

  @Option(help: "The flags of the frames.")
  var flags: UInt32 = 0

  @Option(help: "Metadata of the segment that these frames make.")
  var metadata = ""

  func validate() throws {
    if timestamps && (time != nil || !file.isEmpty) {
      throw ValidationError(
        "--timestamps reads a time from each line of stdin; it goes with neither --time nor --file.")
    }
  }

  func run() throws {
    let store = try target.open(.readWrite)
    // A present that lies before the stream's last frame (the clock stepped back) must not lose what was measured. A
    // time that was asked for is another matter: it is kept or refused.
    let usesPresent = time == nil && !timestamps
    let options = WriterOptions(outOfOrder: usesPresent ? .clamp : .reject)
    let writer = try store.writer(for: stream, metadata: metadata, options: options)
    let appender = Appender(writer: writer, unit: store.timeUnit, key: key, flags: flags)
    if file.isEmpty {
      try appendLines(to: appender)
    } else {
      for path in file { try appender.append(name: path, at: time) { try FilePayload.read(path, limit: $0) } }
    }
    try writer.close()
    try store.close()
    try finish(appender)
  }

  private func appendLines(to appender: Appender) throws {
    let reader = LineReader(descriptor: STDIN_FILENO, limit: appender.longestLine)
    var number = 0
    while let line = try reader.next() {
      number += 1
      let name = "line \(number)"
      guard timestamps else {
        try appender.append(name: name, at: time) { _ in try line.payload() }
        continue
      }
      try appender.appendTimed(name: name) { try line.payload() }
    }
  }

  private func finish(_ appender: Appender) throws {
    let output = StandardOutput()
    let refused = appender.refused > 0 ? ", \(NumberText.grouped(appender.refused)) refused" : ""
    output.write(
      "appended \(NumberText.counted(appender.appended, "frame")), \(NumberText.size(appender.bytes))\(refused)\n")
    try output.flush()
    if appender.refused > 0 { throw ExitCode(1) }
  }
}
