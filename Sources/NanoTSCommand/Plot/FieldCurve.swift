import NanoTS
import NanoTSRecords

/// A field over a range of time, as so many equal spans have it.
struct FieldCurve {
  struct Point {
    /// Which span, from 0 on.
    let column: Int
    let minimum: Double
    let maximum: Double
    let first: Double
    let last: Double
  }

  let stream: String
  let field: String
  let unit: String
  let range: ClosedRange<Int64>
  let columns: Int
  let points: [Point]
  let count: UInt64
  let missedFrames: UInt64

  /// The least and the greatest value that a scale can show: infinite ones lie beyond its ends.
  var minimum: Double { extremes.min() ?? .nan }
  var maximum: Double { extremes.max() ?? .nan }

  private var extremes: [Double] {
    points.flatMap { [$0.minimum, $0.maximum, $0.first, $0.last] }.filter(\.isFinite)
  }

  init(_ store: Store, _ stream: String, _ field: RecordField, _ range: ClosedRange<Int64>, columns: Int) throws {
    (self.stream, self.field, unit, self.range, self.columns) = (stream, field.name, field.unit, range, columns)
    let aggregates = try store.peaks(
      of: field.name, in: stream, during: range, spans: columns, options: CursorOptions(verifiesChecksums: true))
    let whole = Double(max(1, UInt64(bitPattern: range.upperBound &- range.lowerBound)))
    // A damaged time lies anywhere.
    points = aggregates.spans.filter { range.contains($0.start) }.map { span in
      // Spans are whole units of time: of a short range there are fewer than columns.
      let share = Double(UInt64(bitPattern: span.start &- range.lowerBound)) / whole
      return Point(
        column: min(columns - 1, Int(share * Double(columns))), minimum: span.minimum, maximum: span.maximum,
        first: span.first, last: span.last)
    }
    count = aggregates.spans.reduce(0) { $0 + $1.count }
    missedFrames = aggregates.missedFrames
  }

  /// From the least to the greatest value, to about seven digits.
  var span: String { "\(Self.short(minimum)) to \(Self.short(maximum))" }

  static func short(_ value: Double) -> String {
    if value.magnitude < 1e15, value == value.rounded() { return NumberText.decimal(value, places: 0) }
    let single = Float(value)
    return single.isFinite && single.isNormal ? "\(single)" : "\(value)"
  }

  /// The points in runs: between two that are more than four times as far apart as is usual nothing was recorded.
  var runs: [ArraySlice<Point>] {
    guard points.count > 1 else { return points.isEmpty ? [] : [points[...]] }
    let distances = zip(points.dropFirst(), points).map { $0.column - $1.column }
    // Where columns have several values each, values are nearer to each other than columns.
    let usual = count > 2 * UInt64(points.count) ? 1 : max(1, distances.sorted()[distances.count / 2])
    var runs: [ArraySlice<Point>] = []
    var start = 0
    for index in 1..<points.count where distances[index - 1] > 4 * usual {
      runs.append(points[start..<index])
      start = index
    }
    return runs + [points[start...]]
  }
}

/// Values of an axis: round numbers, a few of them.
struct AxisScale {
  let lower: Double
  let upper: Double
  let step: Double

  /// About `count` steps. The axis begins and ends with round numbers, or, where there is no room to give away, with the
  /// values themselves. Where all values are one, it lies in the middle.
  init(_ minimum: Double, _ maximum: Double, atMost count: Int, endsRound: Bool = true) {
    guard minimum.isFinite, maximum.isFinite else {
      (lower, upper, step) = (0, 1, 1)
      return
    }
    // Beyond these a step could not be reckoned with. Such scales have their ends alone.
    guard max(minimum.magnitude, maximum.magnitude) < 1e300,
      maximum == minimum || maximum - minimum > max(1e-290, max(minimum.magnitude, maximum.magnitude) * 1e-14)
    else {
      (lower, upper, step) = (minimum, maximum, .infinity)
      return
    }
    let span = maximum > minimum ? maximum - minimum : max(abs(maximum), 1) * 0.1
    let least = span / Double(count)
    var power = 1.0
    while power > least { power /= 10 }
    while power * 10 <= least { power *= 10 }
    let step = [1, 2, 5, 10].map { $0 * power }.first { $0 >= least } ?? least
    let (low, high) = maximum > minimum ? (minimum, maximum) : (minimum - span / 2, maximum + span / 2)
    self.step = step
    lower = endsRound ? (low / step).rounded(.down) * step : low
    upper = endsRound ? (high / step).rounded(.up) * step : high
  }

  var ticks: [Double] {
    guard step.isFinite else { return lower < upper ? [lower, upper] : [lower] }
    // A hundredth of a step is what rounding may take from the last of them.
    let (first, last) = ((lower / step - 0.01).rounded(.up), (upper / step + 0.01).rounded(.down))
    guard last >= first, last - first < 100 else { return [lower, upper] }
    return (0...Int(last - first)).map { (first + Double($0)) * step }
  }

  /// As many places as the steps need.
  func text(_ value: Double) -> String {
    guard value.magnitude < 1e9, step.isFinite, step >= 1e-6 else { return FieldCurve.short(value) }
    var (places, unit) = (0, 1.0)
    while unit > step * 1.000_001 {
      unit /= 10
      places += 1
    }
    return NumberText.decimal(value == 0 ? 0 : value, places: places)
  }

  /// Where `value` lies, from 0 to 1.
  func share(_ value: Double) -> Double {
    guard lower < upper else { return 0.5 }
    // By halves, so that no difference is infinite where the ends are not.
    let share = (value / 2 - lower / 2) / (upper / 2 - lower / 2)
    return share.isNaN ? 0.5 : max(-1, min(2, share))
  }
}
