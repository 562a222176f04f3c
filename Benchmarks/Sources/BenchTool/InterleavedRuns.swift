internal import CLimit

/// What one run of one contender gave.
struct Sample {
  /// Nanoseconds for one operation.
  let value: Double
  /// Page faults during the measured part.
  let faults: UInt64
}

enum Stopwatch {
  /// Nanoseconds for each of `operations` that `body` performs. The clock is read twice, whatever the number.
  static func time(operations: Int, _ body: () throws -> Void) rethrows -> Sample {
    let faults = limit_minor_faults()
    let start = limit_clock()
    try body()
    let end = limit_clock()
    return Sample(value: Double(end - start) / Double(operations), faults: limit_minor_faults() - faults)
  }
}

/// One of the things that are compared.
struct Contender {
  let name: String
  /// Prepares, measures and returns; only what is inside `Stopwatch.time` counts.
  let run: () throws -> Sample
}

/// The samples of one contender, in the order of the rounds.
struct Series: Codable {
  let name: String
  let samples: [Double]
  /// Page faults in the measured part: of the round with the fewest, and of the one with the most.
  let fewestFaults: UInt64
  let mostFaults: UInt64
  let minimum: Double
  let median: Double
  let maximum: Double

  init(name: String, samples: [Double], fewestFaults: UInt64, mostFaults: UInt64) {
    self.name = name
    self.samples = samples
    self.fewestFaults = fewestFaults
    self.mostFaults = mostFaults
    minimum = samples.min() ?? 0
    median = Statistics.median(samples)
    maximum = samples.max() ?? 0
  }
}

/// The quotient of a contender and the first one.
struct Ratio: Codable {
  /// Of the two minima.
  let minimum: Double
  /// Of the quotients that the rounds gave, which noise that lasts longer than a round does not touch.
  let median: Double
  let lowest: Double
  let highest: Double

  init(of series: Series, to baseline: Series) {
    let quotients = zip(series.samples, baseline.samples).map { $0 / $1 }
    minimum = series.minimum / baseline.minimum
    median = Statistics.median(quotients)
    lowest = quotients.min() ?? 0
    highest = quotients.max() ?? 0
  }
}

/// Contenders measured in turn: A B C A B C and so on.
struct Comparison: Codable {
  let title: String
  let unit: String
  let series: [Series]
  /// Of each series and the first one, in the same order; empty when there is nothing to hold them against.
  let ratios: [Ratio]

  init(title: String, unit: String = "ns", series: [Series], hasBaseline: Bool = true) {
    self.title = title
    self.unit = unit
    self.series = series
    ratios = hasBaseline ? series.map { Ratio(of: $0, to: series[0]) } : []
  }

  /// Runs every contender once uncounted, then `rounds` times in turn.
  static func interleaved(
    _ title: String, rounds: Int, baseline hasBaseline: Bool = true, _ contenders: [Contender]
  ) throws -> Comparison {
    Progress.say(title)
    for contender in contenders { _ = try contender.run() }
    var samples: [[Sample]] = Array(repeating: [], count: contenders.count)
    for _ in 0..<rounds {
      for (index, contender) in contenders.enumerated() { samples[index].append(try contender.run()) }
    }
    let series = zip(contenders, samples).map { contender, samples in
      Series(
        name: contender.name, samples: samples.map(\.value), fewestFaults: samples.map(\.faults).min() ?? 0,
        mostFaults: samples.map(\.faults).max() ?? 0)
    }
    return Comparison(title: title, series: series, hasBaseline: hasBaseline)
  }
}

enum Statistics {
  static func median(_ values: [Double]) -> Double { quantile(0.5, of: values) }

  /// The value below which the share `part` of `values` lies: the mean of the middle two for an even median.
  static func quantile(_ part: Double, of values: [Double]) -> Double {
    guard !values.isEmpty else { return 0 }
    let sorted = values.sorted()
    let place = part * Double(sorted.count - 1)
    let low = Int(place)
    let high = min(low + 1, sorted.count - 1)
    return sorted[low] + (sorted[high] - sorted[low]) * (place - Double(low))
  }
}
