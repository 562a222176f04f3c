import NanoTS

/// Which of the few colours that can be told apart a stream has: those with the most blocks have one of their own.
struct StreamColours {
  static let count = 8

  private let index: [String: Int]

  init(_ streams: [StreamStatistics]) {
    let largest = streams.sorted { ($1.blocks, $0.name) < ($0.blocks, $1.name) }.prefix(Self.count)
    // By name among them, so that neighbours in the tables differ.
    let names = largest.map(\.name).sorted()
    index = Dictionary(names.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
  }

  /// The class in the page's style.
  func name(of stream: String) -> String { index[stream].map { "s\($0)" } ?? "other" }
}
