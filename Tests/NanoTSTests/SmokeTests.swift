import NanoTS
import Testing

@Suite struct SmokeTests {
  @Test func framesComeBack() throws {
    let path = "/tmp/smoke-\(UInt64.random(in: 0...UInt64.max)).nts"
    let store = try Store.create(at: path, StoreOptions(blockSize: 4096, blockCount: 8))
    let writer = try store.writer(for: "a", metadata: "hello")
    for i in 0..<1000 { try writer.append(value: Int64(i), at: Int64(i)) }
    var n = 0
    for frame in try store.frames(of: "a") {
      #expect(try frame.load(as: Int64.self) == frame.timestamp)
      #expect(try frame.metadata() == "hello")
      n += 1
    }
    print(n)
    try writer.close()
    let report = try store.verify()
    for finding in report.findings { print(finding) }
    #expect(report.isClean)
    print(try store.statistics())
    print(try store.frameCount(of: "a", in: 900...909))
    print(try store.segments(of: "a"), try store.contiguousRuns(of: "a"))
    var reversed = 0
    for frame in try store.frames(of: "a").reversed() { #expect(frame.timestamp == Int64(999 - reversed)); reversed += 1 }
    #expect(reversed == n)
  }
}
