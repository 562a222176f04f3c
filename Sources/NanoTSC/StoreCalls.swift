public import CInterface
internal import NanoTS

/// What a store handle stands for.
final class StoreThing: SharedThing {
  static var kind: HandleTable.Kind { .store }
  let store: Store

  init(_ store: Store) { self.store = store }
}

@c @implementation
public func nanots_store_create(
  _ path: UnsafePointer<CChar>?, _ options: UnsafePointer<nanots_store_options_t>?,
  _ store: UnsafeMutablePointer<nanots_store_t?>?
) -> nanots_ec_t {
  reporting(.allocating) { () throws(NanoTSError) in
    let place = try unsafe place(store, "store")
    let path = try unsafe text(path, "path")
    let given = try unsafe NanoTSC.options(options, "options")
    let replaces = try flag(given.replace_existing, "replace_existing")
    let made = try Store.create(at: path, storeOptions(given), replacing: replaces)
    unsafe place.pointee = try makeHandle(StoreThing(made))
  }
}

private func storeOptions(_ given: nanots_store_options_t) throws(NanoTSError) -> StoreOptions {
  var options = StoreOptions()
  if given.block_size != 0 { options.blockSize = Int(given.block_size) }
  if given.block_count != 0 { options.blockCount = Int(given.block_count) }
  if given.initial_block_count != 0 { options.initialBlockCount = Int(given.initial_block_count) }
  if given.stream_capacity != 0 { options.streamCapacity = Int(given.stream_capacity) }
  options.timeUnit = try choice(
    given.time_unit, [.nanoseconds, .microseconds, .milliseconds, .seconds], "time_unit")
  options.checksums = try !flag(given.without_payload_checksums, "without_payload_checksums")
  options.compression = try compression(given.compression, given.chunk_size) ?? .off
  options.pins = try flag(given.pins_hold, "pins_hold") ? .hold : .giveWay
  return options
}

@c @implementation
public func nanots_store_open(
  _ path: UnsafePointer<CChar>?, _ access: nanots_access_t, _ store: UnsafeMutablePointer<nanots_store_t?>?
) -> nanots_ec_t {
  reporting(.opening) { () throws(NanoTSError) in
    let place = try unsafe place(store, "store")
    let path = try unsafe text(path, "path")
    let access: Store.Access = try choice(access.rawValue, [.readOnly, .following, .readWrite, .snapshot], "access")
    unsafe place.pointee = try makeHandle(StoreThing(Store(at: path, access)))
  }
}

@c @implementation
public func nanots_store_close(_ store: nanots_store_t?) -> nanots_ec_t {
  reporting { () throws(NanoTSError) in
    guard unsafe store != nil else { throw isNull("store") }
    var ended = try unsafe endHandle(store, StoreThing.self)
    var last = ended?.store
    let isOnlyOne = isKnownUniquelyReferenced(&ended)
    ended = nil
    // A closed store refuses what was made of it and is used still: then the last of those closes it.
    if isOnlyOne, isKnownUniquelyReferenced(&last) { try last?.close() }
  }
}

@c @implementation
public func nanots_store_pin(
  _ store: nanots_store_t?, _ stream: UnsafePointer<CChar>?, _ start_timestamp: Int64, _ end_timestamp: Int64,
  _ pin: UnsafeMutablePointer<nanots_pin_t?>?
) -> nanots_ec_t {
  reporting { () throws(NanoTSError) in
    let place = try unsafe place(pin, "pin")
    let store = try unsafe thing(store, StoreThing.self).store
    let made = try unsafe store.pin(text(stream, "stream"), in: range(start_timestamp, end_timestamp))
    unsafe place.pointee = try makeHandle(PinThing(made))
  }
}

/// What a pin handle stands for.
final class PinThing: SharedThing {
  static var kind: HandleTable.Kind { .pin }
  let pin: Pin

  init(_ pin: Pin) { self.pin = pin }
}

@c @implementation
public func nanots_pin_destroy(_ pin: nanots_pin_t?) {
  _ = reporting { () throws(NanoTSError) in try unsafe endHandle(pin, PinThing.self)?.pin.release() }
}

@c @implementation
public func nanots_pin_blocks(_ pin: nanots_pin_t?) -> UInt64 {
  reportingNil { () throws(NanoTSError) in UInt64(unsafe try thing(pin, PinThing.self).pin.blocks) } ?? 0
}

@c @implementation
public func nanots_pin_is_intact(_ pin: nanots_pin_t?) -> Int32 {
  reportingNil { () throws(NanoTSError) in unsafe try thing(pin, PinThing.self).pin.isIntact } == true ? 1 : 0
}

@c @implementation
public func nanots_store_verify(
  _ store: nanots_store_t?, _ callback: nanots_finding_callback_t?, _ user_data: UnsafeMutableRawPointer?,
  _ frames: UnsafeMutablePointer<UInt64>?, _ findings: UnsafeMutablePointer<UInt64>?
) -> nanots_ec_t {
  reporting { () throws(NanoTSError) in
    let store = try unsafe thing(store, StoreThing.self).store
    let report = try store.verify()
    unsafe frames?.pointee = report.checkedFrames
    unsafe findings?.pointee = UInt64(report.findings.count)
    if let callback = unsafe callback {
      for finding in report.findings { unsafe finding.description.withCString { unsafe callback($0, user_data) } }
    }
    if let first = report.findings.first {
      throw NanoTSError(
        .corrupt, "\(store.path): \(report.findings.count) things are wrong, the first: \(first.description)")
    }
  }
}

/// How frames are to be stored, as a nanots_compression_t and a chunk size say it; nil for as before.
func compression(_ method: UInt32, _ chunkSize: UInt32) throws(NanoTSError) -> Compression? {
  let chunkByteCount = chunkSize == 0 ? nil : Int(chunkSize)
  let found: Compression? = try choice(method, [nil, .off, .lz4(chunkByteCount: chunkByteCount)], "compression")
  guard chunkSize == 0 || method == NANOTS_COMPRESSION_LZ4.rawValue else {
    throw NanoTSError(.invalidArgument, "a chunk_size of \(chunkSize) is only for NANOTS_COMPRESSION_LZ4")
  }
  return found
}
