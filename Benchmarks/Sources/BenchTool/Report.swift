internal import FoundationEssentials

/// What one workload gave.
struct WorkloadReport: Codable {
  let name: String
  let notes: [String]
  let comparisons: [Comparison]
}

struct ReportOptions: Codable {
  let workload: String
  let rounds: Int
  let directory: String
  let maximumBlocks: Int
}

/// Everything that a reader of the figures has to know.
struct Report: Codable {
  var schema = 1
  var machine = Machine.current
  var versions = Versions.current
  var engines = Engine.all.map(\.description)
  let options: ReportOptions
  let workloads: [WorkloadReport]

  func json() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(self), as: UTF8.self)
  }
}

/// Prints a workload as a table for people.
enum TextTable {
  static func render(_ report: WorkloadReport) -> String {
    var lines: [String] = ["== \(report.name) =="] + report.notes
    for comparison in report.comparisons {
      lines.append("")
      lines.append("\(comparison.title), \(comparison.unit)")
      lines += align([header(comparison)] + comparison.series.indices.map { row($0, comparison) })
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private static func header(_ comparison: Comparison) -> [String] {
    ["", "min", "median", "max"]
      + (comparison.ratios.isEmpty ? [] : ["min/min", "ratio", "lowest", "highest"]) + ["faults"]
  }

  private static func row(_ index: Int, _ comparison: Comparison) -> [String] {
    let series = comparison.series[index]
    var cells = [series.name] + [series.minimum, series.median, series.maximum].map(Figure.short)
    if !comparison.ratios.isEmpty {
      let ratio = comparison.ratios[index]
      cells += [ratio.minimum, ratio.median, ratio.lowest, ratio.highest].map { Figure.fixed($0, places: 2) }
    }
    return cells + ["\(series.fewestFaults)-\(series.mostFaults)"]
  }

  /// The first column to the left, the others to the right.
  private static func align(_ rows: [[String]]) -> [String] {
    let columns = rows.map(\.count).max() ?? 0
    let widths = (0..<columns).map { column in rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0 }
    return rows.map { row in
      row.enumerated().map { column, cell in
        let padding = String(repeating: " ", count: widths[column] - cell.count)
        return column == 0 ? "  " + cell + padding : "  " + padding + cell
      }.joined()
    }
  }
}

/// Numbers as text.
enum Figure {
  static func short(_ value: Double) -> String {
    fixed(value, places: value < 10 ? 2 : value < 1000 ? 1 : 0)
  }

  static func fixed(_ value: Double, places: Int) -> String {
    let scale = (0..<places).reduce(1) { product, _ in product * 10 }
    let scaled = Int((value * Double(scale)).rounded())
    guard places > 0 else { return String(scaled) }
    let fraction = String(scaled % scale)
    return "\(scaled / scale)." + String(repeating: "0", count: places - fraction.count) + fraction
  }
}
