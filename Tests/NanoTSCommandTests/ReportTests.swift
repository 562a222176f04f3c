import Foundation
import NanoTS
import NanoTSRecords
import Testing

@testable import NanoTSCommand

/// `nanots report`: what the page says, and that it is whole and needs nothing else.
@Suite struct ReportTests {
  private let scratch: Scratch
  private let store: String

  init() throws {
    scratch = try Scratch()
    store = scratch.path("store.nts")
  }

  private func ingest(_ rows: [(time: Int, value: Double)], to stream: String, _ options: String...) throws {
    let text = "t,v\n" + rows.map { "\($0.time),\($0.value)\n" }.joined()
    let file = try scratch.file("rows.csv", Data(text.utf8))
    let outcome = try Program.run(
      ["ingest", store, file, "--stream", stream, "--unit", "s", "--types", "v=f64"] + options)
    try #require(outcome.status == 0, "\(outcome)")
  }

  private func page(_ options: String...) throws -> String {
    let outcome = try Program.run(["report", store, "-o", "-"] + options)
    try #require(outcome.status == 0 && outcome.errors.isEmpty, "\(outcome)")
    return outcome.output
  }

  /// Every element that is opened is closed, in order.
  private func expectWhole(_ page: String) {
    var open: [Substring] = []
    for match in page.matches(of: /<(\/?)([a-z0-9]+)[^>]*?(\/?)>/) where !["meta", "br"].contains(match.2) {
      if match.1 == "/" {
        let last = open.popLast()
        #expect(last == match.2, "</\(match.2)> closes <\(last ?? "nothing")>")
      } else if match.3 != "/" {
        open.append(match.2)
      }
    }
    #expect(open.isEmpty)
    #expect(page.hasPrefix("<!DOCTYPE html>") && page.hasSuffix("</html>\n"))
  }

  @Test func thePageIsWholeAndNeedsNothingElse() throws {
    let name = "<b> & \"names\""
    try ingest((0..<3_000).map { ($0, Double($0 % 50)) }, to: name, "--units", "v=<i>")
    try ingest((100..<900).map { ($0, 1) }, to: "t", "--compress", "lz4")
    try #require(try Program.run("append", store, "log", input: "one\ntwo\n").status == 0)
    let page = try page()
    expectWhole(page)
    for word in ["http", "src=", "href=", "url(", "<script", "@import"] {
      #expect(!page.contains(word), "\(word) may lead out of the page")
    }
    #expect(!page.contains("<b>") && !page.contains("<i> ") && page.contains("&lt;b&gt; &amp; &quot;names&quot;"))
    #expect(page.contains("v [&lt;i&gt;] <span class=\"dim\">0 to 49</span>"))
    #expect(page.contains("<dd class=\"value good\">no damage</dd>"))
    #expect(page.contains("<dd class=\"value \">3,802</dd>"))
    #expect(page.components(separatedBy: "<figure").count == 1 + 4, "two rates and two fields")
    #expect(page.components(separatedBy: "<rect").count > 3 + 4, "lanes and blocks")
  }

  @Test func gapsAreFoundAndDrawn() throws {
    try ingest([0..<1_000, 5_000..<6_000, 6_100..<7_000].joined().map { ($0, 5) }, to: "s")
    let page = try page()
    #expect(page.contains("2 gaps"))
    #expect(
      page.contains("<td>1970-01-01T00:16:39Z</td><td>1970-01-01T01:23:20Z</td><td class=\"number\">1 h 6 min</td>"))
    #expect(page.contains("<td>1970-01-01T01:39:59Z</td><td>1970-01-01T01:41:40Z</td>"))
    let lane = try #require(page.split(separator: "\n").first { $0.contains("when s was recorded") })
    #expect(lane.components(separatedBy: "<rect").count == 1 + 3)
    #expect(lane.contains("<rect x=\"0\" y=\"0\" height=\"10\" width=\"142.7\"/>"))
  }

  /// At least eight times the usual interval: what is just shorter is none.
  @Test(arguments: [(100, 799, 0), (100, 801, 1), (513, 4_090, 0), (513, 4_200, 1), (7, 55, 0), (7, 56, 1)])
  func theRuleForGapsIsAsItSays(_ usual: Int, _ longest: Int, _ gaps: Int) throws {
    let times = (0..<200).map { $0 * usual } + (0..<200).map { 199 * usual + longest + $0 * usual }
    try ingest(times.map { ($0, 1) }, to: "s")
    let range: ClosedRange<Int64> = 0...Int64(times.last!)
    let timeline = try StreamTimeline(try Store(at: store, .readOnly), "s", range: range, spans: 10)
    // To a sixteenth, down.
    #expect(timeline.usualInterval <= UInt64(usual) && timeline.usualInterval > UInt64(usual) * 15 / 16)
    #expect(timeline.frames == 400 && timeline.gapCount == UInt64(gaps) && timeline.gaps.count == gaps)
  }

  /// From the first timestamp there can be to the last, and all at one time.
  @Test func timesAreHoweverExtreme() throws {
    let opened = try Store.create(at: store, StoreOptions(blockSize: 65_536, blockCount: 8))
    let layout = try RecordLayout([RecordField("v", .i64, offset: 0)]).metadata
    for (stream, times) in [("ends", [Int64.min, .max]), ("low", [.min, .min + 1]), ("high", [.max - 1, .max])] {
      let writer = try opened.writer(for: stream, metadata: layout)
      for time in times { try writer.append(value: Int64(5), at: time) }
      try writer.close()
    }
    try opened.close()
    expectWhole(try page())
  }

  /// A part of a stream that cannot be shown keeps nothing else from the page.
  @Test func whatCannotBeShownIsSaid() throws {
    try ingest((0..<100).map { ($0, Double($0)) }, to: "good")
    let opened = try Store(at: store)
    let layout = try RecordLayout([RecordField("v", .i64, offset: 0)]).metadata
    let short = try opened.writer(for: "short", metadata: layout)
    try short.append([1, 2], at: 1)
    try short.append(value: Int64(3), at: 2)
    try short.close()
    let mixed = try opened.writer(for: "mixed", metadata: layout)
    try mixed.append(value: Int64(3), at: 1)
    try mixed.close()
    let text = try opened.writer(
      for: "mixed", metadata: RecordLayout([RecordField("v", .text(byteCount: 8), offset: 0)]).metadata)
    try text.append(value: Int64(3), at: 2)
    try text.close()
    try opened.close()
    let page = try page()
    expectWhole(page)
    #expect(page.contains("</i>good</h2>") && page.contains("</i>short</h2>") && page.contains("</i>mixed</h2>"))
    #expect(page.contains("its field 'v' ends at 8") && page.contains("is a text"))
  }

  /// Swift takes the two for one string; the engine and its users do not.
  @Test func namesAreToldApartByTheirBytes() throws {
    let names = ["\u{E9}", "e\u{301}"]
    let opened = try Store.create(at: store, StoreOptions(blockSize: 4096, blockCount: 8))
    for (index, name) in names.enumerated() {
      let writer = try opened.writer(for: name)
      try writer.append([UInt8(index)], at: Int64(index))
      try writer.close()
    }
    try opened.close()
    let page = try page()
    expectWhole(page)
    #expect(page.contains("no damage"))
    #expect(try Program.run("verify", store).status == 0)
    let export = try Program.run(["export", store] + names + ["-o", "-", "--format", "csv"])
    #expect(export.lines.count == 3)
  }

  @Test func fewFramesAndNoneAreNoMatter() throws {
    try #require(try Program.run("create", store, "--block-size", "4KiB", "--blocks", "3").status == 0)
    let empty = try page()
    expectWhole(empty)
    #expect(empty.contains("0 of 3, 4 KiB each") && !empty.contains("<h2>Timeline</h2>"))
    try #require(try Program.run("append", store, "s", input: "one\n").status == 0)
    let page = try page()
    expectWhole(page)
    #expect(page.contains("1 frame <") && page.contains("no gap") && !page.contains("<figure"))
  }

  /// Damaged times lie anywhere, also where no span and no pixel is.
  @Test func damageIsToldAndDoesNoHarm() throws {
    let options = ["create", store, "--block-size", "4KiB", "--blocks", "20", "--compress", "none"]
    try #require(try Program.run(options).status == 0)
    let layout = try RecordLayout([RecordField("v", .f64, offset: 0)])
    do {
      let opened = try Store(at: store)
      let writer = try opened.writer(for: "s", metadata: layout.metadata)
      for time in Int64(0)..<1_000 { try writer.append(value: Double(time), at: 1_000_000 + time) }
      try writer.close()
    }
    var bytes = try Data(contentsOf: URL(fileURLWithPath: store))
    // The time in an index entry, and wherever else it stands.
    for (time, damaged) in [(Int64(1_000_400), Int64.max), (1_000_500, .min), (1_000_999, 1 << 61)] {
      let (before, after) = (littleEndian(time), littleEndian(damaged))
      try #require(bytes.range(of: before) != nil)
      while let place = bytes.range(of: before) { bytes.replaceSubrange(place, with: after) }
    }
    try bytes.write(to: URL(fileURLWithPath: store))
    let page = try page()
    expectWhole(page)
    #expect(page.contains("<h2 class=\"bad\">Damage</h2>") && page.contains("does not match its checksum"))
    #expect(page.contains("frames could not be read"))
  }

  /// The page never takes the place of the store that it is about, nor do plots and exports.
  @Test func theStoreIsNotWrittenOver() throws {
    try ingest([(1, 2), (2, 3)], to: "s")
    let link = scratch.path("link.nts")
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: store)
    for place in [store, link] {
      for command in [
        ["report", store, "-o", place], ["plot", store, "s", "--svg", place],
        ["export", store, "-o", place, "--format", "csv"],
      ] {
        let outcome = try Program.run(command + ["--replace"])
        #expect(outcome.status == 1 && outcome.errors.contains("is the store that is read"), "\(outcome)")
      }
    }
    #expect(try Program.run("verify", store).status == 0)
  }

  @Test func streamsCanBeChosen() throws {
    for stream in ["a", "b", "c"] { try ingest([(1, 2), (2, 3)], to: stream) }
    let page = try page("c", "a")
    #expect(page.contains("</i>a</h2>") && page.contains("</i>c</h2>") && !page.contains("</i>b</h2>"))
    let path = scratch.path("page.html")
    let unknown = try Program.run("report", store, "absent", "-o", path)
    #expect(unknown.status == 1 && unknown.errors.contains("no stream 'absent'"))
    #expect(!FileManager.default.fileExists(atPath: path))
    #expect(try Program.run("report", store, "-o", path).status == 0)
    #expect(try Program.run("report", store, "-o", path).errors.contains("exists already"))
    #expect(try Program.run("report", store, "-o", path, "--replace").status == 0)
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: scratch.url.path).sorted() == [
        "page.html", "rows.csv", "store.nts",
      ])
  }

  private func littleEndian(_ value: Int64) -> Data {
    Data((0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) })
  }
}
