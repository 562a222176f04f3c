public import CInterface
internal import NanoTS

@c @implementation
public func nanots_store_statistics(
  _ store: nanots_store_t?, _ statistics: UnsafeMutablePointer<nanots_store_statistics_t>?
) -> nanots_ec_t {
  reporting { () throws(NanoTSError) in
    let place = try unsafe place(statistics, "statistics")
    let found = try unsafe thing(store, StoreThing.self).store.statistics()
    try unsafe deliver(nanots_store_statistics_t(found), place, "statistics")
  }
}

extension nanots_store_statistics_t {
  fileprivate init(_ found: StoreStatistics) {
    self.init(
      struct_size: 0, format_version: found.formatVersion, file_size: found.fileSize,
      block_size: UInt32(found.blockSize), time_unit: UInt32(found.timeUnit.rawValue),
      block_count: UInt64(found.blockCount), available_blocks: UInt64(found.availableBlocks),
      free_blocks: UInt64(found.freeBlocks), open_blocks: UInt64(found.openBlocks),
      sealed_blocks: UInt64(found.sealedBlocks), protected_blocks: UInt64(found.protectedBlocks),
      pinned_blocks: UInt64(found.pinnedBlocks), streams: UInt64(found.streams.count),
      stream_capacity: UInt64(found.streamCapacity), frames: found.frames, bytes: found.bytes,
      reclaimed_blocks: found.reclaimedBlocks, reclaimed_frames: found.reclaimedFrames,
      first_timestamp: found.first ?? 0, last_timestamp: found.last ?? 0,
      has_payload_checksums: found.checksums ? 1 : 0, is_growable: found.isGrowable ? 1 : 0,
      pins_hold: found.pinPolicy == .hold ? 1 : 0)
  }
}

@c @implementation
public func nanots_store_stream_statistics(
  _ store: nanots_store_t?, _ stream: UnsafePointer<CChar>?,
  _ statistics: UnsafeMutablePointer<nanots_stream_statistics_t>?
) -> nanots_ec_t {
  reporting { () throws(NanoTSError) in
    let place = try unsafe place(statistics, "statistics")
    let store = try unsafe thing(store, StoreThing.self).store
    let name = try unsafe text(stream, "stream")
    guard let found = try store.statistics(of: name) else {
      throw NanoTSError(.notFound, "\(store.path) has no stream '\(name)'")
    }
    try unsafe deliver(nanots_stream_statistics_t(found), place, "statistics")
  }
}

extension nanots_stream_statistics_t {
  fileprivate init(_ found: StreamStatistics) {
    self.init(
      struct_size: 0, writer_process_id: found.writerProcessID ?? 0, blocks: UInt64(found.blocks), frames: found.frames,
      bytes: found.bytes, segments: UInt64(found.segments), reclaimed_blocks: found.reclaimedBlocks,
      reclaimed_frames: found.reclaimedFrames, protected_blocks: UInt64(found.protectedBlocks),
      pinned_blocks: UInt64(found.pinnedBlocks), first_timestamp: found.first ?? 0, last_timestamp: found.last ?? 0,
      compression: found.compression == .off ? 1 : 2, zero: 0, stored_bytes: found.storage.storedBytes)
  }
}
