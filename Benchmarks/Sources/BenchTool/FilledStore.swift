internal import NanoTS

/// A store with every block in use, for workloads that only read it.
struct FilledStore {
  struct Shape: Hashable {
    let blocks: Int
    let streams: Int
    var name: String { "\(blocks) blocks, \(streams == 1 ? "one stream" : "\(streams) streams")" }
  }

  static let blockSize = 4096
  static let payloadSize = 16
  private static let entrySize = 24

  let path: String
  let shape: Shape
  /// Frames of each stream; their timestamps are 0, 1, 2, ...
  let framesInStream: Int

  static func streamName(_ index: Int) -> String { "stream \(index)" }

  /// Makes the store, a block of each stream in turn.
  init(_ shape: Shape, at path: String) throws {
    self.path = path
    self.shape = shape
    Progress.say("filling a store of \(shape.name)")
    let store = try Store.create(
      at: path, StoreOptions(blockSize: FilledStore.blockSize, blockCount: shape.blocks))
    let options = WriterOptions(durability: .none, autoReclaim: false)
    let writers = try (0..<shape.streams).map { index in
      try store.writer(for: FilledStore.streamName(index), options: options)
    }
    let step = FilledStore.payloadSize + FilledStore.entrySize
    let framesInBlock = (writers[0].maximumFrameByteCount + FilledStore.entrySize) / step
    let blocksInStream = shape.blocks / shape.streams
    framesInStream = framesInBlock * blocksInStream
    let payload: [UInt8] = Array(repeating: 7, count: FilledStore.payloadSize)
    for block in 0..<blocksInStream {
      for writer in writers {
        let first = Int64(block * framesInBlock)
        try unsafe payload.withUnsafeBytes { bytes in
          for frame in 0..<framesInBlock { try unsafe writer.append(bytes, at: first + Int64(frame)) }
        }
      }
    }
    for writer in writers { try writer.close() }
    let free = try store.statistics().freeBlocks
    try store.close()
    guard free == 0 else { throw BenchmarkError("\(free) of \(shape.blocks) blocks stayed free") }
  }
}
