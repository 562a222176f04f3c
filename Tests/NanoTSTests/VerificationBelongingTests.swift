import Testing

@testable import NanoTS

/// Damage that no checksum shows: blocks that are nobody's, neighbours that contradict each other, impossible words.
@Suite struct VerificationBelongingTests {
  private let directory: TemporaryDirectory
  private let path: String
  private static let shared = 4096
  private static let slots = 8192
  private static let headers = 12_288
  private static let data = 65_536

  /// A closed store: "s" with four frames in each of blocks 0 to 2, "t" with block 3, block 4 free, 5 to 7 never used.
  init() throws {
    directory = try TemporaryDirectory()
    let store = try directory.plainStore()
    path = store.path
    func append(_ count: Int64, _ stream: String) throws {
      let writer = try store.writer(for: stream, metadata: "m")
      for time in 0..<count { try writer.append(Array(repeating: 1, count: 900), at: time) }
      try writer.close()
    }
    try append(12, "s")
    try append(2, "t")
    try append(1, "gone")
    try store.free(stream: "gone")
    try store.close()
  }

  private func verify() throws -> [Finding] { try Store(at: path, .readOnly).verify().findings }

  /// Expects a finding of `kind` in which each of `parts` stands, and that there was none before the damage.
  private func expectFinding(
    _ kind: Finding.Kind, _ parts: String..., block: Int? = nil, sourceLocation: SourceLocation = #_sourceLocation,
    _ damage: () throws -> Void
  ) throws {
    #expect(try verify().isEmpty, sourceLocation: sourceLocation)
    let whole = try StoreBytes.read(path)
    try damage()
    let findings = try verify()
    #expect(
      findings.contains { finding in
        finding.kind == kind && (block == nil || finding.block == block)
          && parts.allSatisfy { finding.message.contains($0) }
      }, "\(findings.map(\.description))", sourceLocation: sourceLocation)
    try StoreBytes.write(whole, to: path)
  }

  private func patch<T: FixedWidthInteger>(_ offset: Int, _ value: T) throws {
    try StoreBytes.patch(path, at: offset, StoreBytes.little(value))
  }

  private func header(_ block: Int) -> Int { Self.headers + block * 128 }

  /// Makes the identity checksum of the block's header right again.
  private func fixIdentity(_ block: Int) throws {
    let bytes = Array(try StoreBytes.read(path)[header(block)..<header(block) + 128])
    let covered =
      Array(bytes[0..<8]) + Array(bytes[32..<56]) + Array(bytes[64..<72]) + Array(bytes[28..<32])
      + Array(bytes[56..<60])
    try patch(header(block) + 60, StoreBytes.crc32c(covered))
  }

  @Test func theFilesLengthAndTheSharedWords() throws {
    try expectFinding(.file, "100 bytes behind its last block") {
      try StoreBytes.write(StoreBytes.read(path) + Array(repeating: 1, count: 100), to: path)
    }
    try expectFinding(.file, "available blocks says 7", "room for 8") { try patch(Self.shared + 16, UInt32(7)) }
    try expectFinding(.file, "used blocks says 99", "room for 8") { try patch(Self.shared + 8, UInt32(99)) }
    try expectFinding(.file, "used stream slots says 9 of 4") { try patch(Self.shared + 24, UInt32(9)) }
    try expectFinding(.file, "'closed cleanly' is 2") { try patch(Self.shared + 208, UInt32(2)) }
    try expectFinding(.file, "'unordered reuse' is 7") { try patch(Self.shared + 212, UInt32(7)) }
  }

  @Test func streamTableEntries() throws {
    try expectFinding(.stream, "entry 2 is in use", "says 2") { try patch(Self.shared + 24, UInt32(2)) }
    try expectFinding(.stream, "entry 0 was left half written") { try patch(Self.slots, UInt64(3)) }
    try expectFinding(.stream, "'has floor' is 5") { try patch(Self.slots + 56, UInt32(5)) }
    try expectFinding(.list, "spare is link 2") { try patch(Self.slots + 36, UInt32(2)) }
    try expectFinding(.stream, "entries 0 and 1 have the same identifier") {
      try StoreBytes.patch(path, at: Self.slots + 512, Array(StoreBytes.read(path)[Self.slots..<Self.slots + 512]))
    }
    try expectFinding(.stream, "entries 0 and 1 have the same name") {
      try StoreBytes.patch(path, at: Self.slots + 512, Array(StoreBytes.read(path)[Self.slots..<Self.slots + 512]))
    }
    try expectFinding(.list, "next segment would be 0", "of 0") { try patch(Self.slots + 96, UInt64(0)) }
  }

  @Test func blocksThatAreNobodys() throws {
    try expectFinding(.list, "1 blocks are free", "free list has 0") {
      try patch(Self.shared + 12, UInt32(0))
      try patch(Self.shared + 20, UInt32(0))
    }
    try expectFinding(.list, "3 blocks are the stream's", "list has 2") {
      try patch(Self.slots + 72, UInt32(2))
      try patch(Self.slots + 80, UInt32(2))
      try patch(header(1) + 20, UInt32(0))
    }
    try expectFinding(.list, "between two lives", block: 4) { try StoreBytes.flip(path, at: header(4), 1) }
    try expectFinding(.list, "claimed and its generation is even", block: 4) { try patch(header(4) + 24, UInt32(2)) }
    try expectFinding(.list, "never used", "says 5", block: 3) {
      try StoreBytes.patch(path, at: header(3), Array(repeating: 0, count: 128))
    }
    try expectFinding(.list, "in use", "says 5", block: 6) { try patch(header(6) + 24, UInt32(4)) }
  }

  @Test func headersThatContradictOthers() throws {
    try expectFinding(.header, "entry 1, which is not that of its stream", block: 1) {
      try patch(header(1) + 56, UInt32(1))
      try fixIdentity(1)
    }
    try expectFinding(.header, "from frame 77 on", "begins with 4", block: 1) { try patch(header(1) + 120, UInt64(77)) }
    try expectFinding(.list, "begins with frame 5", "ends at 4", "no block is missing", block: 1) {
      try patch(header(1) + 64, UInt64(5))
      try fixIdentity(1)
    }
    try expectFinding(.list, "begins with frame 3", "which the one before it has too", block: 1) {
      try patch(header(1) + 64, UInt64(3))
      try fixIdentity(1)
    }
    try expectFinding(.list, "begins at time 4, key 0", "at 99, 0", block: 1) { try patch(header(0) + 88, Int64(99)) }
    try expectFinding(.list, "of segment 0, and the one before it of 3", block: 1) {
      try patch(header(0) + 48, UInt64(3))
      try fixIdentity(0)
    }
  }

  @Test func preambleAndPayloads() throws {
    try expectFinding(.preamble, "not zero", block: 0) { try StoreBytes.flip(path, at: Self.data + 100, 1) }
    // A payload moved up by 8 bytes, with a right checksum.
    try expectFinding(.frame, "begins at byte 1040", "ends at 1032", block: 3) {
      let bytes = try StoreBytes.read(path)
      let (start, entry) = (Self.data + 3 * 4096, Self.data + 4 * 4096 - 48)
      let (offset, length) = (128 + 904, 900)
      #expect(StoreBytes.load(bytes, at: entry + 8, as: UInt32.self) == UInt32(offset))
      let payload = Array(bytes[(start + offset)..<(start + offset + length)])
      try StoreBytes.patch(path, at: start + offset + 8, payload + [0, 0, 0, 0])
      try patch(entry + 8, UInt32(offset + 8))
      try patch(header(3) + 12, UInt32(offset + 8 + 904))
      let covered =
        Array(bytes[(start + 8)..<(start + 16)]) + StoreBytes.little(Int64(1)) + StoreBytes.little(Int64(0))
        + StoreBytes.little(UInt32(offset + 8)) + StoreBytes.little(UInt32(length)) + StoreBytes.little(UInt32(0))
        + payload
      try patch(entry + 16, StoreBytes.crc32c(covered))
    }
  }

  @Test func theHeaderOfAnOpenBlock() throws {
    let store = try Store(at: path)
    let writer = try store.writer(for: "open")
    for time in 5..<Int64(8) { try writer.append([1, 2], at: time) }
    let open = try #require(try store.blocks().first { $0.state == .open }).index
    #expect(try store.verify().isClean)
    try patch(header(open) + 72, Int64(4))
    try patch(header(open) + 108, UInt32(3))
    let messages = try store.verify().findings.map(\.message)
    #expect(messages.contains { $0.contains("begins at 4; the index says 5") })
    #expect(messages.contains { $0.contains("every payload has 3 bytes") })
    try patch(header(open) + 72, Int64(5))
    try patch(header(open) + 108, UInt32(2))
    #expect(try store.verify().isClean)
    try writer.close()
  }
}
