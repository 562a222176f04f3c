import Testing

@testable import NanoTS

/// A cursor that compares checksums looks at several frames together: each damaged one is told when the cursor comes to it,
/// whichever way, and at no other time.
@Suite struct VerifyingCursorTests {
  private static let count = 900

  /// Three blocks of frames of up to 300 bytes, and the ordinals of those that were damaged afterwards.
  private func damagedStore(
    in directory: TemporaryDirectory, _ random: inout SeededGenerator
  ) throws -> (Store, Set<Int>) {
    let store = try directory.store(blockSize: 65_536, blocks: 8)
    let writer = try store.writer(for: "s", options: WriterOptions(durability: .none, compression: .off))
    for time in 0..<Self.count {
      try writer.append(random.bytes(.random(in: 1...300, using: &random)), at: Int64(time))
    }
    var damaged: Set<Int> = []
    var cursor = try store.cursor(of: "s")
    while let frame = try cursor.next() {
      guard random.oneIn(40) else { continue }
      damaged.insert(Int(frame.ordinal))
      try unsafe frame.withUnsafeBytes { bytes in
        unsafe UnsafeMutableRawPointer(mutating: bytes.baseAddress!).storeBytes(of: bytes[0] ^ 1, as: UInt8.self)
      }
    }
    #expect(try store.statistics(of: "s")!.blocks > 2)
    try writer.close()
    return (store, damaged)
  }

  @Test func damageIsToldWhenTheCursorComesToIt() throws {
    let seed = TestSeed.next()
    var random = SeededGenerator(seed: seed)
    let (store, damaged) = try damagedStore(in: try TemporaryDirectory(), &random)
    var cursor = try store.cursor(of: "s", options: CursorOptions(verifiesChecksums: true))
    /// The next frame, and whether the cursor stands on the one before.
    var (upcoming, standing) = (0, 0)
    var (told, goesForward) = (0, true)
    for step in 0..<40_000 {
      if random.oneIn(60) { goesForward.toggle() }
      let slot = goesForward ? upcoming : upcoming - 1 - standing
      let expected = (0..<Self.count).contains(slot) ? slot : nil
      let isDamaged = expected.map { damaged.contains($0) } ?? false
      do {
        let frame = try goesForward ? cursor.next() : cursor.previous()
        #expect(frame.map { Int($0.ordinal) } == expected && !isDamaged, "NANOTS_TEST_SEED=\(seed), step \(step)")
        (upcoming, standing) = expected.map { ($0 + 1, 1) } ?? (goesForward ? (Self.count, 0) : (0, 0))
      } catch {
        #expect(
          error.code == .corrupt && error.missedFrames == 1 && isDamaged, "NANOTS_TEST_SEED=\(seed), step \(step)")
        (upcoming, standing) = (slot + (goesForward ? 1 : 0), 0)
        told += 1
      }
      if step % 10_000 == 0 { goesForward = step % 20_000 == 0 }
    }
    #expect(told > 0)
  }
}
