import Foundation
import NanoTS
import NanoTSRecords
import Testing

@testable import NanoTSCommand

/// `nanots export`: what comes out is what went in.
@Suite struct ExportTests {
  private let scratch: Scratch
  private let store: String

  init() throws {
    scratch = try Scratch()
    store = scratch.path("store.nts")
  }

  private func ingest(_ text: String, _ options: String...) throws {
    let outcome = try Program.run(
      ["ingest", store, "--unit", "ms", try scratch.file("in.csv", Data(text.utf8))] + options)
    try #require(outcome.status == 0, "\(outcome)")
  }

  private func export(_ name: String, _ options: String...) throws -> Data {
    let outcome = try Program.run(["export", store, "-o", scratch.path(name), "--replace"] + options)
    try #require(outcome.status == 0, "\(outcome)")
    return try Data(contentsOf: URL(fileURLWithPath: scratch.path(name)))
  }

  private static let table = #"""
    time,n,value,name
    2026-01-31T12:00:00.000Z,5,2.5,"a,""b"""
    2026-01-31T12:00:00.250Z,-6,0.1,plain
    2026-01-31T12:00:01.000Z,7,,"two
    lines"

    """#

  @Test func csvComesBackAsItWent() throws {
    try ingest(Self.table, "--stream", "s", "--types", "name=text:16")
    let text = String(decoding: try export("out.csv", "s"), as: UTF8.self)
    let expected = Self.table.replacing("time,", with: "time,key,flags,").replacing("Z,", with: "Z,0,0,")
    #expect(text == expected)
    let some = String(
      decoding: try export(
        "out.csv", "--from", "2026-01-31T12:00:00.1Z", "--to", "2026-01-31T12:00:00.5Z", "--raw-times"),
      as: UTF8.self)
    #expect(some == "time,key,flags,n,value,name\n1769860800250,0,0,-6,0.1,plain\n")
  }

  /// What was exported can be ingested again, with keys, flags and streams.
  @Test func csvIsIngestedAgain() throws {
    try ingest("t,k,v\n1,5,1.5\n1,6,2.5\n2,1,3.5\n", "--stream", "a", "--key-column", "k")
    try ingest("t,v\n1,9\n", "--stream", "b", "--types", "v=f64")
    let layout = try RecordLayout([RecordField("v", .f64, offset: 0)])
    let writer = try Store(at: store).writer(for: "b", metadata: layout.metadata)
    try writer.append(value: 10.5, at: 3_000, key: 4, flags: 0x8000_0001)
    try writer.close()
    let text = try export("out.csv")
    let again = scratch.path("again.nts")
    let outcome = try Program.run("ingest", again, scratch.path("out.csv"), "--unit", "ms", "--types", "v=f64")
    #expect(outcome.status == 0 && outcome.output == "ingested 5 rows into 2 streams (a, b)\n", "\(outcome)")
    #expect(
      try Program.run("export", again, "-o", "-", "--format", "csv").output == String(decoding: text, as: UTF8.self))
  }

  /// What leaves the store is what was written, or is not in it.
  @Test(arguments: ["csv", "jsonl", "mcap"]) func damagedFramesAreNotExported(_ format: String) throws {
    try ingest("t,v\n" + (0..<50).map { "\($0),\(1_000_000 + $0)\n" }.joined(), "--stream", "s", "--compress", "none")
    var bytes = try Data(contentsOf: URL(fileURLWithPath: store))
    let value = Data((0..<8).map { UInt8(truncatingIfNeeded: 1_000_020 >> (8 * $0)) })
    let place = try #require(bytes.range(of: value))
    bytes[place.lowerBound] ^= 0x40
    try bytes.write(to: URL(fileURLWithPath: store))
    let outcome = try Program.run("export", store, "-o", scratch.path("out"), "--format", format)
    #expect(outcome.status == 1 && outcome.errors.contains("1 frame not in it"), "\(outcome)")
    #expect(outcome.output.contains("exported 49 frames"))
    let text = String(decoding: try Data(contentsOf: URL(fileURLWithPath: scratch.path("out"))), as: UTF8.self)
    if format != "mcap" { #expect(!text.contains("\(1_000_020 ^ 0x40)") && text.contains("1000021")) }
  }

  /// A table of fields has no place for what is no record; fields have no names of the table's own columns.
  @Test func whatATableCannotSayIsSaid() throws {
    try ingest("t,key,time\n1,2,3\n", "--stream", "s", "--time-column", "t")
    let layout = try RecordLayout([RecordField("key", .i64, offset: 0), RecordField("time", .i64, offset: 8)])
    let writer = try Store(at: store).writer(for: "s", metadata: layout.metadata)
    try writer.append([1, 2], at: 5_000)
    try writer.close()
    let outcome = try Program.run("export", store, "-o", "-", "--format", "csv", "--raw-times")
    #expect(
      outcome.status == 1 && outcome.errors.contains("1 frame left out: shorter than their layout says"), "\(outcome)")
    #expect(outcome.output == "time,key,flags,fields.key,fields.time\n1000,0,0,2,3\n")
  }

  /// Each pinned stream has a file open.
  @Test func moreStreamsThanFilesAtFirst() throws {
    let opened = try Store.create(at: store, StoreOptions(blockSize: 4096, blockCount: 200))
    for index in 0..<100 { try opened.writer(for: "s\(index)").append([1], at: Int64(index)) }
    try opened.close()
    let outcome = try Program.run(
      ["export", store, "-o", "-", "--format", "csv"],
      through: ["/bin/sh", "-c", #"ulimit -Sn 40 && exec "$0" "$@""#])
    #expect(outcome.status == 0 && outcome.lines.count == 101, "\(outcome.errors)")
  }

  /// The columns are those of the streams, also where the range has no frame.
  @Test func anEmptyTableHasItsColumns() throws {
    try ingest(Self.table, "--stream", "s", "--types", "name=text:16")
    #expect(
      String(decoding: try export("out.csv", "--from", "2030-01-01"), as: UTF8.self) == "time,key,flags,n,value,name\n")
  }

  /// Streams with other fields, and without any, in one table.
  @Test func streamsAreMerged() throws {
    try ingest("t,a\n1,1\n3,3\n", "--stream", "one")
    try ingest("t,b,a\n2,x,2\n", "--stream", "two")
    let raw = try Store(at: store).writer(for: "raw")
    try raw.append(Array("te,xt".utf8), at: 1_500, key: 4, flags: 9)
    try raw.append([0xFF, 0x00], at: 2_500)
    try raw.close()
    let text = String(decoding: try export("out.csv", "--raw-times"), as: UTF8.self)
    #expect(
      text == """
        time,stream,key,flags,a,b,data
        1000,one,0,0,1,,
        1500,raw,4,9,,,"te,xt"
        2000,two,0,0,2,x,
        2500,raw,0,0,,,0xff00
        3000,one,0,0,3,,

        """)
    let lines = String(decoding: try export("out.jsonl"), as: UTF8.self).split(separator: "\n")
    let objects = try lines.map { try JSONSerialization.jsonObject(with: Data($0.utf8)) as! [String: Any] }
    #expect(objects.map { $0["stream"] as? String } == ["one", "raw", "two", "raw", "one"])
    #expect((objects[2]["fields"] as? [String: Any])?["b"] as? String == "x")
    #expect(try Program.run("export", store, "-o", "-", "--format", "jsonl").lines == lines.map(String.init))
  }

  /// The records of an MCAP file at its outermost level: opcode, place and content.
  private func records(_ file: Data) throws -> [(opcode: UInt8, place: Int, content: Data)] {
    let magic = Data([0x89]) + Data("MCAP0\r\n".utf8)
    try #require(file.starts(with: magic) && file.suffix(8) == magic)
    var records: [(UInt8, Int, Data)] = []
    var place = 8
    while place < file.count - 8 {
      let length = Int(number(file, at: place + 1))
      records.append((file[place], place, file.subdata(in: (place + 9)..<(place + 9 + length))))
      place += 9 + length
    }
    try #require(place == file.count - 8)
    return records
  }

  private func number(_ data: Data, at offset: Int, bytes: Int = 8) -> UInt64 {
    (0..<bytes).reversed().reduce(0) { $0 << 8 | UInt64(data[data.startIndex + offset + $1]) }
  }

  @Test func mcapHasAChannelForEachStream() throws {
    try ingest("t,v\n" + (1...30_000).map { "\($0),\($0).5\n" }.joined(), "--stream", "one", "--units", "v=g")
    try ingest("t,v\n7,1\n", "--stream", "two")
    let file = try export("out.mcap")
    let records = try records(file)
    #expect(records.first?.opcode == 1 && records.last?.opcode == 2)
    let chunks = records.filter { $0.opcode == 6 }
    #expect(chunks.count > 1)
    let statistics = try #require(records.first { $0.opcode == 0x0B }).content
    #expect(number(statistics, at: 0) == 30_001)
    // 2 schemas, 2 channels, all chunks, and the first and the last time.
    #expect(number(statistics, at: 8, bytes: 2) == 2 && number(statistics, at: 10, bytes: 4) == 2)
    #expect(number(statistics, at: 22, bytes: 4) == UInt64(chunks.count))
    #expect(number(statistics, at: 26) == 1_000_000_000 && number(statistics, at: 34) == 30_000_000_000_000)
    // Each chunk is where its index says, and lies between the times that it says.
    let indexes = records.filter { $0.opcode == 8 }.map(\.content)
    #expect(indexes.map { Int(number($0, at: 16)) } == chunks.map(\.place))
    for (index, chunk) in zip(indexes, chunks) {
      #expect(
        number(index, at: 0) == number(chunk.content, at: 0) && number(index, at: 8) == number(chunk.content, at: 8))
    }
    // The summary begins where the footer says, with the schemas.
    let footer = try #require(records.last).content
    let summary = try #require(records.first { $0.place == Int(number(footer, at: 0)) })
    #expect(summary.opcode == 3 && String(decoding: summary.content, as: UTF8.self).contains(#""unit":"g""#))
  }

  @Test func timesBefore1970AreNotMCAPs() throws {
    try ingest("t,v\n-1,2\n1,3\n", "--stream", "s")
    let outcome = try Program.run("export", store, "-o", scratch.path("out.mcap"))
    #expect(outcome.status == 1 && outcome.errors.contains("--from leaves it out"))
    // Neither the file nor a part of it is left.
    #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.url.path).filter { $0.contains("mcap") } == [])
    #expect(try records(try export("out.mcap", "--from", "0")).contains { $0.opcode == 6 })
  }

  @Test func whatIsInTheWayIsSaid() throws {
    try ingest("t,v\n1,2\n", "--stream", "s")
    let there = try scratch.file("there.csv", Data("mine".utf8))
    let part = try scratch.file("out.csv.part", Data("also mine".utf8))
    _ = try export("out.csv")
    #expect(try String(contentsOfFile: part, encoding: .utf8) == "also mine")
    for (options, says) in [
      (["-o", there], "exists already"), (["-o", scratch.path("x.txt")], "--format says"),
      (["-o", scratch.path("x.parquet")], "nanots.export"), (["-o", scratch.path("no/x.csv")], "cannot write"),
      (["absent", "-o", scratch.path("x.csv")], "no stream 'absent'"),
    ] {
      let outcome = try Program.run(["export", store] + options)
      #expect(outcome.status == 1 && outcome.errors.contains(says), "\(options): \(outcome.errors)")
    }
    #expect(try String(contentsOfFile: there, encoding: .utf8) == "mine")
  }

  /// Real recordings, in and out: values and times are those of the file.
  @Test(
    .enabled(
      if: FileManager.default.fileExists(atPath: Recordings.path("imu_xio_100hz.csv")), "the recordings are not here"),
    arguments: ["imu_xio_100hz.csv", "machine_temperature_5min.csv"])
  func recordingsComeBack(_ name: String) throws {
    let outcome = try Program.run("ingest", store, Recordings.path(name), "--out-of-order", "sort", "--stream", "s")
    try #require(outcome.status == 0)
    let exported = String(decoding: try export("out.csv", "--raw-times"), as: UTF8.self).split(separator: "\n")
      .dropFirst()
    let original = try String(contentsOfFile: Recordings.path(name), encoding: .utf8).split(separator: "\n").dropFirst()
    #expect(exported.count == original.count)
    func row(_ cells: ArraySlice<Substring>) -> [Double?] { cells.map { Double($0) } }
    let found = exported.map { line in
      let cells = line.split(separator: ",")
      return (Int64(cells[0])!, row(cells[3...]))
    }
    let wanted = original.map { line -> (Int64, [Double?]) in
      let cells = line.split(separator: ",")
      let seconds = Double(cells[0]).map { Int64(($0 * 1e9).rounded()) }
      return (
        seconds ?? ISO8601Text.instant(String(cells[0].replacing(" ", with: "T"))).map { $0.seconds * 1_000_000_000 }!,
        row(cells[1...])
      )
    }.enumerated().sorted { ($0.element.0, $0.offset) < ($1.element.0, $1.offset) }.map(\.element)
    #expect(found.elementsEqual(wanted) { $0.0 == $1.0 && $0.1 == $1.1 })
  }
}

/// Where the recordings lie, beside the checkout.
enum Recordings {
  static func path(_ name: String) -> String {
    URL(fileURLWithPath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("shared/data/\(name)").path
  }
}
