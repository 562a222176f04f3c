import Foundation
import Testing

@testable import NanoTS

/// Files that are no store, no store of this build, or not all of one.
@Suite struct BadInputOpeningTests {
  private let directory: TemporaryDirectory
  private let path: String
  /// Two blocks of 4096 bytes behind 64 KiB of tables.
  private static let fileSize = 65_536 + 2 * 4096

  init() throws {
    directory = try TemporaryDirectory()
    path = directory.path("a.nts")
  }

  private func makeStore() throws {
    let store = try directory.store(blocks: 2, streams: 2)
    let writer = try store.writer(for: "s")
    try writer.append([1, 2, 3], at: 7)
    try writer.close()
    try store.close()
    #expect(try StoreBytes.read(path).count == Self.fileSize)
  }

  private func expectRefusal(
    _ code: NanoTSError.Code, naming parts: [String], sourceLocation: SourceLocation = #_sourceLocation
  ) {
    for access in [Store.Access.readOnly, .readWrite] {
      expectError(code, naming: parts + [path], sourceLocation: sourceLocation) { try Store(at: path, access) }
    }
  }

  @Test func aFileThatIsNotThereIsNotFound() {
    expectRefusal(.notFound, naming: ["No such file", "create the store first"])
    #expect(throws: NanoTSError.self) { try Store(at: directory.path("no/such/a.nts")) }
    #expect(!FileManager.default.fileExists(atPath: path))
  }

  @Test func aPathThatIsEmptyOrHoldsANULByteIsAnInvalidArgument() {
    expectError(.invalidArgument, naming: ["''", "empty"]) { try Store(at: "") }
    expectError(.invalidArgument, naming: ["NUL"]) { try Store(at: path + "\0.nts") }
    expectError(.invalidArgument, naming: ["''", "empty"]) { try Store.create(at: "") }
  }

  @Test func aDirectoryCannotBeOpened() throws {
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    expectRefusal(.cannotOpen, naming: ["directory"])
  }

  @Test(.timeLimit(.minutes(1))) func aPipeCannotBeOpenedAndDoesNotHang() {
    #expect(unsafe mkfifo(path, 0o600) == 0)
    expectRefusal(.cannotOpen, naming: ["not a regular file"])
  }

  @Test func aDeviceCannotBeOpened() {
    for access in [Store.Access.readOnly, .readWrite] {
      expectError(.cannotOpen, naming: ["/dev/null", "not a regular file"]) { try Store(at: "/dev/null", access) }
    }
  }

  @Test func aLinkToAStoreOpensTheStore() throws {
    try makeStore()
    try FileManager.default.createSymbolicLink(atPath: directory.path("link"), withDestinationPath: path)
    #expect(try Store(at: directory.path("link"), .readOnly).timestamps(of: "s") == [7])
  }

  @Test(arguments: [0, 1, 7])
  func aFileTooShortForTheMagicIsNoStore(_ count: Int) throws {
    try StoreBytes.write(Array(repeating: 0x89, count: count), to: path)
    expectRefusal(.notAStore, naming: ["\(count) bytes"])
  }

  @Test(arguments: [8, 9, 100, 4095])
  func aFileThatEndsInsideItsHeaderIsTruncated(_ count: Int) throws {
    try makeStore()
    try StoreBytes.write(Array(try StoreBytes.read(path)[..<count]), to: path)
    expectRefusal(.truncated, naming: ["byte \(count) of 4096"])
  }

  @Test(arguments: [4096, 8191, 8192, 65_535, 65_536, 69_632, fileSize - 1])
  func aFileShorterThanItsHeaderSaysIsTruncated(_ count: Int) throws {
    try makeStore()
    try StoreBytes.write(Array(try StoreBytes.read(path)[..<count]), to: path)
    expectRefusal(.truncated, naming: ["\(count) bytes", "\(Self.fileSize)"])
  }

  @Test func aFileLongerThanItsHeaderSaysIsOpened() throws {
    try makeStore()
    try StoreBytes.write(try StoreBytes.read(path) + [1, 2, 3], to: path)
    #expect(try Store(at: path).timestamps(of: "s") == [7])
  }

  @Test func aFileWithAnotherMagicIsNoStore() throws {
    try makeStore()
    try StoreBytes.patch(path, at: 0, Array("SQLite f".utf8))
    expectRefusal(.notAStore, naming: ["0x53514c6974652066", "0x894e54530d0a1a0a"])
    try StoreBytes.write(Array("just some text, longer than eight bytes".utf8), to: path)
    expectRefusal(.notAStore, naming: ["0x6a75737420736f6d"])
  }

  @Test(arguments: [UInt32(0), 2, 77, .max])
  func anotherFormatVersionIsRefusedAndBothVersionsNamed(_ version: UInt32) throws {
    try makeStore()
    try StoreBytes.patchHeader(path, at: 8, StoreBytes.little(version))
    expectRefusal(.unsupportedVersion, naming: ["version \(version) ", "version 1;"])
  }

  @Test func anotherByteOrderIsRefused() throws {
    try makeStore()
    try StoreBytes.patchHeader(path, at: 12, [1, 2, 3, 4])
    expectRefusal(.corrupt, naming: ["0x4030201", "0x1020304"])
  }

  @Test(arguments: [0, 17, 63])
  func anUnknownIncompatibleFeatureIsRefusedByItsBit(_ bit: Int) throws {
    try makeStore()
    try StoreBytes.patchHeader(path, at: 16, StoreBytes.little(UInt64(1) << UInt64(bit)))
    expectRefusal(.unsupportedFeature, naming: ["0x" + String(UInt64(1) << UInt64(bit), radix: 16)])
  }

  @Test(arguments: [1, 5, 63])
  func anUnknownWriteIncompatibleFeatureOpensOnlyForReading(_ bit: Int) throws {
    try makeStore()
    try StoreBytes.patchHeader(path, at: 24, StoreBytes.little(UInt64(1) << UInt64(bit)))
    expectError(.unsupportedFeature, naming: ["0x" + String(UInt64(1) << UInt64(bit), radix: 16), "read-only"]) {
      try Store(at: path, .readWrite)
    }
    #expect(try Store(at: path, .readOnly).timestamps(of: "s") == [7])
  }

  @Test func unknownCompatibleFeaturesAreIgnored() throws {
    try makeStore()
    try StoreBytes.patchHeader(path, at: 32, StoreBytes.little(UInt64.max))
    let store = try Store(at: path, .readWrite)
    let writer = try store.writer(for: "s")
    try writer.append([4], at: 8)
    #expect(try store.timestamps(of: "s") == [7, 8])
    #expect(StoreBytes.load(try StoreBytes.read(path), at: 32, as: UInt64.self) == .max)
  }

  @Test func anyByteOfTheHeaderPageThatChangesIsNoticed() throws {
    try makeStore()
    let accepted: Set<NanoTSError.Code> = [.notAStore, .unsupportedVersion, .corrupt]
    var random = SeededGenerator(seed: 4096)
    for offset in 0..<4096 {
      let mask = UInt8.random(in: 1...255, using: &random)
      try StoreBytes.flip(path, at: offset, mask)
      do {
        _ = try Store(at: path, .readOnly)
        Issue.record("byte \(offset) was changed by \(mask) and nothing was thrown")
      } catch  where !accepted.contains(error.code) {
        Issue.record("byte \(offset) was changed by \(mask): \(error.code), \(error)")
      } catch {}
      try StoreBytes.flip(path, at: offset, mask)
    }
    #expect(try Store(at: path, .readOnly).timestamps(of: "s") == [7])
  }

  /// Headers that prove themselves and are impossible all the same.
  static let impossible: [(what: String, offset: Int, bytes: [UInt8])] = [
    ("block size 0", 56, StoreBytes.little(UInt64(0))),
    ("block size 4097", 56, StoreBytes.little(UInt64(4097))),
    ("block size 2 GiB", 56, StoreBytes.little(UInt64(1) << 31)),
    ("block size over Int.max", 56, StoreBytes.little(UInt64.max - 4095)),
    ("block count 0", 64, StoreBytes.little(UInt64(0))),
    ("block count over Int.max", 64, StoreBytes.little(UInt64.max)),
    ("block count over 2^31 - 1", 64, StoreBytes.little(UInt64(1) << 31)),
    ("block count larger than the tables", 64, StoreBytes.little(UInt64(1) << 20)),
    ("initial block count 0", 72, StoreBytes.little(UInt64(0))),
    ("initial block count over block count", 72, StoreBytes.little(UInt64(3))),
    ("stream capacity 0", 80, StoreBytes.little(UInt32(0))),
    ("stream capacity 2^32 - 1", 80, StoreBytes.little(UInt32.max)),
    ("time unit 4", 84, [4]),
    ("payload checksums 2", 85, [2]),
    ("stream table offset", 88, StoreBytes.little(UInt64(4096))),
    ("block table offset past the file", 96, StoreBytes.little(UInt64.max)),
    ("data offset in the tables", 104, StoreBytes.little(UInt64(8192))),
  ]

  @Test(arguments: impossible)
  func anImpossibleHeaderWithARightChecksumIsCorrupt(_ header: (what: String, offset: Int, bytes: [UInt8])) throws {
    try makeStore()
    try StoreBytes.patchHeader(path, at: header.offset, header.bytes)
    expectRefusal(.corrupt, naming: ["header"])
  }

  @Test func aGrownStoreThatWasCutBackIsReadAndWrittenWithoutACrash() async throws {
    await #expect(processExitsWith: .success) {
      let directory = try TemporaryDirectory()
      let path = directory.path("a.nts")
      do {
        let store = try directory.store(blocks: 16, initial: 2, streams: 2)
        let writer = try store.writer(for: "s", options: WriterOptions(durability: .none))
        for time in 0..<7 { try writer.append(Array(repeating: 1, count: 3000), at: Int64(time)) }
        try writer.close()
        try store.close()
      }
      // Two of the eight blocks that it had grown to are left.
      try StoreBytes.write(Array(try StoreBytes.read(path)[..<(65_536 + 2 * 4096)]), to: path)
      do {
        let reading = try Store(at: path, .readOnly)
        for frame in try reading.frames(of: "s") { _ = try frame.copyBytes() }
        let store = try Store(at: path)
        let writer = try store.writer(for: "s", options: WriterOptions(durability: .none))
        for time in 100..<130 { try writer.append(Array(repeating: 2, count: 3000), at: Int64(time)) }
      } catch let error as NanoTSError {
        print("refused, which is as good: \(error)")
      }
    }
  }
}
