import Foundation
import TestAgent
import Testing

@testable import NanoTS

/// Blocks whose life is over and which are still in their stream's list, because whoever takes them out was put aside or
/// died there: readers step over them, wait for nobody, and count exactly.
@Suite(.serialized, .timeLimit(.minutes(1))) struct EndedLifeTests {
  private let directory: TemporaryDirectory
  private let store: Store

  init() throws {
    directory = try TemporaryDirectory()
    store = try directory.plainStore(blocks: 8)
  }

  /// Three frames fill a block.
  private func fill(_ times: Range<Int64>) throws {
    let writer = try store.writer(for: "s", options: WriterOptions(durability: .none))
    for time in times { try writer.append(Array(repeating: 1, count: 1200), at: time) }
    try writer.close()
  }

  /// The block at that place in the stream's list.
  private func block(_ place: Int) -> Int {
    var link = store.file.slot(0).head.relaxed
    for _ in 0..<place { link = store.file.header(Int(link) - 1).next.relaxed }
    return Int(link) - 1
  }

  private func endLife(ofBlockAt place: Int) { store.file.header(block(place)).generation.beginChange() }

  /// What a cursor tells until it comes to its end: ordinals, and numbers of missed frames below zero.
  private func rest(of cursor: inout Cursor) throws -> [Int] {
    var told: [Int] = []
    while told.count < 100 {
      do {
        guard let frame = try cursor.next() else { break }
        told.append(Int(frame.ordinal))
      } catch {
        guard error.code == .overwritten else { throw error }
        told.append(-Int(error.missedFrames))
      }
    }
    return told
  }

  private func ordinals(_ frames: some Sequence<Frame>) -> [UInt64] { frames.map(\.ordinal) }

  @Test(arguments: [0, 1, 2, 3]) func readersStepOverABlockWhoseLifeIsOver(_ place: Int) throws {
    try fill(0..<12)
    let dead = UInt64(place * 3)..<UInt64(place * 3 + 3)
    let alive = (UInt64(0)..<12).filter { !dead.contains($0) }
    // One cursor stands in that block, one before the stream.
    var inside = try store.cursor(of: "s")
    #expect(try inside.seek(to: Int64(dead.lowerBound))?.ordinal == dead.lowerBound)
    var before = try store.cursor(of: "s")
    endLife(ofBlockAt: place)

    #expect(ordinals(try store.frames(of: "s")) == alive)
    #expect(ordinals(try store.frames(of: "s").reversed()) == alive.reversed())
    #expect(ordinals(try store.frames(of: "s", in: 1...7)) == alive.filter { (1...7).contains($0) })
    // Counting subtracts ordinals where no block is missing yet.
    #expect(try store.frameCount(of: "s") == (place == 1 || place == 2 ? 12 : 9))
    #expect(try rest(of: &inside) == [-2] + alive.filter { $0 > dead.lowerBound }.map { Int($0) })
    let told = try rest(of: &before)
    #expect(told.filter { $0 >= 0 } == alive.map { Int($0) })
    for time in Int64(0)..<12 {
      var cursor = try store.cursor(of: "s")
      #expect(try cursor.seek(to: time)?.ordinal == alive.first { $0 >= time })
    }
    var end = try store.cursor(of: "s")
    #expect(try end.last()?.ordinal == alive.last)
    var follower = try store.follow(["s"], from: .oldest)
    for ordinal in alive { #expect(try follower.next(waitingMilliseconds: 0)?.frame.ordinal == ordinal) }
    #expect(try follower.next(waitingMilliseconds: 10) == nil)
    _ = try store.follow(["s"])
    let report = try store.copy(to: directory.path("copy.nts"))
    #expect(report.frames == 9)

    // Whoever takes it out goes on, and so does the stream.
    BlockPool(file: store.file).unlink(block(place), from: store.file.slot(0))
    let slot = store.file.slot(0)
    slot.removals.storeReleased(slot.removals.relaxed &+ 1)
    try fill(12..<13)
    #expect(try follower.next(waitingMilliseconds: 0)?.frame.ordinal == 12)
    #expect(try rest(of: &inside).last == 12)
    #expect(try rest(of: &before).last == 12)
  }

  /// A block stays, the one behind it is taken, and the one behind that is being taken when the reader looks.
  @Test func everyFrameTakenFromWithinIsCounted() throws {
    try fill(0..<15)
    var cursor = try store.cursor(of: "s")
    for ordinal in UInt64(0)..<4 { #expect(try cursor.next()?.ordinal == ordinal) }
    BlockPool(file: store.file).endLife(of: block(1), in: store.file.slot(0))
    // Another reader of this process looks between the two.
    _ = try store.cursor(of: "s")
    endLife(ofBlockAt: 1)
    #expect(try rest(of: &cursor) == [-5, 9, 10, 11, 12, 13, 14])
  }

  /// A block without a frame is given back, and its sequence number is that of the next block.
  @Test func aFollowerSeesFramesBehindABlockThatWasGivenBack() throws {
    try fill(0..<2)
    var follower = try store.follow(["s"], from: .oldest)
    for ordinal in UInt64(0)..<2 { #expect(try follower.next(waitingMilliseconds: 0)?.frame.ordinal == ordinal) }
    #expect(try follower.next(waitingMilliseconds: 0) == nil)
    let writer = try store.writer(for: "s", options: WriterOptions(durability: .none))
    expectError(.invalidArgument) { try unsafe writer.append(byteCount: 16, at: 10) { _ in -1 } }
    #expect(try follower.next(waitingMilliseconds: 0) == nil)
    try writer.append([1, 2, 3], at: 11, key: 5)
    #expect(try follower.next(waitingMilliseconds: 0)?.frame.ordinal == 2)
  }

  /// One block is kept while all around it is recycled; the cursor looks back once, and then goes forward.
  @Test func aLookBackDoesNotHideAGapAhead() throws {
    try fill(0..<24)
    try store.protect("s", in: 6...6)
    var cursor = try store.cursor(of: "s")
    #expect(try cursor.seek(to: 6)?.ordinal == 6)
    try fill(24..<39)
    let oldest = try #require(try store.frames(of: "s", in: 9...100).first { _ in true }?.ordinal)
    let back = expectError(.overwritten) { try cursor.previous() }
    #expect(back?.missedFrames == 6)
    #expect(try cursor.previous() == nil)
    #expect(try rest(of: &cursor) == [6, 7, 8, -(Int(oldest) - 9)] + Array(Int(oldest)..<39))
  }

  /// A reader that came before the recorder, after a power loss, trusts what the recorder has settled.
  @Test func aReaderOfASuspectStoreTrustsItOnceItIsSettled() throws {
    try fill(0..<6)
    try store.close()
    let shared = store.file.shared
    shared.closedCleanly.storeRelaxed(0)
    shared.bootID = BootID(high: 1, low: 2)
    let reader = try Store(at: store.path, .readOnly)
    var cursor = try reader.cursor(of: "s")
    #expect(reader.isSuspect)
    for ordinal in UInt64(0)..<6 { #expect(try cursor.next()?.ordinal == ordinal) }
    let again = try Store(at: store.path)
    try again.writer(for: "s").append([1], at: 100)
    #expect(try cursor.next()?.ordinal == 6)
    #expect(!reader.isSuspect)
  }
}
