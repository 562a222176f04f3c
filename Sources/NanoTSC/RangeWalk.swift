internal import CInterface
internal import NanoTS

/// The frames of a range as checked copies, one after the other. What cannot be read is passed over and told at the end.
struct RangeWalk {
  private var cursor: Cursor
  private let last: Int64
  private var buffer = OwnBuffer()
  private var segmentText = SegmentText()
  private var outcome = NANOTS_EC_OK

  init(_ cursor: Cursor, through last: Int64) {
    self.cursor = cursor
    self.last = last
  }

  /// Calls `body` with each frame from `first` on. OK, or why others were left out. Throws what no next call gets past.
  mutating func run(
    from first: Int64, _ body: (inout RangeWalk, Frame, UnsafePointer<UInt8>?) -> Void
  ) throws(NanoTSError) -> nanots_ec_t {
    var frame = try step { (cursor) throws(NanoTSError) in try cursor.seek(to: first) }
    while let found = frame, found.timestamp <= last {
      let (bytes, code) = unsafe buffer.copy(found)
      if code == NANOTS_EC_OK {
        unsafe body(&self, found, bytes)
      } else {
        guard code == NANOTS_EC_OVERWRITTEN else { return code }
        note(code)
      }
      frame = try step { (cursor) throws(NanoTSError) in try cursor.next() }
    }
    return outcome
  }

  /// Where `move` leads, or what comes next behind what cannot be read.
  private mutating func step(
    by move: (inout Cursor) throws(NanoTSError) -> Frame?
  ) throws(NanoTSError) -> Frame? {
    var patience = Patience()
    var isMoved = false
    while true {
      do throws(NanoTSError) {
        defer { isMoved = true }
        return try isMoved ? cursor.next() : move(&cursor)
      } catch {
        guard patience.passes(error) else { throw error }
        note(NanoTSC.note(error))
      }
    }
  }

  /// The first that went wrong is told.
  private mutating func note(_ code: nanots_ec_t) { if outcome == NANOTS_EC_OK { outcome = code } }

  mutating func metadata(of frame: Frame) -> UnsafePointer<CChar>? { unsafe segmentText.metadata(of: frame) }

  mutating func end() {
    buffer.free()
    segmentText.free()
  }
}

/// Which errors a cursor's next call gets past, and for how long that is believed: in a file that is being damaged it may
/// tell of no frame missed again and again.
struct Patience {
  private var futileAttempts = 0

  mutating func passes(_ error: NanoTSError) -> Bool {
    guard error.isPassable else { return false }
    if error.missedFrames == 0 { futileAttempts += 1 }
    return futileAttempts < NanoTSError.futileAttempts
  }
}

/// The metadata of the segment that was last asked for, as C takes it.
@safe
struct SegmentText {
  private var segment: UInt64?
  private var buffer = OwnBuffer()
  private var text: UnsafePointer<CChar>?

  /// The metadata of the frame's segment; nil when its block was recycled or the text is damaged. Valid until it is asked for
  /// with a frame of another segment.
  mutating func metadata(of frame: Frame) -> UnsafePointer<CChar>? {
    if segment == frame.segment { return unsafe text }
    segment = nil
    guard let words = reportingNil(.general, { () throws(NanoTSError) -> String in try frame.metadata() }) else {
      return nil
    }
    unsafe text = buffer.copy(words)
    if unsafe text != nil { segment = frame.segment }
    return unsafe text
  }

  mutating func free() {
    buffer.free()
    segment = nil
  }
}
