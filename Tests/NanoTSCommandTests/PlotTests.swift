import Foundation
import NanoTS
import NanoTSRecords
import Testing

@testable import NanoTSCommand

/// `nanots plot`: what is drawn, and what is not.
@Suite struct PlotTests {
  private let scratch: Scratch
  private let store: String

  init() throws {
    scratch = try Scratch()
    store = scratch.path("store.nts")
  }

  private func ingest(_ rows: [(time: Int, value: Double)], _ options: String...) throws {
    let text = "t,v\n" + rows.map { "\($0.time),\($0.value)\n" }.joined()
    let outcome = try Program.run(
      ["ingest", store, try scratch.file("s.csv", Data(text.utf8)), "--unit", "s", "--types", "v=f64"] + options)
    try #require(outcome.status == 0, "\(outcome)")
  }

  private func plot(_ options: String...) throws -> Program.Outcome { try Program.run(["plot", store, "s"] + options) }

  /// A row of dots of a plot of text, without its label and axis.
  private func dots(_ line: Substring) -> String {
    String(line[line.index(after: line.firstIndex { "│┤".contains($0) }!)...])
  }

  @Test func aLineGoesFromCornerToCorner() throws {
    try ingest((0...99).map { ($0, Double($0)) }, "--units", "v=m")
    let outcome = try plot("--width", "24", "--height", "4")
    let lines = outcome.output.split(separator: "\n")
    #expect(lines[0].hasPrefix("s  v [m]  100 values, 0 to 99"))
    let rows = lines[1...4].map(dots)
    let blank: Character = "\u{2800}"
    #expect(rows.allSatisfy { $0.count == 10 })
    #expect(rows[3].first != blank && rows[0].last != blank)
    // And nowhere else in the corners that it does not come to.
    #expect(rows[0].first == blank && rows[3].last == blank)
    #expect(lines[6].contains("1970-01-01T00:00:00Z") && lines[6].contains("1970-01-01T00:01:39Z"))
  }

  /// One value in ten thousand is seen, at the top.
  @Test func noPeakIsLost() throws {
    try ingest((0..<10_000).map { ($0, $0 == 6_543 ? 100 : 0) })
    let rows = try plot("--width", "54", "--height", "3").output.split(separator: "\n")[1...3].map(dots)
    let top = rows[0].enumerated().filter { $0.element != "\u{2800}" }.map(\.offset)
    #expect(top == [Int(6_543.0 / 9_999 * 40)])
  }

  /// Where nothing was recorded nothing is drawn; a few missing values do not tear the line.
  @Test func gapsAreLeftOpen() throws {
    try ingest(((0..<400).filter { $0 % 7 != 0 } + (700..<1_000)).map { ($0, 5) })
    let row = try plot("--width", "54", "--height", "2").output.split(separator: "\n")[1...2].map(dots)
    let columns = (0..<40).map { column in row.contains { Array($0)[column] != "\u{2800}" } }
    #expect(columns[0..<15].allSatisfy { $0 } && columns[29..<40].allSatisfy { $0 })
    #expect(!columns[18..<26].contains(true))
  }

  /// Bursts with nothing between them, each denser than the columns: no line from one to the other.
  @Test func denseBurstsAreNotJoined() throws {
    try ingest([0..<60, 40_000..<40_060, 86_340..<86_400].joined().map { ($0, Double($0 % 10)) })
    let path = scratch.path("plot.svg")
    #expect(try plot("--svg", path).status == 0)
    let lines = try String(contentsOfFile: path, encoding: .utf8).components(separatedBy: "class=\"line\"").count - 1
    #expect(lines == 3)
    // Values that are farther apart than columns are joined all the same.
    let sparse = scratch.path("sparse.svg")
    try ingest((0..<10).map { (1_000_000 + $0 * 1_000, Double($0)) }, "--stream", "sparse")
    #expect(try Program.run("plot", store, "sparse", "--svg", sparse).status == 0)
    #expect(try String(contentsOfFile: sparse, encoding: .utf8).components(separatedBy: "class=\"line\"").count == 2)
  }

  @Test(arguments: [
    ["1", "inf", "2"], ["-inf", "inf"], ["-1.7e308", "1.7e308"], ["0", "5e-324"], ["1.7976931348623157e308"],
    ["nan", "1"],
    ["1e300", "2e-300"], ["1", "1.0000000000000002"], ["-0.0", "0"], ["1e15", "1e16"],
  ])
  func valuesAreHoweverExtreme(_ values: [String]) throws {
    let text = "t,v\n" + values.enumerated().map { "\($0),\($1)\n" }.joined()
    let file = try scratch.file("s.csv", Data(text.utf8))
    try #require(try Program.run("ingest", store, file, "--unit", "s", "--types", "v=f64").status == 0)
    let path = scratch.path("plot.svg")
    #expect(try plot().status == 0)
    #expect(try plot("--height", "3", "--width", "40").status == 0)
    #expect(try plot("--svg", path).status == 0)
    #expect(try Program.run("report", store, "-o", scratch.path("page.html")).status == 0)
    for name in ["plot.svg", "page.html"] {
      let text = try String(contentsOfFile: scratch.path(name), encoding: .utf8)
      for word in ["nan", "inf"] {
        #expect(!text.contains("\(word)H") && !text.contains("M\(word)") && !text.contains(":\(word)%"))
      }
    }
  }

  /// A damaged value is not drawn, and it is said that one is missing.
  @Test func damagedValuesAreNotDrawn() throws {
    try ingest((0..<100).map { ($0, $0 == 50 ? 4.5 : 1) }, "--compress", "none")
    var bytes = try Data(contentsOf: URL(fileURLWithPath: store))
    let place = try #require(
      bytes.range(of: Data((0..<8).map { UInt8(truncatingIfNeeded: 4.5.bitPattern >> (8 * $0)) })))
    bytes[place.lowerBound + 6] ^= 0x40
    try bytes.write(to: URL(fileURLWithPath: store))
    let outcome = try plot()
    #expect(outcome.status == 1 && outcome.errors.contains("1 frame missed"))
    #expect(outcome.output.hasPrefix("s  v  99 values, 1 to 1"), "\(outcome)")
  }

  @Test func svgIsWholeAndNamesWhatItShows() throws {
    try ingest((0..<300).map { ($0, sin(Double($0) / 20)) }, "--units", "v=<g> & \"more\"")
    let path = scratch.path("plot.svg")
    let outcome = try plot("--svg", path, "--width", "200")
    #expect(outcome.status == 0)
    let text = try String(contentsOfFile: path, encoding: .utf8)
    #expect(text.hasPrefix("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 296 234\""))
    #expect(text.contains("s  v [&lt;g&gt; &amp; &quot;more&quot;]") && text.hasSuffix("</svg>\n"))
    #expect(text.components(separatedBy: "class=\"line\"").count == 2)
    #expect(!text.contains("http", after: "xmlns=\"http"))
    #expect(try plot("--svg", path).errors.contains("exists already"))
  }

  @Test func whatCannotBeDrawnIsSaid() throws {
    try ingest([(1, 2)])
    for (arguments, says) in [
      (["s", "w"], "no number called 'w'; it has v"), (["absent"], "no stream 'absent'"),
      (["s", "--from", "1971-01-01"], "no frames in this range"),
    ] {
      let outcome = try Program.run(["plot", store] + arguments)
      #expect(outcome.status == 1 && outcome.errors.contains(says), "\(outcome.errors)")
    }
    try #require(try Program.run("append", store, "raw", input: "x\n").status == 0)
    #expect(try Program.run("plot", store, "raw").errors.contains("says nothing of fields"))
    // One value, which has no extent in time or size.
    let one = try plot("--width", "24", "--height", "3")
    #expect(one.status == 0 && one.output.contains("1 value, 2 to 2"))
    #expect(try plot("--width", "5").status == 64 && plot("--height", "1").status == 64)
  }

  @Test(arguments: [
    (0.0, 10.0, 5), (-3.7, 8.2, 4), (1e-9, 3e-9, 3), (5, 5, 4), (0, 0, 2), (-1e12, 1e12, 5), (99.9, 100.1, 5),
  ])
  func axesHaveRoundNumbersWithinThem(_ minimum: Double, _ maximum: Double, _ count: Int) {
    for endsRound in [true, false] {
      let scale = AxisScale(minimum, maximum, atMost: count, endsRound: endsRound)
      #expect(scale.lower <= minimum && scale.upper >= maximum && scale.lower < scale.upper)
      #expect(scale.ticks.count <= count + 3 && (!endsRound || scale.ticks.count >= 2))
      for tick in scale.ticks {
        #expect((-0.001...1.001).contains(scale.share(tick)))
        let steps = tick / scale.step
        #expect(abs(steps - steps.rounded()) < 1e-6)
      }
    }
  }
}

extension String {
  /// Whether `part` is there besides in `prefix`.
  fileprivate func contains(_ part: String, after prefix: String) -> Bool { replacing(prefix, with: "").contains(part) }
}
