import NanoTS
import Testing

@testable import NanoTSCommand

/// A pipe's idea of a terminal: no colour and a fixed width.
private let plain = Terminal(descriptor: -1)

struct NumberTextTests {
  @Test(arguments: [
    (0, "0"), (999, "999"), (1_000, "1,000"), (-1_234_567, "-1,234,567"), (Int64.min, "-9,223,372,036,854,775,808"),
  ])
  func groups(_ value: Int64, _ text: String) {
    #expect(NumberText.grouped(value) == text)
  }

  @Test(arguments: [
    (UInt64(0), "0 B"), (1_023, "1,023 B"), (1_024, "1 KiB"), (1_536, "1.5 KiB"), (1 << 20, "1 MiB"),
    (1 << 30, "1 GiB"), (67_000_000, "63.9 MiB"), (UInt64.max, "16,384.0 PiB"),
  ])
  func writesSizes(_ bytes: UInt64, _ text: String) {
    #expect(NumberText.size(bytes) == text)
  }

  @Test func writesDecimals() {
    #expect(NumberText.decimal(1_234.56, places: 1) == "1,234.6")
    #expect(NumberText.decimal(0.05, places: 2) == "0.05")
    #expect(NumberText.decimal(-0.001, places: 1) == "0.0")
    #expect(NumberText.decimal(99.96, places: 1) == "100.0")
    #expect(NumberText.decimal(-2.5, places: 1) == "-2.5")
  }

  @Test func onlyNothingIsZeroPercentAndOnlyAllIsAHundred() {
    #expect(NumberText.percent(0, of: 1_000) == "0%")
    #expect(NumberText.percent(1, of: 1_000) == "1%")
    #expect(NumberText.percent(999, of: 1_000) == "99%")
    #expect(NumberText.percent(1_000, of: 1_000) == "100%")
    #expect(NumberText.percent(0, of: 0) == "0%")
  }

  @Test func writesSpans() {
    #expect(SpanText.string(seconds: 0) == "0.000 s")
    #expect(SpanText.string(seconds: 5.0004) == "5.000 s")
    #expect(SpanText.string(seconds: 65) == "1 min 5 s")
    #expect(SpanText.string(seconds: 3_661) == "1 h 1 min")
    #expect(SpanText.string(seconds: 90_000) == "1 d 1 h")
  }

  @Test(arguments: [
    (0.0, "0.0 ms"), (0.00123, "1.2 ms"), (0.25, "250 ms"), (-0.005, "-5.0 ms"), (0.9996, "1.0 s"), (59.9, "59.9 s"),
    (61, "61 s"), (125, "2 min"), (-125, "-2 min"), (7_100, "118 min"), (7_200, "2 h"), (172_800, "2 d"),
    (86_400_000, "1,000 d"),
  ])
  func writesShortSpans(_ seconds: Double, _ text: String) {
    #expect(SpanText.short(seconds: seconds) == text)
  }

  /// Ages are told of times of the calendar only, in whatever unit, and from no number do they overflow.
  @Test func agesAreOfCalendarTimes() {
    for unit in TimeUnit.allCases {
      let (perSecond, now) = (unit.unitsPerSecond, WallClock.timestamp(in: unit))
      #expect(CalendarAge.seconds(from: now - 5 * perSecond, to: now, in: unit) == 5)
      #expect(CalendarAge.seconds(from: now + 60 * perSecond, to: now, in: unit) == -60)
      for other in [nil, 0, .min, .max, 900_000_000 * perSecond, now + 90_000 * perSecond] as [Int64?] {
        #expect(CalendarAge.seconds(from: other, to: now, in: unit) == nil)
      }
    }
  }
}

struct PrintableTextTests {
  @Test(arguments: [
    ("plain ü 日本", "plain ü 日本"), ("a\tb", "a\tb"), ("a\nb\r", "a\\nb\\r"), ("\u{1B}[31mred", "\\x1b[31mred"),
    ("\u{9B}31m", "\\xc2\\x9b31m"), ("nul\0", "nul\\x00"), ("del\u{7F}", "del\\x7f"), ("Â", "Â"),
  ])
  func escapesControls(_ text: String, _ printable: String) {
    #expect(PrintableText.string(text) == printable)
  }

  @Test(arguments: [("a\"b\\c", #""a\"b\\c""#), ("\n\t\u{1}", #""\n\t\u0001""#), ("é/", #""é/""#)])
  func quotesJSON(_ text: String, _ quoted: String) {
    #expect(String(decoding: JSONText.quoted(text), as: UTF8.self) == quoted)
  }
}

struct TableTests {
  @Test func alignsColumns() {
    var table = Table([.left("name"), .right("count"), .left("note")])
    table.add(["a", "1", "x"])
    table.add(["longer", "1,000", ""])
    table.addTotals(["total", "1,001", ""])
    #expect(
      table.text(on: plain) == """
        name    count  note
        a           1  x
        longer  1,000  \("")
        total   1,001  \("")

        """)
  }
}

struct BlockPictureTests {
  private func block(_ state: BlockDescription.State, _ stream: String?) -> BlockPicture.Block {
    BlockPicture.Block(state: state, stream: stream)
  }

  @Test func showsStreamAndState() {
    let blocks = [
      block(.sealed, "disk"), block(.sealed, "cpu"), block(.open, "cpu"), block(.free, nil),
    ]
    let lines = BlockPicture(of: blocks, on: plain).text(on: plain).split(separator: "\n").map(String.init)
    #expect(lines.first == "  BAa.")
    #expect(lines.contains("  A cpu (2)"))
    #expect(lines.contains("  B disk (1)"))
  }

  @Test func manyBlocksShareACharacter() {
    let blocks = (0..<100_000).map { block($0 < 50_000 ? .sealed : .free, $0 < 50_000 ? "cpu" : nil) }
    let text = BlockPicture(of: blocks, on: plain).text(on: plain)
    let rows = text.split(separator: "\n").prefix { $0.hasPrefix("  A") || $0.hasPrefix("  .") }
    #expect(rows.count <= 17)
    #expect(rows.allSatisfy { $0.count <= 98 })
    #expect(text.contains("a character stands for 66 blocks"))
  }

  @Test func streamsBeyondTheLettersShareAMark() {
    let blocks = (0..<30).map { block(.sealed, "s\($0)") } + [block(.sealed, "s29")]
    let text = BlockPicture(of: blocks, on: plain).text(on: plain)
    #expect(text.split(separator: "\n").first?.contains("#") == true)
    #expect(text.contains("# 4 other streams (4)"))
  }
}
