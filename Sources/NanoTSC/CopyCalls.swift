public import CInterface
internal import NanoTS

@c @implementation
public func nanots_store_copy(
  _ store: nanots_store_t?, _ path: UnsafePointer<CChar>?, _ options: UnsafePointer<nanots_copy_options_t>?,
  _ report: UnsafeMutablePointer<nanots_copy_report_t>?
) -> nanots_ec_t {
  reporting(.allocating) { () throws(NanoTSError) in
    let store = try unsafe thing(store, StoreThing.self).store
    let path = try unsafe text(path, "path")
    let given = try unsafe NanoTSC.options(options, "options")
    let replaces = try flag(unsafe given.replace_existing, "replace_existing")
    // A size that cannot be right is found out before the copy is made.
    if let report = unsafe report { _ = try unsafe checkedSize(report, nanots_copy_report_t.self, "report") }
    let result = try store.copy(
      to: path, unsafe copyOptions(given), replacing: replaces, progress: unsafe progress(given))
    guard let report = unsafe report else { return }
    try unsafe deliver(
      nanots_copy_report_t(
        struct_size: 0, is_complete: result.isComplete ? 1 : 0, streams: UInt64(result.streams),
        blocks: UInt64(result.blocks), frames: result.frames, bytes: result.bytes, file_size: result.fileSize,
        missed_frames: result.missedFrames, damaged_frames: result.damagedFrames,
        unproven_frames: result.unprovenFrames), report, "report")
  }
}

private func copyOptions(_ given: nanots_copy_options_t) throws(NanoTSError) -> CopyOptions {
  var options = CopyOptions()
  if unsafe given.streams != nil { options.streams = try unsafe texts(given.streams, given.stream_count, "streams") }
  if unsafe try flag(given.has_range, "has_range") {
    options.range = unsafe try range(given.start_timestamp, given.end_timestamp)
  }
  options.compression = try unsafe copyCompression(given.compression, given.chunk_size)
  if unsafe given.block_count != 0 { options.blockCount = unsafe Int(given.block_count) }
  return options
}

private func copyCompression(_ method: UInt32, _ chunkSize: UInt32) throws(NanoTSError) -> CopyCompression? {
  guard method == NANOTS_COMPRESSION_LZ4HC.rawValue else {
    return switch try compression(method, chunkSize) {
    case .off: .off
    case .lz4(let chunkByteCount): .lz4(chunkByteCount: chunkByteCount)
    case nil: nil
    }
  }
  return .lz4hc(chunkByteCount: chunkSize == 0 ? nil : Int(chunkSize))
}

private func progress(_ given: nanots_copy_options_t) -> ((CopyProgress) -> Bool)? {
  guard let callback = unsafe given.progress else { return nil }
  let userData = unsafe given.user_data
  return { progress in
    var told = nanots_copy_progress_t(
      phase: progress.phase == .copying ? 0 : progress.phase == .verifying ? 1 : 2, blocks: UInt64(progress.blocks),
      total_blocks: UInt64(progress.totalBlocks), frames: progress.frames, total_frames: progress.totalFrames,
      bytes: progress.bytes)
    return unsafe callback(&told, userData) == 0
  }
}
