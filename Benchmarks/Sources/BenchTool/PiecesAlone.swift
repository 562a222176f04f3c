internal import CLimit

/// The rows of a recording given to liblz4 alone, in pieces of the size of a chunk: what no engine that uses it can pass. No
/// index, no copy, no checksum; the frames of `packed` rows are shuffled before time counts.
@safe
final class PiecesAlone {
  private let pieces: OpaquePointer
  private let kibibytes: Double
  private var generator = SplitMix64(seed: 2_026)
  private static let repetitions = 12

  init(_ frames: [[UInt8]], pieceByteCount: Int, isPacked: Bool) throws {
    let bytes = frames.flatMap { $0 }
    let frameSize = isPacked ? frames[0].count : 0
    guard let pieces = unsafe limit_pieces_make(bytes, bytes.count, frameSize, pieceByteCount, isPacked ? 2 : 1),
      unsafe limit_pieces_pack(pieces) > 0
    else { throw BenchmarkError("liblz4 does not compress the rows") }
    unsafe self.pieces = unsafe pieces
    kibibytes = unsafe Double(limit_pieces_byte_count(pieces)) / 1024
  }

  deinit { unsafe limit_pieces_free(pieces) }

  func pack() -> Sample {
    perKibibyte(
      Stopwatch.time(operations: Self.repetitions) {
        for _ in 0..<Self.repetitions { _ = unsafe limit_pieces_pack(pieces) }
      })
  }

  func unpack() -> Sample {
    perKibibyte(
      Stopwatch.time(operations: Self.repetitions) {
        for _ in 0..<Self.repetitions {
          for index in unsafe 0..<limit_pieces_count(pieces) { _ = unsafe limit_pieces_unpack(pieces, index) }
        }
      })
  }

  private func perKibibyte(_ sample: Sample) -> Sample {
    Sample(value: sample.value / kibibytes, faults: sample.faults)
  }

  /// The median of so many pieces, each by the clock.
  func unpackAtRandom(_ count: Int) -> Sample {
    let times = (0..<count).map { _ in
      let index = unsafe Int.random(in: 0..<limit_pieces_count(pieces), using: &generator)
      let start = limit_clock()
      _ = unsafe limit_pieces_unpack(pieces, index)
      return Double(limit_clock() - start)
    }
    return Sample(value: Statistics.median(times), faults: 0)
  }
}
