import NanoTS

/// A curve in characters of 2 by 4 dots.
struct BraillePlot {
  private let curve: FieldCurve
  private let rows: Int

  /// The curve must have two columns for each character of the plot's width.
  init(_ curve: FieldCurve, rows: Int) {
    (self.curve, self.rows) = (curve, rows)
  }

  func text(on terminal: Terminal, unit: TimeUnit) -> String {
    let scale = AxisScale(curve.minimum, curve.maximum, atMost: max(1, rows / 3), endsRound: false)
    let dots = dots(scale)
    let labels = labels(scale)
    let width = labels.map(\.count).max() ?? 0
    var text = title(on: terminal) + "\n"
    for row in 0..<rows {
      let label = String(repeating: " ", count: width - labels[row].count) + labels[row]
      let axis = labels[row].isEmpty ? "│" : "┤"
      text += Style.dim.apply(to: "\(label) \(axis)", on: terminal)
      text += Style.series(0).apply(to: String(String.UnicodeScalarView(dots[row])), on: terminal) + "\n"
    }
    let axis = String(repeating: "─", count: curve.columns / 2)
    text += Style.dim.apply(to: String(repeating: " ", count: width) + " └\(axis)", on: terminal) + "\n"
    return text + Style.dim.apply(to: times(indent: width + 2, unit), on: terminal) + "\n"
  }

  private func title(on terminal: Terminal) -> String {
    let name =
      PrintableText.string("\(curve.stream)  \(curve.field)")
      + (curve.unit.isEmpty ? "" : " [\(PrintableText.string(curve.unit))]")
    let counts = "\(NumberText.counted(curve.count, "value")), \(curve.span)"
    return Style.bold.apply(to: name, on: terminal) + "  " + Style.dim.apply(to: counts, on: terminal)
  }

  private func labels(_ scale: AxisScale) -> [String] {
    var labels = Array(repeating: "", count: rows)
    guard curve.minimum < curve.maximum else {
      labels[row(scale.share(curve.minimum)) / 4] = FieldCurve.short(curve.minimum)
      return labels
    }
    for tick in scale.ticks { labels[row(scale.share(tick)) / 4] = scale.text(tick) }
    // One number says nothing of the scale: then the ends are named, whatever they are.
    if labels.count(where: { !$0.isEmpty }) < 2 {
      labels = Array(repeating: "", count: rows)
      (labels[0], labels[rows - 1]) = (FieldCurve.short(scale.upper), FieldCurve.short(scale.lower))
    }
    return labels
  }

  /// The row of dots, counted from the top.
  private func row(_ share: Double) -> Int {
    Int(((1 - min(1, max(0, share))) * Double(4 * rows - 1)).rounded())
  }

  private func dots(_ scale: AxisScale) -> [[Unicode.Scalar]] {
    // Bits of the eight dots of a character, by column and row (Unicode, Braille Patterns).
    let bits: [[UInt32]] = [[0x01, 0x02, 0x04, 0x40], [0x08, 0x10, 0x20, 0x80]]
    var cells = Array(repeating: Array(repeating: UInt32(0x2800), count: (curve.columns + 1) / 2), count: rows)
    func set(_ column: Int, _ rows: ClosedRange<Int>) {
      for row in rows { cells[row / 4][column / 2] |= bits[column % 2][row % 4] }
    }
    for run in curve.runs {
      var before: FieldCurve.Point?
      for point in run {
        set(point.column, row(scale.share(point.maximum))...row(scale.share(point.minimum)))
        if let before { join(before, point, scale, set) }
        before = point
      }
    }
    return cells.map { $0.map { Unicode.Scalar($0)! } }
  }

  /// The line from the last value of one span to the first of the next.
  private func join(
    _ one: FieldCurve.Point, _ other: FieldCurve.Point, _ scale: AxisScale, _ set: (Int, ClosedRange<Int>) -> Void
  ) {
    let distance = other.column - one.column
    for step in 0...distance {
      let share = Double(step) / Double(distance)
      let next = min(1, Double(step + 1) / Double(distance))
      let from = row(scale.share(one.last + (other.first - one.last) * share))
      let to = row(scale.share(one.last + (other.first - one.last) * next))
      set(one.column + step, min(from, to)...max(from, to))
    }
  }

  /// The first and the last time, and what lies between as far as there is room.
  private func times(indent: Int, _ unit: TimeUnit) -> String {
    var times = ShortTime(unit, across: curve.range)
    let width = curve.columns / 2
    let (first, last) = (times.string(curve.range.lowerBound), times.string(curve.range.upperBound))
    let gap = max(1, width - first.count - last.count)
    return String(repeating: " ", count: indent) + first + String(repeating: " ", count: gap) + last
  }
}
