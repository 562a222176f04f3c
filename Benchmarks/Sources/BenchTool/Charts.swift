internal import FoundationEssentials

/// A chart of each table: a bar for each row, as long as its minimum.
enum Charts {
  private static let (barWidth, valueWidth) = (400, 150)
  private static let (rowHeight, barHeight, titleHeight) = (26, 16, 44)
  /// More than a letter takes on the average, in the text and in the title.
  private static let (letterWidth, titleLetterWidth) = (7, 9)

  /// One file for each comparison.
  static func write(_ report: WorkloadReport, into directory: String) throws {
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    for comparison in report.comparisons {
      let path = "\(directory)/\(fileName(report.name, comparison.title)).svg"
      try Data(svg(comparison, of: report.name).utf8).write(to: URL(filePath: path))
    }
  }

  /// Letters, digits and points; what else there is becomes a hyphen.
  private static func fileName(_ workload: String, _ title: String) -> String {
    let words = title.lowercased().split { !($0.isASCII && ($0.isLetter || $0.isNumber || $0 == ".")) }
    return ([workload] + words.map(String.init)).joined(separator: "-")
  }

  private static func svg(_ comparison: Comparison, of workload: String) -> String {
    let title = "\(workload): \(comparison.title), \(comparison.unit)"
    let labelWidth = (comparison.series.map(\.name.count).max() ?? 0) * letterWidth + 28
    let width = max(labelWidth + barWidth + valueWidth, title.count * titleLetterWidth + 28)
    let height = titleHeight + comparison.series.count * rowHeight + 14
    let lines =
      [
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 \(width) \(height)\" width=\"\(width)\" "
          + "height=\"\(height)\" role=\"img\">",
        style,
        "<title>\(escaped(title))</title>",
        "<rect class=\"ground\" width=\"\(width)\" height=\"\(height)\"/>",
        "<text class=\"title\" x=\"14\" y=\"26\">\(escaped(title))</text>",
      ] + comparison.series.indices.flatMap { row($0, comparison, labelWidth) } + ["</svg>"]
    return lines.joined(separator: "\n") + "\n"
  }

  private static func row(_ index: Int, _ comparison: Comparison, _ labelWidth: Int) -> [String] {
    let series = comparison.series[index]
    let longest = comparison.series.map(\.minimum).max() ?? 0
    let length = longest > 0 ? max(1, Int(series.minimum / longest * Double(barWidth))) : 1
    let top = titleHeight + index * rowHeight
    let middle = top + barHeight / 2 + 4
    var value = Figure.short(series.minimum)
    if !comparison.ratios.isEmpty { value += " (\(Figure.fixed(comparison.ratios[index].minimum, places: 2))×)" }
    return [
      "<text x=\"\(labelWidth - 8)\" y=\"\(middle)\" text-anchor=\"end\">\(escaped(series.name))</text>",
      "<rect class=\"\(kind(of: series.name))\" x=\"\(labelWidth)\" y=\"\(top)\" width=\"\(length)\" "
        + "height=\"\(barHeight)\"/>",
      "<text x=\"\(labelWidth + length + 6)\" y=\"\(middle)\">\(value)</text>",
    ]
  }

  /// What a bar stands for, which gives it its colour.
  private static func kind(of name: String) -> String {
    name.hasPrefix("NanoTS") ? "ours" : name.hasPrefix("C, ") ? "limit" : "other"
  }

  private static func escaped(_ text: String) -> String {
    text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
  }

  /// The chart has a ground of its own, so that it can be read wherever it is shown.
  private static let style = """
    <style>
    text { font: 13px sans-serif; fill: #1f2328; }
    .title { font-size: 15px; font-weight: bold; }
    .ground { fill: #ffffff; }
    .limit { fill: #8c959f; }
    .ours { fill: #0969da; }
    .other { fill: #bf8700; }
    @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .ground { fill: #0d1117; }
    .ours { fill: #4493f8; }
    }
    </style>
    """
}
