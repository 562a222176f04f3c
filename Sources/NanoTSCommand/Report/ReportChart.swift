import NanoTS

/// A small plot in the page. The drawing is stretched to the width that there is; its labels are text beside it, so that they
/// stay as large as the rest.
struct ReportChart {
  private static let (width, height) = (600.0, 120.0)

  private let title: String
  private let note: String
  private let scale: AxisScale
  private let paths: [CurvePath]
  private let times: (first: String, last: String)

  /// A field over time.
  init(_ curve: FieldCurve, _ unit: TimeUnit) {
    title = curve.field + (curve.unit.isEmpty ? "" : " [\(curve.unit)]")
    note = curve.span
    let scale = AxisScale(curve.minimum, curve.maximum, atMost: 4)
    self.scale = scale
    paths = curve.paths(width: Self.width) { (1 - scale.share($0)) * Self.height }
    times = Self.times(curve.range, unit)
  }

  /// Frames per second over time. Nil where there are too few frames for it.
  init?(_ timeline: StreamTimeline, _ unit: TimeUnit) {
    guard let range = timeline.range, timeline.counts.count > 1 else { return nil }
    let seconds = Double(timeline.spanWidth) / Double(unit.unitsPerSecond)
    let mean = Double(timeline.counts.reduce(0, +)) / Double(timeline.counts.count) / seconds
    let inUnit = ReportRate(for: mean)
    let rates = timeline.counts.map { Double($0) / seconds * inUnit.unitSeconds }
    let most = rates.max() ?? 0
    title = "frames per \(inUnit.unitName)"
    note = "at most \(inUnit.text(most / inUnit.unitSeconds)), by spans of \(ShortTime.span(seconds: seconds))"
    let scale = AxisScale(0, most, atMost: 4)
    self.scale = scale
    let step = Self.width / Double(rates.count)
    var line = ""
    for (index, rate) in rates.enumerated() {
      let (x, y) = (Double(index) * step, (1 - scale.share(rate)) * Self.height)
      line += "\(index == 0 ? "M0 " : "V")\(MarkupText.number(y))H\(MarkupText.number(x + step))"
    }
    let bottom = MarkupText.number(Self.height)
    paths = [
      CurvePath(kind: .band, data: "\(line)V\(bottom)H0Z"), CurvePath(kind: .line, data: line),
    ]
    times = Self.times(range, unit)
  }

  private static func times(_ range: ClosedRange<Int64>, _ unit: TimeUnit) -> (String, String) {
    var times = ShortTime(unit, across: range)
    return (times.string(range.lowerBound), times.string(range.upperBound))
  }

  var lines: [String] {
    let (name, note) = (MarkupText.escaped(title), MarkupText.escaped(note))
    let box = "\(MarkupText.number(Self.width)) \(MarkupText.number(Self.height))"
    var grid: [String] = []
    var labels: [String] = []
    for tick in scale.ticks {
      let share = 1 - scale.share(tick)
      grid.append(path("grid", "M0 \(MarkupText.number(share * Self.height))H\(MarkupText.number(Self.width))"))
      labels.append("<span style=\"top:\(MarkupText.number(share * 100))%\">\(scale.text(tick))</span>")
    }
    return [
      "<figure class=\"chart\">", "<figcaption>\(name) <span class=\"dim\">\(note)</span></figcaption>",
      "<div class=\"values\">\(labels.joined())</div>",
      "<svg viewBox=\"0 0 \(box)\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"\(name), \(note)\">",
    ] + grid + paths.map { path($0.kind.rawValue, $0.data) } + [
      "</svg>",
      "<div class=\"times\"><span>\(MarkupText.escaped(times.first))</span>"
        + "<span>\(MarkupText.escaped(times.last))</span></div>",
      "</figure>",
    ]
  }

  /// Strokes stay as thin as they are, however the drawing is stretched.
  private func path(_ style: String, _ data: String) -> String {
    "<path class=\"\(style)\" vector-effect=\"non-scaling-stroke\" d=\"\(data)\"/>"
  }
}
