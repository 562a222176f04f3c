#if LZ4
  internal import CLZ4
#endif

/// The library liblz4, where the build has it (the package trait `LZ4`).
enum LZ4 {
  #if LZ4
    static let isAvailable = true
  #else
    static let isAvailable = false
  #endif

  /// Thrown by whoever meets compressed frames, or is asked to make some, in a build without.
  static func unavailable(_ what: String, missedFrames: UInt64 = 0) -> NanoTSError {
    NanoTSError(
      .unsupportedFeature, "\(what), and this build of NanoTS is without LZ4; build it with the package trait LZ4",
      missedFrames: missedFrames)
  }

  /// Decompresses `stored` into `target` and returns how many bytes that gave; nil when `stored` is no such data, or more
  /// than `target` has room for. Reads and writes within the two whatever the bytes are. O(result).
  static func decompress(_ stored: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer) -> Int? {
    #if LZ4
      guard let from = stored.baseAddress, let to = target.baseAddress,
        let size = Int32(exactly: stored.count), let room = Int32(exactly: target.count)
      else { return nil }
      let count = unsafe LZ4_decompress_safe(
        from.assumingMemoryBound(to: CChar.self), to.assumingMemoryBound(to: CChar.self), size, room)
      return count < 0 ? nil : Int(count)
    #else
      return nil
    #endif
  }

  /// Decompresses the first `end` bytes, and perhaps some more, of what `stored` stands for; as `decompress` otherwise.
  static func decompress(
    _ stored: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer, upTo end: Int
  ) -> Int? {
    #if LZ4
      guard let from = stored.baseAddress, let to = target.baseAddress, end <= target.count,
        let size = Int32(exactly: stored.count), let room = Int32(exactly: target.count)
      else { return nil }
      let count = unsafe LZ4_decompress_safe_partial(
        from.assumingMemoryBound(to: CChar.self), to.assumingMemoryBound(to: CChar.self), size, Int32(end), room)
      return count < 0 ? nil : Int(count)
    #else
      return nil
    #endif
  }
}

/// Compresses with memory of its own. One thread at a time.
@safe
final class LZ4Compressor {
  /// How hard it tries. What comes out is read back as fast.
  enum Effort {
    case fast
    /// Many times slower, and smaller: LZ4 HC, level 9.
    case high
  }

  private let effort: Effort
  private let state: UnsafeMutableRawPointer

  init(_ effort: Effort) {
    self.effort = effort
    #if LZ4
      let byteCount = Int(effort == .fast ? LZ4_sizeofState() : LZ4_sizeofStateHC())
    #else
      let byteCount = 8
    #endif
    unsafe state = .allocate(byteCount: byteCount, alignment: 16)
  }

  deinit { unsafe state.deallocate() }

  /// Compresses `source` into `target` and returns how many bytes that took; nil when it does not fit. O(source.count).
  ///
  /// `acceleration`: at 1 the fast method looks for matches everywhere; the higher, the sooner it goes on where it finds none.
  func compress(
    _ source: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer, acceleration: Int32
  ) -> Int? {
    #if LZ4
      guard let from = source.baseAddress, let to = target.baseAddress,
        let size = Int32(exactly: source.count), let room = Int32(exactly: target.count)
      else { return nil }
      let (text, compressed) = unsafe (from.assumingMemoryBound(to: CChar.self), to.assumingMemoryBound(to: CChar.self))
      let isFast = effort == .fast
      let count =
        unsafe isFast
        ? LZ4_compress_fast_extState(state, text, compressed, size, room, acceleration)
        : LZ4_compress_HC_extStateHC(state, text, compressed, size, room, 9)
      return count <= 0 ? nil : Int(count)
    #else
      return nil
    #endif
  }
}
