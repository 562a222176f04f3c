/// One thing to measure, in several variants.
protocol Workload {
  var name: String { get }
  /// What a reader of the figures has to know besides: how other engines were configured.
  var notes: [String] { get }
  func run(_ options: RunOptions, _ scratch: Scratch) throws -> [Comparison]
}

extension Workload {
  var notes: [String] { [] }
}

struct RunOptions {
  let rounds: Int
  let maximumBlocks: Int
  /// A CSV file whose rows are to be the frames of `compression`.
  let recording: String?

  /// Those of `counts` that may be measured.
  func allowed(_ counts: [Int]) -> [Int] { counts.filter { $0 <= maximumBlocks } }
}

/// A failure of the benchmark itself.
struct BenchmarkError: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}
