import NanoTS

/// What a report says of one stream.
struct ReportedStream {
  let statistics: StreamStatistics
  let timeline: StreamTimeline
  let segments: [Segment]
  let curves: [FieldCurve]
  /// Fields that are numbers, also those that are not drawn.
  let fieldCount: Int
  /// Why something is not there.
  let problems: [String]

  private static let mostCurves = 12
  private static let mostSpans = 300
  /// Frames that a span of time has on average, at least: fewer would draw the sampling and not the rate.
  private static let leastFramesPerSpan: UInt64 = 8

  init(_ store: Store, _ statistics: StreamStatistics) throws {
    self.statistics = statistics
    let name = statistics.name
    var problems = Problems()
    let range = try store.times(of: name, in: .min ... .max)
    let spans = min(UInt64(Self.mostSpans), max(1, statistics.frames / Self.leastFramesPerSpan))
    timeline = try StreamTimeline(store, name, range: range, spans: Int(spans))
    segments = try problems.noting { try store.segments(of: name) } ?? []
    let fields = try problems.noting { try store.plottedFields(of: name) ?? [] } ?? []
    fieldCount = fields.count
    curves = try fields.prefix(Self.mostCurves).compactMap { field in
      guard let range else { return nil }
      return try problems.noting { try FieldCurve(store, name, field, range, columns: Self.mostSpans) }
    }.filter { $0.count > 0 }
    self.problems = problems.messages
  }

  /// What is wrong with a part of a stream keeps nothing else from the page.
  private struct Problems {
    private(set) var messages: [String] = []

    mutating func noting<R>(_ body: () throws -> R) throws -> R? {
      do {
        return try body()
      } catch let error as NanoTSError where [.corrupt, .invalidArgument, .overwritten].contains(error.code) {
        if !messages.contains(error.message) { messages.append(error.message) }
        return nil
      }
    }
  }

  var missedFrames: UInt64 { max(timeline.missedFrames, curves.map(\.missedFrames).max() ?? 0) }
}

/// Everything that a report says.
struct ReportContents {
  let path: String
  /// Seconds since 1970.
  let madeAt: Int64
  let statistics: StoreStatistics
  let blocks: [BlockDescription]
  let verification: StoreCheck
  /// Those that have a section of their own.
  let streams: [ReportedStream]

  static let mostStreams = 24

  /// O(bytes of the store in use). `store` is a snapshot: what comes later is in no part, what is recycled meanwhile may be
  /// missing from a later one.
  init(_ store: Store, _ path: String, streams names: [String]) throws {
    self.path = path
    madeAt = WallClock.now().seconds
    statistics = try store.statistics()
    blocks = try store.blocks()
    verification = try StoreCheck(of: path)
    let chosen = try Set(store.resolveStreams(names))
    streams = try statistics.streams.filter { chosen.contains($0.name) }.prefix(Self.mostStreams).map {
      try ReportedStream(store, $0)
    }
  }
}
