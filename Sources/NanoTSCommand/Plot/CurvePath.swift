/// A part of a curve as SVG draws it.
struct CurvePath {
  enum Kind: String {
    /// From the least to the greatest value of each span.
    case band
    /// Through the values.
    case line
  }

  let kind: Kind
  /// What a path element's `d` has.
  let data: String
}

extension FieldCurve {
  /// In a drawing `width` wide, in which a value lies at `y`.
  func paths(width: Double, y: (Double) -> Double) -> [CurvePath] {
    let scale = width / Double(max(1, columns))
    func x(_ point: Point) -> String { MarkupText.number(Double(point.column) * scale) }
    func height(_ value: Double) -> String { MarkupText.number(y(value)) }
    // A bar for each span: a polygon through their ends would claim values where there are none.
    let bars = points.filter { $0.minimum < $0.maximum }.map {
      "M\(x($0)) \(height($0.minimum))V\(height($0.maximum))h\(MarkupText.number(scale))V\(height($0.minimum))Z"
    }
    let lines = runs.map { run in
      "M" + run.flatMap { ["\(x($0)) \(height($0.first))", "\(x($0)) \(height($0.last))"] }.joined(separator: "L")
    }
    return (bars.isEmpty ? [] : [CurvePath(kind: .band, data: bars.joined())])
      + lines.map { CurvePath(kind: .line, data: $0) }
  }
}
