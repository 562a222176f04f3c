import Foundation

@testable import NanoTS

/// The committed store files that every later version must read, how they are made, and what is in them.
///
/// Made once by the first release of format 1 and never again: `NANOTS_WRITE_GOLDEN=1 swift test --filter GoldenFile`
/// writes those that are missing. A file that is there is never replaced.
struct GoldenStore: Sendable, CustomStringConvertible {
  let name: String
  let options: StoreOptions
  /// What each stream holds, oldest frame first.
  let contents: [String: [StoredFrame]]
  let metadata: [String: [String]]
  let write: @Sendable (Store) throws -> Void

  var description: String { name }
  var path: String { GoldenStore.folder + "/" + name }

  private static let folder = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
    .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Golden").path

  static let plain = [ring, growable, kept]
  /// Those that this build can read.
  static let all = LZ4.isAvailable ? plain + [compressed] : plain

  /// Makes the file unless it is there.
  func writeIfMissing() throws {
    guard !FileManager.default.fileExists(atPath: path) else { return }
    try FileManager.default.createDirectory(atPath: GoldenStore.folder, withIntermediateDirectories: true)
    let store = try Store.create(at: path, options)
    try write(store)
    try store.close()
  }

  // MARK: A ring that has turned

  /// Bytes that depend on the frame's number only.
  private static func payload(_ number: Int, _ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: number &* 31 &+ $0 &* 7) }
  }

  private static func plainFrame(_ number: Int) -> StoredFrame {
    StoredFrame(
      1000 + Int64(number) * 10, flags: UInt32(number * 3), payload(number, number == 47 ? 0 : (number * 53) % 400),
      ordinal: UInt64(number), segment: number < 40 ? 0 : 1)
  }

  private static func keyedFrame(_ number: Int) -> StoredFrame {
    StoredFrame(
      2000 + Int64(number / 3), key: Int64(number % 3) - 1, flags: .max - UInt32(number), payload(number, 16),
      ordinal: UInt64(number))
  }

  /// Fixed size, two streams. The first two blocks of "plain" were recycled: frame 35 is the oldest left. Its last segment
  /// has one clamped frame.
  static let ring = GoldenStore(
    name: "ring.nts", options: StoreOptions(blockSize: 4096, blockCount: 6, streamCapacity: 2, timeUnit: .microseconds),
    contents: [
      "plain": (oldestPlain..<80).map(plainFrame) + [
        StoredFrame(5000, payload(80, 9), ordinal: 80, segment: 2),
        StoredFrame(5001, flags: 7, payload(81, 5), ordinal: 81, segment: 2, wasClamped: true),
      ],
      "keyed ü": (0..<20).map(keyedFrame),
    ],
    metadata: ["plain": ["first session", "second", "clamping"], "keyed ü": [""]],
    write: { store in
      func append(_ frames: [StoredFrame], to stream: String, _ metadata: String) throws {
        let writer = try store.writer(for: stream, metadata: metadata)
        for frame in frames {
          try writer.append(frame.payload, at: frame.timestamp, key: frame.key, flags: frame.flags)
        }
        try writer.close()
      }
      try append((0..<40).map(plainFrame), to: "plain", "first session")
      try append((0..<20).map(keyedFrame), to: "keyed ü", "")
      try append((40..<80).map(plainFrame), to: "plain", "second")
      let writer = try store.writer(for: "plain", metadata: "clamping", options: WriterOptions(outOfOrder: .clamp))
      try writer.append(payload(80, 9), at: 5000)
      try writer.append(payload(81, 5), at: 4000, flags: 7)
      try writer.close()
    })

  private static let oldestPlain = 35

  // MARK: One that has grown

  private static func sample(_ number: Int) -> StoredFrame {
    StoredFrame(Int64(number) - 50, payload(number, 100), ordinal: UInt64(number))
  }

  /// Grown from two blocks to four of at most eight, one of which was freed, with frames before and after time zero.
  static let growable = GoldenStore(
    name: "growable.nts",
    options: StoreOptions(blockSize: 4096, blockCount: 8, initialBlockCount: 2, streamCapacity: 2, timeUnit: .seconds),
    contents: ["samples": (Array(0..<31) + Array(62..<120)).map(sample)],
    metadata: ["samples": ["one"]],
    write: { store in
      let writer = try store.writer(for: "samples", metadata: "one")
      for number in 0..<120 { try writer.append(sample(number).payload, at: sample(number).timestamp) }
      try writer.close()
      try store.free("samples", in: -30...20)
    })
  // MARK: One in which something is kept

  private static func picture(_ number: Int) -> StoredFrame {
    StoredFrame(Int64(number), payload(number, 900), ordinal: UInt64(number))
  }

  /// Pins hold, "alarm" has a minimum, "camera" a maximum of four blocks, of which the one with frames 4 to 7 is
  /// protected: the ring of the other three has turned behind it.
  static let kept = GoldenStore(
    name: "kept.nts", options: StoreOptions(blockSize: 4096, blockCount: 6, streamCapacity: 2, pins: .hold),
    contents: [
      "camera": (Array(4..<8) + Array(20..<32)).map(picture),
      "alarm": [StoredFrame(3, [1], ordinal: 0)],
    ],
    metadata: ["camera": ["lens"], "alarm": [""]],
    write: { store in
      try store.setQuota(StreamQuota(minimumBlocks: 2), of: "alarm")
      try store.setQuota(StreamQuota(maximumBlocks: 4, maximumAge: 10_000), of: "camera")
      for range in [0...0, 5...6, 900...Int64.max, -9...(-5)] { try store.protect("camera", in: range) }
      try store.releaseProtection(of: "camera", in: 0...0)
      for range: ClosedRange<Int64> in [-9...(-8), -6...(-5)] { try store.releaseProtection(of: "camera", in: range) }
      let camera = try store.writer(for: "camera", metadata: "lens")
      for number in 0..<32 { try camera.append(picture(number).payload, at: picture(number).timestamp) }
      try camera.close()
      let alarm = try store.writer(for: "alarm")
      try alarm.append([1], at: 3)
      try alarm.close()
    })

  // MARK: One that is compressed

  private static func text(_ number: Int) -> StoredFrame {
    let line =
      "{\"sensor\":\"boiler\",\"value\":\(number * 37 % 101),\"status\":\"\(number % 17 == 0 ? "late" : "ok")\"}"
    return StoredFrame(
      Int64(number) * 10, flags: number % 17 == 0 ? 1 : 0, number == 50 ? [] : Array(line.utf8), ordinal: UInt64(number)
    )
  }

  private static let noise: [UInt8] = {
    var random = SeededGenerator(seed: 120)
    return random.bytes(700)
  }()

  private static func reading(_ number: Int) -> StoredFrame {
    StoredFrame(
      Int64(number / 2), key: Int64(number % 2) - 1,
      StoreBytes.little(Int64(number) * 1_000_003) + StoreBytes.little(Float(number).bitPattern),
      ordinal: UInt64(number))
  }

  /// "text" has frames of any size and one that is a chunk by itself; "readings" equal ones with keys, filtered, the last of
  /// which lie in the staging area.
  static let compressed = GoldenStore(
    name: "compressed.nts",
    options: StoreOptions(blockSize: 4096, blockCount: 6, streamCapacity: 2, compression: .lz4(chunkByteCount: 256)),
    contents: [
      "text": (0..<120).map(text) + [StoredFrame(2000, noise, ordinal: 120)],
      "readings": (0..<130).map(reading),
    ],
    metadata: ["text": ["lines"], "readings": ["numbers"]],
    write: { store in
      let lines = try store.writer(for: "text", metadata: "lines")
      for number in 0..<120 {
        try lines.append(text(number).payload, at: text(number).timestamp, flags: text(number).flags)
      }
      try lines.append(noise, at: 2000)
      try lines.close()
      let numbers = try store.writer(
        for: "readings", metadata: "numbers", options: WriterOptions(compression: .lz4(chunkByteCount: 1024)))
      for number in 0..<130 {
        try numbers.append(reading(number).payload, at: reading(number).timestamp, key: reading(number).key)
      }
      try numbers.flush()
      try numbers.close()
    })
}
