internal import NanoTS

/// Copying a full store of 64 MiB, synced and checked, alone and while another process appends to its stream or only uses a
/// processor. What a copy costs the writer, `readers` shows.
struct CopyWorkload: Workload {
  let name = "copy"
  private static let blockCount = 64
  private static let size = 64

  func run(_ options: RunOptions, _ scratch: Scratch) throws -> [Comparison] {
    let (path, copy) = (scratch.path(), scratch.path())
    let framesInCopy: UInt64
    do {
      let shape = StoreOptions(blockSize: 1 << 20, blockCount: Self.blockCount)
      let stream = try AppendingStore(path, shape, size: Self.size)
      try stream.fill()
      framesInCopy = try stream.store.copy(to: copy).frames
    }
    defer { for path in [path, copy] { try? scratch.remove(path) } }
    let store = try Store(at: path, .readOnly)
    return [
      try Comparison.interleaved(
        "copy of \(framesInCopy) frames of \(Self.size) B, each frame", rounds: options.rounds,
        [(PeerRole.writer, 0), (.writer, 1), (.spin, 1)].map { role, count in
          Contender(name: "beside \(count) × \(role.rawValue)") {
            let peers = try (0..<count).map { _ in try PeerProcess(role, path, scratch) }
            let sample = try Stopwatch.time(operations: Int(framesInCopy)) { try store.copy(to: copy, replacing: true) }
            withExtendedLifetime(peers) {}
            return sample
          }
        })
    ]
  }
}
