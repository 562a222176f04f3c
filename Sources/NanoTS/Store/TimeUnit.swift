/// What one step of a timestamp means. For people and bindings: the engine itself only compares timestamps.
public enum TimeUnit: UInt8, Sendable, CaseIterable {
  case nanoseconds = 0
  case microseconds = 1
  case milliseconds = 2
  case seconds = 3

  /// Steps in one second.
  public var unitsPerSecond: Int64 {
    switch self {
    case .nanoseconds: 1_000_000_000
    case .microseconds: 1_000_000
    case .milliseconds: 1_000
    case .seconds: 1
    }
  }
}
