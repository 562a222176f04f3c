/// What decides which operations a model run does, and on what.
protocol ModelChoices: RandomNumberGenerator {
  /// True when there is nothing more to decide by: the run ends.
  var isOver: Bool { get }

  /// True once in `odds` times.
  mutating func oneIn(_ odds: Int) -> Bool

  /// The content of a payload.
  mutating func bytes(_ count: Int) -> [UInt8]
}
