public import CInterface
internal import NanoTS

/// What a writer handle stands for: an opened store, and how its contexts write.
final class WriterThing: SharedThing {
  static var kind: HandleTable.Kind { .writer }
  let store: Store
  let options: WriterOptions

  init(_ store: Store, _ options: WriterOptions) {
    self.store = store
    self.options = options
  }
}

@c @implementation
public func nanots_writer_allocate_file(
  _ path: UnsafePointer<CChar>?, _ block_size: UInt32, _ n_blocks: UInt32
) -> nanots_ec_t {
  reporting(.allocating) { () throws(NanoTSError) in
    let path = try unsafe text(path, "path")
    var options = StoreOptions(blockCount: Int(n_blocks), timeUnit: .milliseconds)
    // Existing programs may pass any size that their library took; this engine wants whole pages.
    options.blockSize = block_size < 4096 ? Int(block_size) : (Int(block_size) + 4095) / 4096 * 4096
    try Store.create(at: path, options, replacing: true).close()
  }
}

@c @implementation
public func nanots_writer_create(_ path: UnsafePointer<CChar>?, _ auto_reclaim: Int32) -> nanots_writer_t? {
  unsafe reportingNil(.opening) { () throws(NanoTSError) in
    let store = try Store(at: unsafe text(path, "path"), .readWrite)
    return unsafe try makeHandle(WriterThing(store, WriterOptions(autoReclaim: auto_reclaim != 0)))
  }
}

@c @implementation
public func nanots_store_create_writer(
  _ store: nanots_store_t?, _ options: UnsafePointer<nanots_writer_options_t>?,
  _ writer: UnsafeMutablePointer<nanots_writer_t?>?
) -> nanots_ec_t {
  reporting { () throws(NanoTSError) in
    let place = try unsafe place(writer, "writer")
    let store = try unsafe thing(store, StoreThing.self).store
    let options = try unsafe writerOptions(options)
    guard store.access == .readWrite else {
      throw NanoTSError(
        .readOnly, "the store \(store.path) was opened for reading; open it with NANOTS_ACCESS_READ_WRITE")
    }
    unsafe place.pointee = try makeHandle(WriterThing(store, options))
  }
}

private func writerOptions(_ pointer: UnsafePointer<nanots_writer_options_t>?) throws(NanoTSError) -> WriterOptions {
  let given = try unsafe options(pointer, "options")
  var options = WriterOptions()
  options.durability = try durability(given)
  options.autoReclaim = try !flag(given.without_reclaim, "without_reclaim")
  options.outOfOrder = try flag(given.clamp, "clamp") ? .clamp : .reject
  options.compression = try compression(given.compression, given.chunk_size)
  return options
}

private func durability(_ given: nanots_writer_options_t) throws(NanoTSError) -> Durability {
  let isInterval = given.durability == NANOTS_DURABILITY_INTERVAL.rawValue
  guard isInterval || given.interval_milliseconds == 0 else {
    throw NanoTSError(
      .invalidArgument,
      "interval_milliseconds is \(given.interval_milliseconds) and counts only with NANOTS_DURABILITY_INTERVAL; leave it at 0"
    )
  }
  guard isInterval else {
    return try choice(given.durability, [.onSeal, .none, .everyFrame], "durability")
  }
  guard given.interval_milliseconds > 0 else {
    throw NanoTSError(
      .invalidArgument, "interval_milliseconds is 0; with NANOTS_DURABILITY_INTERVAL it is at least 1")
  }
  return .interval(milliseconds: Int(given.interval_milliseconds))
}

@c @implementation
public func nanots_writer_destroy(_ writer: nanots_writer_t?) {
  _ = reporting { () throws(NanoTSError) in _ = try unsafe endHandle(writer, WriterThing.self) }
}

@c @implementation
public func nanots_writer_create_context(
  _ writer: nanots_writer_t?, _ stream_tag: UnsafePointer<CChar>?, _ metadata: UnsafePointer<CChar>?
) -> nanots_write_context_t? {
  unsafe reportingNil { () throws(NanoTSError) in
    let thing = try unsafe thing(writer, WriterThing.self)
    let stream = try unsafe text(stream_tag, "stream_tag")
    let metadata = try unsafe metadata == nil ? "" : unsafe text(metadata, "metadata")
    let writing = try thing.store.writer(for: stream, metadata: metadata, options: thing.options)
    return unsafe try makeHandle(WriteContext(writing, madeBy: bits(writer)))
  }
}

@c @implementation
public func nanots_writer_free_blocks(
  _ path: UnsafePointer<CChar>?, _ stream_tag: UnsafePointer<CChar>?, _ start_timestamp: Int64, _ end_timestamp: Int64
) -> nanots_ec_t {
  reporting(.opening) { () throws(NanoTSError) in
    let path = try unsafe text(path, "path")
    let stream = try unsafe text(stream_tag, "stream_tag")
    let range = try range(start_timestamp, end_timestamp)
    let store = try Store(at: path, .readWrite)
    try store.free(stream, in: range)
    try store.close()
  }
}
