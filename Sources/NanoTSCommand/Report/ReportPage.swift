import NanoTS

/// The report as one HTML page: no script, no link, nothing to load.
struct ReportPage {
  private let contents: ReportContents
  private let colours: StreamColours
  private var times: ShortTime

  private static let mostFindings = 200

  init(_ contents: ReportContents) {
    self.contents = contents
    colours = StreamColours(contents.statistics.streams)
    times = ShortTime(contents.statistics.timeUnit)
  }

  var text: String {
    var page = self
    let name = MarkupText.escaped(String(contents.path.split(separator: "/").last ?? "store"))
    let lines =
      [
        "<!DOCTYPE html>", "<html lang=\"en\">", "<head>", "<meta charset=\"utf-8\">",
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">",
        "<meta name=\"color-scheme\" content=\"light dark\">", "<title>\(name)</title>",
        "<style>\n\(ReportStyle.text)\n</style>", "</head>", "<body>", "<main>",
      ]
      + page.head(name) + page.findings + page.timeline + page.table + page.sections + map
      + ["</main>", "</body>", "</html>"]
    return lines.joined(separator: "\n") + "\n"
  }

  /// From the first frame of all streams to the last.
  private var covered: ClosedRange<Int64>? {
    guard let first = contents.statistics.first, let last = contents.statistics.last else { return nil }
    return min(first, last)...max(first, last)
  }

  private func seconds(_ range: ClosedRange<Int64>) -> Double {
    Double(UInt64(bitPattern: range.upperBound &- range.lowerBound))
      / Double(contents.statistics.timeUnit.unitsPerSecond)
  }

  private func ends(of range: ClosedRange<Int64>) -> String {
    var times = ShortTime(contents.statistics.timeUnit, across: range)
    return "\(times.string(range.lowerBound))<br>\(times.string(range.upperBound))"
  }

  private mutating func head(_ name: String) -> [String] {
    var made = ShortTime(.seconds)
    let date = made.string(contents.madeAt)
    let statistics = contents.statistics
    let used = statistics.openBlocks + statistics.sealedBlocks
    let storage = statistics.streams.map(\.storage).reduce((raw: UInt64(0), stored: UInt64(0))) {
      ($0.raw + $1.rawBytes, $0.stored + $1.storedBytes)
    }
    let health =
      contents.verification.isClean
      ? ("no damage", "good") : (NumberText.counted(contents.verification.findings.count, "finding"), "bad")
    let tiles: [(label: String, value: String, detail: String, style: String)] = [
      (
        "frames", NumberText.grouped(statistics.frames),
        statistics.reclaimedFrames > 0 ? "\(NumberText.grouped(statistics.reclaimedFrames)) older made room" : "", ""
      ),
      (
        "time", covered.map { ShortTime.span(seconds: seconds($0)) } ?? "–", covered.map { ends(of: $0) } ?? "", ""
      ),
      ("payload", NumberText.size(storage.raw), "\(NumberText.size(storage.stored)) with their index", ""),
      (
        "blocks in use", NumberText.percent(used, of: statistics.blockCount),
        "\(NumberText.grouped(used)) of \(NumberText.grouped(statistics.blockCount)), "
          + "\(NumberText.size(UInt64(statistics.blockSize))) each", ""
      ),
      ("file", NumberText.size(statistics.fileSize), statistics.isGrowable ? "grows as needed" : "of fixed size", ""),
      (
        "checked", health.0,
        "\(NumberText.counted(contents.verification.checkedFrames, "frame")) in "
          + NumberText.counted(contents.verification.checkedBlocks, "block"), health.1
      ),
    ]
    return ["<header>", "<h1>\(name)</h1>"]
      + ["<p class=\"dim\">\(MarkupText.escaped(contents.path)), as it was on \(date)</p>", "</header>"]
      + ["<dl class=\"tiles\">"]
      + tiles.map { tile in
        "<div><dt>\(tile.label)</dt><dd class=\"value \(tile.style)\">\(tile.value)</dd>"
          + "<dd class=\"dim\">\(tile.detail)</dd></div>"
      } + ["</dl>"]
  }

  private var findings: [String] {
    let findings = contents.verification.findings
    guard !findings.isEmpty else { return [] }
    let rows = findings.prefix(Self.mostFindings).map { finding in
      [
        finding.stream ?? "–", finding.block.map { "\($0)" } ?? "–", finding.ordinal.map { "\($0)" } ?? "–",
        finding.kind.rawValue, finding.message,
      ]
    }
    let more = findings.count - rows.count
    return ["<section>", "<h2 class=\"bad\">Damage</h2>"]
      + ReportTable(["stream", "block", "frame", "kind", "what is wrong"], rows, numbers: [1, 2], text: 4).lines
      + (more > 0 ? ["<p class=\"dim\">and \(NumberText.grouped(more)) more: see 'nanots verify'</p>"] : [])
      + ["</section>"]
  }

  /// Every stream that has a section on one axis, with its gaps.
  private var timeline: [String] {
    let ranges = contents.streams.compactMap(\.timeline.range)
    guard let first = ranges.map(\.lowerBound).min(), let last = ranges.map(\.upperBound).max() else { return [] }
    var times = ShortTime(contents.statistics.timeUnit, across: first...last)
    let whole = Double(max(1, UInt64(bitPattern: last &- first)))
    func place(_ timestamp: Int64) -> Double { Double(UInt64(bitPattern: timestamp &- first)) / whole * 1000 }
    let lanes = contents.streams.flatMap { stream -> [String] in
      let name = MarkupText.escaped(stream.statistics.name)
      let bars = stream.timeline.runs.map { run in
        let (left, right) = (place(run.lowerBound), place(run.upperBound))
        return "<rect x=\"\(MarkupText.number(min(left, 998)))\" y=\"0\" height=\"10\" "
          + "width=\"\(MarkupText.number(max(2, right - left)))\"/>"
      }
      return [
        "<div class=\"lane\"><span>\(name)</span>",
        "<svg class=\"\(colours.name(of: stream.statistics.name))\" viewBox=\"0 0 1000 10\" preserveAspectRatio=\"none\" "
          + "role=\"img\" aria-label=\"when \(name) was recorded\">\(bars.joined())</svg></div>",
      ]
    }
    return ["<section>", "<h2>Timeline</h2>"] + lanes + [
      "<div class=\"lane\"><span></span><div class=\"times\"><span>\(times.string(first))</span>"
        + "<span>\(times.string(last))</span></div></div>", "</section>",
    ]
  }

  private var table: [String] {
    var times = times
    let rows = contents.statistics.streams.map { stream in
      [
        stream.name, NumberText.grouped(stream.frames), NumberText.size(stream.bytes),
        NumberText.size(stream.storage.storedBytes),
        stream.storage.ratio.map { NumberText.decimal($0, places: 2) } ?? "–",
        NumberText.grouped(stream.blocks), NumberText.grouped(stream.segments), times.string(stream.first),
        times.string(stream.last),
      ]
    }
    let titles = ["stream", "frames", "payload", "stored", "ratio", "blocks", "segments", "first", "last"]
    return ["<section>", "<h2>Streams</h2>"] + ReportTable(titles, rows, numbers: [1, 2, 3, 4, 5, 6]).lines
      + ["</section>"]
  }

  private var sections: [String] {
    contents.streams.flatMap { ReportSection($0, colours, contents.statistics.timeUnit).lines }
      + (contents.streams.count == ReportContents.mostStreams
        && contents.statistics.streams.count > contents.streams.count
        ? ["<p class=\"dim\">Other streams: name them to see them, as in 'nanots report STORE STREAM -o FILE'.</p>"]
        : [])
  }

  private var map: [String] {
    ["<section>", "<h2>Blocks</h2>"] + ReportBlockMap(contents.blocks, colours, contents.statistics.timeUnit).lines
      + ["</section>"]
  }
}
