import NanoTS

/// A store's blocks in file order, one character each: a letter for the stream, upper case when sealed and lower case
/// when open, a dot when free. Where there are more blocks than fit, a character stands for several.
struct BlockPicture {
  /// A block as far as the picture shows it.
  struct Block {
    let state: BlockDescription.State
    let stream: String?
  }

  /// What one character stands for.
  private struct Cell: Hashable {
    var stream: String?
    var isOpen: Bool
  }

  private static let mostRows = 16
  private static let mostColumns = 96
  /// Streams beyond the letters share a mark. Streams with more blocks get their letter first.
  private static let otherSealed: Character = "#"
  private static let otherOpen: Character = "+"
  private static let free: Character = "."
  private static let letters = (UInt8(ascii: "A")...UInt8(ascii: "Z")).map { Character(UnicodeScalar($0)) }

  private let cells: [Cell]
  private let blocksPerCell: Int
  private let columns: Int
  private let blockCounts: [String: Int]
  /// Which letter and colour each stream has.
  private let letterIndex: [String: Int]

  init(of blocks: [Block], on terminal: Terminal) {
    columns = max(16, min(Self.mostColumns, terminal.columns - 4))
    let capacity = columns * Self.mostRows
    blocksPerCell = max(1, (blocks.count + capacity - 1) / capacity)
    let size = blocksPerCell
    cells = stride(from: 0, to: blocks.count, by: size).map { start in
      Self.commonest(in: blocks[start..<min(start + size, blocks.count)])
    }
    var counts: [String: Int] = [:]
    for case let stream? in blocks.lazy.map(\.stream) { counts[stream, default: 0] += 1 }
    blockCounts = counts
    let bySize = counts.keys.sorted { (counts[$1] ?? 0, $0) < (counts[$0] ?? 0, $1) }.prefix(Self.letters.count)
    letterIndex = Dictionary(uniqueKeysWithValues: bySize.sorted().enumerated().map { ($1, $0) })
  }

  /// The cell that most of these blocks are; an open block is always shown, since there are few and they matter.
  private static func commonest(in blocks: ArraySlice<Block>) -> Cell {
    if let open = blocks.first(where: { $0.state == .open }) { return Cell(stream: open.stream, isOpen: true) }
    var counts: [String?: Int] = [:]
    for block in blocks { counts[block.state == .free ? nil : block.stream, default: 0] += 1 }
    let most = counts.max { ($0.value, $1.key ?? "") < ($1.value, $0.key ?? "") }
    return Cell(stream: most?.key, isOpen: false)
  }

  func text(on terminal: Terminal) -> String {
    var text = ""
    for start in stride(from: 0, to: cells.count, by: columns) {
      let row = cells[start..<min(start + columns, cells.count)]
      text += "  " + row.map { mark(of: $0, on: terminal) }.joined() + "\n"
    }
    return text + legend(on: terminal)
  }

  private func mark(of cell: Cell, on terminal: Terminal) -> String {
    guard let stream = cell.stream else { return Style.dim.apply(to: String(Self.free), on: terminal) }
    guard let index = letterIndex[stream] else { return String(cell.isOpen ? Self.otherOpen : Self.otherSealed) }
    let letter = String(Self.letters[index])
    return cell.isOpen
      ? Style.seriesReversed(index).apply(to: letter.lowercased(), on: terminal)
      : Style.series(index).apply(to: letter, on: terminal)
  }

  private func legend(on terminal: Terminal) -> String {
    var text = "\n"
    for (stream, index) in letterIndex.sorted(by: { $0.value < $1.value }) {
      let letter = Style.series(index).apply(to: String(Self.letters[index]), on: terminal)
      text += "  \(letter) \(PrintableText.string(stream)) (\(NumberText.grouped(blockCounts[stream] ?? 0)))\n"
    }
    let others = blockCounts.keys.filter { letterIndex[$0] == nil }
    if !others.isEmpty {
      let blocks = others.reduce(0) { $0 + (blockCounts[$1] ?? 0) }
      text +=
        "  \(Self.otherSealed) \(NumberText.counted(others.count, "other stream")) (\(NumberText.grouped(blocks)))"
      text += ", \(Self.otherOpen) where open\n"
    }
    text += "  upper case: sealed, lower case: open, \(Self.free) free"
    if blocksPerCell > 1 { text += "; a character stands for \(NumberText.grouped(blocksPerCell)) blocks" }
    return text + "\n"
  }
}
