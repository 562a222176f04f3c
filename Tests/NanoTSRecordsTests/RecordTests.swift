import Foundation
import NanoTS
import Testing

@testable import NanoTSRecords

/// Structs as records.
@Suite struct RecordTests {
  struct Motion: Record, Equatable {
    var ax: Float
    var ay: Float
    var count: UInt16
    var isCalibrated: Bool
    var time: Int64
    static let units = ["ax": "g", "ay": "g"]
  }

  struct Named: Record {
    var name: InlineArray<6, UInt8>
    var value: Double
  }

  private let path: String

  init() {
    path = NSTemporaryDirectory() + "/records-\(UUID().uuidString).nts"
  }

  private func store() throws -> Store {
    try Store.create(at: path, StoreOptions(blockSize: 4096, blockCount: 8), replacing: true)
  }

  private func motion(_ index: Int64) -> Motion {
    Motion(
      ax: Float(index) / 2, ay: -Float(index), count: UInt16(truncatingIfNeeded: index), isCalibrated: index % 3 == 0,
      time: index &* 1_000_000_007)
  }

  @Test func theLayoutIsTheStructs() throws {
    let layout = try Motion.layout()
    #expect(
      layout.fields == [
        RecordField("ax", .f32, unit: "g", offset: 0), RecordField("ay", .f32, unit: "g", offset: 4),
        RecordField("count", .u16, offset: 8), RecordField("isCalibrated", .bool, offset: 10),
        RecordField("time", .i64, offset: 16),
      ])
    #expect(layout.byteCount == 24)
    // Where Swift itself says that they lie.
    let offsets: [PartialKeyPath<Motion>] = [\.ax, \.ay, \.count, \.isCalibrated, \.time]
    #expect(layout.fields.map(\.offset) == offsets.map { MemoryLayout<Motion>.offset(of: $0) })
    #expect(try Named.layout().fields.map(\.type) == [.text(byteCount: 6), .f64])
  }

  struct WithString: Record {
    enum Kind: UInt8 { case a, b }
    var kind: Kind
  }
  struct WithWrongUnit: Record {
    var x: Double
    static let units = ["y": "m"]
  }
  struct Empty: Record {}

  @Test func whatIsNoRecordIsRefused() {
    #expect { try WithString.layout() } throws: { "\($0)".contains("'kind'") && "\($0)".contains("Kind") }
    #expect { try WithWrongUnit.layout() } throws: { "\($0)".contains("'y'") }
    #expect(throws: NanoTSError.self) { try Empty.layout() }
  }

  @Test func recordsComeBack() throws {
    let store = try store()
    defer { try? FileManager.default.removeItem(atPath: path) }
    let writer = try store.recordWriter(for: "imu", of: Motion.self)
    for time in Int64(0)..<200 { try writer.append(motion(time), at: time * 10, key: time % 2, flags: 7) }
    try writer.close()
    #expect(RecordLayout(metadata: try store.segments(of: "imu")[0].metadata) == (try Motion.layout()))

    var records = try store.records(of: "imu", as: Motion.self)
    for time in Int64(0)..<200 {
      let found = try #require(try records.next())
      #expect(found.record == motion(time) && found.timestamp == time * 10 && found.key == time % 2 && found.flags == 7)
    }
    #expect(try records.next() == nil)

    // In a range, and by columns.
    var some = try store.records(of: "imu", as: Motion.self, in: 1_005...1_500)
    #expect(try some.next()?.timestamp == 1_010)
    var times: [Int64] = []
    while let batch = try some.nextBatch({ times, records in (Array(times), Array(records)) }) {
      times += batch.0
      #expect(batch.1 == batch.0.map { motion($0 / 10) })
    }
    #expect(times == Array(stride(from: 1_020, through: 1_500, by: 10)))
    #expect(try some.next() == nil)
  }

  struct Other: Record {
    var ax: Float
    var ay: Double
  }

  /// Both layouts are told; what comes behind is read.
  @Test func aMismatchShowsBoth() throws {
    let store = try store()
    defer { try? FileManager.default.removeItem(atPath: path) }
    let motions = try store.recordWriter(for: "s", of: Motion.self)
    try motions.append(motion(1), at: 1)
    try motions.close()
    let others = try store.recordWriter(for: "s", of: Other.self)
    try others.append(Other(ax: 1, ay: 2), at: 2)
    try others.close()
    let bytes = try store.writer(for: "s", metadata: "celsius")
    try bytes.append(value: 5.0, at: 3)
    try bytes.close()
    let again = try store.recordWriter(for: "s", of: Motion.self)
    try again.append(motion(4), at: 4)
    try again.close()

    var records = try store.records(of: "s", as: Motion.self)
    #expect(try records.next()?.record == motion(1))
    #expect { try records.next() } throws: { error in
      let error = error as! NanoTSError
      return error.code == .layoutMismatch && error.message.contains("isCalibrated: bool at 10")
        && error.message.contains("ay: f64 at 8") && error.message.contains("'s', segment 1")
    }
    #expect { try records.next() } throws: { "\($0)".contains("'celsius'") }
    #expect(try records.next()?.record == motion(4))
    #expect(try records.next() == nil)
  }

  /// `Motion` with whatever byte another program writes for its bool.
  private struct StoredMotion: BitwiseCopyable {
    var ax: Float
    var ay: Float
    var count: UInt16
    var isCalibrated: UInt8
    var time: Int64
  }

  /// Bytes that no Bool of Swift's has are read as true, and no record is lost.
  @Test(arguments: [false, true]) func anyByteButZeroIsTrue(isCompressed: Bool) throws {
    defer { try? FileManager.default.removeItem(atPath: path) }
    let store = try Store.create(
      at: path,
      StoreOptions(blockSize: 16 << 10, blockCount: 8, compression: isCompressed ? .lz4(chunkByteCount: 4096) : .off),
      replacing: true)
    let writer = try store.writer(for: "imu", metadata: Motion.layout().metadata)
    let bytes = (0..<1_000).map { (index: Int) in index < 300 ? UInt8(index % 2) : UInt8(truncatingIfNeeded: index) }
    for (index, byte) in bytes.enumerated() {
      let stored = StoredMotion(ax: 1, ay: 2, count: 3, isCalibrated: byte, time: Int64(index))
      try writer.append(value: stored, at: Int64(index / 4), key: Int64(index % 4))
    }
    try writer.close()

    var records = try store.records(of: "imu", as: Motion.self)
    var found: [Bool] = []
    while let next = try records.next() {
      #expect(next.record.time == Int64(found.count) && next.record.ax == 1 && next.record.count == 3)
      found.append(next.record.isCalibrated)
    }
    #expect(found == bytes.map { $0 != 0 })

    // A batch with such a byte is not handed out, and none of its records is passed over.
    var batches = try store.records(of: "imu", as: Motion.self)
    var times: [Int64] = []
    var refused = 0
    while true {
      do throws(NanoTSError) {
        guard let batch = try batches.nextBatch({ _, records in records.map { ($0.time, $0.isCalibrated) } }) else {
          break
        }
        for (time, isCalibrated) in batch { #expect(isCalibrated == (bytes[Int(time)] != 0)) }
        times += batch.map(\.0)
      } catch {
        refused += 1
        #expect(
          error.code == .invalidArgument && error.message.contains("'isCalibrated'") && error.message.contains("next()")
        )
        times.append(try #require(try batches.next()).record.time)
      }
    }
    #expect(times == (0..<1_000).map(Int64.init))
    #expect(refused > 0 && (refused < 1_000))
  }

  @Test func aShortPayloadIsNoRecord() throws {
    let store = try store()
    defer { try? FileManager.default.removeItem(atPath: path) }
    let writer = try store.writer(for: "imu", metadata: Motion.layout().metadata)
    try writer.append(value: UInt64(1), at: 1)
    try writer.close()
    var records = try store.records(of: "imu", as: Motion.self)
    #expect { try records.next() } throws: { ($0 as? NanoTSError)?.code == .invalidArgument }
    #expect(try records.next() == nil)
  }
}
