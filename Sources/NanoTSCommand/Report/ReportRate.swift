/// A rate of frames per second, minute, hour or day, whichever leaves a number that says something.
struct ReportRate {
  private static let units: [(name: String, seconds: Double)] = [
    ("second", 1), ("minute", 60), ("hour", 3_600), ("day", 86_400),
  ]

  let unitName: String
  let unitSeconds: Double

  /// The unit for rates of about `framesPerSecond`.
  init(for framesPerSecond: Double) {
    (unitName, unitSeconds) = Self.units.first { framesPerSecond * $0.seconds >= 1 } ?? Self.units.last!
  }

  /// `framesPerSecond` in the unit, with as many digits as matter.
  func text(_ framesPerSecond: Double) -> String {
    let value = framesPerSecond * unitSeconds
    return NumberText.decimal(value, places: value < 10 ? 2 : value < 1000 ? 1 : 0)
  }
}
