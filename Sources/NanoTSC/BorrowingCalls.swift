public import CInterface
internal import NanoTS

// Iterators beyond what existing programs call: both ends, borrowed frames, batches, waiting.

@c @implementation
public func nanots_iterator_last(_ iterator: nanots_iterator_t?) -> nanots_ec_t {
  unsafe withThing(iterator, IteratorState.self) { state in
    unsafe state.pointee.go(
      { (cursor) throws(NanoTSError) in try cursor.last() },
      thenBy: { (cursor) throws(NanoTSError) in try cursor.previous() })
  }
}

@c @implementation
public func nanots_iterator_seek_end(_ iterator: nanots_iterator_t?) -> nanots_ec_t {
  unsafe withThing(iterator, IteratorState.self) { state in
    unsafe state.pointee.go { (cursor) throws(NanoTSError) in
      try cursor.seekToEnd()
      return nil
    }
  }
}

@c @implementation
public func nanots_iterator_missed(_ iterator: nanots_iterator_t?) -> UInt64 {
  var missed: UInt64 = 0
  _ = unsafe withThing(iterator, IteratorState.self) { state in
    missed = unsafe state.pointee.missed
    return NANOTS_EC_OK
  }
  return missed
}

@c @implementation
public func nanots_iterator_borrow(
  _ iterator: nanots_iterator_t?, _ frame: UnsafeMutablePointer<nanots_frame_t>?
) -> nanots_ec_t {
  guard let place = unsafe frame else { return note(isNull("frame")) }
  return unsafe withThing(iterator, IteratorState.self) { unsafe $0.pointee.lend(place) }
}

@c @implementation
public func nanots_iterator_find_frame(
  _ iterator: nanots_iterator_t?, _ timestamp: Int64, _ key: Int64, _ frame: UnsafeMutablePointer<nanots_frame_t>?
) -> nanots_ec_t {
  guard let place = unsafe frame else { return note(isNull("frame")) }
  return unsafe withThing(iterator, IteratorState.self) { state in
    let code = unsafe state.pointee.find(timestamp, key, .notFound)
    return unsafe code == NANOTS_EC_OK ? state.pointee.lend(place) : code
  }
}

@c @implementation
public func nanots_iterator_next_frame(
  _ iterator: nanots_iterator_t?, _ frame: UnsafeMutablePointer<nanots_frame_t>?
) -> nanots_ec_t {
  guard let place = unsafe frame else { return note(isNull("frame")) }
  return unsafe withThing(iterator, IteratorState.self) { state in
    let code = unsafe state.pointee.next()
    return unsafe code == NANOTS_EC_OK || state.pointee.frame != nil ? state.pointee.lend(place) : code
  }
}

@c @implementation
public func nanots_iterator_prev_frame(
  _ iterator: nanots_iterator_t?, _ frame: UnsafeMutablePointer<nanots_frame_t>?
) -> nanots_ec_t {
  guard let place = unsafe frame else { return note(isNull("frame")) }
  return unsafe withThing(iterator, IteratorState.self) { state in
    let code = unsafe state.pointee.previous()
    return unsafe code == NANOTS_EC_OK || state.pointee.frame != nil ? state.pointee.lend(place) : code
  }
}

@c @implementation
public func nanots_iterator_wait_next(
  _ iterator: nanots_iterator_t?, _ milliseconds: Int64, _ frame: UnsafeMutablePointer<nanots_frame_t>?
) -> nanots_ec_t {
  guard let place = unsafe frame else { return note(isNull("frame")) }
  return unsafe withThing(iterator, IteratorState.self) { state in
    let code = unsafe state.pointee.go { (cursor) throws(NanoTSError) in
      try cursor.next(waitingMilliseconds: waiting(milliseconds))
    }
    guard unsafe state.pointee.frame == nil else { return unsafe state.pointee.lend(place) }
    return code == NANOTS_EC_OK ? NANOTS_EC_TIMED_OUT : code
  }
}

/// As the engine counts: negative is without limit.
func waiting(_ milliseconds: Int64) -> Int { milliseconds < 0 ? .max : Int(milliseconds) }

@c @implementation
public func nanots_frame_is_intact(_ frame: UnsafePointer<nanots_frame_t>?) -> Int32 {
  guard let frame = unsafe frame, let life = unsafe frame.pointee.life else { return 0 }
  return unsafe LifeMark(header: life, generation: frame.pointee.generation).isOver ? 0 : 1
}

@c @implementation
public func nanots_frame_copy(
  _ frame: UnsafePointer<nanots_frame_t>?, _ into: UnsafeMutableRawPointer?, _ capacity: Int
) -> nanots_ec_t {
  reporting { () throws(NanoTSError) in
    guard let frame = unsafe frame?.pointee, let life = unsafe frame.life else { throw isNull("frame, or its life,") }
    guard unsafe frame.size > 0 else { return }
    guard let into = unsafe into else { throw isNull("into") }
    guard unsafe UInt(bitPattern: capacity) >= UInt(bitPattern: frame.size) else {
      throw NanoTSError(
        .frameTooLarge, "the frame has \(unsafe frame.size) bytes and there is room for \(capacity); give it more")
    }
    // Bound: the frame came from the library, so that its bytes are in a mapping; `into` has room for them.
    unsafe into.copyMemory(from: frame.data, byteCount: frame.size)
    guard unsafe !LifeMark(header: life, generation: frame.generation).isOver else {
      throw NanoTSError(
        .overwritten,
        "frame \(unsafe frame.ordinal) at \(unsafe frame.timestamp) was recycled while it was read; go on from the next one",
        missedFrames: 1)
    }
  }
}

@c @implementation
public func nanots_iterator_next_batch(
  _ iterator: nanots_iterator_t?, _ last_timestamp: Int64, _ batch: UnsafeMutablePointer<nanots_batch_t>?
) -> nanots_ec_t {
  guard let place = unsafe batch else { return note(isNull("batch")) }
  return unsafe withThing(iterator, IteratorState.self) { state in
    var isThere = true
    let code = reporting { () throws(NanoTSError) in
      guard let batch = unsafe try state.pointee.nextBatch(through: last_timestamp) else {
        isThere = false
        return
      }
      let columns = try batch.columns()
      let life = batch.life
      unsafe place.initialize(
        to: nanots_batch_t(
          count: batch.count, first_ordinal: batch.firstOrdinal,
          timestamps: columns.timestamps.assumingMemoryBound(to: UInt8.self),
          timestamp_stride: columns.timestampStride, data: columns.payloads?.assumingMemoryBound(to: UInt8.self),
          data_stride: columns.payloadStride, size: columns.byteCount, missed: state.pointee.missed, life: life.header,
          generation: life.generation))
    }
    return isThere ? code : NANOTS_EC_END
  }
}

@c @implementation
public func nanots_batch_is_intact(_ batch: UnsafePointer<nanots_batch_t>?) -> Int32 {
  guard let batch = unsafe batch, let life = unsafe batch.pointee.life else { return 0 }
  return unsafe LifeMark(header: life, generation: batch.pointee.generation).isOver ? 0 : 1
}
