import Foundation
import Testing

struct VerifyTests {
  /// A store with one frame of text that is found nowhere else in the file.
  private func makeStore(_ scratch: Scratch) throws -> (path: String, payload: String) {
    let store = try scratch.store("--compress", "none")
    let payload = "payload-\(UUID().uuidString)"
    try #require(try Program.run("append", store, "s", input: "first\n\(payload)\nlast\n").status == 0)
    return (store, payload)
  }

  @Test func aWholeStoreIsClean() throws {
    let scratch = try Scratch()
    let (store, _) = try makeStore(scratch)
    let outcome = try Program.run("verify", store)
    #expect(outcome.status == 0)
    #expect(outcome.output.hasPrefix("clean: "))
    #expect(outcome.output.contains("3 frames"))
    let report = try #require(try Program.run("verify", store, "--json").json() as? [String: Any])
    #expect(report["isClean"] as? Bool == true)
    #expect(report["checkedFrames"] as? Int == 3)
    #expect((report["findings"] as? [Any])?.isEmpty == true)
  }

  @Test func aChangedByteIsFoundAndNamed() throws {
    let scratch = try Scratch()
    let (store, payload) = try makeStore(scratch)
    let url = URL(fileURLWithPath: store)
    var bytes = try Data(contentsOf: url)
    let place = try #require(bytes.range(of: Data(payload.utf8)))
    bytes[place.lowerBound + 3] ^= 0x20
    try bytes.write(to: url)
    let outcome = try Program.run("verify", store)
    #expect(outcome.status == 1)
    #expect(outcome.output.contains("damaged: 1 finding"))
    let json = try Program.run("verify", store, "--json")
    #expect(json.status == 1)
    let report = try #require(try json.json() as? [String: Any])
    let finding = try #require((report["findings"] as? [[String: Any]])?.first)
    #expect(finding["stream"] as? String == "s")
    #expect(finding["block"] as? Int != nil)
    #expect(finding["ordinal"] as? Int == 1)
  }
}
