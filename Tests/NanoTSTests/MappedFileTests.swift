import CNanoTS
import Foundation
import Testing

@testable import NanoTS

/// Making the pages of a block ready that nobody reads any more.
@Suite struct MappedFileTests {
  private let directory: TemporaryDirectory
  private let path: String
  private static let part = 256 << 10
  private static let middle = part..<(2 * part)
  private let content: [UInt8]

  init() throws {
    directory = try TemporaryDirectory()
    path = directory.path("bytes")
    var random = SeededGenerator(seed: 7)
    content = random.bytes(3 * MappedFileTests.part)
    try Data(content).write(to: URL(fileURLWithPath: path))
  }

  /// The file on the disk, and nothing of it in memory.
  private func coldFile() throws -> FileDescriptor {
    let descriptor = try FileDescriptor(opening: path, .readWrite)
    try descriptor.sync()
    #expect(posix_fadvise(descriptor.number, 0, 0, POSIX_FADV_DONTNEED) == 0)
    return descriptor
  }

  /// Whether any of it is in memory.
  private func isCached(_ mapped: MappedFile, _ range: Range<Int>) -> Bool {
    unsafe nts_cached_pages(mapped.base + range.lowerBound, range.count) > 0
  }

  @Test(.enabled(if: TemporaryDirectory.isOnDisk, "temporary files are in memory here"))
  func whatIsDiscardedIsZerosAndNothingBesideIt() throws {
    let descriptor = try coldFile()
    let mapped = try MappedFile(mapping: descriptor, byteCount: content.count, writable: true)
    let middle = MappedFileTests.middle
    #expect(!isCached(mapped, 0..<content.count))
    #expect(mapped.populatePages(middle, discarding: true))
    #expect(isCached(mapped, middle))
    // Nothing around it was brought in, or a piece of the file could reach over its ends.
    #expect(!isCached(mapped, 0..<middle.lowerBound) && !isCached(mapped, middle.upperBound..<content.count))
    let found = try Data(contentsOf: URL(fileURLWithPath: path))
    var expected = content
    expected.replaceSubrange(middle, with: repeatElement(0, count: middle.count))
    #expect(found == Data(expected))
  }

  @Test(.enabled(if: TemporaryDirectory.isOnDisk, "temporary files are in memory here"))
  func whatIsToBeKeptIsNotBroughtInFromTheDisk() throws {
    let descriptor = try coldFile()
    let mapped = try MappedFile(mapping: descriptor, byteCount: content.count, writable: true)
    let middle = MappedFileTests.middle
    #expect(!mapped.populatePages(middle, discarding: false))
    #expect(!isCached(mapped, 0..<content.count))
    // Nor the rest of what is there in part.
    mapped.beginPages(alone: middle)
    #expect(unsafe mapped.base.load(fromByteOffset: middle.lowerBound, as: UInt8.self) == content[middle.lowerBound])
    #expect(!mapped.populatePages(middle, discarding: false))
    #expect(!isCached(mapped, (middle.lowerBound + (64 << 10))..<middle.upperBound))
    #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == Data(content))
  }

  @Test(arguments: [false, true])
  func whatIsInMemoryIsKeptAndMadeReady(_ discarding: Bool) throws {
    let mapped = try MappedFile(
      mapping: FileDescriptor(opening: path, .readWrite), byteCount: content.count, writable: true)
    let middle = MappedFileTests.middle
    unsafe mapped.base.storeBytes(of: 0x5A, toByteOffset: middle.upperBound - 1, as: UInt8.self)
    #expect(mapped.populatePages(middle, discarding: discarding))
    var expected = content
    expected[middle.upperBound - 1] = 0x5A
    #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == Data(expected))
  }

  /// A block that was made ready is no mapping of its own: there may be 65,530 in a process.
  @Test func theMappingStaysOne() throws {
    let mapped = try MappedFile(
      mapping: FileDescriptor(opening: path, .readWrite), byteCount: content.count, writable: true)
    #expect(mapped.populatePages(MappedFileTests.middle, discarding: true))
    #expect(try ProcessMappings.lines(of: path).count == 1)
    withExtendedLifetime(mapped) {}
  }

  /// What counts mappings sees each of them, in a process that has many.
  @Test func everyMappingIsCounted() throws {
    let descriptor = try FileDescriptor(opening: path, .readWrite)
    let mapped = try (0..<200).map { _ in
      try MappedFile(mapping: descriptor, byteCount: content.count, writable: true)
    }
    #expect(try ProcessMappings.lines(of: directory.path).count == mapped.count)
  }

  /// A file that somebody has cut would come to be longer, and what was cut off to be zeros.
  @Test(.enabled(if: TemporaryDirectory.isOnDisk, "temporary files are in memory here"))
  func aFileThatWasCutDoesNotGrowAgain() throws {
    let descriptor = try coldFile()
    let mapped = try MappedFile(mapping: descriptor, byteCount: content.count, writable: true)
    let middle = MappedFileTests.middle
    for length in [middle.upperBound - 1, middle.lowerBound + 4_096, middle.lowerBound, 4_096] {
      #expect(unsafe truncate(path, off_t(length)) == 0)
      _ = mapped.populatePages(middle, discarding: true)
      #expect(try descriptor.size() == UInt64(length))
    }
  }
}
