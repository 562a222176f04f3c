internal import CInterface
internal import NanoTS

/// What an iterator handle stands for: a cursor and the frame that it stands on.
@safe
struct IteratorState: SoleThing {
  static var kind: HandleTable.Kind { .iterator }
  private(set) var cursor: Cursor
  /// The frame that the iterator stands on.
  private(set) var frame: Frame?
  /// Frames that the last move left out.
  private(set) var missed: UInt64 = 0
  /// The bytes of `frame`, once they were asked for. Bound: `frame.byteCount` bytes in `buffer`.
  private var copied: UnsafePointer<UInt8>?
  private var buffer = OwnBuffer()
  private var segmentText = SegmentText()
  // The store is kept by the cursor, and frames are valid as long as it is.

  init(_ cursor: Cursor) { self.cursor = cursor }

  mutating func end() {
    buffer.free()
    segmentText.free()
  }

  // MARK: Moving

  /// Steps forward. Where frames were left out it stands on the next one that can be read, and the code says why.
  @inline(__always)
  mutating func next() -> nanots_ec_t {
    unsafe copied = nil
    missed = 0
    do throws(NanoTSError) {
      frame = try cursor.next()
      return NANOTS_EC_OK
    } catch {
      return pass(error) { (cursor) throws(NanoTSError) in try cursor.next() }
    }
  }

  /// Steps back, in the same way.
  @inline(__always)
  mutating func previous() -> nanots_ec_t {
    unsafe copied = nil
    missed = 0
    do throws(NanoTSError) {
      frame = try cursor.previous()
      return NANOTS_EC_OK
    } catch {
      return pass(error) { (cursor) throws(NanoTSError) in try cursor.previous() }
    }
  }

  /// Goes where `move` leads, and from there on by `step` where frames cannot be read: `move` again would meet the same.
  mutating func go(
    _ move: (inout Cursor) throws(NanoTSError) -> Frame?,
    thenBy step: (inout Cursor) throws(NanoTSError) -> Frame? = { (cursor) throws(NanoTSError) in try cursor.next() }
  ) -> nanots_ec_t {
    unsafe copied = nil
    missed = 0
    do throws(NanoTSError) {
      frame = try move(&cursor)
      return NANOTS_EC_OK
    } catch {
      return pass(error, by: step)
    }
  }

  /// Goes to the first frame at or after the place; the code is that of `failure` when there is none.
  @inline(__always)
  mutating func find(_ timestamp: Int64, _ key: Int64, _ failure: NanoTSError.Code) -> nanots_ec_t {
    let code = go { (cursor) throws(NanoTSError) in try cursor.seek(to: timestamp, key: key) }
    guard code == NANOTS_EC_OK, frame == nil else { return code }
    return note(NanoTSError(failure, "the stream has no frame at or after \(timestamp)"))
  }

  /// Goes on behind what `error` tells of, which is noted and returned.
  @inline(never)
  private mutating func pass(
    _ error: NanoTSError, by move: (inout Cursor) throws(NanoTSError) -> Frame?
  ) -> nanots_ec_t {
    let code = note(error)
    var error = error
    var patience = Patience()
    frame = nil
    while patience.passes(error) {
      missed &+= error.missedFrames
      do throws(NanoTSError) {
        frame = try move(&cursor)
        return code
      } catch let later {
        error = later
      }
    }
    return code
  }

  /// Takes a batch and stands behind it.
  mutating func nextBatch(through last: Int64) throws(NanoTSError) -> FrameBatch? {
    unsafe copied = nil
    frame = nil
    missed = 0
    var patience = Patience()
    while true {
      do throws(NanoTSError) {
        return try cursor.nextBatch(through: last)
      } catch {
        guard patience.passes(error) else { throw error }
        missed &+= error.missedFrames
      }
    }
  }

  // MARK: Looking

  /// The bytes of the frame as a checked copy, made when it is first asked for.
  mutating func bytes(of frame: Frame) -> (UnsafePointer<UInt8>?, nanots_ec_t) {
    if let copied = unsafe copied { return unsafe (copied, NANOTS_EC_OK) }
    let (bytes, code) = unsafe buffer.copy(frame)
    unsafe copied = bytes
    return unsafe (bytes, code)
  }

  mutating func metadata() -> UnsafePointer<CChar>? {
    guard let frame else { return nil }
    return unsafe segmentText.metadata(of: frame)
  }

  /// The frame that the iterator stands on, borrowed.
  @inline(__always)
  func lend(_ place: UnsafeMutablePointer<nanots_frame_t>) -> nanots_ec_t {
    guard let frame else { return NANOTS_EC_END }
    unsafe place.initialize(to: nanots_frame_t(lending: frame, missed: missed))
    return NANOTS_EC_OK
  }
}

extension nanots_frame_t {
  /// Bound: `data` has `size` bytes as long as the mapping lives, which its iterator, follower or store keeps.
  @inline(__always)
  init(lending frame: Frame, missed: UInt64) {
    let bytes = unsafe frame.unvalidatedBytes
    let life = frame.life
    unsafe self.init(
      data: bytes.baseAddress!.assumingMemoryBound(to: UInt8.self), size: bytes.count, timestamp: frame.timestamp,
      key: frame.key, ordinal: frame.ordinal, segment: frame.segment,
      block_sequence: Int64(bitPattern: frame.blockSequence), missed: missed, flags: frame.flags,
      was_clamped: frame.wasClamped ? 1 : 0, life: life.header, generation: life.generation)
  }
}
