/// What a stream does at the moment.
struct StreamActivity {
  let name: String
  let isWritten: Bool
  let writerProcessID: Int32?
  /// Nil at the first look.
  let framesPerSecond: Double?
  /// Nil at the first look.
  let bytesPerSecond: Double?
  /// Seconds from the newest frame to now; nil where its time is none of the calendar, or there is no frame.
  let lagSeconds: Double?
  let blocks: Int
  /// Seconds from the oldest frame to now; nil as for the lag.
  let oldestAgeSeconds: Double?
  let first: Int64?
  let newest: NewestFrame?
}

/// The newest frame of a stream, as far as it is shown.
struct NewestFrame {
  let timestamp: Int64
  let flags: UInt32
  /// The beginning of the payload as `cat` shows it.
  let value: String

  /// The value; before it the flags, where there are any, and in its place where there is no payload.
  var text: String {
    let flagged = flags == 0 && !value.isEmpty ? "" : "flags=\(flags)"
    return [flagged, value].filter { !$0.isEmpty }.joined(separator: " ")
  }
}

/// A look at all streams of a store at one moment.
struct StoreActivity {
  let path: String
  let blockCount: Int
  let blockSize: Int
  /// By name.
  let streams: [StreamActivity]

  var usedBlocks: Int { min(blockCount, streams.reduce(0) { $0 + $1.blocks }) }
  var framesPerSecond: Double? { sum(\.framesPerSecond) }
  var bytesPerSecond: Double? { sum(\.bytesPerSecond) }

  private func sum(_ rate: KeyPath<StreamActivity, Double?>) -> Double? {
    let rates = streams.compactMap { $0[keyPath: rate] }
    return rates.isEmpty ? nil : rates.reduce(0, +)
  }
}
