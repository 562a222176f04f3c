import NanoTS

/// What the page says of one stream: facts, rate, fields, gaps, segments.
struct ReportSection {
  private let stream: ReportedStream
  private let colours: StreamColours
  private let unit: TimeUnit

  private static let (mostGaps, mostSegments) = (8, 12)

  init(_ stream: ReportedStream, _ colours: StreamColours, _ unit: TimeUnit) {
    (self.stream, self.colours, self.unit) = (stream, colours, unit)
  }

  var lines: [String] {
    let name = stream.statistics.name
    let charts = [ReportChart(stream.timeline, unit)].compactMap(\.self) + stream.curves.map { ReportChart($0, unit) }
    let hidden = stream.fieldCount - stream.curves.count
    return [
      "<section>", "<h2><i class=\"\(colours.name(of: name))\"></i>\(MarkupText.escaped(name))</h2>",
      "<p class=\"facts\">\(facts.map(MarkupText.escaped).joined(separator: " <span class=\"dim\">·</span> "))</p>",
      "<div class=\"charts\">",
    ] + charts.flatMap(\.lines) + ["</div>"]
      + (hidden > 0 ? ["<p class=\"dim\">\(NumberText.counted(hidden, "other field")) not drawn</p>"] : [])
      + stream.problems.map { "<p class=\"bad\">\(MarkupText.escaped($0))</p>" } + gaps + segments + ["</section>"]
  }

  private func seconds(_ units: UInt64) -> Double { Double(units) / Double(unit.unitsPerSecond) }

  private var facts: [String] {
    let (statistics, timeline) = (stream.statistics, stream.timeline)
    var full = TimeText(unit: unit, isRaw: false)
    // Of the frames that the page looked at: others may have come or gone since the statistics.
    var facts = [NumberText.counted(timeline.frames, "frame")]
    if statistics.frames > 0 {
      let mean = Double(statistics.bytes) / Double(statistics.frames)
      facts.append("\(NumberText.decimal(mean, places: 1)) B each on average")
    }
    if let range = timeline.range, timeline.frames > 1 {
      let span = seconds(UInt64(bitPattern: range.upperBound &- range.lowerBound))
      facts.append("in \(ShortTime.span(seconds: span))")
      if span > 0 {
        let rate = Double(timeline.frames - 1) / span
        facts.append("\(ReportRate(for: rate).text(rate)) per \(ReportRate(for: rate).unitName) on average")
      }
    }
    facts.append(timeline.gapCount == 0 ? "no gap" : NumberText.counted(timeline.gapCount, "gap"))
    if stream.missedFrames > 0 { facts.append("\(NumberText.counted(stream.missedFrames, "frame")) could not be read") }
    let quota = QuotaText.string(statistics.quota, unit)
    if !quota.isEmpty { facts.append(quota) }
    if !statistics.protectedRanges.isEmpty {
      facts.append(
        "protected: " + statistics.protectedRanges.map { RangeText.string($0, &full) }.joined(separator: "; "))
    }
    if statistics.isWritten { facts.append("being written") }
    return facts
  }

  private var gaps: [String] {
    let timeline = stream.timeline
    guard timeline.gapCount > 0 else { return [] }
    var times = ShortTime(unit)
    let longest = timeline.gaps.sorted { $0.length > $1.length }.prefix(Self.mostGaps)
    let rows = longest.map {
      [times.string($0.start), times.string($0.end), ShortTime.span(seconds: seconds($0.length))]
    }
    let usual = ShortTime.span(seconds: seconds(timeline.usualInterval))
    let which = UInt64(rows.count) < timeline.gapCount ? "The longest of them" : "Each"
    return ["<h3>Gaps</h3>"] + ReportTable(["from", "to", "length"], rows, numbers: [2]).lines + [
      "<p class=\"dim\">\(which): without a frame for \(StreamTimeline.gapFactor) times the usual interval or longer, "
        + "which is about \(usual).</p>"
    ]
  }

  private var segments: [String] {
    guard stream.segments.count > 1 else { return [] }
    var times = ShortTime(unit)
    let rows = stream.segments.suffix(Self.mostSegments).reversed().map { segment in
      [
        "\(segment.number)", NumberText.grouped(segment.frames), times.string(segment.firstTimestamp),
        times.string(segment.lastTimestamp), segment.isOpen ? "open" : "closed",
      ]
    }
    let more = stream.segments.count - rows.count
    return ["<h3>Segments</h3>"]
      + ReportTable(["segment", "frames", "first", "last", "state"], rows, numbers: [0, 1]).lines
      + (more > 0 ? ["<p class=\"dim\">and \(NumberText.grouped(more)) earlier: see 'nanots segments'</p>"] : [])
  }
}
