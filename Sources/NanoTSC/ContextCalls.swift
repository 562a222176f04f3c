public import CInterface
internal import NanoTS

/// What a context handle stands for: the writer of one stream.
struct WriteContext: SoleThing {
  static var kind: HandleTable.Kind { .context }
  let writer: Writer
  /// The handle of the writer that made it.
  let maker: UInt64
  /// A batch as the engine takes it; kept, so that a batch allocates only when it is the largest so far.
  var batch: [NewFrame] = []

  init(_ writer: Writer, madeBy maker: UInt64) {
    self.writer = writer
    self.maker = maker
  }

  mutating func end() {}
}

/// Appends `size` bytes at `data`.
@inline(__always)
private func append(
  _ context: UnsafeMutablePointer<WriteContext>, _ data: UnsafeRawPointer?, _ size: Int, _ timestamp: Int64,
  _ key: Int64,
  _ flags: UInt32
) -> nanots_ec_t {
  guard unsafe data != nil || size == 0 else { return note(isNull("data")) }
  do throws(NanoTSError) {
    // Bound: the caller says that `size` bytes are there. A size_t above Int.max is a negative size here, which the engine
    // refuses, and a buffer cannot be made of.
    guard size >= 0 else { throw tooLarge(UInt(bitPattern: size)) }
    try unsafe context.pointee.writer.append(
      UnsafeRawBufferPointer(start: data, count: size), at: timestamp, key: key, flags: flags)
    return NANOTS_EC_OK
  } catch {
    return note(error)
  }
}

private func tooLarge(_ size: UInt) -> NanoTSError {
  NanoTSError(.frameTooLarge, "a frame of \(size) bytes does not fit into any block")
}

@c @implementation
public func nanots_writer_write(
  _ writer: nanots_writer_t?, _ context: nanots_write_context_t?, _ data: UnsafePointer<UInt8>?, _ size: Int,
  _ timestamp: Int64, _ flags: UInt8
) -> nanots_ec_t {
  unsafe withThing(context, WriteContext.self) { context in
    let maker = unsafe bits(writer)
    guard unsafe context.pointee.maker == maker, let slot = HandleTable.slot(maker), HandleTable.isAlive(maker, slot)
    else { return unsafe refuseWriter(writer) }
    return unsafe append(context, data, size, timestamp, 0, UInt32(flags))
  }
}

@inline(never)
private func refuseWriter(_ writer: nanots_writer_t?) -> nanots_ec_t {
  reporting { () throws(NanoTSError) in
    _ = try unsafe thing(writer, WriterThing.self)
    throw NanoTSError(.invalidArgument, "the context was made by another writer; write with the one that made it")
  }
}

@c @implementation
public func nanots_write_context_append(
  _ context: nanots_write_context_t?, _ data: UnsafeRawPointer?, _ size: Int, _ timestamp: Int64, _ key: Int64,
  _ flags: UInt32
) -> nanots_ec_t {
  unsafe withThing(context, WriteContext.self) { context in
    unsafe append(context, data, size, timestamp, key, flags)
  }
}

@c @implementation
public func nanots_write_context_try_append(
  _ context: nanots_write_context_t?, _ data: UnsafeRawPointer?, _ size: Int, _ timestamp: Int64, _ key: Int64,
  _ flags: UInt32
) -> nanots_ec_t {
  unsafe withThing(context, WriteContext.self) { context in
    guard unsafe data != nil || size == 0 else { return note(isNull("data")) }
    // A size_t above Int.max is a negative size here, and left to the call that says so.
    guard size >= 0 else { return NANOTS_EC_WOULD_WAIT }
    // Bound: the caller says that `size` bytes are there.
    let bytes = unsafe UnsafeRawBufferPointer(start: data, count: size)
    let isDone = unsafe context.pointee.writer.appendAtOnce(bytes, at: timestamp, key: key, flags: flags)
    return isDone ? NANOTS_EC_OK : NANOTS_EC_WOULD_WAIT
  }
}

@c @implementation
public func nanots_write_context_append_batch(
  _ context: nanots_write_context_t?, _ frames: UnsafePointer<nanots_new_frame_t>?, _ count: Int
) -> nanots_ec_t {
  unsafe withThing(context, WriteContext.self) { context in
    reporting { () throws(NanoTSError) in
      guard count != 0 else { return }
      guard let frames = unsafe frames else { throw isNull("frames") }
      guard count > 0 else {
        throw NanoTSError(.invalidArgument, "a batch of \(UInt(bitPattern: count)) frames is too large")
      }
      // Taken out of the context for the loop, which would otherwise ask at each frame who else uses it.
      var batch: [NewFrame] = []
      unsafe swap(&batch, &context.pointee.batch)
      defer { unsafe swap(&batch, &context.pointee.batch) }
      batch.removeAll(keepingCapacity: true)
      batch.reserveCapacity(count)
      // Bound: the caller says that `count` frames are there, each with `size` bytes at `data`.
      for index in 0..<count {
        let frame = unsafe frames[index]
        guard unsafe frame.data != nil || frame.size == 0 else { throw isNull("frames[\(index)].data") }
        guard unsafe frame.size >= 0 else { throw tooLarge(UInt(bitPattern: unsafe frame.size)) }
        unsafe batch.append(
          NewFrame(
            timestamp: frame.timestamp, key: frame.key, flags: frame.flags,
            payload: UnsafeRawBufferPointer(start: frame.data, count: frame.size)))
      }
      try unsafe context.pointee.writer.append(contentsOf: batch)
    }
  }
}

@c @implementation
public func nanots_write_context_append_columns(
  _ context: nanots_write_context_t?, _ count: Int, _ timestamps: UnsafePointer<Int64>?, _ keys: UnsafePointer<Int64>?,
  _ flags: UnsafePointer<UInt32>?, _ data: UnsafeRawPointer?, _ size: Int
) -> nanots_ec_t {
  unsafe withThing(context, WriteContext.self) { context in
    reporting { () throws(NanoTSError) in
      guard count != 0 else { return }
      guard let timestamps = unsafe timestamps else { throw isNull("timestamps") }
      guard unsafe data != nil || size == 0 else { throw isNull("data") }
      guard size >= 0 else { throw tooLarge(UInt(bitPattern: size)) }
      guard count > 0, !count.multipliedReportingOverflow(by: max(size, 8)).overflow else {
        throw NanoTSError(.invalidArgument, "a batch of \(UInt(bitPattern: count)) frames is too large")
      }
      // Bound: the caller says that the columns have `count` elements, and `data` has `count` times `size` bytes.
      let columns = unsafe NewFrameColumns(
        count: count, timestamps: timestamps, keys: keys, flags: flags, payloads: data, size: size)
      try unsafe context.pointee.writer.append(contentsOf: columns)
    }
  }
}

@c @implementation
public func nanots_write_context_flush(_ context: nanots_write_context_t?) -> nanots_ec_t {
  unsafe withThing(context, WriteContext.self) { context in
    reporting { () throws(NanoTSError) in try unsafe context.pointee.writer.flush() }
  }
}

@c @implementation
public func nanots_write_context_close(_ context: nanots_write_context_t?) -> nanots_ec_t {
  unsafe endHandle(context, WriteContext.self) { context in
    reporting { () throws(NanoTSError) in try unsafe context.pointee.writer.close() }
  }
}

@c @implementation
public func nanots_write_context_destroy(_ context: nanots_write_context_t?) {
  guard unsafe context != nil else { return }
  _ = unsafe nanots_write_context_close(context)
}

@c @implementation
public func nanots_write_context_last(
  _ context: nanots_write_context_t?, _ timestamp: UnsafeMutablePointer<Int64>?, _ key: UnsafeMutablePointer<Int64>?
) -> nanots_ec_t {
  unsafe withThing(context, WriteContext.self) { context in
    guard let last = unsafe context.pointee.writer.last else { return NANOTS_EC_END }
    unsafe timestamp?.pointee = last.timestamp
    unsafe key?.pointee = last.key
    return NANOTS_EC_OK
  }
}

@c @implementation
public func nanots_write_context_maximum_frame_size(_ context: nanots_write_context_t?) -> Int {
  var size = 0
  _ = unsafe withThing(context, WriteContext.self) { context in
    size = unsafe context.pointee.writer.maximumFrameByteCount
    return NANOTS_EC_OK
  }
  return size
}
