import NanoTS

/// Appends payloads one by one. What is wrong with one payload is reported and counted; what is wrong with the store
/// ends the command.
final class Appender {
  private let writer: Writer
  private let unit: TimeUnit
  private let key: Int64
  private let flags: UInt32
  /// One reading for the whole command, so that `--time -5m` means one time and not one a line.
  private let start = WallClock.now()

  private(set) var appended: UInt64 = 0
  private(set) var bytes: UInt64 = 0
  private(set) var refused: UInt64 = 0

  init(writer: Writer, unit: TimeUnit, key: Int64, flags: UInt32) {
    self.writer = writer
    self.unit = unit
    self.key = key
    self.flags = flags
  }

  /// The longest a line may be: a whole payload, and a time before it.
  var longestLine: Int { writer.maximumFrameByteCount + TimedLine.longestTime }

  /// Appends what `payload` gives (asked not to give more than so many bytes) at `time`, or now.
  func append(name: String, at time: TimeArgument?, payload: (Int) throws -> [UInt8]) throws {
    try attempt(name) {
      let payload = try payload(writer.maximumFrameByteCount)
      let timestamp = try time?.timestamp(in: unit, now: start) ?? WallClock.timestamp(in: unit)
      return (payload, timestamp)
    }
  }

  /// Appends a line that begins with its own time.
  func appendTimed(name: String, line: () throws -> [UInt8]) throws {
    try attempt(name) {
      let line = try TimedLine(try line())
      return (line.payload, try line.time.timestamp(in: unit, now: start))
    }
  }

  private func attempt(_ name: String, _ make: () throws -> (payload: [UInt8], timestamp: Int64)) throws {
    do {
      let (payload, timestamp) = try make()
      try writer.append(payload, at: timestamp, key: key, flags: flags)
      appended += 1
      bytes += UInt64(payload.count)
    } catch let error as NanoTSError where error.isAboutOneFrame {
      refuse(name, error.message)
    } catch let error as CommandFailure {
      refuse(name, error.message)
    }
  }

  private func refuse(_ name: String, _ reason: String) {
    refused += 1
    Diagnostics.say(PrintableText.string("\(name): \(reason)"))
  }
}

extension NanoTSError {
  /// The writer goes on after these.
  fileprivate var isAboutOneFrame: Bool {
    switch code {
    case .outOfOrder, .frameTooLarge, .invalidArgument: true
    default: false
    }
  }
}
