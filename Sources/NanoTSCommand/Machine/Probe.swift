import NanoTS

/// A file of /proc that is sampled, and the streams that are made of it.
final class Probe {
  private var file: ProcFile
  /// Every how many periods of the recording it is read.
  private let divisor: Int64
  private var nextNumber: Int64 = 0
  private(set) var streams: [RecordedStream] = []

  /// The share of the period that reading one file may take. A file that takes longer (on a machine with very many
  /// cores or disks) is read less often, so that it does not make all the others late.
  private static let dearestShare = 0.1
  private static let trials = 5

  /// Nil where the machine has none of the streams.
  init?(_ path: String, _ wanted: [MachineStream], in store: Store, rate: Double, compression: Compression?) throws {
    file = try ProcFile(path)
    divisor = max(1, Int64((try Self.cost(of: &file) * rate / Self.dearestShare).rounded(.up)))
    let streamRate = rate / Double(divisor)
    streams = try file.withText { text in
      try wanted.compactMap {
        try RecordedStream($0, in: store, rate: streamRate, compression: compression, text: text)
      }
    }
    guard !streams.isEmpty else { return nil }
  }

  /// Seconds that a read takes when nothing comes in between.
  private static func cost(of file: inout ProcFile) throws -> Double {
    var least = Int64.max
    for _ in 0..<trials {
      let start = SampleClock.now()
      try file.read()
      least = min(least, SampleClock.now() - start)
    }
    return Double(least) / 1e9
  }

  func sample(_ tick: SampleClock.Tick, in unit: TimeUnit) throws {
    guard tick.number >= nextNumber else { return }
    let skipped = (tick.number - nextNumber) / divisor
    nextNumber += (skipped + 1) * divisor
    let timestamp = WallClock.timestamp(in: unit)
    try file.read()
    try file.withText { text in
      for stream in streams {
        stream.skipped += UInt64(skipped)
        try stream.sample(text, at: timestamp, isLate: tick.isLate)
      }
    }
  }
}
