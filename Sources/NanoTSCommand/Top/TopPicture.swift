import NanoTS

/// The table that `top` shows on a terminal, fitted to its size: what is least missed goes first where it is narrow.
struct TopPicture {
  private enum Column: Int, CaseIterable {
    case stream, writer, frames, bytes, lag, ring, oldest, value

    var title: String {
      switch self {
      case .stream: "stream"
      case .writer: "writer"
      case .frames: "frames/s"
      case .bytes: "bytes/s"
      case .lag: "lag"
      case .ring: "ring"
      case .oldest: "oldest"
      case .value: "last"
      }
    }

    var isLeft: Bool { self == .stream || self == .value }
  }

  /// The first to go is the first here.
  private static let dispensable: [Column] = [.oldest, .ring, .writer, .value, .lag, .bytes]
  private static let gap = 2
  private static let narrowestName = 8
  private static let widestName = 24
  private static let narrowestValue = 8
  private static let nothing = "–"

  /// The widest that each column has come to be: a table whose columns move is hard to read.
  private var widths: [Column: Int] = [:]
  private var columnsBefore = 0

  /// Lines for `terminal`, no more than it has rows.
  mutating func lines(
    _ activity: StoreActivity, of names: [String], notice: String?, on terminal: Terminal
  ) -> [String] {
    let streams = names.isEmpty ? activity.streams : activity.streams.filter { names.contains($0.name) }
    let cells = streams.map { stream in Column.allCases.map { cell($0, stream, of: activity) } }
    // The last column stays empty: a terminal that clears the rest of a line which fills it takes its last character.
    let columns = max(1, terminal.columns - 1)
    let shown = fit(cells, into: columns)
    var lines = [head(activity, columns, terminal), Self.cut(notice ?? "q quits", to: columns)]
    let titles = Self.line(Column.allCases.map(\.title), shown)
    lines.append(Style.bold.apply(to: titles, on: terminal))
    let room = terminal.rows - lines.count
    let fits = cells.count <= room ? cells.count : max(0, room - 1)
    lines += cells.prefix(fits).map { Self.line($0, shown) }
    if fits < cells.count {
      lines.append(Self.cut("… and \(NumberText.counted(cells.count - fits, "more stream"))", to: columns))
    }
    if cells.isEmpty { lines.append(Self.cut("no stream yet", to: columns)) }
    return Array(lines.prefix(terminal.rows))
  }

  /// Store, fill and total rates; parts go from the right where there is no room.
  private func head(_ activity: StoreActivity, _ columns: Int, _ terminal: Terminal) -> String {
    let capacity = UInt64(activity.blockCount) * UInt64(activity.blockSize)
    let parts = [
      "\(NumberText.percent(activity.usedBlocks, of: activity.blockCount)) of \(NumberText.size(capacity))",
      NumberText.counted(activity.streams.count, "stream"),
      "\(rate(activity.framesPerSecond)) frames/s", "\(size(activity.bytesPerSecond))/s",
    ]
    let tail = parts.joined(separator: "  ")
    let room = columns - tail.count - Self.gap
    guard room >= Self.narrowestName else { return Self.cut(tail, to: columns) }
    // The end of a path says more than its beginning.
    let path = activity.path.count <= room ? activity.path : "…" + activity.path.suffix(room - 1)
    return Style.bold.apply(to: path, on: terminal) + "  " + tail
  }

  // MARK: Cells

  private func cell(_ column: Column, _ stream: StreamActivity, of store: StoreActivity) -> String {
    switch column {
    case .stream: PrintableText.string(stream.name)
    case .writer: stream.isWritten ? stream.writerProcessID.map { "\($0)" } ?? "yes" : Self.nothing
    case .frames: rate(stream.framesPerSecond)
    case .bytes: size(stream.bytesPerSecond)
    case .lag: stream.lagSeconds.map { SpanText.short(seconds: $0) } ?? Self.nothing
    case .ring: NumberText.percent(stream.blocks, of: store.blockCount)
    case .oldest: stream.oldestAgeSeconds.map { SpanText.short(seconds: $0) } ?? Self.nothing
    // A tab is as wide as the terminal likes.
    case .value: stream.newest.map { String($0.text.map { $0 == "\t" ? " " : $0 }) } ?? Self.nothing
    }
  }

  private func rate(_ value: Double?) -> String {
    value.map { NumberText.decimal($0, places: $0 < 99.95 ? 1 : 0) } ?? Self.nothing
  }

  private func size(_ value: Double?) -> String {
    value.map { NumberText.size(UInt64($0.rounded())) } ?? Self.nothing
  }

  // MARK: Fitting

  /// The columns that are shown, and how wide each is.
  private mutating func fit(_ cells: [[String]], into columns: Int) -> [(column: Column, width: Int)] {
    if columns != columnsBefore { widths = [:] }
    columnsBefore = columns
    for column in Column.allCases {
      let widest = cells.map { $0[column.rawValue].count }.max() ?? 0
      widths[column] = max(widths[column] ?? column.title.count, widest)
    }
    widths[.stream] = min(widths[.stream] ?? 0, Self.widestName)
    var shown = Column.allCases
    var dispensable = Self.dispensable[...]
    while Self.gap * (shown.count - 1) + shown.reduce(0, { $0 + leastWidth(of: $1) }) > columns,
      let column = dispensable.popFirst()
    {
      shown.removeAll { $0 == column }
    }
    return distribute(columns, over: shown)
  }

  private func leastWidth(of column: Column) -> Int {
    switch column {
    case .stream: min(widths[column] ?? 0, Self.narrowestName)
    case .value: Self.narrowestValue
    default: widths[column] ?? 0
    }
  }

  /// Every column gets what it needs; the name as much as it needs and the value what is left.
  private func distribute(_ columns: Int, over shown: [Column]) -> [(column: Column, width: Int)] {
    let least = Self.gap * (shown.count - 1) + shown.reduce(0) { $0 + leastWidth(of: $1) }
    var spare = max(0, columns - least)
    return shown.map { column in
      var width = leastWidth(of: column)
      if column == .stream {
        let more = min(spare, (widths[column] ?? 0) - width)
        width += more
        spare -= more
      } else if column == .value {
        width += spare
      }
      return (column, width)
    }
  }

  private static func line(_ cells: [String], _ shown: [(column: Column, width: Int)]) -> String {
    let parts = shown.map { column, width in
      let text = cut(cells[column.rawValue], to: width)
      let padding = String(repeating: " ", count: width - text.count)
      guard column.isLeft else { return padding + text }
      return column == .value ? text : text + padding
    }
    return parts.joined(separator: String(repeating: " ", count: gap))
  }

  private static func cut(_ text: String, to width: Int) -> String {
    text.count <= width ? text : String(text.prefix(max(0, width - 1))) + "…"
  }
}
