import Testing

@testable import NanoTS

/// Fields that no writer stores, under checksums that are right: an error or a store that is clean, never a crash.
@Suite struct RecoveryHostileTests {
  private static let entrySize = 24

  /// Puts a value that is likely to hurt at `offset`.
  private func mutate(_ bytes: inout [UInt8], _ offset: Int, _ size: Int, _ random: inout SeededGenerator) {
    let values: [UInt64] = [
      0, 1, 2, 23, 95, 96, 97, 4095, 4096, 4097, 1 << 30, 1 << 31, 1 << 32, 1 << 62, 1 << 63, .max, .max - 1, .max / 2,
      random.next(), random.next() & 0xFFFF, UInt64.random(in: 0..<40, using: &random),
    ]
    let old: UInt64 = StoreBytes.load(bytes, at: offset, as: UInt64.self)
    let value =
      random.oneIn(3) ? old &+ [1, .max][Int.random(in: 0...1, using: &random)] : values.randomElement(using: &random)!
    bytes.replaceSubrange(offset..<offset + size, with: StoreBytes.little(value).prefix(size))
  }

  private func word(_ bytes: [UInt8], _ offset: Int) -> Int { Int(StoreBytes.load(bytes, at: offset, as: UInt32.self)) }

  private func fixPreamble(_ bytes: inout [UInt8], _ start: Int) {
    let (name, metadata) = (word(bytes, start + 72), word(bytes, start + 76))
    guard name <= 4096, metadata <= 8192, start + 96 + name + metadata <= bytes.count else { return }
    let covered = Array(bytes[start..<start + 92]) + Array(bytes[(start + 96)..<(start + 96 + name + metadata)])
    bytes.replaceSubrange(start + 92..<start + 96, with: StoreBytes.little(StoreBytes.crc32c(covered)))
  }

  private func fixHeader(_ bytes: inout [UInt8], _ start: Int) {
    func part(_ range: Range<Int>) -> [UInt8] { Array(bytes[start + range.lowerBound..<start + range.upperBound]) }
    let identity = StoreBytes.crc32c(part(0..<8) + part(32..<56) + part(64..<72) + part(28..<32) + part(56..<60))
    bytes.replaceSubrange(start + 60..<start + 64, with: StoreBytes.little(identity))
    let seal = StoreBytes.crc32c(part(0..<16) + part(72..<104) + part(116..<120) + [0, 0, 0, 0])
    bytes.replaceSubrange(start + 112..<start + 116, with: StoreBytes.little(seal))
  }

  private func fixEntry(_ bytes: inout [UInt8], _ start: Int, _ entry: Int) {
    let (offset, length) = (word(bytes, entry + 8), word(bytes, entry + 12) & 0x3FFF_FFFF)
    guard offset + length <= 4096 else { return }
    let payload = Array(bytes[start + offset..<start + offset + length])
    let covered =
      Array(bytes[start + 8..<start + 16]) + Array(bytes[entry..<entry + 8]) + StoreBytes.little(Int64(0))
      + Array(bytes[entry + 8..<entry + 16]) + Array(bytes[entry + 20..<entry + 24]) + payload
    bytes.replaceSubrange(entry + 16..<entry + 20, with: StoreBytes.little(StoreBytes.crc32c(covered)))
  }

  @Test func fieldsThatNoWriterStores() throws {
    let seed = TestSeed.next()
    var random = SeededGenerator(seed: seed)
    let source = try RecoverySource()
    let layout = source.layout
    for round in 0..<150 {
      var damaged = source.bytes
      if random.oneIn(3) { damaged.replaceSubrange(0..<4096, with: Array(repeating: 0, count: 4096)) }
      for _ in 0..<Int.random(in: 1...12, using: &random) {
        let block = source.blocks.randomElement(using: &random)!.index
        let start = source.body(block).lowerBound
        let header = layout.blockTableOffset + block * 128
        switch Int.random(in: 0..<5, using: &random) {
        case 0:
          mutate(&damaged, start + [8, 32, 40, 48, 56, 64, 68, 70, 72, 76].randomElement(using: &random)!, 4, &random)
          fixPreamble(&damaged, start)
        case 1:
          mutate(&damaged, start + [8, 32, 40, 48, 56, 96].randomElement(using: &random)!, 8, &random)
          fixPreamble(&damaged, start)
        case 2:
          mutate(&damaged, header + Int.random(in: 0..<15, using: &random) * 8, 8, &random)
          fixHeader(&damaged, header)
        case 3:
          let slot = Int.random(in: 0..<8, using: &random)
          let entry = start + 4096 - (slot + 1) * Self.entrySize
          mutate(&damaged, entry + [0, 8, 12].randomElement(using: &random)!, random.oneIn(2) ? 4 : 8, &random)
          fixEntry(&damaged, start, entry)
        default:
          let slot = layout.streamTableOffset + Int.random(in: 0..<4, using: &random) * 512
          mutate(&damaged, slot + Int.random(in: 4..<18, using: &random) * 8, 8, &random)
        }
      }
      let what = "NANOTS_TEST_SEED=\(seed), round \(round)"
      let input = source.directory.path("hostile.nts")
      try StoreBytes.write(damaged, to: input)
      do throws(NanoTSError) {
        _ = try Store.recover(input, to: source.output, RecoveryOptions(replacing: true))
      } catch {
        #expect(!error.message.contains("did not come out"), "\(what): \(error)")
        continue
      }
      let store = try Store(at: source.output)
      #expect(try store.verify().findings.map(\.description) == [], "\(what)")
      for name in try store.streams() { _ = try store.contents(of: name) }
      try store.close()
      // The hostile file itself is verified without harm as well, where it can be opened.
      if let hostile = try? Store(at: input, .readOnly) { _ = try hostile.verify() }
    }
  }

  /// A preamble in each page that claims a text of many pages, and an index of frames that all have the same payload.
  @Test func workIsBounded() throws {
    let directory = try TemporaryDirectory()
    var bytes = Array(repeating: UInt8(0), count: 8 << 20)
    for page in stride(from: 65_536, to: bytes.count, by: 4096) {
      bytes.replaceSubrange(page..<page + 8, with: Array("NTSBLOCK".utf8))
      bytes.replaceSubrange(page + 64..<page + 68, with: StoreBytes.little(UInt32(1 << 24)))
      bytes.replaceSubrange(page + 76..<page + 80, with: StoreBytes.little(UInt32(1 << 22)))
    }
    try StoreBytes.write(bytes, to: directory.path("preambles"))
    expectError(.notAStore) { try Store.recover(directory.path("preambles"), to: directory.path("out")) }

    let store = try Store.create(
      at: directory.path("index.nts"), StoreOptions(blockSize: 1 << 20, blockCount: 1, streamCapacity: 1))
    let writer = try store.writer(for: "s")
    try writer.append(Array(repeating: 1, count: 1000), at: 1)
    try writer.close()
    try store.close()
    bytes = try StoreBytes.read(store.path)
    let entry =
      StoreBytes.little(Int64(2)) + StoreBytes.little(UInt32(1136)) + StoreBytes.little(UInt32(400_000))
      + StoreBytes.little(UInt64(7))
    for slot in 1..<20_000 {
      let place = bytes.count - (slot + 1) * 24
      bytes.replaceSubrange(place..<place + 24, with: entry)
    }
    // Nothing says how many frames there are.
    bytes.replaceSubrange(0..<65_536, with: Array(repeating: 0, count: 65_536))
    try StoreBytes.write(bytes, to: directory.path("index"))
    let report = try Store.recover(directory.path("index"), to: directory.path("out"))
    #expect(report.frames == 1)
  }
}
