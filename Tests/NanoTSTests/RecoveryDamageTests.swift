import Testing

@testable import NanoTS

/// Recovery of stores with damage anywhere: every frame of intact blocks comes back, and never a wrong one.
@Suite struct RecoveryDamageTests {
  /// Overwrites one tenth of the file's pages, chosen by `random`.
  private func overwritePages(_ bytes: inout [UInt8], _ random: inout SeededGenerator, withZeros: Bool) {
    let pages = bytes.count / 4096
    for page in (0..<pages).shuffled(using: &random).prefix((pages + 9) / 10) {
      bytes.replaceSubrange(
        page * 4096..<(page + 1) * 4096, with: withZeros ? Array(repeating: 0, count: 4096) : random.bytes(4096))
    }
  }

  @Test func anyTenthOfThePagesIsOverwritten() throws {
    let seed = TestSeed.next()
    var random = SeededGenerator(seed: seed)
    let source = try RecoverySource()
    for round in 0..<40 {
      var damaged = source.bytes
      overwritePages(&damaged, &random, withZeros: round % 2 == 0)
      try source.recover(damaged, "NANOTS_TEST_SEED=\(seed), round \(round)")
    }
  }

  /// Blocks of 64 KiB, so that most of a block is left when a page of it is overwritten: frames in whole pages come back.
  @Test func framesInWholePagesOfADamagedBlockComeBack() throws {
    let seed = TestSeed.next()
    var random = SeededGenerator(seed: seed)
    let directory = try TemporaryDirectory()
    let store = try Store.create(
      at: directory.path("wide.nts"), StoreOptions(blockSize: 65_536, blockCount: 20, streamCapacity: 2))
    let writer = try store.writer(for: "s", options: WriterOptions(durability: .none))
    while try store.statistics().freeBlocks > 2 {
      for _ in 0..<50 {
        try writer.append(random.bytes(Int.random(in: 0...300, using: &random)), at: (writer.last?.timestamp ?? 0) + 1)
      }
    }
    try writer.close()
    let content = try store.contents(of: "s")
    let file = store.file
    let bytes = try StoreBytes.read(store.path)
    // Where each frame lies: its payload and its entry.
    var places: [UInt64: (payload: Range<Int>, entry: Range<Int>, block: Int)] = [:]
    for block in 0..<20 {
      guard let values = file.header(block).values(), let body = BlockBody(file, block, values), values.holdsFrames
      else {
        continue
      }
      let start = file.layout.fileSize(blocks: block)
      for slot in 0..<body.count {
        let entry = body.entry(slot)
        let payload = start + Int(entry.offset)
        places[values.firstOrdinal + UInt64(slot)] = (
          payload..<(payload + entry.length), (start + 65_536 - (slot + 1) * 24)..<(start + 65_536 - slot * 24), block
        )
      }
    }
    for round in 0..<8 {
      var damaged = bytes
      overwritePages(&damaged, &random, withZeros: round % 2 == 0)
      let what = "NANOTS_TEST_SEED=\(seed), round \(round)"
      try StoreBytes.write(damaged, to: directory.path("damaged.nts"))
      let report = try Store.recover(
        directory.path("damaged.nts"), to: directory.path("good.nts"), RecoveryOptions(replacing: true))
      let good = try Store(at: directory.path("good.nts"), .readOnly)
      #expect(try good.verify().isClean, "\(what)")
      let found = Dictionary(uniqueKeysWithValues: try good.contents(of: "s").map { ($0.ordinal, $0) })
      let all = Dictionary(uniqueKeysWithValues: content.map { ($0.ordinal, $0) })
      #expect(found.allSatisfy { all[$0.key] == $0.value }, "\(what)")
      // A block whose preamble and header are both gone has nothing to be found by.
      let headerOffset = file.layout.blockTableOffset
      let tableIsWhole = bytes[headerOffset..<headerOffset + 4096] == damaged[headerOffset..<headerOffset + 4096]
      func isIntact(_ ordinal: UInt64, in block: Int) -> Bool {
        guard let place = places[ordinal], place.block == block else { return false }
        return bytes[place.payload] == damaged[place.payload] && bytes[place.entry] == damaged[place.entry]
      }
      for (ordinal, place) in places {
        let first = file.layout.fileSize(blocks: place.block)
        let isKnown = tableIsWhole || bytes[first..<first + 4096] == damaged[first..<first + 4096]
        // Where nothing says how many frames there are, one alone among damaged ones does not count.
        let isAlone = !isIntact(ordinal &- 1, in: place.block) && !isIntact(ordinal + 1, in: place.block)
        guard isKnown, isIntact(ordinal, in: place.block), tableIsWhole || !isAlone else { continue }
        #expect(found[ordinal] != nil, "\(what): frame \(ordinal) in block \(place.block), \(report.notes)")
      }
      // What is missing is told. Without the tables, nobody knows of what came before the oldest block that is found, or
      // behind the newest: it may have been recycled, or never written.
      let missing = Set(all.keys).subtracting(found.keys)
      let (oldest, newest) = try (#require(found.keys.min()), #require(found.keys.max()))
      let told = report.losses.compactMap(\.ordinals)
      #expect(
        missing.allSatisfy { ordinal in
          told.contains { $0.contains(ordinal) } || !tableIsWhole && !(oldest...newest).contains(ordinal)
        }
          || report.losses.contains { $0.ordinals == nil }, "\(what)")
      for loss in report.losses {
        guard let ordinals = loss.ordinals else { continue }
        #expect(loss.stream == "s" && ordinals.allSatisfy { missing.contains($0) }, "\(what): \(loss)")
        let times = ordinals.compactMap { all[$0]?.timestamp }
        #expect(times.allSatisfy { $0 >= loss.from ?? .min && $0 <= loss.to ?? .max }, "\(what): \(loss)")
      }
    }
  }

  @Test func cutOffAtAnyLength() throws {
    let seed = TestSeed.next()
    var random = SeededGenerator(seed: seed)
    let source = try RecoverySource()
    let lengths =
      [1, 7, 8, 100, 4095, 4096, 8192, 12_287, 65_535, 65_536, 65_537, 69_632]
      + (0..<20).map { _ in Int.random(in: 65_536..<source.bytes.count, using: &random) }
    for length in lengths {
      let what = "NANOTS_TEST_SEED=\(seed), \(length) bytes"
      guard let (_, report) = try source.recover(Array(source.bytes.prefix(length)), what) else { continue }
      #expect(report.notes.contains { $0.contains("cut off") }, "\(what): \(report.notes)")
      let lost = source.blocks.filter { source.body($0.index).upperBound > length }
      #expect(report.isWhole == lost.isEmpty, "\(what)")
    }
  }

  /// The table still tells what was in the blocks that were cut off.
  @Test func blocksThatWereCutOffAreToldByStreamAndTime() throws {
    let source = try RecoverySource()
    let half = source.body(12).lowerBound
    let (_, report) = try #require(try source.recover(Array(source.bytes.prefix(half))))
    for block in source.blocks where block.index >= 12 {
      let times = block.ordinals.map { source.history[block.stream]![$0]!.timestamp }
      #expect(
        report.losses.contains {
          $0.stream == block.stream && $0.block == block.index && $0.from == times.first && $0.to == times.last
            && $0.ordinals == block.ordinals.lowerBound...(block.ordinals.upperBound - 1)
            && $0.reason.contains("cut off")
        }, "block \(block.index)")
    }
  }

  /// One bit in the header, the shared words, the slots, the block headers, the preambles: no frame is lost by it, and
  /// none that is gone comes back, unless nothing else said so.
  @Test func oneFlippedBitOutsideTheFramesLosesNothing() throws {
    let seed = TestSeed.next()
    var random = SeededGenerator(seed: seed)
    let source = try RecoverySource()
    let layout = source.layout
    let preambles = source.blocks.map { source.body($0.index).lowerBound }.map { $0..<($0 + 100) }
    let headers = source.blocks.map { layout.blockTableOffset + $0.index * 128 }.map { $0..<($0 + 128) }
    let slots = (0..<4).map { layout.streamTableOffset + $0 * 512 }.map { $0..<($0 + 512) }
    let structures: [[Range<Int>]] = [[0..<112, 4092..<4096], [4096..<(4096 + 256)], slots, headers, preambles]
    for (number, ranges) in structures.enumerated() {
      for _ in 0..<40 {
        let offset = ranges.randomElement(using: &random)!.randomElement(using: &random)!
        let mask = UInt8(1) << UInt8.random(in: 0..<8, using: &random)
        var damaged = source.bytes
        damaged[offset] ^= mask
        let what = "NANOTS_TEST_SEED=\(seed), structure \(number), byte \(offset) xor \(mask)"
        let (store, _) = try #require(try source.recover(damaged, what))
        let found = try store.content()
        for (stream, content) in source.content where !content.frames.isEmpty {
          #expect(found[stream]?.frames == content.frames, "\(what): \(stream)")
        }
        #expect(found["gone"] == nil, "\(what)")
      }
    }
  }

  /// Every bit of one block header, of the block in the middle of a stream.
  @Test func everyBitOfABlockHeader() throws {
    let source = try RecoverySource()
    let block = source.blocks.filter { $0.stream == "plain" }[3].index
    let start = source.layout.blockTableOffset + block * 128
    for bit in 0..<(128 * 8) where bit % 5 == 0 || bit < 64 {
      var damaged = source.bytes
      damaged[start + bit / 8] ^= 1 << UInt8(bit % 8)
      let (store, _) = try #require(try source.recover(damaged, "bit \(bit)"))
      #expect(try store.contents(of: "plain") == source.content["plain"]?.frames, "bit \(bit)")
    }
  }

  @Test func oneFlippedBitInAFrameCostsThatFrameAndIsTold() throws {
    let seed = TestSeed.next()
    var random = SeededGenerator(seed: seed)
    let source = try RecoverySource()
    for round in 0..<40 {
      let block = source.blocks.randomElement(using: &random)!
      let body = source.body(block.index)
      let entrySize = block.stream == "plain" ? 24 : 32
      let slot = Int.random(in: 0..<block.ordinals.count, using: &random)
      let offset = body.upperBound - slot * entrySize - Int.random(in: 1...entrySize, using: &random)
      var damaged = source.bytes
      damaged[offset] ^= 1 << UInt8.random(in: 0..<8, using: &random)
      let what = "NANOTS_TEST_SEED=\(seed), round \(round), byte \(offset)"
      let ordinal = block.ordinals.lowerBound + UInt64(slot)
      // Also without the tables, where nothing says how many frames there are.
      for isAlone in [false, true] {
        if isAlone { for index in 0..<source.layout.dataOffset { damaged[index] = 0xEE } }
        let (store, report) = try #require(try source.recover(damaged, what))
        let found = try store.contents(of: block.stream).map(\.ordinal)
        #expect(!found.contains(ordinal), "\(what)")
        let others = source.content[block.stream]!.frames.map(\.ordinal).filter { $0 != ordinal }
        let lacking = Set(others).subtracting(found)
        // A single frame behind a damaged one, at the end of a block of which nothing tells the length, does not count.
        #expect(lacking.count <= (isAlone ? 1 : 0), "\(what): \(lacking)")
        // Alone, nothing tells of a stream's last frames: of this one, and of the one behind it that does not count.
        if isAlone, others.allSatisfy({ $0 < ordinal || lacking.contains($0) }) { continue }
        #expect(
          report.losses.contains { $0.stream == block.stream && $0.ordinals?.contains(ordinal) ?? true }, "\(what)")
      }
    }
  }

  @Test func manyDamagedPlacesInABlockAreBounded() throws {
    let directory = try TemporaryDirectory()
    let store = try Store.create(
      at: directory.path("a.nts"), StoreOptions(blockSize: 65_536, blockCount: 2, streamCapacity: 1))
    let writer = try store.writer(for: "s")
    for time in 0..<Int64(1_500) { try writer.append([UInt8(truncatingIfNeeded: time)], at: time) }
    try writer.close()
    for slot in stride(from: 1, to: 1_500, by: 2) {
      try StoreBytes.flip(store.path, at: store.file.layout.fileSize(blocks: 1) - (slot + 1) * 24)
    }
    let report = try Store.recover(store.path, to: directory.path("b.nts"))
    #expect(report.frames == UInt64(SalvagedBlock.maximumParts))
    #expect(report.streams[0].lostFrames == 1_500 - report.frames)
    #expect(try Store(at: directory.path("b.nts")).verify().isClean)
  }

  /// Bytes that no store has, made of pieces of one: an error or a report, and what comes out is clean.
  @Test func piecesOfAStoreInAnyOrder() throws {
    let seed = TestSeed.next()
    var random = SeededGenerator(seed: seed)
    let source = try RecoverySource()
    for round in 0..<30 {
      var damaged = source.bytes
      for _ in 0..<Int.random(in: 1...20, using: &random) {
        let size = [128, 512, 4096].randomElement(using: &random)!
        let from = Int.random(in: 0..<(damaged.count / size), using: &random) * size
        let to = Int.random(in: 0..<(damaged.count / size), using: &random) * size
        damaged.replaceSubrange(to..<to + size, with: Array(source.bytes[from..<from + size]))
      }
      // Blocks may lie where others were: what comes out must be frames that were written, each where it was.
      let what = "NANOTS_TEST_SEED=\(seed), round \(round)"
      let input = source.directory.path("damaged.nts")
      try StoreBytes.write(damaged, to: input)
      do throws(NanoTSError) {
        _ = try Store.recover(input, to: source.output, RecoveryOptions(replacing: true))
      } catch {
        continue
      }
      let store = try Store(at: source.output, .readOnly)
      #expect(try store.verify().findings.map(\.description) == [], "\(what)")
      for (name, content) in try store.content() {
        let known = source.history[name] ?? [:]
        #expect(content.frames.allSatisfy { known[$0.ordinal] == $0 }, "\(what): \(name)")
      }
    }
  }
}
