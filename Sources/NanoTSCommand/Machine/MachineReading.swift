import NanoTSRecords

/// What turns the text of one /proc file into the packed records of one stream.
protocol MachineReading {
  var layout: [LayoutDocument.Item] { get }

  /// The size of a record in 8-byte words.
  var wordCount: Int { get }

  /// Writes a record, little-endian. False where the text no longer has the shape that the layout was made for (an
  /// interface has come or gone): then `words` hold nothing of use and a new reading must be made.
  func fill(_ words: inout [UInt64], from text: Span<UInt8>) -> Bool
}

/// Turns the one line of /proc/loadavg into a packed record: `0.08 0.02 0.01 1/80 2691`.
struct LoadReading: MachineReading {
  let layout: [LayoutDocument.Item] = [
    .field(.init(name: "load1", type: "f64", unit: "processes", offset: 0)),
    .field(.init(name: "load5", type: "f64", unit: "processes", offset: 8)),
    .field(.init(name: "load15", type: "f64", unit: "processes", offset: 16)),
    .field(.init(name: "running", type: "u64", unit: "threads", offset: 24)),
    .field(.init(name: "threads", type: "u64", unit: "threads", offset: 32)),
  ]
  let wordCount = 5

  func fill(_ words: inout [UInt64], from text: Span<UInt8>) -> Bool {
    var scanner = TextScanner()
    for index in 0..<3 {
      // The kernel prints two digits behind the point, always.
      guard let whole = scanner.number(in: text), scanner.skip(UInt8(ascii: "."), in: text),
        let hundredths = scanner.number(in: text)
      else { return false }
      words[index] = (Double(whole &* 100 &+ hundredths) / 100).bitPattern.littleEndian
    }
    guard let running = scanner.number(in: text), scanner.skip(UInt8(ascii: "/"), in: text),
      let threads = scanner.number(in: text)
    else { return false }
    words[3] = running.littleEndian
    words[4] = threads.littleEndian
    return true
  }
}
