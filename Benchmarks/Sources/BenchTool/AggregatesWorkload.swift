internal import NanoTS
internal import NanoTSRecords

/// Adding up a field of 100 million records of 36 bytes, beside reading them through.
struct AggregatesWorkload: Workload {
  let name = "aggregates"
  private static let records = 100_000_000
  private static let blockSize = 1 << 20
  private static let spans: Int64 = 1_000

  var notes: [String] {
    [
      "nanoseconds for a record of nine 32-bit floats; 36 divided by them is GB/s of payload. Python/aggregates.py is NumPy"
    ]
  }

  func run(_ options: RunOptions, _ scratch: Scratch) throws -> [Comparison] {
    let path = scratch.path()
    let store = try AggregatesWorkload.fill(path)
    defer { try? scratch.remove(path) }
    let records = AggregatesWorkload.records
    let least = AggregatesWorkload.value(0)
    func measure(_ body: () throws -> (count: Int, minimum: Double)) throws -> Sample {
      var found = (count: 0, minimum: Double.infinity)
      let sample = try Stopwatch.time(operations: records) { found = try body() }
      guard found == (records, Double(least)) else { throw BenchmarkError("not every record was looked at: \(found)") }
      return sample
    }
    return [
      try Comparison.interleaved(
        "100,000,000 records of 36 B: count, min, max, sum, first and last of a field", rounds: options.rounds,
        [
          Contender(name: "plain scan: for frame in, min of a field") { try measure { try minimumByFrames(store) } },
          Contender(name: "plain scan: batches, min of a field") { try measure { try minimumByBatches(store) } },
          Contender(name: "aggregates, all in one") { try measure { try aggregates(store, every: nil) } },
          Contender(name: "aggregates, 1,000 spans") {
            try measure { try aggregates(store, every: Int64(records) * 10 / AggregatesWorkload.spans) }
          },
        ])
    ]
  }

  /// A value that is greater than that of record 0 everywhere else.
  private static func value(_ record: Int) -> Float { Float((record &* 7) % 9_973) - 5_000 - (record == 0 ? 1 : 0) }

  private static func fill(_ path: String) throws -> Store {
    let blockCount = records / ((blockSize - 4096) / (40 + FrameRun.entrySize)) + 8
    let store = try Store.create(at: path, StoreOptions(blockSize: blockSize, blockCount: blockCount))
    let fields = (0..<9).map { RecordField("f\($0)", .f32, offset: 4 * $0) }
    let writer = try store.writer(
      for: "records", metadata: RecordLayout(fields).metadata, options: WriterOptions(durability: .none))
    var record: [UInt8] = Array(repeating: 0, count: 36)
    for index in 0..<records {
      let value = value(index)
      for field in 0..<9 {
        unsafe record.withUnsafeMutableBytes {
          unsafe $0.storeBytes(of: value, toByteOffset: 4 * field, as: Float.self)
        }
      }
      try writer.append(record, at: Int64(index) * 10)
    }
    try writer.close()
    return store
  }

  private func minimumByFrames(_ store: Store) throws -> (Int, Double) {
    var (count, minimum) = (0, Float.infinity)
    for frame in try store.frames(of: "records") {
      let value = try unsafe frame.withUnsafeBytes { unsafe $0.loadUnaligned(fromByteOffset: 12, as: Float.self) }
      if value < minimum { minimum = value }
      count += 1
    }
    return (count, Double(minimum))
  }

  private func minimumByBatches(_ store: Store) throws -> (Int, Double) {
    var (count, minimum) = (0, Float.infinity)
    var cursor = try store.cursor(of: "records")
    while let batch = try cursor.nextBatch() {
      try batch.withValues(as: Float.self, at: 12) { values in
        for value in values where value < minimum { minimum = value }
        count += values.count
      }
    }
    return (count, Double(minimum))
  }

  private func aggregates(_ store: Store, every width: Int64?) throws -> (Int, Double) {
    let spans = try store.aggregates(of: "f3", in: "records", every: width).spans
    return (Int(spans.reduce(0) { $0 + $1.count }), spans.map(\.minimum).min() ?? .infinity)
  }
}
