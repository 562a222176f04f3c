internal import FoundationEssentials

/// Rows of a recording as frames: text, or packed numbers.
struct RecordedRows {
  let name: String
  let json: [[UInt8]]
  let packed: [[UInt8]]

  /// The rows of the CSV file at `path`, of which the first line has the names and the first column the time.
  init(csv path: String) throws {
    guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
      throw BenchmarkError("the recording \(path) cannot be read as text")
    }
    let lines = text.split(separator: "\n").map { $0.split(separator: ",").map(String.init) }
    guard let names = lines.first, lines.count > 1, names.count > 1 else {
      throw BenchmarkError("the recording \(path) has no rows")
    }
    name = String(path.split(separator: "/").last ?? "")
    let rows = lines.dropFirst().filter { $0.count == names.count }
    json = rows.map { RecordedRows.json(names, $0) }
    packed = rows.map { row in row.dropFirst().flatMap { RecordedRows.little((Float($0) ?? 0).bitPattern) } }
  }

  /// Nine sensors that drift: the same numbers in every run.
  init() {
    var generator = SplitMix64(seed: 6)
    var values = [Float](repeating: 0, count: 9)
    let names = ["time_s"] + (0..<9).map { "sensor_\($0)" }
    var (json, packed): ([[UInt8]], [[UInt8]]) = ([], [])
    for row in 0..<13_514 {
      for index in values.indices { values[index] += Float(Int.random(in: -20...20, using: &generator)) / 1024 }
      json.append(RecordedRows.json(names, ["\(Double(row) / 100)"] + values.map { "\($0)" }))
      packed.append(values.flatMap { RecordedRows.little($0.bitPattern) })
    }
    (name, self.json, self.packed) = ("drifting sensors", json, packed)
  }

  private static func json(_ names: [String], _ row: [String]) -> [UInt8] {
    Array("{\(zip(names, row).map { "\"\($0)\":\($1)" }.joined(separator: ","))}".utf8)
  }

  private static func little(_ word: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) } }
}
