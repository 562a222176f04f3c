import Testing

@testable import NanoTSCommand

struct LayoutTests {
  private func bytes(_ words: UInt64...) -> [UInt8] {
    words.flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) } }
  }

  private func makeReader(_ layout: String) -> FieldReader? {
    FieldReader(metadata: #"{"byteOrder":"little","source":"test","rateHz":1,"layout":\#(layout)}"#)
  }

  @Test func readsFieldsByName() throws {
    let reader = try #require(
      makeReader(
        #"[{"name":"a","type":"u64","unit":"count","offset":8},{"name":"b","type":"f64","unit":"s","offset":0}]"#))
    let fields = try #require(reader.fields(of: bytes((2.5).bitPattern, 0x0102_0304_0506_0708)))
    #expect(fields.map(\.name) == ["a", "b"])
    #expect(fields.map(\.value) == [.integer(0x0102_0304_0506_0708), .real(2.5)])
  }

  @Test func repeatsGroups() throws {
    let fields = #"[{"name":"x","type":"u64","unit":"count","offset":0}]"#
    let numbered = try #require(
      makeReader(#"[{"name":"cpu","count":2,"stride":8,"offset":8,"fields":\#(fields)}]"#))
    #expect(numbered.fields(of: bytes(9, 1, 2))?.map(\.name) == ["cpu0.x", "cpu1.x"])
    #expect(numbered.fields(of: bytes(9, 1, 2))?.map(\.value) == [.integer(1), .integer(2)])
    let labelled = try #require(
      makeReader(#"[{"name":"if","count":2,"stride":8,"offset":0,"labels":["lo","eth0"],"fields":\#(fields)}]"#))
    #expect(labelled.fields(of: bytes(1, 2))?.map(\.name) == ["lo.x", "eth0.x"])
  }

  @Test func aShortRecordHasNoFields() throws {
    let reader = try #require(makeReader(#"[{"name":"a","type":"u64","unit":"count","offset":0}]"#))
    #expect(reader.fields(of: [1, 2, 3]) == nil)
  }

  /// Metadata is whatever is in the file.
  @Test(arguments: [
    "", "plain words", "{", "{}", "[]", "null", #"{"layout":5}"#,
    #"{"byteOrder":"big","source":"","rateHz":1,"layout":[{"name":"a","type":"u64","unit":"","offset":0}]}"#,
  ])
  func otherMetadataIsNoLayout(_ metadata: String) {
    #expect(FieldReader(metadata: metadata) == nil)
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

  @Test func writtenLayoutsComeBack() throws {
    let layout = RecordLayout(
      source: "/proc/stat", rateHz: 1_000, ticksPerSecond: 100,
      layout: [
        .field(.init(name: "a", type: .u64, unit: "count", offset: 0)),
        .group(
          .init(
            name: "cpu", count: 2, stride: 8, offset: 8, labels: nil,
            fields: [.init(name: "user", type: .f64, unit: "ticks", offset: 0)])),
      ])
    #expect(RecordLayout(metadata: try layout.metadata()) == layout)
  }
}
