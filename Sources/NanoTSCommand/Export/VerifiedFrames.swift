import NanoTS

/// The frames of a stream in a range of time, of which each matches its checksum: what leaves the store is what was written.
///
/// Ends at the frame that was the last one when it was made, however the stream goes on.
final class VerifiedFrames: IteratorProtocol {
  private var cursor: Cursor
  private let last: Int64
  private var isOver = false
  /// Frames of the range that were recycled before they could be read, or are damaged.
  private(set) var missed: UInt64 = 0
  /// What ended it before its end.
  private(set) var failure: NanoTSError?

  init(_ store: Store, _ stream: String, in range: ClosedRange<Int64>) throws(NanoTSError) {
    cursor = try store.cursor(of: stream, options: CursorOptions(verifiesChecksums: true))
    try cursor.seekToEnd()
    var newest = cursor
    last = min(range.upperBound, VerifiedFrames.lastTimestamp(&newest) ?? .max)
    try cursor.place(before: FramePosition(timestamp: range.lowerBound, key: .min))
  }

  /// Nil where the last frame cannot be read: then the range alone is the end.
  private static func lastTimestamp(_ cursor: inout Cursor) -> Int64? { (try? cursor.previous())?.timestamp }

  /// The next one; it is valid until the call after.
  func next() -> Frame? {
    while !isOver {
      do throws(NanoTSError) {
        guard let frame = try cursor.next(), frame.timestamp <= last else { break }
        missed &+= frame.missed
        return frame
      } catch {
        // The cursor goes on behind what cannot be read.
        guard [.overwritten, .corrupt, .unsupportedFeature].contains(error.code) else {
          failure = error
          break
        }
        missed &+= error.missedFrames
      }
    }
    isOver = true
    return nil
  }
}
