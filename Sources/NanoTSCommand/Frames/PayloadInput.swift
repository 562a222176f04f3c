import ArgumentParser
import Glibc

/// Splits what a descriptor gives into lines, each handed over as soon as its newline has arrived, with memory bounded
/// by the longest line that is of use.
final class LineReader {
  enum Line {
    case bytes([UInt8])
    /// A line longer than the limit. It was read to its end and its bytes were dropped.
    case tooLong(byteCount: Int)
  }

  private let descriptor: Int32
  private let limit: Int
  private var chunk: [UInt8]
  private var available = 0..<0
  private var isAtEnd = false

  init(descriptor: Int32, limit: Int) {
    self.descriptor = descriptor
    self.limit = limit
    chunk = [UInt8](repeating: 0, count: 64 * 1024)
  }

  /// The next line without its newline, or nil at the end. A last line needs no newline.
  func next() throws -> Line? {
    var bytes: [UInt8] = []
    var byteCount = 0
    while true {
      if available.isEmpty, try !refill() {
        return byteCount == 0 ? nil : line(bytes, byteCount)
      }
      let newline = chunk[available].firstIndex(of: UInt8(ascii: "\n"))
      let part = available.lowerBound..<(newline ?? available.upperBound)
      byteCount += part.count
      if byteCount <= limit { bytes.append(contentsOf: chunk[part]) } else { bytes.removeAll() }
      available = (newline.map { $0 + 1 } ?? available.upperBound)..<available.upperBound
      if newline != nil { return line(bytes, byteCount) }
    }
  }

  private func line(_ bytes: [UInt8], _ byteCount: Int) -> Line {
    byteCount <= limit ? .bytes(bytes) : .tooLong(byteCount: byteCount)
  }

  /// False at the end of the input.
  private func refill() throws -> Bool {
    guard !isAtEnd else { return false }
    let count = try Descriptor.readSome(into: &chunk, from: descriptor)
    available = 0..<count
    isAtEnd = count == 0
    return !isAtEnd
  }
}

/// A line of `append --timestamps`: a time as the command line takes it, a tab, and the payload.
struct TimedLine {
  /// Longer than any time that can be read.
  static let longestTime = 64

  let time: TimeArgument
  let payload: [UInt8]

  init(_ line: [UInt8]) throws {
    guard let tab = line.prefix(Self.longestTime + 1).firstIndex(of: UInt8(ascii: "\t")) else {
      throw CommandFailure("no time and tab at its beginning")
    }
    let text = String(decoding: line[..<tab], as: UTF8.self)
    do {
      time = try TimeArgument(parsing: text)
    } catch let error as ValidationError {
      throw CommandFailure("'\(PrintableText.string(text))' is no time: \(error.message)")
    }
    payload = Array(line[(tab + 1)...])
  }
}

/// The bytes of a file that is to become one frame.
enum FilePayload {
  /// Reads all of it, or says why not. No more than `limit` bytes and one are ever held.
  static func read(_ path: String, limit: Int) throws -> [UInt8] {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw CommandFailure.system("cannot open it") }
    defer { close(descriptor) }
    var payload: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 64 * 1024)
    while true {
      let count = try Descriptor.readSome(into: &chunk, from: descriptor)
      if count == 0 { return payload }
      payload.append(contentsOf: chunk[..<count])
      guard payload.count <= limit else {
        throw CommandFailure("longer than the \(NumberText.counted(limit, "byte")) that a frame of this store can hold")
      }
    }
  }
}

extension LineReader.Line {
  /// The line's bytes, unless it is longer than any frame.
  func payload() throws -> [UInt8] {
    switch self {
    case .bytes(let bytes):
      return bytes
    case .tooLong(let byteCount):
      throw CommandFailure("its \(NumberText.counted(byteCount, "byte")) are more than a frame of this store can hold")
    }
  }
}
