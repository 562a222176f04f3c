import NanoTS

/// What a verification found that was there in each of several looks.
///
/// A look takes as long as the file takes to be read. Where writers recycle blocks meanwhile, lists and headers that were read
/// at different moments may contradict each other; damage is there the next time as well.
struct StoreCheck {
  let findings: [Finding]
  let checkedBlocks: Int
  let checkedFrames: UInt64

  var isClean: Bool { findings.isEmpty }

  private static let mostLooks = 4

  /// Throws what opening the store throws. O(bytes of the store in use), a few times where something is wrong and somebody
  /// writes.
  init(of path: String) throws(NanoTSError) {
    try self.init(of: try Store(at: path, .snapshot), at: path)
  }

  /// The same, with the first look at a store that was opened as a snapshot just now.
  init(of store: Store, at path: String) throws(NanoTSError) {
    var report = try store.verify()
    var findings = report.findings
    for _ in 1..<Self.mostLooks where !findings.isEmpty {
      let later = try Store(at: path, .snapshot)
      guard try later.statistics().streams.contains(where: \.isWritten) else { break }
      report = try later.verify()
      let again = Set(report.findings.map(\.description))
      findings.removeAll { !again.contains($0.description) }
    }
    self.findings = findings
    checkedBlocks = report.checkedBlocks
    checkedFrames = report.checkedFrames
  }
}
