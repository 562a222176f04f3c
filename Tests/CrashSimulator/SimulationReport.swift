/// What a simulation has done.
package struct SimulationReport: Sendable, CustomStringConvertible {
  package internal(set) var runs = 0
  package internal(set) var crashes = 0
  package internal(set) var images = 0
  package internal(set) var imagesByKind: [ImageKind: Int] = [:]
  /// Images of stores that a writer of each policy had written.
  package internal(set) var imagesByPolicy: [String: Int] = [:]
  package internal(set) var framesWritten: UInt64 = 0
  package internal(set) var framesChecked: UInt64 = 0
  /// How often a run went on with what a crash had left.
  package internal(set) var restarts = 0

  package var description: String {
    let kinds = ImageKind.allCases.map { "\($0.rawValue) \(imagesByKind[$0] ?? 0)" }
    let policies = imagesByPolicy.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
    return """
      \(images) crash images of \(crashes) crashes in \(runs) runs, \(restarts) restarts; \(framesWritten) frames written, \
      \(framesChecked) checked
        by kind: \(kinds.joined(separator: ", "))
        by policy of the streams: \(policies.joined(separator: ", "))
      """
  }
}

/// A promise broken, with what is needed to see it again.
package struct SimulationFailure: Error, CustomStringConvertible {
  /// The seed of the run, which alone repeats it in stores of less than 64 blocks without a writer that syncs by time:
  /// elsewhere the store's thread takes part, in its own time.
  package let seed: UInt64
  package let report: SimulationReport
  /// The image that was being checked.
  package let image: [UInt8]?
  package let description: String
}
