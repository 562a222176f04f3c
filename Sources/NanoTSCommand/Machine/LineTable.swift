import NanoTSRecords

/// What is wanted of a /proc file whose lines are names with numbers behind them.
struct LineShape {
  /// A number wanted of the line of this name.
  struct Single {
    let line: String
    let name: String
    let unit: String
  }

  /// A number wanted of every line that is a member: the n-th after the line's name.
  struct Column {
    let column: Int
    let name: String
    let unit: String
  }

  enum Content {
    case single([Single])
    case repeated(group: String, columns: [Column], isMember: @Sendable (String) -> Bool)
  }

  /// How many words of a line come before its name.
  var nameColumn = 0
  let content: Content
}

/// Turns the lines of a /proc file into a packed record. Each line has a name and then numbers; which of the numbers go
/// where is worked out once, and a sample then only checks that the lines still have the same names.
struct LineTable: MachineReading {
  /// A line of the file as it was when the table was made.
  private struct Line {
    let name: [UInt8]
    /// The word of the record that each number goes to; nil where it is of no interest.
    let words: [Int?]
  }

  private let lines: [Line]
  /// How many words of a line come before its name.
  private let nameColumn: Int
  let layout: [LayoutDocument.Item]
  let wordCount: Int

  /// Nil where the file has none of what `shape` asks for.
  init?(_ shape: LineShape, text: Span<UInt8>) {
    let names = Self.names(of: shape, in: text)
    nameColumn = shape.nameColumn
    switch shape.content {
    case .single(let fields):
      let present = fields.filter { names.contains($0.line) }
      layout = present.enumerated().map { index, field in
        .field(.init(name: field.name, type: "u64", unit: field.unit, offset: index * MemoryLayout<UInt64>.size))
      }
      wordCount = present.count
      lines = names.map { name in
        Line(name: Array(name.utf8), words: present.firstIndex { $0.line == name }.map { [$0] } ?? [])
      }
    case .repeated(let group, let columns, let isMember):
      let members = names.filter(isMember)
      layout = [.group(Self.group(group, members, columns))]
      wordCount = members.count * columns.count
      lines = names.map { name in
        let member = members.firstIndex(of: name)
        return Line(name: Array(name.utf8), words: member.map { Self.words(of: columns, from: $0) } ?? [])
      }
    }
    guard wordCount > 0 else { return nil }
  }

  func fill(_ words: inout [UInt64], from text: Span<UInt8>) -> Bool {
    var scanner = TextScanner()
    for line in lines {
      for _ in 0..<nameColumn { _ = scanner.word(in: text) }
      guard Self.equal(line.name, text, scanner.word(in: text)) else { return false }
      for word in line.words {
        guard let number = scanner.number(in: text) else { return false }
        if let word { words[word] = number.littleEndian }
      }
      scanner.skipLine(in: text)
    }
    return scanner.isAtEnd(of: text)
  }

  private static func equal(_ name: [UInt8], _ text: Span<UInt8>, _ range: Range<Int>) -> Bool {
    guard name.count == range.count else { return false }
    for index in name.indices where name[index] != text[range.lowerBound + index] { return false }
    return true
  }

  private static func names(of shape: LineShape, in text: Span<UInt8>) -> [String] {
    var names: [String] = []
    var scanner = TextScanner()
    while !scanner.isAtEnd(of: text) {
      for _ in 0..<shape.nameColumn { _ = scanner.word(in: text) }
      let range = scanner.word(in: text)
      names.append(String(decoding: range.map { text[$0] }, as: UTF8.self))
      scanner.skipLine(in: text)
    }
    return names
  }

  /// The words for the numbers of member number `member`, up to the last column that is of interest.
  private static func words(of columns: [LineShape.Column], from member: Int) -> [Int?] {
    let last = columns.map(\.column).max() ?? 0
    return (0...last).map { column in
      columns.firstIndex { $0.column == column }.map { member * columns.count + $0 }
    }
  }

  private static func group(
    _ name: String, _ members: [String], _ columns: [LineShape.Column]
  ) -> LayoutDocument.Group {
    let wordSize = MemoryLayout<UInt64>.size
    // With many cores the labels would be the greater part of the metadata, and they say nothing that counting does not.
    let isCounted = members.enumerated().allSatisfy { $1 == "\(name)\($0)" }
    return .init(
      name: name, count: members.count, stride: columns.count * wordSize, offset: 0, labels: isCounted ? nil : members,
      fields: columns.enumerated().map { index, column in
        .init(name: column.name, type: "u64", unit: column.unit, offset: index * wordSize)
      })
  }
}
