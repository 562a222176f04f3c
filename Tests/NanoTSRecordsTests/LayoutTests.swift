import NanoTS
import Testing

@testable import NanoTSRecords

/// Layouts as they are stored, and records read by them.
@Suite struct LayoutTests {
  private func bytes(_ words: UInt64...) -> [UInt8] {
    words.flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) } }
  }

  private func makeReader(_ layout: String) -> RecordLayout? {
    RecordLayout(metadata: #"{"byteOrder":"little","source":"test","rateHz":1,"layout":\#(layout)}"#)
  }

  private func values(_ layout: RecordLayout, _ record: [UInt8]) -> [(name: String, value: FieldValue?)] {
    unsafe record.withUnsafeBytes { bytes in layout.fields.map { unsafe ($0.name, $0.value(in: bytes)) } }
  }

  @Test func readsFieldsByName() throws {
    let reader = try #require(
      makeReader(
        #"[{"name":"a","type":"u64","unit":"count","offset":8},{"name":"b","type":"f64","unit":"s","offset":0}]"#))
    let fields = values(reader, bytes((2.5).bitPattern, 0x0102_0304_0506_0708))
    #expect(fields.map(\.name) == ["a", "b"])
    #expect(fields.map(\.value) == [.unsigned(0x0102_0304_0506_0708), .real(2.5)])
  }

  @Test func repeatsGroups() throws {
    let fields = #"[{"name":"x","type":"u64","unit":"count","offset":0}]"#
    let numbered = try #require(
      makeReader(#"[{"name":"cpu","count":2,"stride":8,"offset":8,"fields":\#(fields)}]"#))
    #expect(values(numbered, bytes(9, 1, 2)).map(\.name) == ["cpu0.x", "cpu1.x"])
    #expect(values(numbered, bytes(9, 1, 2)).map(\.value) == [.unsigned(1), .unsigned(2)])
    let labelled = try #require(
      makeReader(#"[{"name":"if","count":2,"stride":8,"offset":0,"labels":["lo","eth0"],"fields":\#(fields)}]"#))
    #expect(values(labelled, bytes(1, 2)).map(\.name) == ["lo.x", "eth0.x"])
  }

  @Test func aShortRecordHasNoFields() throws {
    let reader = try #require(makeReader(#"[{"name":"a","type":"u64","unit":"count","offset":0}]"#))
    #expect(unsafe ([1, 2, 3] as [UInt8]).withUnsafeBytes { unsafe reader.fields[0].value(in: $0) } == nil)
  }

  /// Metadata is whatever is in the file.
  @Test(arguments: [
    "", "plain words", "{", "{}", "[]", "null", #"{"layout":5}"#,
    #"{"byteOrder":"big","source":"","rateHz":1,"layout":[{"name":"a","type":"u64","unit":"","offset":0}]}"#,
  ])
  func otherMetadataIsNoLayout(_ metadata: String) {
    #expect(RecordLayout(metadata: metadata) == nil)
  }

  @Test(arguments: [
    #"{"name":"a","type":"u64","unit":"","offset":-1}"#,
    #"{"name":"a","type":"u64","unit":"","offset":9223372036854775807}"#,
    #"{"name":"a","type":"u128","unit":"","offset":0}"#,
    #"{"name":"g","count":-1,"stride":8,"offset":0,"fields":[]}"#,
    #"{"name":"g","count":9223372036854775807,"stride":8,"offset":0,"fields":[]}"#,
    #"{"name":"g","count":3,"stride":9223372036854775807,"offset":0,"fields":[{"name":"a","type":"u64","unit":"","offset":0}]}"#,
    #"{"name":"g","count":2,"stride":8,"offset":0,"labels":["one"],"fields":[{"name":"a","type":"u64","unit":"","offset":0}]}"#,
    #"{"name":"g","count":65537,"stride":0,"offset":0,"fields":[{"name":"a","type":"u64","unit":"","offset":0}]}"#,
  ])
  func hostileLayoutsAreRefused(_ item: String) {
    #expect(makeReader("[\(item)]") == nil)
  }

  /// A long name may not be copied into thousands of fields.
  @Test func longNamesOfManyFieldsAreRefused() {
    let fields = #"[{"name":"x","type":"u8","offset":0}]"#
    func group(_ letters: Int) -> RecordLayout? {
      let name = String(repeating: "a", count: letters)
      return makeReader(#"[{"name":"\#(name)","count":10000,"stride":1,"offset":0,"fields":\#(fields)}]"#)
    }
    #expect(group(1_000)?.fields.count == 10_000)
    #expect(group(10_000) == nil)
  }

  @Test func writtenGroupsComeBack() {
    let document = LayoutDocument(
      source: "/proc/stat", rateHz: 1_000, ticksPerSecond: 100,
      layout: [
        .field(.init(name: "a", type: "u64", unit: "count", offset: 0)),
        .group(
          .init(
            name: "cpu", count: 2, stride: 8, offset: 8, labels: nil,
            fields: [.init(name: "user", type: "f64", unit: "ticks", offset: 0)])),
      ])
    #expect(LayoutDocument(metadata: document.metadata) == document)
  }

  /// What RecordLayouts.md says of odd texts. Tests/nanots-python/test_layout.py has the same cases.
  private static let oddTexts: [(text: String, isLayout: Bool)] = {
    let field = #"{"name":"a","type":"u8","offset":0}"#
    let rest = #""byteOrder":"little","layout":[\#(field)]"#
    func fields(_ text: String) -> String { #"{"byteOrder":"little","layout":[\#(text)]}"# }
    func numbered(_ offset: String) -> String { fields(#"{"name":"a","type":"u8","offset":\#(offset)}"#) }
    func labelled(_ label: String) -> String {
      fields(#"{"name":"g","count":1,"stride":1,"offset":0,"labels":["\#(label)"],"fields":[\#(field)]}"#)
    }
    func lists(_ depth: Int) -> String {
      String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
    }
    func objects(_ depth: Int) -> String {
      String(repeating: #"{"x":"#, count: depth) + "1" + String(repeating: "}", count: depth)
    }
    func zeros(_ count: Int) -> String { String(repeating: "0", count: count) }
    let nines = String(repeating: "9", count: 5_000)
    return [
      ("{\(rest)}", true),
      // A key that is there twice.
      (#"{"byteOrder":"little","byteOrder":"big","layout":[\#(field)]}"#, true),
      (#"{"byteOrder":"big","byteOrder":"little","layout":[\#(field)]}"#, false),
      (#"{"byteOrder":"little","byteOrde\u0072":"big","layout":[\#(field)]}"#, true),
      (#"{"byteOrde\u0072":"big","byteOrder":"little","layout":[\#(field)]}"#, false),
      (#"{"layout":[\#(field)],"layout":[],\#(rest)}"#, true), (#"{"layout":[],\#(rest)}"#, false),
      (#"{"byteCount":null,"byteCount":0,\#(rest)}"#, true), (#"{"byteCount":0,"byteCount":null,\#(rest)}"#, false),
      (fields(#"{"name":"a","type":"u8","offset":0,"offset":-1}"#), true),
      (fields(#"{"name":"a","type":"u8","offset":-1,"offset":0}"#), false),
      (#"{"more":1,"more":2,\#(rest)}"#, true),
      // Depth.
      (#"{"more":\#(lists(511)),\#(rest)}"#, true), (#"{"more":\#(lists(512)),\#(rest)}"#, false),
      (#"{"more":\#(objects(511)),\#(rest)}"#, true), (#"{"more":\#(objects(512)),\#(rest)}"#, false),
      (#"{"more":1,"more":\#(lists(100_000)),\#(rest)}"#, false),
      (#"{"more":"\"\#(lists(600).prefix(600))\\","other":\#(lists(511)),\#(rest)}"#, true),
      (#"{"more":"\"\#(lists(600).suffix(600))\\","other":\#(lists(512)),\#(rest)}"#, false),
      // Digits.
      (#"{"more":\#(nines),\#(rest)}"#, true), (#"{"more":-\#(nines),\#(rest)}"#, true),
      (#"{"rateHz":\#(nines),\#(rest)}"#, false), (#"{"byteCount":\#(nines),\#(rest)}"#, false),
      (#"{"ticksPerSecond":-\#(nines),\#(rest)}"#, false), (#"{"rateHz":1\#(zeros(300)),\#(rest)}"#, true),
      (#"{"rateHz":1\#(zeros(400)),\#(rest)}"#, false), (#"{"rateHz":1e999,\#(rest)}"#, false),
      (numbered(nines), false), (numbered("1" + zeros(30)), false), (numbered("9223372036854775808"), false),
      (numbered("1." + zeros(5_000)), true), (numbered("1e1"), true), (numbered("1e19"), false),
      (numbered("0.5"), false),
      (numbered("-0"), true), (numbered("01"), false), (numbered("NaN"), false),
      // Surrogates.
      (#"{"source":"\ud83d\ude00",\#(rest)}"#, true), (#"{"source":"\ud83d",\#(rest)}"#, false),
      (#"{"\ud83d\ude00":1,\#(rest)}"#, true), (#"{"\ud83d":1,\#(rest)}"#, false),
      (#"{"more":"\ud83d",\#(rest)}"#, true),
      (fields(#"{"name":"a","type":"u8","offset":0,"\ude00":1}"#), false), (labelled(#"\ud83d\ude00"#), true),
      (labelled(#"\ud83d"#), false), (labelled(#"\ude00\ud83d"#), false),
      // What is around it.
      ("{\(rest)} \n\t\r", true), (" {\(rest)}", false), ("{\(rest)} x", false), ("{\(rest)}{}", false),
      ("\u{FEFF}{\(rest)}", false),
    ]
  }()

  @Test func oddTextsAreJudgedAsInPython() {
    for (text, isLayout) in Self.oddTexts {
      #expect((RecordLayout(metadata: text) != nil) == isLayout, "\(text.prefix(200))")
    }
  }

  private static let types: [FieldType] = [
    .i8, .i16, .i32, .i64, .u8, .u16, .u32, .u64, .f32, .f64, .bool, .text(byteCount: 5),
  ]

  @Test func everyTypeComesBack() throws {
    var offset = 0
    let fields = Self.types.map { type in
      defer { offset += type.byteCount }
      return RecordField("\(type) \"µ\"\n", type, unit: offset == 0 ? "" : "m/s²", offset: offset)
    }
    let layout = try RecordLayout(fields, byteCount: offset + 3)
    #expect(RecordLayout(metadata: layout.metadata) == layout)
    #expect(StreamContent(metadata: layout.metadata) == .record(layout))
  }

  @Test func everyTypeIsReadAsItLies() throws {
    let bytes: [UInt8] = [0xFE, 0xFD, 0xFF, 0xFC, 0xFF, 0xFF, 0xFF, 0x00, 0x00, 0x80, 0x3F, 2, 0xC3, 0xBC, 0, 9, 9]
    let layout = try RecordLayout([
      RecordField("i8", .i8, offset: 0), RecordField("u8", .u8, offset: 0), RecordField("i16", .i16, offset: 1),
      RecordField("u16", .u16, offset: 1), RecordField("i32", .i32, offset: 3), RecordField("u32", .u32, offset: 3),
      RecordField("f32", .f32, offset: 7), RecordField("bool", .bool, offset: 11),
      RecordField("text", .text(byteCount: 5), offset: 12), RecordField("i64", .i64, offset: 0),
    ])
    #expect(
      values(layout, bytes).map(\.value) == [
        .integer(-2), .unsigned(254), .integer(-3), .unsigned(0xFFFD), .integer(-4), .unsigned(0xFFFF_FFFC), .single(1),
        .boolean(true), .text("ü"), .integer(0x00FF_FFFF_FCFF_FDFE),
      ])
  }

  /// What cannot be: each is told with the field.
  @Test func wrongLayoutsAreRefused() {
    for fields in [
      [], [RecordField("a", .i8, offset: 0), RecordField("a", .i8, offset: 1)], [RecordField("a", .i64, offset: -8)],
      [RecordField("a", .text(byteCount: 0), offset: 0)], [RecordField("a", .i64, offset: .max - 3)],
      [RecordField("a", .i64, offset: 9)],
    ] {
      #expect { try RecordLayout(fields, byteCount: 16) } throws: { error in
        let error = error as? NanoTSError
        return error?.code == .invalidArgument && (fields.isEmpty || error!.message.contains("'a'"))
      }
    }
  }

  @Test(arguments: [StreamContent.json, .text, .media("image/jpeg"), .media(#"a/"b"\"#)])
  func otherContentComesBack(_ content: StreamContent) {
    #expect(StreamContent(metadata: content.metadata) == content)
  }

  @Test(arguments: ["", "celsius", #"{"content":"other"}"#, #"{"content":5}"#, "{"])
  func otherMetadataIsNoContent(_ metadata: String) {
    #expect(StreamContent(metadata: metadata) == nil)
  }
}
