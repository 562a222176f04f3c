import NanoTS
import TestAgent

/// A small ring with its streams, each of which has a writer of its own.
struct TortureRing: Sendable, CustomStringConvertible {
  let blockSize: Int
  let blockCount: Int
  let streams: [ProvingStream]

  init(_ blockCount: Int, blocksOf blockSize: Int, _ shapes: ProvingStream.Shape...) {
    self.blockSize = blockSize
    self.blockCount = blockCount
    streams = shapes.enumerated().map { ProvingStream(UInt64($0.offset + 1), $0.element) }
  }

  var description: String {
    "\(blockCount) blocks of \(blockSize >> 10) KiB, streams \(streams.map(\.name).joined(separator: ", "))"
  }

  /// From a handover every few microseconds to long blocks; one writer, and several that take blocks from each other.
  static let all = [
    TortureRing(4, blocksOf: 4096, .word),
    TortureRing(8, blocksOf: 4096, .small),
    TortureRing(16, blocksOf: 4096, .word, .keyed, .small),
    TortureRing(16, blocksOf: 65_536, .pair),
    TortureRing(12, blocksOf: 65_536, .keyed, .large, .word),
  ]
}
