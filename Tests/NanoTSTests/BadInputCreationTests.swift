import Foundation
import Testing

@testable import NanoTS

/// Shapes that no store can have, places where none can be made, and disks without room.
@Suite struct BadInputCreationTests {
  private let directory: TemporaryDirectory
  private let path: String

  init() throws {
    directory = try TemporaryDirectory()
    path = directory.path("a.nts")
  }

  private func expectRefusal(
    _ code: NanoTSError.Code, naming parts: [String], _ options: StoreOptions,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    expectError(code, naming: parts, sourceLocation: sourceLocation) { try Store.create(at: path, options) }
    #expect(try directory.contents() == [], sourceLocation: sourceLocation)
  }

  // MARK: Shapes

  @Test(arguments: [0, -4096, -1, 1, 4095, 4097, 6000, 8191, 1 << 30 + 4096, 1 << 31, Int.max, Int.max - 4095, Int.min])
  func aBlockSizeOutsideItsRangeIsRefusedWithTheLimits(_ size: Int) throws {
    try expectRefusal(
      .invalidBlockSize, naming: ["block size \(size) ", "4096", "1073741824"],
      StoreOptions(blockSize: size, blockCount: 1))
  }

  @Test(arguments: [0, -1, 1 << 31, Int.max, Int.min])
  func aBlockCountOutsideItsRangeIsRefusedWithTheLimits(_ count: Int) throws {
    try expectRefusal(
      .invalidBlockCount, naming: ["block count \(count) ", "1...2147483647"],
      StoreOptions(blockSize: 4096, blockCount: count))
  }

  @Test(arguments: [(1 << 30, (1 << 31) - 1), (1 << 30, 65_536), (1 << 20, 1 << 27)])
  func aStoreOfMoreThan64TiBIsRefusedWithBothNumbers(_ size: Int, _ count: Int) throws {
    try expectRefusal(
      .invalidBlockCount, naming: ["\(count) blocks", "\(size) bytes", "70368744177664"],
      StoreOptions(blockSize: size, blockCount: count, initialBlockCount: 1))
  }

  @Test(arguments: [0, -1, 4, Int.max, Int.min])
  func anInitialBlockCountOutsideItsRangeIsRefusedWithTheLimits(_ initial: Int) throws {
    try expectRefusal(
      .invalidBlockCount, naming: ["initial block count \(initial) ", "1...3"],
      StoreOptions(blockSize: 4096, blockCount: 3, initialBlockCount: initial))
  }

  @Test(arguments: [0, -1, 65_537, 1 << 32, Int.max, Int.min])
  func aStreamCapacityOutsideItsRangeIsRefusedWithTheLimits(_ capacity: Int) throws {
    try expectRefusal(
      .invalidArgument, naming: ["stream capacity \(capacity) ", "1...65536"],
      StoreOptions(blockSize: 4096, blockCount: 1, streamCapacity: capacity))
  }

  @Test func theSmallestStoreWorks() throws {
    let store = try directory.store(blocks: 1, streams: 1)
    let writer = try store.writer(for: "s")
    for time in 0..<1000 { try writer.append([UInt8(time % 256)], at: Int64(time)) }
    let times = try store.timestamps(of: "s")
    #expect(times.last == 999)
    #expect(times == Array((1000 - Int64(times.count))...999))
    #expect(try StoreBytes.read(path).count == 65_536 + 4096)
  }

  @Test func theLargestStreamCapacityWorks() throws {
    let store = try directory.store(blocks: 1, streams: 65_536)
    try store.writer(for: "s").append([1], at: 1)
    #expect(try store.timestamps(of: "s") == [1])
  }

  // MARK: Places

  @Test func anExistingFileIsLeftAsItIs() throws {
    try StoreBytes.write(Array("precious".utf8), to: path)
    expectError(.alreadyExists, naming: [path, "exists", "replaced"]) {
      try Store.create(at: path, StoreOptions(blockSize: 4096, blockCount: 1))
    }
    #expect(try StoreBytes.read(path) == Array("precious".utf8))
    #expect(try directory.contents() == ["a.nts"])
  }

  @Test func anExistingFileIsReplacedWhenToldSoAndWhoHasItOpenKeepsIt() throws {
    let earlier = try directory.store(blocks: 2)
    try earlier.writer(for: "s").append([1], at: 1)
    let later = try Store.create(at: path, StoreOptions(blockSize: 8192, blockCount: 2), replacing: true)
    #expect(later.blockSize == 8192)
    #expect(try later.streams() == [])
    #expect(try earlier.timestamps(of: "s") == [1])
    try later.writer(for: "t").append([2], at: 2)
    #expect(try earlier.streams() == ["s"])
    #expect(try Store(at: path).timestamps(of: "t") == [2])
    #expect(try directory.contents() == ["a.nts"])
  }

  @Test func aDirectoryInThePlaceIsNotReplaced() throws {
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    let options = StoreOptions(blockSize: 4096, blockCount: 1)
    expectError(.alreadyExists, naming: [path]) { try Store.create(at: path, options) }
    expectError(.cannotOpen, naming: [path, "directory"]) { try Store.create(at: path, options, replacing: true) }
    #expect(try directory.contents() == ["a.nts"])
  }

  /// Renaming would put the store in the place of /dev/null as well, where root does it.
  @Test func aPipeOrDeviceInThePlaceIsNotReplaced() throws {
    #expect(unsafe mkfifo(path, 0o600) == 0)
    let options = StoreOptions(blockSize: 4096, blockCount: 1)
    expectError(.cannotOpen, naming: [path, "not a regular file"]) {
      try Store.create(at: path, options, replacing: true)
    }
    let kind = try FileManager.default.attributesOfItem(atPath: path)[.type] as? FileAttributeType
    #expect(kind == .typeUnknown)
    #expect(try directory.contents() == ["a.nts"])
  }

  @Test func aDirectoryThatIsNotThereIsNotMade() throws {
    let missing = directory.path("none/a.nts")
    let error = expectError(.notFound, naming: [directory.path("none")]) {
      try Store.create(at: missing, StoreOptions(blockSize: 4096, blockCount: 1))
    }
    #expect(error?.systemError == ENOENT)
    #expect(try directory.contents() == [])
  }

  @Test func aCreatedStoreLeavesNoOtherFileBehind() throws {
    let store = try directory.store()
    try store.writer(for: "s").append([1], at: 1)
    #expect(try directory.contents() == ["a.nts"])
    try store.close()
    #expect(try directory.contents() == ["a.nts"])
  }

  // MARK: Room

  @Test(.enabled(if: SmallDisk.isPossible, "a tmpfs cannot be mounted here: the disk without room is not tested"))
  func aDiskWithoutRoomIsReportedAndNothingIsLeftBehind() throws {
    let disk = try SmallDisk(byteCount: 1 << 20)
    let options = StoreOptions(blockSize: 1 << 18, blockCount: 8, streamCapacity: 4)
    let error = expectError(.outOfSpace, naming: [disk.path("a.nts"), "No space left", "fewer or smaller blocks"]) {
      try Store.create(at: disk.path("a.nts"), options)
    }
    #expect(error?.systemError == ENOSPC)
    #expect(try disk.contents() == [])
  }

  @Test(.enabled(if: SmallDisk.isPossible, "a tmpfs cannot be mounted here: the disk without room is not tested"))
  func aStoreThatCannotBeReplacedForWantOfRoomStaysAsItWas() throws {
    let disk = try SmallDisk(byteCount: 1 << 20)
    let path = disk.path("a.nts")
    let store = try Store.create(at: path, StoreOptions(blockSize: 4096, blockCount: 4, streamCapacity: 4))
    try store.writer(for: "s").append([1], at: 1)
    try store.close()
    expectError(.outOfSpace) {
      try Store.create(at: path, StoreOptions(blockSize: 1 << 20, blockCount: 8), replacing: true)
    }
    #expect(try disk.contents() == ["a.nts"])
    #expect(try Store(at: path).timestamps(of: "s") == [1])
  }

  @Test(.enabled(if: SmallDisk.isPossible, "a tmpfs cannot be mounted here: the disk without room is not tested"))
  func aStoreThatCannotGrowGoesOnWithinWhatItHas() throws {
    let disk = try SmallDisk(byteCount: 1 << 20)
    let store = try Store.create(
      at: disk.path("a.nts"),
      StoreOptions(blockSize: 1 << 16, blockCount: 1000, initialBlockCount: 2, streamCapacity: 4))
    let writer = try store.writer(for: "s")
    for time in 0..<100 { try writer.append(Array(repeating: UInt8(time), count: 60_000), at: Int64(time)) }
    let frames = try store.contents(of: "s")
    let statistics = try store.statistics()
    #expect(frames.last?.timestamp == 99)
    #expect(frames.count == statistics.availableBlocks)
    #expect(statistics.availableBlocks > 2 && statistics.availableBlocks < 16)
    // The tables for 1000 blocks take three times 64 KiB.
    #expect(statistics.fileSize == 65_536 * UInt64(3 + statistics.availableBlocks))
    #expect(frames.allSatisfy { $0.payload == Array(repeating: UInt8($0.timestamp), count: 60_000) })
    #expect(try store.verify().findings.isEmpty)
    try writer.close()
    expectError(.noFreeBlocks) {
      let careful = try store.writer(for: "t", options: WriterOptions(autoReclaim: false))
      try careful.append([1], at: 1)
    }
  }
}
