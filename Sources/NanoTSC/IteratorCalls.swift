public import CInterface
internal import NanoTS

@c @implementation
public func nanots_iterator_create(
  _ path: UnsafePointer<CChar>?, _ stream_tag: UnsafePointer<CChar>?
) -> nanots_iterator_t? {
  unsafe reportingNil(.opening) { () throws(NanoTSError) in
    let path = try unsafe text(path, "path")
    let stream = try unsafe text(stream_tag, "stream_tag")
    let store = try Store(at: path, .readOnly)
    return unsafe try makeIterator(store.cursor(of: stream))
  }
}

@c @implementation
public func nanots_store_create_iterator(
  _ store: nanots_store_t?, _ stream: UnsafePointer<CChar>?, _ options: UnsafePointer<nanots_iterator_options_t>?,
  _ iterator: UnsafeMutablePointer<nanots_iterator_t?>?
) -> nanots_ec_t {
  reporting { () throws(NanoTSError) in
    let place = try unsafe place(iterator, "iterator")
    let store = try unsafe thing(store, StoreThing.self).store
    let stream = try unsafe text(stream, "stream")
    let given = try unsafe NanoTSC.options(options, "options")
    let verifies = try flag(given.verify_checksums, "verify_checksums")
    unsafe place.pointee = try makeIterator(
      store.cursor(of: stream, options: CursorOptions(verifiesChecksums: verifies)))
  }
}

/// An iterator on the first frame. Frames that cannot be read are left out, as they are by every later step.
private func makeIterator(_ cursor: Cursor) throws(NanoTSError) -> nanots_iterator_t {
  var state = IteratorState(cursor)
  _ = state.go { (cursor) throws(NanoTSError) in try cursor.first() }
  return unsafe try makeHandle(state)
}

@c @implementation
public func nanots_iterator_destroy(_ iterator: nanots_iterator_t?) {
  guard unsafe iterator != nil else { return }
  _ = unsafe endHandle(iterator, IteratorState.self)
}

@c @implementation
public func nanots_iterator_valid(_ iterator: nanots_iterator_t?) -> Int32 {
  var isValid = false
  _ = unsafe withThing(iterator, IteratorState.self) { state in
    isValid = unsafe state.pointee.frame != nil
    return NANOTS_EC_OK
  }
  return isValid ? 1 : 0
}

@c @implementation
public func nanots_iterator_get_current_frame(
  _ iterator: nanots_iterator_t?, _ frame_info: UnsafeMutablePointer<nanots_frame_info_t>?
) -> nanots_ec_t {
  guard let place = unsafe frame_info else { return note(isNull("frame_info")) }
  unsafe place.initialize(to: nanots_frame_info_t())
  return unsafe withThing(iterator, IteratorState.self) { state in
    guard let frame = unsafe state.pointee.frame else { return noFrame() }
    let (bytes, code) = unsafe state.pointee.bytes(of: frame)
    guard code == NANOTS_EC_OK else { return code }
    unsafe place.initialize(
      to: nanots_frame_info_t(
        data: bytes, size: frame.byteCount, flags: UInt8(truncatingIfNeeded: frame.flags), timestamp: frame.timestamp,
        block_sequence: Int64(bitPattern: frame.blockSequence)))
    return NANOTS_EC_OK
  }
}

@inline(never)
private func noFrame() -> nanots_ec_t {
  note(
    NanoTSError(.invalidArgument, "the iterator stands on no frame; ask nanots_iterator_valid, or find one first"))
}

@c @implementation
public func nanots_iterator_next(_ iterator: nanots_iterator_t?) -> nanots_ec_t {
  unsafe withThing(iterator, IteratorState.self) { unsafe $0.pointee.next() }
}

@c @implementation
public func nanots_iterator_prev(_ iterator: nanots_iterator_t?) -> nanots_ec_t {
  unsafe withThing(iterator, IteratorState.self) { unsafe $0.pointee.previous() }
}

@c @implementation
public func nanots_iterator_reset(_ iterator: nanots_iterator_t?) -> nanots_ec_t {
  unsafe withThing(iterator, IteratorState.self) { state in
    unsafe state.pointee.go { (cursor) throws(NanoTSError) in try cursor.first() }
  }
}

@c @implementation
public func nanots_iterator_find(_ iterator: nanots_iterator_t?, _ timestamp: Int64) -> nanots_ec_t {
  unsafe find(iterator, timestamp, .min, .invalidArgument)
}

@c @implementation
public func nanots_iterator_find_key(
  _ iterator: nanots_iterator_t?, _ timestamp: Int64, _ key: Int64
) -> nanots_ec_t {
  unsafe find(iterator, timestamp, key, .notFound)
}

private func find(
  _ iterator: nanots_iterator_t?, _ timestamp: Int64, _ key: Int64, _ failure: NanoTSError.Code
) -> nanots_ec_t {
  unsafe withThing(iterator, IteratorState.self) { unsafe $0.pointee.find(timestamp, key, failure) }
}

@c @implementation
public func nanots_iterator_current_block_sequence(_ iterator: nanots_iterator_t?) -> Int64 {
  var sequence: Int64 = 0
  _ = unsafe withThing(iterator, IteratorState.self) { state in
    sequence = unsafe Int64(bitPattern: state.pointee.frame?.blockSequence ?? 0)
    return NANOTS_EC_OK
  }
  return sequence
}

@c @implementation
public func nanots_iterator_current_metadata(_ iterator: nanots_iterator_t?) -> UnsafePointer<CChar>? {
  var text: UnsafePointer<CChar>?
  _ = unsafe withThing(iterator, IteratorState.self) { state in
    unsafe text = unsafe state.pointee.metadata()
    return NANOTS_EC_OK
  }
  return unsafe text
}
