import NanoTS

/// How to read the payloads of one stream, kept from frame to frame: most are of the segment, and of the block, that the
/// one before was of.
struct SegmentLayout {
  private var segment: UInt64 = 0
  private var block: UInt64 = 0
  /// Nil before the first frame.
  private var metadata: String?
  private var known: FieldReader?

  /// The fields of the frame's segment; nil where its metadata names none. Throws as `Frame.metadata`.
  mutating func reader(for frame: Frame) throws(NanoTSError) -> FieldReader? {
    // By block too, not by segment alone: a stream that is made anew counts its segments from 0 again.
    if metadata != nil, segment == frame.segment, block == frame.blockSequence { return known }
    let metadata = try frame.metadata()
    if metadata != self.metadata {
      known = FieldReader(metadata: metadata)
      self.metadata = metadata
    }
    (segment, block) = (frame.segment, frame.blockSequence)
    return known
  }
}
