import Foundation
import Glibc
import NanoTS
import NanoTSRecords
import Testing

@testable import NanoTSCommand

/// What `nanots ingest` makes of the cells of CSV and JSON Lines, and of how they come.
@Suite struct InputIngestTests: IngestSuite {
  let scratch: Scratch

  init() throws { scratch = try Scratch() }

  private func types(_ stream: String) throws -> [FieldType]? {
    RecordLayout(metadata: try Store(at: store, .readOnly).segments(of: stream)[0].metadata)?.fields.map(\.type)
  }

  @Test func quotesEndTheirCell() throws {
    let text = "t,v,w\n1,\"12\"34,5\n2,\"12\",6\r\n3,\"a\",\"b\" \n4,\"c\",\"d\"\r\n5,e,\"f\"\r"
    let outcome = try ingest(text, "--types", "v=text:8", "w=text:8", named: "q.csv")
    #expect(outcome.output == "ingested 3 rows into 1 stream (q), 2 rows refused\n", "\(outcome)")
    #expect(outcome.errors.contains("line 2: cell 2 goes on behind its closing quote"))
    #expect(outcome.errors.contains("line 4: cell 3 goes on"))
    #expect(try rows("q").map { $0[3] } == ["w=6", "w=d", "w=f"])
  }

  @Test func quotedCarriageReturnsAndNULs() throws {
    let outcome = try ingest("t,v\n1,\"x\r\"\n2,\"y\r\"\r\n3,z\r\n4,a\0b\n5,c\0\n", "--types", "v=text:8")
    #expect(
      outcome.output.hasPrefix("ingested 3 rows") && outcome.errors.contains("line 5: column 'v': "), "\(outcome)")
    #expect(outcome.errors.contains("has a NUL byte") && outcome.errors.contains("line 6:"))
    #expect(try rows("t").map { $0[2] } == [#"v=x\r"#, #"v=y\r"#, "v=z"])
  }

  @Test func numbersAreWhatTheyAreWrittenAs() throws {
    let outcome = try ingest(
      "t,v,w,u\n1,1,1.5,9223372036854775808\n2,2,1e39,1\n3,3,inf,2\n4,x,1,3\n5,,2,3\n6,300,2,3\n",
      "--types", "v=u8", "w=f32")
    #expect(try types("t") == [.u8, .f32, .u64])
    #expect(outcome.output.hasPrefix("ingested 2 rows"), "\(outcome)")
    for part in [
      "line 3: column 'w': '1e39' is beyond what f32 holds; --types takes f64",
      "line 5: column 'v': 'x' is no whole number; --types takes f64 or a text",
      "line 6: column 'v': '' is no whole number; --types takes f64, where an empty cell is NaN",
      "line 7: column 'v': '300' is beyond what u8 holds; --types takes a wider type",
    ] {
      #expect(outcome.errors.contains(part), "\(part) is not in \(outcome.errors)")
    }
    #expect(try rows("t").map { $0[3] } == ["w=1.5", "w=inf"])
    let trap = try ingest("t,v\n1,1e-9223372036854775808\n1e-9223372036854775808,2\n", named: "trap.csv")
    #expect(trap.status == 1 && trap.output.hasPrefix("ingested 1 row "), "\(trap)")
  }

  @Test func jsonKeepsWhatIsWritten() throws {
    let text =
      #"{"t":9007199254.740993001,"n":9007199254740993,"s":"12","f":1.0,"b":true}"# + "\n"
      + #"{"t":9007199255,"n":1e3,"s":"\u00e4\ud83d\ude00\n","f":2.5,"b":false}"# + "\n"
      + #"{"t":9007199256,"n":-20e-1,"s":"","f":18446744073709551616}"# + "\n"
      + #"{"t":"9007199257","n":5.5,"f":1}"# + "\n" + #"{"t":9007199258,"n":5,"f":1e400}"# + "\n"
      + #"{"t":9007199259,"n":5,"n":6,"f":1}"# + "\n" + #"{"t":9007199260,"n":05,"f":1}"# + "\n"
      + #"{"t":9007199260,"n":[{"]":1}],"f":1}"# + "\n" + #"{"t":9007199261,"n":5} x"# + "\n"
      + #"{"t":9007199262,"s":"\ud83d","n":5}"# + "\n"
    let outcome = try ingest(
      text, "--time-column", "t", "--types", "n=i64", "b=text:8", "f=f64", "--unit", "ns", named: "j.jsonl")
    #expect(outcome.output == "ingested 3 rows into 1 stream (j), 7 rows refused\n", "\(outcome)")
    #expect(try types("j") == [.text(byteCount: 8), .f64, .i64, .text(byteCount: 16)])
    #expect(
      try rows("j") == [
        ["9007199254740993001", "0", "b=true", "f=1.0", "n=9007199254740993", "s=12"],
        ["9007199255000000000", "0", "b=false", "f=2.5", "n=1000", #"s=ä😀\n"#],
        ["9007199256000000000", "0", "b=", "f=1.8446744073709552e+19", "n=-2", "s="],
      ])
    for part in [
      "line 4: column 'n': '5.5' is no whole number", "line 5: column 'f': '1e400' is beyond what f64 holds",
      "line 6: its key 'n' is there twice", "line 7: it is no JSON object",
      "line 8: the value of 'n' is an object or a list", "line 9: it is no JSON object",
      "line 10: it is no JSON object",
    ] {
      #expect(outcome.errors.contains(part), "\(part) is not in \(outcome.errors)")
    }
  }

  @Test func stringsOfJSONMayBeTimes() throws {
    let text = #"{"t":"2026-01-31T12:00:00Z","v":"1","w":"true"}"# + "\n"
    #expect(try ingest(text, "--time-column", "t", "--unit", "s", named: "j.jsonl").status == 0)
    #expect(try types("j") == [.text(byteCount: 8), .text(byteCount: 8)])
    #expect(try rows("j")[0][0] == "1769860800")
  }

  @Test func timesBeyondTheUnitsReachAreTimes() throws {
    #expect(try ingest("t,v\n3000-01-01T00:00:00Z,1\n", "--unit", "s").status == 0)
    #expect(try rows("t") == [["32503680000", "0", "v=1"]])
  }

  @Test func typesAndUnitsOfWhatIsNoField() throws {
    let file = try scratch.file("t.csv", Data("t,k,s,v\n1,1,a,2\n".utf8))
    for option in [["--types", "t=i64"], ["--units", "t=s"], ["--types", "k=i64"], ["--units", "s=m"]] {
      let outcome = try Program.run(
        ["ingest", store, file, "--key-column", "k", "--stream-column", "s"] + option)
      #expect(outcome.status == 1 && outcome.errors.contains("is the column of the time"), "\(outcome)")
    }
  }

  /// The last line of a file is whole, that of an input that was stopped may be a part.
  @Test(arguments: [SIGINT, SIGTERM], [[], ["--format", "jsonl", "--time-column", "t"]])
  func aSilentInputIsStopped(_ signal: Int32, _ options: [String]) throws {
    let running = try Program.Running([Program.url.path, "ingest", store, "-", "--stream", "s"] + options)
    running.sendPart(
      Data((options.isEmpty ? "t,v\n1,1\n2,2\n3,33" : "{\"t\":1,\"v\":1}\n{\"t\":2,\"v\":2}\n{\"t\":3").utf8))
    // Nothing says that it waits for more.
    usleep(500_000)
    running.signal(signal)
    let outcome = running.outcome()
    #expect(outcome.status == 128 + signal && outcome.errors.contains("stopped before the end"), "\(outcome)")
    #expect(try rows("s").map { $0[2] } == ["v=1", "v=2"])
  }

  @Test func noFileIsReadBehindAStop() throws {
    let pipe = scratch.path("pipe.csv")
    try #require(unsafe mkfifo(pipe, 0o600) == 0)
    let later = try scratch.file("later.csv", Data("t,v\n9,9\n".utf8))
    let running = try Program.Running([Program.url.path, "ingest", store, pipe, later, "--stream", "s"])
    // It waits for the reader, and keeps the pipe open.
    let writer = try #require(FileHandle(forWritingAtPath: pipe))
    try writer.write(contentsOf: Data("t,v\n1,1\n".utf8))
    usleep(300_000)
    running.signal(SIGINT)
    let outcome = running.outcome()
    try writer.close()
    #expect(outcome.status == 130 && outcome.output.hasPrefix("ingested 1 row "), "\(outcome)")
    #expect(try rows("s").map { $0[2] } == ["v=1"])
  }

  /// A quote that nothing closes: what comes behind it is looked at a few times, not once for each piece of the pipe.
  @Test func aStrayQuoteInAPipeIsNoLongWork() throws {
    let path = scratch.path("pipe.csv")
    try #require(unsafe mkfifo(path, 0o600) == 0)
    let piece = Data(String(repeating: "2,abcdefghijklmnopqrstuvwxyz\n", count: 1_000).utf8)
    let writer = Thread {
      let file = FileHandle(forWritingAtPath: path)
      try? file?.write(contentsOf: Data("t,v\n1,\"x\n".utf8))
      for _ in 0..<300 { try? file?.write(contentsOf: piece) }
      try? file?.close()
    }
    writer.start()
    let rows = try CSVRows(InputBytes(path: path), delimiter: UInt8(ascii: ","))
    var row = Row()
    #expect(throws: RowRefusal.self) { try rows.next(&row) }
    #expect(rows.bytesUsed > 8 << 20 && rows.scans < 40, "\(rows.scans) scans of \(rows.bytesUsed) bytes")
  }

  /// Pieces of a pipe end anywhere.
  @Test func rowsThatComeInPiecesAreWhole() throws {
    let running = try Program.Running([Program.url.path, "ingest", store, "-", "--stream", "s"])
    for part in ["t,v\r", "\n1,\"a\"", "\"b\"", "\r", "\n2,\"c", "\"\r\n3,d"] {
      running.sendPart(Data(part.utf8))
      usleep(50_000)
    }
    running.send(Data())
    #expect(running.outcome().status == 0)
    #expect(try rows("s").map { $0[2] } == [#"v=a"b"#, "v=c", "v=d"])
  }

  /// As many files as a process may have open, of which each is read and closed.
  @Test(arguments: ["csv", "jsonl"])
  func filesAreClosed(_ ending: String) throws {
    let files = try (0..<40).map { number in
      try scratch.file(
        "\(number).\(ending)",
        Data((ending == "csv" ? "t,v\n\(number),1\n" : "{\"t\":\(number),\"v\":1}\n").utf8))
    }
    let outcome = try Program.run(
      ["ingest", store] + files + ["--stream", "s", "--time-column", "t"],
      through: ["/bin/sh", "-c", "ulimit -n 30; exec \"$0\" \"$@\""])
    #expect(outcome.status == 0 && outcome.output.hasPrefix("ingested 40 rows"), "\(outcome)")
  }

  @Test func linesOfJSONThatAreTooLong() throws {
    let long = String(repeating: " ", count: JSONRows.longestLine)
    let text = "{\"t\":1,\"v\":1}\n{\"t\":2,\(long)\"v\":2}\n\n{\"t\":3,\"v\":3}"
    let outcome = try ingest(text, "--time-column", "t", named: "j.jsonl")
    #expect(
      outcome.output.hasPrefix("ingested 2 rows") && outcome.errors.contains("line 2: it is longer than"), "\(outcome)")
    #expect(try rows("j").map { $0[2] } == ["v=1", "v=3"])
  }
}
