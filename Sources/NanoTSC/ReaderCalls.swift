public import CInterface
internal import NanoTS

/// What a reader handle stands for: an opened store, and the streams that were last asked for.
final class ReaderThing: SharedThing {
  static var kind: HandleTable.Kind { .reader }
  let store: Store
  let tags = ProcessLock(Tags())

  /// Names that are handed out one by one; all of them live until others are asked for.
  struct Tags: @unchecked Sendable {
    private var names: [OwnBuffer] = []
    private var upcoming = 0

    mutating func replace(_ streams: [String]) {
      for index in names.indices { names[index].free() }
      self = Tags()
      for stream in streams {
        var buffer = OwnBuffer()
        guard unsafe buffer.copy(stream) != nil else { return }
        names.append(buffer)
      }
    }

    mutating func next() -> UnsafePointer<CChar>? {
      guard upcoming < names.count else { return nil }
      defer { upcoming += 1 }
      return unsafe names[upcoming].text
    }
  }

  init(_ store: Store) { self.store = store }

  deinit { tags.withLock { $0.replace([]) } }
}

@c @implementation
public func nanots_reader_create(_ path: UnsafePointer<CChar>?) -> nanots_reader_t? {
  unsafe reportingNil(.opening) { () throws(NanoTSError) in
    unsafe try makeHandle(ReaderThing(Store(at: text(path, "path"), .readOnly)))
  }
}

@c @implementation
public func nanots_store_create_reader(
  _ store: nanots_store_t?, _ reader: UnsafeMutablePointer<nanots_reader_t?>?
) -> nanots_ec_t {
  reporting { () throws(NanoTSError) in
    let place = try unsafe place(reader, "reader")
    unsafe place.pointee = try makeHandle(ReaderThing(thing(store, StoreThing.self).store))
  }
}

@c @implementation
public func nanots_reader_destroy(_ reader: nanots_reader_t?) {
  _ = reporting { () throws(NanoTSError) in _ = try unsafe endHandle(reader, ReaderThing.self) }
}

@c @implementation
public func nanots_reader_read(
  _ reader: nanots_reader_t?, _ stream_tag: UnsafePointer<CChar>?, _ start_timestamp: Int64, _ end_timestamp: Int64,
  _ callback: nanots_read_callback_t?, _ user_data: UnsafeMutableRawPointer?
) -> nanots_ec_t {
  var outcome = NANOTS_EC_OK
  let code = reporting { () throws(NanoTSError) in
    let store = try unsafe thing(reader, ReaderThing.self).store
    let stream = try unsafe text(stream_tag, "stream_tag")
    let range = try range(start_timestamp, end_timestamp)
    guard let callback = unsafe callback else { throw isNull("callback") }
    var walk = RangeWalk(try store.cursor(of: stream), through: range.upperBound)
    defer { walk.end() }
    outcome = try unsafe walk.run(from: range.lowerBound) { walk, frame, bytes in
      let metadata = unsafe walk.metadata(of: frame)
      unsafe callback(
        bytes, frame.byteCount, UInt8(truncatingIfNeeded: frame.flags), frame.timestamp,
        Int64(bitPattern: frame.blockSequence), metadata, user_data)
    }
  }
  return code == NANOTS_EC_OK ? outcome : code
}

@c @implementation
public func nanots_reader_query_contiguous_segments(
  _ reader: nanots_reader_t?, _ stream_tag: UnsafePointer<CChar>?, _ start_timestamp: Int64, _ end_timestamp: Int64,
  _ segments: UnsafeMutablePointer<UnsafeMutablePointer<nanots_contiguous_segment_t>?>?,
  _ count: UnsafeMutablePointer<Int>?
) -> nanots_ec_t {
  reporting { () throws(NanoTSError) in
    let arrayPlace = try unsafe place(segments, "segments")
    let countPlace = try unsafe place(count, "count")
    let store = try unsafe thing(reader, ReaderThing.self).store
    let runs = try unsafe store.contiguousRuns(
      of: text(stream_tag, "stream_tag"), in: range(start_timestamp, end_timestamp))
    unsafe countPlace.pointee = runs.count
    guard !runs.isEmpty else {
      unsafe arrayPlace.pointee = nil
      return
    }
    let array = UnsafeMutablePointer<nanots_contiguous_segment_t>.allocate(capacity: runs.count)
    for (index, run) in runs.enumerated() {
      unsafe (array + index).initialize(
        to: nanots_contiguous_segment_t(
          segment_id: Int64(bitPattern: run.segment), start_timestamp: run.firstTimestamp,
          end_timestamp: run.lastTimestamp))
    }
    unsafe arrayPlace.pointee = array
  }
}

@c @implementation
public func nanots_free_contiguous_segments(_ segments: UnsafeMutablePointer<nanots_contiguous_segment_t>?) {
  unsafe segments?.deallocate()
}

@c @implementation
public func nanots_reader_query_stream_tags_start(
  _ reader: nanots_reader_t?, _ start_timestamp: Int64, _ end_timestamp: Int64
) -> nanots_ec_t {
  reporting { () throws(NanoTSError) in
    let thing = try unsafe thing(reader, ReaderThing.self)
    let streams = try thing.store.streams(in: range(start_timestamp, end_timestamp))
    thing.tags.withLock { $0.replace(streams) }
  }
}

@c @implementation
public func nanots_reader_query_stream_tags_next(_ reader: nanots_reader_t?) -> UnsafePointer<CChar>? {
  unsafe reportingNil { () throws(NanoTSError) -> UnsafePointer<CChar>? in
    unsafe try thing(reader, ReaderThing.self).tags.withLock { unsafe $0.next() }
  } ?? nil
}

@c @implementation
public func nanots_reader_count(
  _ reader: nanots_reader_t?, _ stream_tag: UnsafePointer<CChar>?, _ start_timestamp: Int64, _ end_timestamp: Int64,
  _ count: UnsafeMutablePointer<UInt64>?
) -> nanots_ec_t {
  reporting { () throws(NanoTSError) in
    let place = try unsafe place(count, "count")
    let store = try unsafe thing(reader, ReaderThing.self).store
    unsafe place.pointee = try store.frameCount(
      of: text(stream_tag, "stream_tag"), in: range(start_timestamp, end_timestamp))
  }
}
