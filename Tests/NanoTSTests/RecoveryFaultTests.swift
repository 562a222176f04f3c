import CNanoTS
import Testing

@testable import NanoTS

/// Recovery from a disk that does not give every page, and with system calls that fail.
@Suite struct RecoveryFaultTests {
  /// Decides what happens to the system calls of this thread.
  private final class Faults {
    struct Call {
      let kind: nts_call
      let offset: Int
      let length: Int
    }

    /// The call's result if it is to fail, or how much is read at most, or 0.
    var decide: (Call) -> Int32 = { _ in 0 }

    /// Runs `body` with every call going by `decide`, which must not use the engine.
    func during<R, E: Error>(_ body: () throws(E) -> R) throws(E) -> R {
      // The context is this object, which outlives the calls; the engine starts no thread meanwhile.
      unsafe nts_interpose(
        { context, request in
          let request = unsafe request!.pointee
          guard unsafe request.is_done == 0 else { return 0 }
          let call = unsafe Call(
            kind: request.call, offset: Int(clamping: request.offset), length: Int(clamping: request.length))
          return unsafe Unmanaged<Faults>.fromOpaque(context!).takeUnretainedValue().decide(call)
        }, Unmanaged.passUnretained(self).toOpaque())
      defer {
        nts_interpose(nil, nil)
        withExtendedLifetime(self) {}
      }
      return try body()
    }
  }

  private static let ioError: Int32 = -5

  @Test func pagesThatTheDiskDoesNotGiveCountAsZeros() throws {
    let source = try RecoverySource()
    let bad = source.blocks.filter { $0.stream == "plain" }[2]
    let range = source.body(bad.index)
    let faults = Faults()
    faults.decide = { call in
      let isHit = call.offset < range.upperBound && call.offset + call.length > range.lowerBound + 100
      return call.kind == NTS_CALL_READ && isHit ? Self.ioError : 0
    }
    let report = try faults.during { try Store.recover(source.path, to: source.output) }
    #expect(report.notes.contains { $0.contains("the disk did not give") }, "\(report.notes)")
    let expected = source.content["plain"]!.frames.filter { !bad.ordinals.contains($0.ordinal) }
    let store = try Store(at: source.output, .readOnly)
    #expect(try store.contents(of: "plain") == expected)
    #expect(try store.content()["keyed ü"] == source.content["keyed ü"])
    let loss = try #require(report.losses.first)
    #expect(report.losses.count == 1 && loss.stream == "plain" && loss.block == bad.index)
    #expect(loss.ordinals == bad.ordinals.lowerBound...(bad.ordinals.upperBound - 1))
  }

  @Test func readsThatGiveLessThanWasAskedForAreGoneOnWith() throws {
    let source = try RecoverySource()
    let faults = Faults()
    faults.decide = { $0.kind == NTS_CALL_READ ? 700 : 0 }
    let report = try faults.during { try Store.recover(source.path, to: source.output) }
    #expect(report.isWhole && report.notes == [])
    #expect(try Store(at: source.output, .readOnly).content() == source.content)
  }

  /// Each call, of the many reads every seventh, fails once: an error and no file, or a store that is clean.
  @Test func everySystemCallFailsOnce() throws {
    let source = try RecoverySource()
    let faults = Faults()
    var (count, failing, failed) = (0, Int.max, NTS_CALL_COUNT)
    var kinds: [nts_call] = []
    faults.decide = { call in
      count += 1
      if failing == .max { kinds.append(call.kind) }
      guard count == failing else { return 0 }
      failed = call.kind
      return Self.ioError
    }
    _ = try faults.during { try Store.recover(source.path, to: source.output) }
    #expect(kinds.count > 50)
    for number in 1...kinds.count where kinds[number - 1] != NTS_CALL_READ || number % 7 == 0 {
      try source.directory.remove("recovered.nts")
      (count, failing) = (0, number)
      do throws(NanoTSError) {
        _ = try faults.during { () throws(NanoTSError) in try Store.recover(source.path, to: source.output) }
        #expect(try Store(at: source.output, .readOnly).verify().isClean, "call \(number)")
      } catch {
        // A name that cannot be looked at counts as taken.
        #expect([.ioFailure, .corrupt, .alreadyExists].contains(error.code), "call \(number): \(error)")
        #expect(error.message.contains(".nts"), "call \(number): \(error)")
        #expect(try source.directory.contents() == ["source.nts"], "call \(number) of kind \(failed.rawValue)")
        try StoreBytes.write([], to: source.output)
      }
      #expect(try StoreBytes.read(source.path) == source.bytes, "call \(number)")
    }
  }
}
