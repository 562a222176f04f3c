import Foundation
import Testing

@testable import NanoTS

/// Where a copy may be put, what is left when it fails, and how it is told how it goes.
@Suite struct CopyPlaceTests {
  private let directory: TemporaryDirectory
  private let path: String
  private let store: Store

  init() throws {
    directory = try TemporaryDirectory()
    path = directory.path("copy.nts")
    store = try directory.plainStore(blocks: 12)
    let writer = try store.writer(for: "s", options: WriterOptions(durability: .none))
    for time in 0..<Int64(500) { try writer.append(value: time, at: time) }
  }

  private func expectFull(_ path: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
    let copy = try Store(at: path, .readOnly)
    #expect(try copy.timestamps(of: "s") == Array(0..<500), sourceLocation: sourceLocation)
    #expect(try copy.verify().isClean, sourceLocation: sourceLocation)
  }

  // MARK: Names

  @Test func anExistingFileIsKeptUnlessItIsToBeReplaced() throws {
    try StoreBytes.write(Array("precious".utf8), to: path)
    expectError(.alreadyExists, naming: [path, "replaced"]) { try store.copy(to: path) }
    #expect(try StoreBytes.read(path) == Array("precious".utf8))
    try store.copy(to: path, replacing: true)
    try expectFull(path)
    #expect(try directory.contents() == ["a.nts", "copy.nts"])
  }

  @Test func aCopyThatIsReplacedStaysWithWhoHasItOpen() throws {
    try store.copy(to: path, CopyOptions(range: 0...99))
    let earlier = try Store(at: path)
    try store.copy(to: path, replacing: true)
    try expectFull(path)
    #expect(try earlier.timestamps(of: "s") == Array(0..<100))
  }

  @Test func aStoreIsNotCopiedOntoItselfByAnyName() throws {
    let before = try StoreBytes.read(store.path)
    let names = FileManager.default
    try names.linkItem(atPath: store.path, toPath: directory.path("hard.nts"))
    try names.createSymbolicLink(atPath: directory.path("soft.nts"), withDestinationPath: "a.nts")
    try names.createSymbolicLink(atPath: directory.path("folder"), withDestinationPath: directory.path)
    for name in ["a.nts", "./a.nts", "hard.nts", "soft.nts", "folder/a.nts", "folder/folder/soft.nts"] {
      for replacing in [true, false] {
        expectError(.invalidArgument, naming: ["onto itself", name]) {
          try store.copy(to: directory.path(name), replacing: replacing)
        }
      }
    }
    let other = try Store(at: directory.path("hard.nts"), .readOnly)
    expectError(.invalidArgument, naming: ["onto itself"]) { try other.copy(to: store.path, replacing: true) }
    #expect(try StoreBytes.read(store.path) == before)
    #expect(try directory.contents() == ["a.nts", "folder", "hard.nts", "soft.nts"])
  }

  /// What is reached through a link stays; the copy takes the link's place.
  @Test func aLinkToAnotherFileIsReplacedAndTheFileIsNot() throws {
    try StoreBytes.write(Array("precious".utf8), to: directory.path("other"))
    try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: "other")
    expectError(.alreadyExists) { try store.copy(to: path) }
    try store.copy(to: path, replacing: true)
    try expectFull(path)
    #expect(try StoreBytes.read(directory.path("other")) == Array("precious".utf8))
  }

  @Test func whatCanBeNoPlaceForAFileIsRefusedBeforeAnythingIsCopied() throws {
    for replacing in [true, false] {
      expectError(.cannotOpen, naming: ["directory"]) { try store.copy(to: directory.path, replacing: replacing) }
      expectError(.notFound, naming: [directory.path("none")]) {
        try store.copy(to: directory.path("none/copy.nts"), replacing: replacing)
      }
      expectError(.cannotOpen, naming: ["/dev/null"]) { try store.copy(to: "/dev/null", replacing: replacing) }
      expectError(.invalidArgument) { try store.copy(to: "", replacing: replacing) }
      expectError(.invalidArgument) { try store.copy(to: path + "\0.nts", replacing: replacing) }
    }
    #expect(try directory.contents() == ["a.nts"])
  }

  @Test(arguments: [0o600, 0o640, 0o444, 0o666])
  func nobodyMayReadACopyWhoMayNotReadItsStore(_ mode: Int) throws {
    #expect(unsafe chmod(store.path, mode_t(mode)) == 0)
    try store.copy(to: path)
    let plain = directory.path("plain")
    try StoreBytes.write([], to: plain)
    func permissions(_ path: String) throws -> Int {
      try #require(FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int)
    }
    #expect(try permissions(path) == (permissions(plain) & mode) | 0o600)
    try Store(at: path).writer(for: "s").append([1], at: 1000)
  }

  // MARK: Arguments

  @Test(arguments: [0, -1, 3, 1 << 31])
  func anImpossibleNumberOfBlocksIsRefused(_ count: Int) throws {
    expectError(.invalidBlockCount, naming: ["\(count) "]) { try store.copy(to: path, CopyOptions(blockCount: count)) }
    #expect(try directory.contents() == ["a.nts"])
  }

  @Test func exactlyAsManyBlocksAsAreNeededAreEnough() throws {
    let needed = try store.blocks().count { $0.frames > 0 }
    let exact = try store.copy(to: path, CopyOptions(blockCount: needed))
    #expect(exact.blocks == needed)
    let size = try store.copy(to: path, replacing: true).fileSize
    #expect(exact.fileSize == size)
    let roomy = try store.copy(to: path, CopyOptions(blockCount: needed + 5), replacing: true)
    #expect(roomy.blocks == needed)
    #expect(roomy.fileSize == size + 5 * 4096)
    try expectFull(path)
  }

  @Test func aClosedStoreIsNotCopied() throws {
    try store.close()
    expectError(.closed) { try store.copy(to: path) }
  }

  @Test func aStoreWithFeaturesThatCanOnlyBeReadIsNotCopied() throws {
    try StoreBytes.patchHeader(store.path, at: 24, [4])
    expectError(.unsupportedFeature, naming: ["0x4"]) { try Store(at: store.path, .readOnly).copy(to: path) }
    #expect(try directory.contents() == ["a.nts"])
  }

  // MARK: Progress

  @Test func progressCountsEveryBlockAndEveryFrame() throws {
    var steps: [CopyProgress] = []
    let report = try store.copy(to: path) {
      steps.append($0)
      return true
    }
    let blocks = report.blocks
    for (half, phase) in [CopyProgress.Phase.copying, .verifying].enumerated() {
      #expect(steps.dropFirst(half * (blocks + 1)).prefix(blocks + 1).allSatisfy { $0.phase == phase })
    }
    #expect(steps.map(\.blocks) == Array(0...blocks) + Array(0...blocks))
    #expect(steps.allSatisfy { $0.totalBlocks == blocks && $0.totalFrames == 500 })
    #expect(steps.first?.frames == 0 && steps.first?.bytes == 0)
    #expect(steps.last?.frames == 500 && steps.last?.bytes == 4000)
    #expect(steps.map(\.frames) == steps.map(\.frames).sorted())
    #expect(report.bytes == 4000)
  }

  @Test func aCopyCancelledAtAnyStepLeavesNothing() throws {
    try StoreBytes.write(Array("precious".utf8), to: path)
    var steps = 0
    try store.copy(to: directory.path("whole.nts")) { _ in
      steps += 1
      return true
    }
    for last in 1...steps {
      var step = 0
      expectError(.cancelled, naming: [store.path]) {
        try store.copy(to: path, replacing: true) { _ in
          step += 1
          return step < last
        }
      }
      #expect(step == last)
      #expect(try StoreBytes.read(path) == Array("precious".utf8))
      #expect(try directory.contents() == ["a.nts", "copy.nts", "whole.nts"])
    }
    try store.copy(to: path, replacing: true)
    try expectFull(path)
  }

  /// The file is read again before it gets its name.
  @Test func aCopyThatDoesNotComeOutAsItWasWrittenIsNotKept() throws {
    expectError(.corrupt, naming: ["did not come out", "frame 3"]) {
      try store.copy(to: path) { progress in
        guard progress.phase == .verifying, progress.blocks == 0 else { return true }
        guard let name = try? directory.contents().first(where: { $0.hasSuffix(".new") }),
          let copy = try? Store(at: directory.path(name), .readOnly)
        else { return false }
        return (try? copy.flipPayload(of: 3, in: "s")) != nil
      }
    }
    #expect(try directory.contents() == ["a.nts"])
  }

  // MARK: Room

  @Test(.enabled(if: SmallDisk.isPossible, "a tmpfs cannot be mounted here: the disk without room is not tested"))
  func aDiskWithoutRoomIsToldAtOnceAndNothingIsLeft() throws {
    let large = try Store.create(
      at: directory.path("large.nts"), StoreOptions(blockSize: 1 << 18, blockCount: 8, streamCapacity: 4))
    let writer = try large.writer(for: "s", options: WriterOptions(durability: .none))
    for time in 0..<Int64(8) { try writer.append(Array(repeating: 1, count: 200_000), at: time) }
    let disk = try SmallDisk(byteCount: 1 << 20)
    try StoreBytes.write(Array("precious".utf8), to: disk.path("copy.nts"))
    var steps = 0
    let error = expectError(.outOfSpace, naming: [disk.path("copy.nts"), "No space left"]) {
      try large.copy(to: disk.path("copy.nts"), replacing: true) { _ in
        steps += 1
        return true
      }
    }
    #expect(error?.systemError == ENOSPC)
    #expect(steps == 0)
    #expect(try disk.contents() == ["copy.nts"])
    #expect(try StoreBytes.read(disk.path("copy.nts")) == Array("precious".utf8))
    // A part of it fits.
    try large.copy(to: disk.path("copy.nts"), CopyOptions(range: 6...7), replacing: true)
    #expect(try Store(at: disk.path("copy.nts"), .readOnly).timestamps(of: "s") == [6, 7])
  }

  @Test(.enabled(if: SmallDisk.isPossible, "a tmpfs cannot be mounted here: the read-only disk is not tested"))
  func aDirectoryThatMayNotBeWrittenIsToldAtOnce() throws {
    let disk = try SmallDisk(byteCount: 1 << 20)
    try store.copy(to: disk.path("there.nts"))
    try disk.makeReadOnly()
    for replacing in [true, false] {
      expectError(.readOnly, naming: [disk.path("copy.nts")]) {
        try store.copy(to: disk.path("copy.nts"), replacing: replacing)
      }
    }
    expectError(.readOnly) { try store.copy(to: disk.path("there.nts"), replacing: true) }
    // From there it can be copied.
    try Store(at: disk.path("there.nts"), .readOnly).copy(to: path)
    try expectFull(path)
    #expect(try disk.contents() == ["there.nts"])
  }
}
