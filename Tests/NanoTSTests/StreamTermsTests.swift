import Testing

@testable import NanoTS

/// Quota and protected ranges as they lie in a slot: a change is there or it is not, and no bytes do harm.
@Suite struct StreamTermsTests {
  private let directory: TemporaryDirectory
  private let store: Store

  init() throws {
    directory = try TemporaryDirectory()
    store = try directory.store(blocks: 8)
    try store.appendHalfBlocks(0...9, to: "s")
  }

  private var slot: StreamSlot { store.file.slot(0) }

  /// The slot's words from its terms to its name.
  private func words() -> [UInt64] { (15..<40).map { unsafe AtomicUInt64(slot.base, $0 * 8).relaxed } }

  private func write(_ words: [UInt64]) {
    for (index, word) in words.enumerated() { unsafe AtomicUInt64(slot.base, (15 + index) * 8).storeRelaxed(word) }
  }

  private func randomChange(_ terms: StreamTerms, _ random: inout SeededGenerator) -> StreamTerms {
    var changed = terms
    let low = Int64.random(in: 0...200, using: &random)
    let range = low...(low + Int64.random(in: 0...40, using: &random))
    switch Int.random(in: 0..<4, using: &random) {
    case 0:
      changed.quota.minimumBlocks = UInt32.random(in: 0...3, using: &random)
      changed.quota.maximumBlocks = UInt32.random(in: 0...3, using: &random)
      changed.quota.maximumAge = Int64.random(in: 0...3, using: &random)
    case 1, 2: changed.protected.insert(range)
    default: changed.protected.remove(range)
    }
    return changed.protected.ranges.count <= StreamTerms.maximumRangeCount ? changed : terms
  }

  @Test func aChangeThatIsCutShortAnywhereLeavesTheEarlierTerms() throws {
    let seed = TestSeed.next()
    var random = SeededGenerator(seed: seed)
    var terms = StreamTerms()
    for step in 0..<3_000 {
      let changed = randomChange(terms, &random)
      let before = words()
      slot.writeTerms(changed)
      let after = words()
      #expect(slot.readTerms() == changed, "NANOTS_TEST_SEED=\(seed), step \(step)")
      // Any of the entries may have been written, in any order, when the word that puts them in force was not.
      var cut = before
      for index in 1..<before.count where before[index] != after[index] && random.oneIn(2) { cut[index] = after[index] }
      write(cut)
      #expect(slot.readTerms() == terms, "NANOTS_TEST_SEED=\(seed), step \(step)")
      write(after)
      terms = changed
    }
  }

  @Test func anyOtherWordThanTheWritersPutsNothingInForce() throws {
    try store.protect("s", in: 2...3)
    try store.setQuota(StreamQuota(minimumBlocks: 2, maximumAge: 50), of: "s")
    let right = words()
    for bit in 0..<(25 * 64) {
      var wrong = right
      wrong[bit / 64] ^= 1 << UInt64(bit % 64)
      write(wrong)
      // A bit in what is in force for nothing changes nothing.
      let terms = slot.readTerms()
      #expect(terms == nil || terms?.protected.ranges == [2...3])
      if bit < 64 { #expect(terms == nil) }
    }
    var wrong = right
    wrong[0] ^= 1 << 40
    write(wrong)
    #expect(try store.quota(of: "s") == StreamQuota())
    #expect(try store.protectedRanges(of: "s") == [])
    let finding = try #require(try store.verify().findings.first)
    #expect(finding.kind == .stream)
    #expect(finding.stream == "s")
    // A change puts it right.
    try store.protect("s", in: 4...4)
    #expect(try store.protectedRanges(of: "s") == [4...4])
    #expect(try store.verify().isClean)
  }

  /// Terms that no writer stores, with a checksum that is right.
  @Test func hostileTermsDoNoHarm() throws {
    let seed = TestSeed.next()
    var random = SeededGenerator(seed: seed)
    for _ in 0..<400 {
      var words = (0..<25).map { _ in random.oneIn(3) ? UInt64.random(in: 0...9, using: &random) : random.next() }
      let low = random.next() & (random.oneIn(2) ? 0x000F_07FF : 0xFFFF_FFFF)
      words[0] = low | UInt64(checksum(low, words)) << 32
      write(words)
      _ = try store.statistics()
      _ = try store.blocks()
      _ = try store.verify()
      let writer = try store.writer(for: "s", options: WriterOptions(durability: .none))
      let other = try store.writer(for: "t", options: WriterOptions(durability: .none))
      for _ in 0..<6 {
        for writer in [writer, other] {
          try? writer.append(Array(repeating: 1, count: 1800), at: (writer.last?.timestamp ?? 0) + 1)
        }
      }
      try? store.protect("s", in: 5...6)
      try? store.releaseProtection(of: "s", in: 5...5)
      _ = try? store.setQuota(StreamQuota(maximumBlocks: 3), of: "s")
      _ = try? store.free("s", in: 0...100)
    }
    try store.releaseProtection(of: "s")
    try store.setQuota(StreamQuota(), of: "s")
    try store.free(stream: "s")
    try store.appendHalfBlocks(0...15, to: "s")
    #expect(try store.verify().isClean)
  }

  private func checksum(_ low: UInt64, _ words: [UInt64]) -> UInt32 {
    var bytes = StoreBytes.little(slot.identifier.relaxed) + StoreBytes.little(low)
    let quota = Int(low >> 16 & 0xF) - 1
    for entry in 0..<11 where low >> UInt64(entry) & 1 == 1 || entry == quota {
      // Entries begin at byte 144, three words behind the terms.
      bytes += StoreBytes.little(words[3 + entry * 2]) + StoreBytes.little(words[4 + entry * 2])
    }
    return StoreBytes.crc32c(bytes)
  }

  // MARK: Sets of ranges

  @Test func aSetOfRangesAgreesWithASetOfNumbers() {
    let seed = TestSeed.next()
    var random = SeededGenerator(seed: seed)
    for _ in 0..<200 {
      var ranges = IntervalSet<Int8>()
      var numbers: Set<Int8> = []
      for _ in 0..<20 {
        let ends = [Int8.random(in: .min ... .max, using: &random), Int8.random(in: .min ... .max, using: &random)]
        let range = ends.min()!...ends.max()!
        if random.oneIn(2) {
          ranges.insert(range)
          numbers.formUnion(range)
        } else {
          ranges.remove(range)
          numbers.subtract(range)
        }
        #expect(ranges.ranges.flatMap(Array.init) == numbers.sorted(), "NANOTS_TEST_SEED=\(seed)")
        let isApart = zip(ranges.ranges, ranges.ranges.dropFirst())
          .allSatisfy { Int($0.upperBound) + 1 < $1.lowerBound }
        #expect(isApart, "NANOTS_TEST_SEED=\(seed)")
        let low = Int8.random(in: .min ... .max, using: &random)
        let high = Int8.random(in: .min ... .max, using: &random)
        #expect(ranges.overlaps(low, high) == numbers.contains { $0 >= low && $0 <= high }, "NANOTS_TEST_SEED=\(seed)")
      }
    }
  }
}
