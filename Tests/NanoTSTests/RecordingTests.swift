import Foundation
import Testing

@testable import NanoTS

/// A real recording of an inertial sensor goes in and comes back bit by bit.
@Suite struct RecordingTests {
  /// One row: nine values, packed as they lie in memory.
  private typealias Sample = (Float, Float, Float, Float, Float, Float, Float, Float, Float)

  private struct Row {
    let timestamp: Int64
    let values: [Float]
    var bytes: [UInt8] { values.flatMap { StoreBytes.little($0.bitPattern) } }
  }

  static let path = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("shared/data/imu_xio_100hz.csv").path

  static var isThere: Bool { FileManager.default.fileExists(atPath: path) }

  private static let rows: [Row] = {
    guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { return [] }
    return text.split(separator: "\n").dropFirst().map { line in
      let fields = line.split(separator: ",")
      return Row(timestamp: Int64((Double(fields[0])! * 1e9).rounded()), values: fields.dropFirst().map { Float($0)! })
    }
  }()

  @Test(.enabled(if: isThere, "the recording \(path) is not here"), arguments: [4096, 65_536, 1 << 20])
  func theRecordingComesBackIdentical(_ blockSize: Int) throws {
    let rows = Self.rows
    try #require(rows.count == 13_514)
    let directory = try TemporaryDirectory()
    let store = try directory.store(blockSize: blockSize, blocks: rows.count * 64 / (blockSize - 160) + 2)
    let writer = try store.writer(for: "imu", metadata: "xio, 100 Hz")
    for row in rows { try writer.append(row.bytes, at: row.timestamp) }
    try writer.close()
    try store.close()

    let reading = try Store(at: store.path, .readOnly)
    var cursor = try reading.cursor(of: "imu", options: CursorOptions(verifiesChecksums: true))
    var index = 0
    while let frame = try cursor.next() {
      guard frame.timestamp == rows[index].timestamp, frame.ordinal == UInt64(index), frame.flags == 0, frame.key == 0,
        try frame.copyBytes() == rows[index].bytes
      else {
        Issue.record("row \(index) differs")
        return
      }
      index += 1
    }
    #expect(index == rows.count)
    #expect(try reading.frameCount(of: "imu") == UInt64(rows.count))
    #expect(try reading.verify().findings.isEmpty)
    try checkColumns(reading, rows)
    try checkRanges(reading, rows)
  }

  /// The same through batches, seen as values where they lie.
  private func checkColumns(_ store: Store, _ rows: [Row]) throws {
    try #require(MemoryLayout<Sample>.size == 36)
    var cursor = try store.cursor(of: "imu")
    var times: [Int64] = []
    var bits: [UInt32] = []
    while let batch = try cursor.nextBatch() {
      #expect(try batch.uniformByteCount() == 36)
      times += try batch.withTimestamps { Array($0) }
      bits += try batch.withValues(as: Sample.self) { samples in
        samples.flatMap { [$0.0, $0.1, $0.2, $0.3, $0.4, $0.5, $0.6, $0.7, $0.8].map(\.bitPattern) }
      }
    }
    #expect(times == rows.map(\.timestamp))
    #expect(bits == rows.flatMap { $0.values.map(\.bitPattern) })
  }

  private func checkRanges(_ store: Store, _ rows: [Row]) throws {
    for second in stride(from: Int64(0), to: 140, by: 7) {
      let range = (second * 1_000_000_000)...((second + 1) * 1_000_000_000)
      let expected = rows.filter { range.contains($0.timestamp) }.map(\.timestamp)
      #expect(try store.frames(of: "imu", in: range).map(\.timestamp) == expected)
      #expect(try store.frameCount(of: "imu", in: range) == UInt64(expected.count))
    }
  }
}
