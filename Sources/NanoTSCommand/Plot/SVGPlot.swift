import NanoTS

/// Curves under one another as an SVG file, readable on light and dark grounds.
struct SVGPlot {
  private static let (left, right, top, bottom, height) = (76.0, 20.0, 34.0, 30.0, 170.0)

  private let curves: [FieldCurve]
  private let unit: TimeUnit
  private let width: Double

  init(_ curves: [FieldCurve], unit: TimeUnit) {
    (self.curves, self.unit) = (curves, unit)
    width = Double(curves.first?.columns ?? 0)
  }

  var text: String {
    let (total, each) = (width + Self.left + Self.right, Self.top + Self.height + Self.bottom)
    let size = "\(number(total)) \(number(each * Double(curves.count)))"
    var lines = [
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 \(size)\" role=\"img\">", Self.style,
      "<rect class=\"ground\" width=\"100%\" height=\"100%\"/>",
    ]
    for (index, curve) in curves.enumerated() {
      lines.append("<g transform=\"translate(\(number(Self.left)) \(number(Double(index) * each + Self.top)))\">")
      lines += plot(curve)
      lines.append("</g>")
    }
    return (lines + ["</svg>"]).joined(separator: "\n") + "\n"
  }

  private func plot(_ curve: FieldCurve) -> [String] {
    let scale = AxisScale(curve.minimum, curve.maximum, atMost: 5)
    func y(_ value: Double) -> Double { (1 - scale.share(value)) * Self.height }
    let name = "\(curve.stream)  \(curve.field)" + (curve.unit.isEmpty ? "" : " [\(curve.unit)]")
    var lines = ["<text class=\"title\" x=\"0\" y=\"-12\">\(escaped(name))</text>"]
    for tick in scale.ticks {
      lines.append("<path class=\"grid\" d=\"M0 \(number(y(tick)))H\(number(width))\"/>")
      lines.append("<text class=\"value\" x=\"-8\" y=\"\(number(y(tick) + 4))\">\(escaped(scale.text(tick)))</text>")
    }
    var times = ShortTime(unit, across: curve.range)
    let (first, last) = (times.string(curve.range.lowerBound), times.string(curve.range.upperBound))
    lines.append("<text x=\"0\" y=\"\(number(Self.height + 18))\">\(escaped(first))</text>")
    lines.append(
      "<text class=\"value\" x=\"\(number(width))\" y=\"\(number(Self.height + 18))\">\(escaped(last))</text>")
    for path in curve.paths(width: width, y: y) {
      lines.append("<path class=\"\(path.kind.rawValue)\" d=\"\(path.data)\"/>")
    }
    return lines
  }

  private func number(_ value: Double) -> String { MarkupText.number(value) }

  private func escaped(_ text: String) -> String { MarkupText.escaped(text) }

  private static let style = """
    <style>
    text { font: 12px system-ui, sans-serif; fill: #57606a; }
    .title { font-size: 14px; font-weight: 600; fill: #1f2328; }
    .value { text-anchor: end; }
    .ground { fill: #ffffff; }
    .grid { stroke: #d0d7de; stroke-width: 1; fill: none; }
    .band { fill: #0969da; fill-opacity: .25; }
    .line { stroke: #0969da; stroke-width: 1.2; stroke-linejoin: round; stroke-linecap: round; fill: none; }
    @media (prefers-color-scheme: dark) {
    text { fill: #9198a1; }
    .title { fill: #e6edf3; }
    .ground { fill: #0d1117; }
    .grid { stroke: #30363d; }
    .band { fill: #4493f8; }
    .line { stroke: #4493f8; }
    }
    </style>
    """
}
