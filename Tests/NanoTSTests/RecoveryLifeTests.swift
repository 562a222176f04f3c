import Foundation
import Testing

@testable import NanoTS

/// Which life of a block counts, in stores that were left in the middle of something.
@Suite struct RecoveryLifeTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func recover(_ path: String) throws -> (store: Store, report: RecoveryReport) {
    let report = try Store.recover(path, to: directory.path("good.nts"), RecoveryOptions(replacing: true))
    let store = try Store(at: directory.path("good.nts"), .readOnly)
    #expect(try store.verify().findings.map(\.description) == [])
    return (store, report)
  }

  @Test func aStoreThatIsWrittenMeanwhile() throws {
    let store = try directory.plainStore(blocks: 12, streams: 2)
    let writer = try store.writer(for: "s", options: WriterOptions(durability: .none))
    let stop = DispatchSemaphore(value: 0)
    let ended = DispatchSemaphore(value: 0)
    nonisolated(unsafe) let shared = writer
    Thread.detachNewThread {
      var time = Int64(0)
      while stop.wait(timeout: .now()) == .timedOut {
        try? unsafe shared.append(StoreBytes.little(time) + Array(repeating: 7, count: Int(time % 90)), at: time)
        time += 1
      }
      ended.signal()
    }
    for _ in 0..<30 {
      guard
        let report = try? Store.recover(store.path, to: directory.path("good.nts"), RecoveryOptions(replacing: true))
      else { continue }
      let good = try Store(at: directory.path("good.nts"), .readOnly)
      #expect(try good.verify().findings.map(\.description) == [])
      for frame in try good.contents(of: "s") {
        #expect(frame.payload.count == 8 + Int(frame.timestamp % 90))
        #expect(Array(frame.payload.prefix(8)) == StoreBytes.little(frame.timestamp))
        #expect(frame.ordinal == UInt64(frame.timestamp))
      }
      #expect(report.notes == [] || report.frames > 0)
    }
    stop.signal()
    ended.wait()
    try writer.close()
  }

  @Test func aSuspectStore() throws {
    let store = try directory.plainStore(blocks: 12)
    let writer = try store.writer(for: "s")
    for time in 0..<Int64(300) { try writer.append(Array(repeating: 1, count: 60), at: time) }
    let content = try store.contents(of: "s")
    // Not closed: the last block is open.
    for unordered in [false, true] {
      let lost = try directory.lostStore(of: store, unordered: unordered)
      let (good, report) = try recover(lost)
      #expect(report.isWhole)
      #expect(try good.contents(of: "s") == content)
    }
    try writer.close()
  }

  /// Power loss may bring back an older header, or an older body.
  @Test func ofTwoLivesTheLaterOneCounts() throws {
    let store = try directory.plainStore(blocks: 3, streams: 2)
    let writer = try store.writer(for: "s")
    func fill(_ range: Range<Int64>) throws {
      for time in range { try writer.append(Array(repeating: UInt8(truncatingIfNeeded: time), count: 900), at: time) }
    }
    try fill(0..<12)
    let early = try StoreBytes.read(store.path)
    try fill(12..<16)
    try writer.close()
    let late = try StoreBytes.read(store.path)
    let layout = store.file.layout
    let changed = (0..<3).filter { index in
      let place = layout.fileSize(blocks: index)
      return early[place..<place + 96] != late[place..<place + 96]
    }
    let block = try #require(changed.first)
    let header = (layout.blockTableOffset + block * 128)..<(layout.blockTableOffset + block * 128 + 128)
    let body = layout.fileSize(blocks: block)..<layout.fileSize(blocks: block + 1)
    var oldHeader = late
    oldHeader.replaceSubrange(header, with: early[header])
    try StoreBytes.write(oldHeader, to: directory.path("old-header.nts"))
    var result = try recover(directory.path("old-header.nts"))
    #expect(try result.store.timestamps(of: "s") == Array(4..<16))
    var oldBody = late
    oldBody.replaceSubrange(body, with: early[body])
    try StoreBytes.write(oldBody, to: directory.path("old-body.nts"))
    result = try recover(directory.path("old-body.nts"))
    #expect(try result.store.timestamps(of: "s") == Array(4..<12))
    #expect(!result.report.isWhole)
  }

  /// A block that a free or a recycling has just begun to take: the epoch is odd then, and not where a bit is damaged.
  @Test func anOddGenerationEndsALifeOnlyWithAnOddEpoch() throws {
    let store = try directory.plainStore(blocks: 6, streams: 2)
    let writer = try store.writer(for: "s")
    for time in 0..<Int64(12) { try writer.append(Array(repeating: 1, count: 900), at: time) }
    try writer.close()
    try store.close()
    let header = store.file.layout.blockTableOffset
    try StoreBytes.flip(store.path, at: header, 1)
    var result = try recover(store.path)
    #expect(try result.store.timestamps(of: "s") == Array(0..<12))
    #expect(result.report.notes.count == 1)
    try StoreBytes.flip(store.path, at: 4096, 1)
    result = try recover(store.path)
    #expect(try result.store.timestamps(of: "s") == Array(4..<12))
  }

  @Test func aFreedStreamOfTheSameNameIsKeptApart() throws {
    let store = try directory.plainStore(blocks: 8, streams: 2)
    func write(_ times: Range<Int64>) throws {
      let writer = try store.writer(for: "s")
      for time in times { try writer.append([UInt8(time)], at: time) }
      try writer.close()
    }
    try write(0..<5)
    // The block of the second stream is another one only while the first one is not given back.
    let writer = try store.writer(for: "other")
    try store.free(stream: "s")
    try writer.append([1], at: 1)
    try writer.close()
    try write(100..<103)
    try store.close()
    // Without the table nothing tells which of the two was freed.
    try StoreBytes.patch(
      store.path, at: store.file.layout.streamTableOffset,
      Array(repeating: 0, count: store.file.layout.dataOffset - store.file.layout.streamTableOffset))
    let (good, report) = try recover(store.path)
    for name in try good.streams() where name.hasPrefix("s") {
      let times = try good.timestamps(of: name)
      #expect(times == Array(0..<5) || times == Array(100..<103))
    }
    #expect(report.notes.contains { $0.contains("may be back") })
  }

  /// Frames that a killed writer left behind the count were never shown; another writer went on in their place.
  @Test func whatWasCutOffAtABlocksEndStaysOff() throws {
    let store = try directory.plainStore(blocks: 8, streams: 2)
    let writer = try store.writer(for: "s")
    for time in 0..<Int64(10) { try writer.append([UInt8(time)], at: time) }
    try store.close()
    // As a process leaves it that was killed before it committed the last three.
    let path = directory.path("killed.nts")
    try StoreBytes.write(StoreBytes.read(store.path), to: path)
    let layout = store.file.layout
    let word = StoreBytes.little(UInt32(7)) + StoreBytes.little(UInt32(128 + 7 * 8))
    try StoreBytes.patch(path, at: layout.blockTableOffset + 8, word)
    let killed = try Store(at: path)
    let next = try killed.writer(for: "s")
    for time in 20..<Int64(25) { try next.append([UInt8(time)], at: time) }
    try next.close()
    let content = try killed.contents(of: "s")
    #expect(content.count == 12)
    try killed.close()
    for isTableGone in [false, true] {
      if isTableGone {
        try StoreBytes.patch(
          path, at: layout.blockTableOffset, Array(repeating: 0, count: layout.dataOffset - layout.blockTableOffset))
      }
      #expect(try recover(path).store.contents(of: "s") == content)
    }
    try writer.close()
  }
}
