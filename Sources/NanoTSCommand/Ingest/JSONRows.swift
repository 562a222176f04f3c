import FoundationEssentials

/// Rows of JSON Lines: an object on each line. Its numbers, strings and booleans are the cells, named by their keys; those
/// of the first line are the columns, in the order of their names. A key that a line does not have, or null, is an empty
/// cell; one that the first line does not have is refused.
final class JSONRows: RowSource {
  private enum Scalar: Decodable {
    case text(String)
    case none
    case nested

    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if container.decodeNil() {
        self = .none
      } else if let value = try? container.decode(Int64.self) {
        self = .text(String(value))
      } else if let value = try? container.decode(UInt64.self) {
        self = .text(String(value))
      } else if let value = try? container.decode(Bool.self) {
        self = .text(value ? "true" : "false")
      } else if let value = try? container.decode(Double.self) {
        self = .text("\(value)")
      } else if let value = try? container.decode(String.self) {
        self = .text(value)
      } else {
        self = .nested
      }
    }
  }

  let columns: [String]
  private var line = 0
  private(set) var bytesUsed: UInt64 = 0
  private let lines: LineReader
  private let decoder = JSONDecoder()
  /// The first row was read for its columns, and not yet given out.
  private var isFirst = true
  private var bytes: [UInt8] = []
  private var cells: [Range<Int>] = []
  private let indexes: [String: Int]

  /// The longest line that is taken.
  static let longestLine = 16 << 20

  init(_ lines: LineReader, path: String) throws {
    self.lines = lines
    let decoder = JSONDecoder()
    var number = 0
    var first: [String: Scalar] = [:]
    while first.isEmpty {
      guard let line = try lines.next() else {
        throw CommandFailure("\(PrintableText.string(path)) is empty: it has no first object to name the columns")
      }
      number += 1
      guard case .bytes(let text) = line, !text.allSatisfy({ $0 <= 0x20 }) else { continue }
      bytesUsed += UInt64(text.count + 1)
      guard let object = try? decoder.decode([String: Scalar].self, from: Data(text)), !object.isEmpty else {
        throw CommandFailure("\(PrintableText.string(path)), line \(number): no JSON object with a value in it")
      }
      first = object
    }
    columns = first.keys.sorted()
    indexes = Dictionary(uniqueKeysWithValues: columns.enumerated().map { ($1, $0) })
    line = number
    try take(first)
  }

  func next(_ row: inout Row) throws -> Bool {
    if isFirst {
      isFirst = false
    } else if try !takeNext() {
      return false
    }
    row.line = line
    // Bound: the cells lie in `bytes`, which nothing changes before the next row.
    row.cells = unsafe bytes.withUnsafeBufferPointer { bytes in
      cells.map { unsafe Cell(bytes.baseAddress! + $0.lowerBound, count: $0.count) }
    }
    return true
  }

  private func takeNext() throws -> Bool {
    while let found = try lines.next() {
      line += 1
      guard case .bytes(let text) = found else {
        throw RowRefusal(line: line, reason: "it is longer than \(Self.longestLine) bytes")
      }
      bytesUsed += UInt64(text.count + 1)
      guard !text.allSatisfy({ $0 <= 0x20 }) else { continue }
      guard let object = try? decoder.decode([String: Scalar].self, from: Data(text)) else {
        throw RowRefusal(line: line, reason: "it is no JSON object")
      }
      try take(object)
      return true
    }
    return false
  }

  private func take(_ object: [String: Scalar]) throws {
    bytes.removeAll(keepingCapacity: true)
    cells = Array(repeating: 0..<0, count: columns.count)
    for (name, scalar) in object {
      guard let index = indexes[name] else {
        throw RowRefusal(line: line, reason: "its key '\(PrintableText.string(name))' is not in the first line")
      }
      switch scalar {
      case .text(let text):
        cells[index] = bytes.count..<(bytes.count + text.utf8.count)
        bytes.append(contentsOf: text.utf8)
      case .none: break
      case .nested:
        throw RowRefusal(line: line, reason: "the value of '\(PrintableText.string(name))' is an object or a list")
      }
    }
    // So that the memory is one piece and is not empty.
    bytes.append(0)
  }
}
