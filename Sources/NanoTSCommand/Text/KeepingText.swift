import NanoTS

/// Ranges of time as people read them: with an open end where one reaches to the first or last timestamp there can be.
enum RangeText {
  static func string(_ range: ClosedRange<Int64>, _ times: inout TimeText) -> String {
    switch (range.lowerBound, range.upperBound) {
    case (.min, .max): "all times"
    case (.min, let last): "up to \(times.string(last))"
    case (let first, .max): "from \(times.string(first)) on"
    case (let first, let last): "\(times.string(first)) to \(times.string(last))"
    }
  }
}

/// A stream's quota as people read it, and as `--json` shows it.
enum QuotaText {
  /// Empty where there is none.
  static func string(_ quota: StreamQuota, _ unit: TimeUnit) -> String {
    var parts: [String] = []
    if quota.minimumBlocks > 0 { parts.append("at least \(NumberText.counted(quota.minimumBlocks, "block"))") }
    if let maximum = quota.maximumBlocks { parts.append("at most \(NumberText.counted(maximum, "block"))") }
    if let age = quota.maximumAge {
      parts.append("at most \(SpanText.string(seconds: Double(age) / Double(unit.unitsPerSecond))) old")
    }
    return parts.joined(separator: ", ")
  }
}

/// Ages are in the store's unit.
struct QuotaRecord: Encodable {
  let minimumBlocks: Int
  @Nullable var maximumBlocks: Int?
  @Nullable var maximumAge: Int64?

  init(_ quota: StreamQuota) {
    minimumBlocks = quota.minimumBlocks
    maximumBlocks = quota.maximumBlocks
    maximumAge = quota.maximumAge
  }
}

/// A range of time as `--json` shows it, in the store's unit.
struct RangeRecord: Encodable {
  let first: Int64
  let last: Int64

  init(_ range: ClosedRange<Int64>) {
    first = range.lowerBound
    last = range.upperBound
  }
}
