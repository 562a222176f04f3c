import NanoTS

/// The blocks in the file's order as small squares, coloured by stream.
struct ReportBlockMap {
  private static let columns = 64
  private static let mostRows = 24
  private static let step = 10

  private let blocks: [BlockDescription]
  private let colours: StreamColours
  private let blocksPerCell: Int
  private var times: ShortTime

  init(_ blocks: [BlockDescription], _ colours: StreamColours, _ unit: TimeUnit) {
    (self.blocks, self.colours) = (blocks, colours)
    let capacity = Self.columns * Self.mostRows
    blocksPerCell = max(1, (blocks.count + capacity - 1) / capacity)
    times = ShortTime(unit)
  }

  var lines: [String] {
    let cells = (blocks.count + blocksPerCell - 1) / blocksPerCell
    let rows = (cells + Self.columns - 1) / Self.columns
    let box = "\(min(cells, Self.columns) * Self.step) \(rows * Self.step)"
    // A store of few blocks is no wider than they need.
    let width = "style=\"max-width:\(min(cells, Self.columns) * 16)px\""
    var copy = self
    return ["<svg class=\"map\" viewBox=\"0 0 \(box)\" \(width) role=\"img\" aria-label=\"the blocks of the file\">"]
      + (0..<cells).map { copy.cell($0) } + ["</svg>", legend]
  }

  private mutating func cell(_ index: Int) -> String {
    let held = blocks[(index * blocksPerCell)..<min(blocks.count, (index + 1) * blocksPerCell)]
    // Of several blocks, the commonest stream; any open block shows.
    let streams = Dictionary(grouping: held.compactMap(\.stream), by: \.self).mapValues(\.count)
    let stream = streams.max { ($0.value, $1.key) < ($1.value, $0.key) }?.key
    let isOpen = held.contains { $0.state == .open }
    let style = (stream.map { colours.name(of: $0) } ?? "free") + (isOpen ? " open" : "")
    let (x, y) = (index % Self.columns * Self.step, index / Self.columns * Self.step)
    return "<rect class=\"\(style)\" x=\"\(x)\" y=\"\(y)\" width=\"9\" height=\"9\" rx=\"1.5\">"
      + "<title>\(MarkupText.escaped(text(of: held)))</title></rect>"
  }

  private mutating func text(of held: ArraySlice<BlockDescription>) -> String {
    guard held.count == 1, let block = held.first else {
      return "blocks \(held.startIndex) to \(held.endIndex - 1): "
        + BlockDescription.State.allCases.map { state in "\(held.count { $0.state == state }) \(state.rawValue)" }
        .joined(separator: ", ")
    }
    guard let stream = block.stream else { return "block \(block.index): free" }
    let range = [block.firstTimestamp, block.lastTimestamp].compactMap { $0.map { times.string($0) } }
    return "block \(block.index): \(stream), \(block.state.rawValue), \(NumberText.counted(block.frames, "frame")), "
      + "\(NumberText.size(UInt64(block.usedBytes)))" + (range.isEmpty ? "" : ", \(range.joined(separator: " to "))")
      + (block.isProtected ? ", protected" : "") + (block.isPinned ? ", pinned" : "")
  }

  private var legend: String {
    let held = Dictionary(grouping: blocks.compactMap(\.stream), by: \.self).mapValues(\.count)
    let entries = held.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(StreamColours.count)
    var items = entries.map { stream, count in
      "<li><i class=\"\(colours.name(of: stream))\"></i>\(MarkupText.escaped(stream)) "
        + "<span class=\"dim\">\(NumberText.counted(count, "block"))</span></li>"
    }
    if held.count > entries.count {
      items.append("<li><i class=\"other\"></i>\(NumberText.counted(held.count - entries.count, "other stream"))</li>")
    }
    items.append("<li><i class=\"free\"></i>free</li>")
    if blocks.contains(where: { $0.state == .open }) {
      items.append("<li><i class=\"free open\"></i>ringed: open</li>")
    }
    let scale = blocksPerCell > 1 ? "<p class=\"dim\">A square stands for \(blocksPerCell) blocks.</p>" : ""
    return "<ul class=\"legend\">\(items.joined())</ul>\(scale)"
  }
}
