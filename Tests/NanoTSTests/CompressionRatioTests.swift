import Foundation
import Testing

@testable import NanoTS

/// How much smaller real recordings become, index included, and that they come back as they were.
@Suite(.enabled(if: LZ4.isAvailable, "this build is without LZ4")) struct CompressionRatioTests {
  /// One way to write down one recording.
  private struct Form: Sendable {
    let name: String
    let frames: [(timestamp: Int64, payload: [UInt8])]
    /// Wanted with blocks of 1 MiB and chunks of 16 KiB.
    let leastRatio: Double
  }

  private static func rows(_ file: String) -> (names: [Substring], rows: [[Substring]]) {
    let path = URL(fileURLWithPath: RecordingTests.path).deletingLastPathComponent().appendingPathComponent(file).path
    guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { return ([], []) }
    let lines = text.split(separator: "\n").map { $0.split(separator: ",") }
    return (lines[0], Array(lines.dropFirst()))
  }

  private static func little(_ words: [some FixedWidthInteger]) -> [UInt8] { words.flatMap { StoreBytes.little($0) } }

  private static var imuForms: [Form] {
    let (names, rows) = rows("imu_xio_100hz.csv")
    func milliseconds(_ row: [Substring]) -> Int64 { Int64((Double(row[0])! * 1000).rounded()) }
    return [
      Form(
        name: "IMU, JSON",
        frames: rows.map { row in
          let fields = zip(names, row).map { "\"\($0)\":\($1)" }
          return (milliseconds(row), Array("{\(fields.joined(separator: ","))}".utf8))
        }, leastRatio: 2.4),
      Form(
        name: "IMU, 36 bytes",
        frames: rows.map { (milliseconds($0), little($0.dropFirst().map { Float($0)!.bitPattern })) }, leastRatio: 1.35),
    ]
  }

  private static var temperatureForms: [Form] {
    let dates = DateFormatter()
    dates.dateFormat = "yyyy-MM-dd HH:mm:ss"
    dates.timeZone = TimeZone(identifier: "UTC")
    dates.locale = Locale(identifier: "en_US_POSIX")
    var last = Int64.min
    // The recording has a step back in time, of an hour; these frames do without it.
    let rows = rows("machine_temperature_5min.csv").rows.compactMap { row -> (Int64, Substring, Substring)? in
      let timestamp = Int64(dates.date(from: String(row[0]))!.timeIntervalSince1970 * 1000)
      guard timestamp > last else { return nil }
      last = timestamp
      return (timestamp, row[0], row[1])
    }
    return [
      Form(
        name: "temperature, JSON",
        frames: rows.map { timestamp, time, value in
          let text =
            #"{"sensor":"machine_temperature","time":"\#(time)","value":\#(value),"unit":"degF","status":"ok"}"#
          return (timestamp, Array(text.utf8))
        }, leastRatio: 6),
      Form(
        name: "temperature, 16 bytes",
        frames: rows.map { timestamp, _, value in
          (timestamp, StoreBytes.little(timestamp) + StoreBytes.little(Float(value)!.bitPattern) + [0, 0, 0, 0])
        }, leastRatio: 3),
    ]
  }

  private struct Size {
    let block: Int
    let chunk: Int
    var name: String { "\(block >> 10) KiB / \(chunk >> 10) KiB" }
  }

  private static let sizes = [
    Size(block: 1 << 20, chunk: 16 << 10), Size(block: 1 << 20, chunk: 4 << 10), Size(block: 64 << 10, chunk: 4 << 10),
    Size(block: 10 << 20, chunk: 16 << 10),
  ]

  @Test(.enabled(if: RecordingTests.isThere, "the recordings are not here"))
  func recordingsShrinkAsPromisedAndComeBack() throws {
    print("payload bytes for each stored byte, by block and chunk size; the last column is 1 MiB / 16 KiB with lz4hc")
    let names = Self.sizes.map(\.name).joined(separator: "  ")
    print("\("recording".padding(toLength: 24, withPad: " ", startingAt: 0))\(names)  lz4hc")
    for form in Self.imuForms + Self.temperatureForms {
      try #require(!form.frames.isEmpty)
      var cells: [Double] = []
      for size in Self.sizes { cells.append(try ratio(form, size)) }
      #expect(cells[0] >= form.leastRatio, "\(form.name): \(cells[0])")
      cells.append(try ratio(form, Self.sizes[0], rewritten: true))
      #expect(cells[4] > cells[0])
      let columns = cells.map { String(format: "%-18.2f", $0) }.joined()
      print("\(form.name.padding(toLength: 24, withPad: " ", startingAt: 0))\(columns)")
    }
  }

  /// Stores the frames, reads them back, and returns what was gained; `rewritten`: of a copy with `lz4hc`.
  private func ratio(_ form: Form, _ size: Size, rewritten: Bool = false) throws -> Double {
    let directory = try TemporaryDirectory()
    let bytes = form.frames.reduce(0) { $0 + $1.payload.count + 32 }
    var store = try directory.store(blockSize: size.block, blocks: bytes / (size.block / 2) + 2)
    let options = WriterOptions(durability: .none, compression: .lz4(chunkByteCount: size.chunk))
    let writer = try store.writer(for: "s", options: options)
    for frame in form.frames { try writer.append(frame.payload, at: frame.timestamp) }
    try writer.close()
    if rewritten {
      let copy = directory.path("copy.nts")
      try store.copy(to: copy, CopyOptions(compression: .lz4hc(chunkByteCount: size.chunk)))
      store = try Store(at: copy, .readOnly)
    }
    var index = 0
    for frame in try store.frames(of: "s") {
      guard frame.timestamp == form.frames[index].timestamp, try frame.copyBytes() == form.frames[index].payload else {
        Issue.record("\(form.name), \(size.name): frame \(index) differs")
        return 0
      }
      index += 1
    }
    #expect(index == form.frames.count)
    let storage = try #require(try store.statistics(of: "s")).storage
    #expect(storage.rawBytes == UInt64(form.frames.reduce(0) { $0 + $1.payload.count }))
    return try #require(storage.ratio)
  }
}
