internal import CLimit
internal import NanoTS

/// Appending, reading through and reading at random places, with compression and without, beside liblz4 alone.
struct CompressionWorkload: Workload {
  let name = "compression"
  private static let payloadByteCount = 48 << 20
  private static let seeks = 20_000

  private static let ways: [(name: String, compression: Compression)] = [
    ("plain", .off), ("lz4, 16 KiB chunks", .lz4(chunkByteCount: 16 << 10)),
    ("lz4, 4 KiB chunks", .lz4(chunkByteCount: 4 << 10)),
  ]

  func run(_ options: RunOptions, _ scratch: Scratch) throws -> [Comparison] {
    let rows = try options.recording.map { try RecordedRows(csv: $0) } ?? RecordedRows()
    var comparisons: [Comparison] = []
    for (form, frames, isPacked) in [("JSON", rows.json, false), ("packed binary", rows.packed, true)] {
      let stores = try CompressionWorkload.ways.map { way in
        try CompressedRows(frames, way.compression, at: scratch.path(), CompressionWorkload.payloadByteCount)
      }
      let alone = try [16, 4].map { kibibytes in
        ("liblz4 alone, \(kibibytes) KiB", try PiecesAlone(frames, pieceByteCount: kibibytes << 10, isPacked: isPacked))
      }
      func compare(
        _ what: String, _ run: @escaping (CompressedRows) throws -> Sample, _ limit: @escaping (PiecesAlone) -> Sample
      ) throws {
        let title = "\(rows.name) as \(form) (\(frames[0].count) B): \(what)"
        let contenders = zip(CompressionWorkload.ways, stores).map { way, store in
          Contender(name: way.name) { try run(store) }
        }
        comparisons.append(
          try Comparison.interleaved(
            title, rounds: options.rounds,
            contenders + alone.map { name, pieces in Contender(name: name) { limit(pieces) } }))
      }
      try compare("append, for each KiB of payload", { try $0.append() }, { $0.pack() })
      try compare("read through, for each KiB of payload", { try $0.scan() }, { $0.unpack() })
      try compare(
        "read at random times, each; the median of \(CompressionWorkload.seeks)",
        { try $0.seek(CompressionWorkload.seeks) }, { $0.unpackAtRandom(CompressionWorkload.seeks) })
    }
    return comparisons
  }
}

/// A store into which the same frames are written again and again, in a ring that they fill.
private final class CompressedRows {
  /// The frames, one behind the other, and where each ends.
  private let bytes: [UInt8]
  private let ends: [Int]
  private let store: Store
  private let writer: Writer
  private let appends: Int
  private let kibibytes: Double
  private var timestamp: Int64 = 0
  private var cursor: Cursor
  private var generator = SplitMix64(seed: 2_026)

  init(_ frames: [[UInt8]], _ compression: Compression, at path: String, _ payloadByteCount: Int) throws {
    bytes = frames.flatMap { $0 }
    ends = frames.reduce(into: []) { $0.append(($0.last ?? 0) + $1.count) }
    let whole = bytes.count
    appends = payloadByteCount / whole * frames.count
    kibibytes = Double(payloadByteCount / whole * whole) / 1024
    store = try Store.create(at: path, StoreOptions(blockSize: 1 << 20, blockCount: 40), replacing: true)
    writer = try store.writer(for: "rows", options: WriterOptions(durability: .none, compression: compression))
    cursor = try store.cursor(of: "rows")
    _ = try append()
  }

  func append() throws -> Sample {
    let sample = try Stopwatch.time(operations: appends) {
      try unsafe bytes.withUnsafeBytes { bytes in
        for _ in 0..<(appends / ends.count) {
          var start = 0
          for end in ends {
            try unsafe writer.append(UnsafeRawBufferPointer(rebasing: bytes[start..<end]), at: timestamp)
            timestamp += 10
            start = end
          }
        }
      }
    }
    return perKibibyte(sample, of: appends, kibibytes)
  }

  func scan() throws -> Sample {
    var (bytes, sum, count) = (0, UInt8(0), 0)
    let sequence = try store.frames(of: "rows")
    let sample = Stopwatch.time(operations: 1) {
      for frame in sequence {
        bytes += frame.byteCount
        unsafe sum &+= frame.unvalidatedBytes.first ?? 0
        count += 1
      }
    }
    guard count > 0 else { throw BenchmarkError("there is nothing to read: \(count) frames, \(sum)") }
    return perKibibyte(sample, of: 1, Double(bytes) / 1024)
  }

  private func perKibibyte(_ sample: Sample, of operations: Int, _ kibibytes: Double) -> Sample {
    Sample(value: sample.value * Double(operations) / kibibytes, faults: sample.faults)
  }

  /// Each by the clock, which takes some 25 ns of it.
  func seek(_ count: Int) throws -> Sample {
    guard let first = try cursor.first()?.timestamp, let last = try cursor.last()?.timestamp else {
      throw BenchmarkError("there is nothing to read")
    }
    let faults = limit_minor_faults()
    var times: [Double] = []
    times.reserveCapacity(count)
    for _ in 0..<count {
      let wanted = Int64.random(in: first...last, using: &generator)
      let start = limit_clock()
      guard let frame = try cursor.seek(to: wanted), unsafe frame.unvalidatedBytes.last != nil else {
        throw BenchmarkError("a seek missed its frame")
      }
      times.append(Double(limit_clock() - start))
    }
    return Sample(value: Statistics.median(times), faults: limit_minor_faults() - faults)
  }
}
