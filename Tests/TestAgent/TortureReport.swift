/// How a torture reader came to a frame.
public enum ReadPath: Int, CaseIterable, Sendable {
  case next
  case batch
  case sequence
  case previous
  case reversed
  case seek
  case following
}

/// What torture readers saw, added up over all their walks.
public struct TortureReport: Sendable, CustomStringConvertible {
  /// Frames found right, by `ReadPath`.
  public private(set) var right: [UInt64] = Array(repeating: 0, count: ReadPath.allCases.count)
  /// Frames that readers were told they missed.
  public private(set) var missed: UInt64 = 0
  /// How often they were told.
  public private(set) var laps: UInt64 = 0
  public private(set) var walks: UInt64 = 0
  /// Whatever was not as promised, in words; the first few.
  public private(set) var complaints: [String] = []
  public private(set) var complaintCount: UInt64 = 0

  public init() {}

  public var total: UInt64 { right.reduce(0, +) }

  @inline(__always)
  public mutating func add(_ path: ReadPath, _ frames: UInt64 = 1) { right[path.rawValue] &+= frames }

  public mutating func addLap(missed count: UInt64) {
    laps += 1
    missed += count
  }

  public mutating func addWalk() { walks += 1 }

  /// Adds a walk forward, which must have been exact.
  public mutating func add(_ tally: Tally, _ path: String) {
    laps += tally.laps
    missed += tally.missed
    if !tally.isExact { complain("\(path): a walk that is not exact: \(tally)") }
  }

  public mutating func complain(_ text: String) {
    complaintCount += 1
    if complaints.count < 5 { complaints.append(text) }
  }

  public mutating func add(_ other: TortureReport) {
    for path in right.indices { right[path] += other.right[path] }
    missed += other.missed
    laps += other.laps
    walks += other.walks
    complaints += other.complaints
    complaintCount += other.complaintCount
  }

  // MARK: As text

  /// One line of numbers, then one line for each complaint, as an agent prints it.
  public var lines: String {
    let numbers = right + [missed, laps, walks, complaintCount]
    let complaints = complaints.map { $0.split(separator: "\n").joined(separator: " ") }
    return ([numbers.map { "\($0)" }.joined(separator: " ")] + complaints).joined(separator: "\n")
  }

  /// What `lines` gave, or nil.
  public init?(lines: String) {
    let parts = lines.split(separator: "\n")
    let numbers = (parts.first ?? "").split(separator: " ").map { UInt64($0) }
    let paths = ReadPath.allCases.count
    guard numbers.count == paths + 4, !numbers.contains(nil) else { return nil }
    let values = numbers.map { $0! }
    right = Array(values[0..<paths])
    (missed, laps, walks, complaintCount) = (values[paths], values[paths + 1], values[paths + 2], values[paths + 3])
    complaints = parts.dropFirst().map { String($0) }
  }

  public var description: String {
    let paths = ReadPath.allCases.map { "\($0) \(right[$0.rawValue].grouped)" }.joined(separator: ", ")
    return "\(total.grouped) frames checked (\(paths)), \(missed.grouped) missed in \(laps.grouped) laps, "
      + "\(walks.grouped) walks, \(complaintCount) complaints"
  }
}

extension UInt64 {
  /// With a comma after each three digits.
  public var grouped: String {
    var digits = "\(self)"
    var place = digits.endIndex
    while digits.formIndex(&place, offsetBy: -3, limitedBy: digits.startIndex), place > digits.startIndex {
      digits.insert(",", at: place)
    }
    return digits
  }
}
