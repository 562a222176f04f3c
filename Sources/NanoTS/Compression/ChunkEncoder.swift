/// Makes chunks of frames. One thread at a time.
final class ChunkEncoder {
  private let plain = ColumnBytes()
  private let filtered = ColumnBytes()
  private let compressor: LZ4Compressor
  private var filter = PayloadFilter.none
  /// Chunks until the filters are tried again.
  private var chunksLeft = 0

  init(_ effort: LZ4Compressor.Effort = .fast) { compressor = LZ4Compressor(effort) }

  /// What is best changes with what is recorded, and a trial costs as much as some more chunks.
  static let chunksBetweenTrials = 32

  /// Stores `frames`, of which `firstSlot` come before in the block, in `target`, as the columns are where compression
  /// gains nothing. Nil when they do not fit. Offset and checksum of the entry are left to the caller. O(bytes).
  ///
  /// The frames lie as the plain layout has them: in order, each payload aligned to 8 behind the one before.
  func encode(
    _ frames: PlainFrames, firstSlot: Int, into target: UnsafeMutableRawBufferPointer
  ) -> ChunkEntry? {
    let shape = ChunkShape(of: frames)
    plain.reserve(ChunkColumns.capacity(count: frames.count, payloadBytes: shape.payloadBytes))
    let numbers = unsafe ChunkColumns.writeNumbers(of: frames, shape, to: plain.bytes)
    let rawLength = numbers + shape.payloadBytes
    unsafe ChunkColumns.writePayloads(of: frames, shape, to: plain.part(numbers..<rawLength))
    let chosen = unsafe choose(numbers, rawLength, shape, target)
    // A chunk that does not become smaller is kept as it is.
    let room = unsafe UnsafeMutableRawBufferPointer(rebasing: target[0..<min(target.count, rawLength - 1)])
    let compressed = unsafe compress(numbers, rawLength, shape, chosen, into: room)
    if compressed == nil {
      guard target.count >= rawLength else { return nil }
      unsafe target.copyMemory(from: plain.filled(rawLength))
    }
    let first = frames.entry(0)
    return ChunkEntry(
      first: first.position, firstSlot: UInt32(firstSlot), frameCount: UInt32(frames.count),
      storedLength: UInt32(compressed ?? rawLength), rawLength: UInt32(rawLength),
      payloadBytes: UInt32(shape.payloadBytes), method: compressed == nil ? ChunkEntry.raw : ChunkEntry.lz4,
      filter: compressed == nil ? PayloadFilter.none.rawValue : chosen.rawValue)
  }

  /// The filter to use, found out now and then by trying each on the frames at hand.
  private func choose(
    _ numbers: Int, _ rawLength: Int, _ shape: ChunkShape, _ target: UnsafeMutableRawBufferPointer
  ) -> PayloadFilter {
    guard let length = shape.uniformLength, length > 1 else { return .none }
    guard chunksLeft == 0 else {
      chunksLeft -= 1
      return filter
    }
    chunksLeft = Self.chunksBetweenTrials - 1
    var best = Int.max
    for candidate in PayloadFilter.allCases {
      guard let size = unsafe compress(numbers, rawLength, shape, candidate, into: target), size < best else {
        continue
      }
      (filter, best) = (candidate, size)
    }
    return filter
  }

  private func compress(
    _ numbers: Int, _ rawLength: Int, _ shape: ChunkShape, _ filter: PayloadFilter,
    into target: UnsafeMutableRawBufferPointer
  ) -> Int? {
    // Numbers have matches in few places: passing over the others faster costs a hundredth of the ratio, and saves a fifth of
    // the time.
    let acceleration: Int32 = shape.uniformLength == nil ? 1 : 2
    guard filter != .none, let length = shape.uniformLength else {
      return unsafe compressor.compress(plain.filled(rawLength), into: target, acceleration: acceleration)
    }
    filtered.reserve(rawLength)
    unsafe filtered.part(0..<numbers).copyMemory(from: plain.filled(numbers))
    unsafe filter.apply(
      UnsafeRawBufferPointer(plain.part(numbers..<rawLength)), frameSize: length,
      to: filtered.part(numbers..<rawLength))
    return unsafe compressor.compress(filtered.filled(rawLength), into: target, acceleration: acceleration)
  }
}
