import Foundation
import NanoTS
import NanoTSRecords
import Testing

@testable import NanoTSCommand

/// `nanots ingest`: rows of tables into records.
@Suite struct IngestTests: IngestSuite {
  let scratch: Scratch

  init() throws { scratch = try Scratch() }

  @Test func rowsBecomeRecords() throws {
    let outcome = try ingest("t,count,value,ok,name\n1,5,2.5,true,a\n2,-7,,FALSE,bc\n")
    #expect(outcome.status == 0 && outcome.output == "ingested 2 rows into 1 stream (t)\n")
    #expect(
      try rows("t") == [
        ["1000000000", "0", "count=5", "value=2.5", "ok=true", "name=a"],
        ["2000000000", "0", "count=-7", "value=nan", "ok=false", "name=bc"],
      ])
    let layout = RecordLayout(metadata: try Store(at: store, .readOnly).segments(of: "t")[0].metadata)
    #expect(layout?.fields.map(\.type) == [.i64, .f64, .bool, .text(byteCount: 8)])
  }

  /// Quotes, delimiters and line ends in them, CRLF, a byte order mark, empty lines, no line end at the end.
  @Test func csvIsReadAsItIsWritten() throws {
    let text = "\u{FEFF}t,\"a,b\",c\r\n1,\"x,\"\"y\"\"\",p\r\n\r\n2,\"two\nlines\",\"\"\r\n3,plain,\"q\""
    #expect(try ingest(text).status == 0)
    #expect(
      try rows("t").map { $0.dropFirst(2).map { $0 } } == [
        [#"a,b=x,"y""#, "c=p"], [#"a,b=two\nlines"#, "c="], ["a,b=plain", "c=q"],
      ])
    #expect(try ingest("t;v\n9;1\n", "--delimiter", ";", "--stream", "other").status == 0)
    #expect(try rows("other") == [["9000000000", "0", "v=1"]])
  }

  @Test func whatCannotBeTakenIsSaidAndTheRestGoesOn() throws {
    let text = "t,v\n1,1\nx,2\n3,three\n4\n2,5\n1,6\n5,\"open\n"
    let outcome = try ingest(text, "--types", "v=i64")
    #expect(outcome.status == 1)
    #expect(outcome.output == "ingested 2 rows into 1 stream (t), 5 rows refused\n")
    for part in [
      "line 3: 'x' is no time", "line 4: column 'v': 'three' is no whole number",
      "line 5: it has 1 cells, the header has 2",
      "line 7: its time 1970-01-01T00:00:01.000000000Z is not after 1970-01-01T00:00:02.000000000Z",
      "line 8: its quotes are not closed",
    ] {
      #expect(outcome.errors.contains(part), "\(part) is not in \(outcome.errors)")
    }
    #expect(try rows("t").map { $0[0] } == ["1000000000", "2000000000"])
  }

  @Test func strictStoresAllOrNothing() throws {
    let bad = try ingest("t,v\n1,1\n2,x\n", "--types", "v=f64", "--strict")
    #expect(bad.status == 1 && bad.errors.contains("line 3") && bad.errors.contains("nothing was stored"))
    #expect(!FileManager.default.fileExists(atPath: store))
    #expect(try ingest("t,v\n1,1\n2,2\n", "--strict").status == 0)
    // Also where what is in the way is in the store.
    #expect(try ingest("t,v\n3,3\n2,4\n", "--strict").status == 1)
    #expect(try ingest("t,v\n2,4\n", "--strict").status == 1)
    #expect(try rows("t").map { $0[2] } == ["v=1", "v=2"])
  }

  @Test func timeThatGoesBack() throws {
    let text = "t,v\n10,1\n30,2\n20,3\n30,4\n"
    #expect(try ingest(text, "--out-of-order", "sort", "--unit", "s", "--stream", "sorted").status == 0)
    #expect(
      try rows("sorted") == [["10", "0", "v=1"], ["20", "0", "v=3"], ["30", "0", "v=2"], ["30", "1", "v=4"]])
    let clamped = try ingest(text, "--out-of-order", "clamp", "--stream", "clamped")
    #expect(clamped.status == 0 && clamped.output == "ingested 4 rows into 1 stream (clamped), 2 times clamped\n")
    #expect(try rows("clamped").map { $0[0] } == ["10", "30", "31", "32"])
    let refused = try ingest(text, "--stream", "refused")
    #expect(refused.status == 1 && refused.errors.contains("2 rows came after later ones: '--out-of-order sort'"))
    #expect(try rows("refused").map { $0[0] } == ["10", "30"])
  }

  /// A ring is as large as it was made: what it lost is not passed over in silence.
  @Test func rowsThatMakeRoomAreCounted() throws {
    let text = "t,v\n" + (0..<1_000).map { "\($0),\($0)\n" }.joined()
    let outcome = try ingest(text, "--blocks", "2", "--block-size", "4KiB", "--compress", "none")
    #expect(outcome.status == 0)
    let left = try rows("t").count
    #expect(left < 1_000 && outcome.errors.contains("\(1_000 - left) older frames made room"), "\(outcome), \(left)")
  }

  @Test func aSmallTableMakesASmallFile() throws {
    #expect(try ingest("t,v\n1,2\n").status == 0)
    let size = try FileManager.default.attributesOfItem(atPath: store)[.size] as? Int
    #expect(try #require(size) < 6 << 20)
  }

  @Test func aStreamForEachValueAndKeys() throws {
    let outcome = try ingest(
      "time,site,n,v\n1,a,5,1\n1,b,5,2\n1,a,6,3\n2,b,-1,4\n", "--stream-column", "site", "--key-column", "n", "--unit",
      "ms",
      "--time-format", "ms", "--units", "v=celsius")
    #expect(outcome.output == "ingested 4 rows into 2 streams (a, b)\n")
    #expect(try rows("a") == [["1", "5", "v=1"], ["1", "6", "v=3"]])
    #expect(try rows("b") == [["1", "5", "v=2"], ["2", "-1", "v=4"]])
    let layout = RecordLayout(metadata: try Store(at: store, .readOnly).segments(of: "a")[0].metadata)
    #expect(layout?.fields == [RecordField("v", .i64, unit: "celsius", offset: 0)])
  }

  @Test func framesAreStoredAsIsSaidInAStoreThatIsThereToo() throws {
    let file = try scratch.file("s.csv", Data("t,v\n1,2\n2,3\n".utf8))
    for (stream, method) in [("a", "none"), ("b", "lz4"), ("c", "lz4:512")] {
      try #require(
        try Program.run("ingest", store, file, "--stream", stream, "--compress", method).status == 0)
    }
    let streams = try Store(at: store, .readOnly).statistics().streams
    #expect(streams.map(\.compression) == [.off, .lz4(), .lz4(chunkByteCount: 512)])
  }

  @Test func jsonLines() throws {
    let text =
      "{\"time\":\"2026-01-31T12:00:00Z\",\"v\":2.5,\"n\":3}\n\n{\"time\":\"2026-01-31T12:00:01Z\",\"v\":null,\"n\":-4}\n"
      + "{\"time\":\"2026-01-31T12:00:02Z\",\"z\":1}\n[1]\n{\"time\":\"2026-01-31T12:00:03Z\",\"v\":1e3,\"n\":{}}\n"
    let outcome = try ingest(text, "--time-column", "time", "--unit", "s", named: "j.jsonl")
    #expect(outcome.output == "ingested 2 rows into 1 stream (j), 3 rows refused\n")
    #expect(outcome.errors.contains("line 4: its key 'z'") && outcome.errors.contains("line 5: it is no JSON object"))
    #expect(outcome.errors.contains("line 6: the value of 'n'"))
    #expect(try rows("j") == [["1769860800", "0", "n=3", "v=2.5"], ["1769860801", "0", "n=-4", "v=nan"]])
  }

  @Test func stdinAndFilesOneAfterTheOther() throws {
    let outcome = try Program.run("ingest", store, "--stream", "s", "--unit", "us", input: "t,v\n1,2\n")
    #expect(outcome.status == 0)
    #expect(try rows("s") == [["1000000", "0", "v=2"]])
    #expect(try Program.run("ingest", store, input: "t,v\n1,2\n").status == 64)
    let (one, two) = (
      try scratch.file("1.csv", Data("t,v\n2,3\n".utf8)), try scratch.file("2.csv", Data("t,w\n3,4\n".utf8))
    )
    let mixed = try Program.run("ingest", store, one, two, "--stream", "s")
    #expect(mixed.status == 1 && mixed.errors.contains("has other columns"))
  }

  @Test(arguments: [
    ("t,v\n", 0, "ingested 0 rows"), ("", 1, "is empty"), ("t\n1\n", 1, "no column besides"),
    ("t,t\n1,2\n", 1, "two columns"),
  ])
  func strangeFiles(_ text: String, _ status: Int32, _ says: String) throws {
    let outcome = try ingest(text)
    #expect(outcome.status == status && (outcome.output + outcome.errors).contains(says), "\(outcome)")
  }

  @Test func wrongOptionsNameWhatIsWrong() throws {
    let file = try scratch.file("t.csv", Data("t,v\n1,2\n".utf8))
    for (options, says) in [
      (["--time-column", "x"], "no column 'x'; there are t, v"), (["--types", "v=i7"], "'i7' of 'v'"),
      (["--types", "v"], "'v' is not of the form"), (["--types", "w=i8"], "no column 'w'"),
      (["--key-column", "k"], "no column 'k'"), (["--types", "v=text:0"], "'text:0' of 'v'"),
    ] {
      let outcome = try Program.run(["ingest", store, file] + options)
      #expect(outcome.status == 1 && outcome.errors.contains(says), "\(options): \(outcome.errors)")
    }
  }

  /// A store that is made has a block for each stream, however little there is of each.
  @Test func manyStreamsOfFewRows() throws {
    let text = (1...150).map { "\($0),s\($0 % 75),\($0)\n" }.joined()
    let outcome = try ingest("t,s,v\n" + text, "--stream-column", "s", "--block-size", "64KiB")
    #expect(outcome.output.hasPrefix("ingested 150 rows into 75 streams"), "\(outcome)")
    #expect(try rows("s74").map { $0[2] } == ["v=74", "v=149"])
  }

  /// Rows that become eight times as many bytes as their text has: none makes room for another.
  @Test func shortRowsAllFit() throws {
    // Times and keys of one digit, in many streams of one letter and more: "1,1,a,1".
    let streams = (0..<200).map { String($0, radix: 36) }
    let text = streams.flatMap { name in (0..<90).map { "\($0 / 9),\($0 % 9),\(name),1\n" } }.joined()
    let outcome = try ingest(
      "t,k,s,v\n" + text, "--key-column", "k", "--stream-column", "s", "--block-size", "4KiB", "--types", "v=i8")
    #expect(outcome.output.hasPrefix("ingested 18,000 rows into 200 streams"), "\(outcome)")
    let opened = try Store(at: store, .readOnly)
    #expect(try streams.map { try opened.frameCount(of: $0) } == streams.map { _ in 90 })
  }

  @Test func aFirstLineThatIsWrongIsNamed() throws {
    let nested = try ingest("{\"t\":1,\"v\":{}}\n", "--time-column", "t", named: "n.jsonl")
    #expect(nested.status == 1 && nested.errors.contains("n.jsonl, line 1: the value of 'v' is an object"))
    let open = try ingest("\"t,v\n1,2\n")
    #expect(open.status == 1 && open.errors.contains("t.csv, line 1: its quotes are not closed"))
  }

  /// What cannot be told apart, or does not fit, when rows that were held are stored.
  @Test func heldRowsThatCannotBeStored() throws {
    let large = try ingest(
      "t,v\n1,x\n", "--types", "v=text:100000", "--block-size", "4KiB", "--out-of-order", "sort", "--stream", "large")
    #expect(large.status == 1 && large.errors.contains("line 2: a frame of 100000 bytes"))
    let keys = try ingest(
      "t,k,v\n1,\(Int64.max),2\n1,\(Int64.max),3\n", "--key-column", "k", "--out-of-order", "sort")
    #expect(keys.status == 1 && keys.errors.contains("line 3: its time and its key"), "\(keys)")
  }

  /// A row longer than the pieces in which the input is read, with quotes over their borders.
  @Test func longRows() throws {
    let long = String(repeating: "ab\"\"c\n", count: 400_000)
    let outcome = try ingest("t,v,w\n1,x,y\n2,\"\(long)\",z\n3,p,q\n", "--types", "w=text:8", "v=text:8")
    #expect(outcome.status == 1 && outcome.errors.contains("line 3: column 'v'"))
    #expect(try rows("t").map { $0[2] } == ["v=x", "v=p"])
  }
}

/// Numbers and times as they stand in cells.
@Suite struct CellTests {
  private func with<R>(_ text: String, _ body: (Cell) -> R) -> R {
    var text = text
    return text.withUTF8 { unsafe body(Cell($0.baseAddress!, count: $0.count)) }
  }

  @Test func numbersAreTheNearest() {
    var random = SystemRandomNumberGenerator()
    for _ in 0..<20_000 {
      let bits = UInt64.random(in: 0 ... .max, using: &random)
      let double = Double(bitPattern: bits)
      let short = Double(Int64.random(in: -1_000_000_000...1_000_000_000, using: &random)) / 1e5
      for value in [double, short] where value.isFinite {
        #expect(with("\(value)") { NumberCell.double($0) } == value, "\(value), bits \(value.bitPattern)")
      }
    }
    for text in [
      "1e22", "1e23", "9007199254740993", "0.1", "123456789012345678901234567890", "1e-400", ".5", "5.", "-0", "+1",
    ] {
      #expect(with(text) { NumberCell.double($0) } == Double(text), "\(text)")
    }
    for text in [" 1", "1 ", "0x1p3", "1e", "e5", "-", ".", "1.2.3", "1,5", "--1", "one"] {
      #expect(with(text) { NumberCell.double($0) } == nil, "\(text)")
    }
  }

  /// A number that is too large is another than infinity, and no exponent is too long to be looked at.
  @Test func numbersOutOfRange() {
    for text in ["1e400", "-1e400", String(repeating: "9", count: 320)] {
      #expect(with(text) { NumberCell.double($0) } == nil, "\(text)")
    }
    for text in ["inf", "-Infinity"] { #expect(with(text) { NumberCell.double($0) }?.isInfinite == true, "\(text)") }
    #expect(with("1e39") { NumberCell.float($0) } == nil && with("-inf") { NumberCell.float($0) } == -.infinity)
    for exponent in ["-9223372036854775808", "9223372036854775807", "-401", "99999999999999999999"] {
      _ = with("1e\(exponent)") { NumberCell.double($0) }
      for power in [-9, 0, 9] { #expect(with("1e\(exponent)") { NumberCell.scaled($0, by: power) } == nil) }
      #expect(with("1e\(exponent)") { NumberCell.integer($0, as: Int64.self) } == nil)
    }
    #expect(with("0." + String(repeating: "0", count: 10_000)) { NumberCell.scaled($0, by: 9) } == 0)
  }

  @Test func wholeNumbers() {
    #expect(with("-128") { NumberCell.integer($0, as: Int8.self) } == -128)
    #expect(with("128") { NumberCell.integer($0, as: Int8.self) } == nil)
    #expect(with("18446744073709551615") { NumberCell.integer($0, as: UInt64.self) } == .max)
    #expect(with("18446744073709551616") { NumberCell.integer($0, as: UInt64.self) } == nil)
    #expect(with("9223372036854775807") { NumberCell.integer($0, as: Int64.self) } == .max)
    for text in ["1.0", "1e2", "", "-", "1 "] {
      #expect(with(text.isEmpty ? " " : text) { NumberCell.integer($0, as: Int64.self) } == nil, "\(text)")
    }
  }

  @Test(arguments: [
    ("1.5", TimeFormat.s, TimeUnit.nanoseconds, Int64(1_500_000_000)), ("0.010078907", .s, .nanoseconds, 10_078_907),
    ("-1.5", .s, .seconds, -2), ("1999", .ms, .seconds, 1), ("-1", .ms, .seconds, -1), ("7", .ns, .microseconds, 0),
    ("1e9", .ns, .seconds, 1), ("2013-12-02 21:15:00", .iso8601, .seconds, 1_386_018_900),
    ("2013-12-02T21:15:00.25Z", .iso8601, .milliseconds, 1_386_018_900_250),
    ("1969-12-31", .iso8601, .seconds, -86_400),
    ("2024-02-29T00:00:00+01:00", .iso8601, .seconds, 1_709_161_200),
    ("0001-01-01 00:00:00", .iso8601, .seconds, -62_135_596_800),
    ("0000-03-01 00:00:00", .iso8601, .seconds, -62_162_035_200),
    ("0000-02-29 00:00:00", .iso8601, .seconds, -62_162_121_600),
    ("0000-01-01", .iso8601, .seconds, -62_167_219_200), ("2013-12-02t21:15:00z", .iso8601, .seconds, 1_386_018_900),
    ("2013-12-02 23:15:00+02", .iso8601, .seconds, 1_386_018_900),
    ("2013-12-02 23:15:00.5 +0200", .iso8601, .milliseconds, 1_386_018_900_500),
    ("2013-12-02 19:45-01:30", .iso8601, .seconds, 1_386_018_900),
    ("2013-12-02 21:15 Z", .iso8601, .seconds, 1_386_018_900),
  ])
  func times(_ text: String, _ format: TimeFormat, _ unit: TimeUnit, _ timestamp: Int64) {
    #expect(with(text) { format.timestamp($0, in: unit) } == timestamp)
  }

  @Test(arguments: [
    ("2013-02-29 00:00:00", TimeFormat.iso8601), ("2013-12-02 24:00:00", .iso8601), ("2013-12-02 21:15:0x", .iso8601),
    ("x", .s),
    ("1e30", .s), ("99999999999", .s), ("2013-12-02 21:15:00.", .iso8601),
    ("1e-9223372036854775808", .s), ("2013-12-02 21:15:00+2", .iso8601), ("2013-12-02 21:15:00 ", .iso8601),
    ("2013-12-02 21:15:00+02:0", .iso8601), ("2013-12-02 21:15:00Zx", .iso8601), ("2013-12-02 21", .iso8601),
    ("2013-12-02 21:15:00+02:", .iso8601), ("2013-12-02 21:15:00+24", .iso8601),
  ])
  func noTimes(_ text: String, _ format: TimeFormat) {
    #expect(with(text) { format.timestamp($0, in: .nanoseconds) } == nil)
  }
}
