#if LZ4
  internal import CLZ4
#endif

/// Bytes in the LZ4 frame format, which carries its own end, unlike the blocks that the engine stores.
enum LZ4Frame {
  #if LZ4
    static let isAvailable = true

    static func compress(_ bytes: [UInt8]) throws -> [UInt8] {
      let bound = LZ4F_compressFrameBound(bytes.count, nil)
      var packed = [UInt8](repeating: 0, count: bound)
      // Bound: liblz4 writes no more than the bound that it gave.
      let count = unsafe packed.withUnsafeMutableBytes { target in
        unsafe bytes.withUnsafeBytes { source in
          unsafe LZ4F_compressFrame(target.baseAddress, bound, source.baseAddress, source.count, nil)
        }
      }
      guard LZ4F_isError(count) == 0 else {
        throw CommandFailure("liblz4 could not compress: \(unsafe String(cString: LZ4F_getErrorName(count)))")
      }
      packed.removeLast(bound - count)
      return packed
    }
  #else
    static let isAvailable = false

    static func compress(_ bytes: [UInt8]) -> [UInt8] { bytes }
  #endif
}
