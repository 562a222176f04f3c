internal import CNanoTS

/// Making a new store file.
///
/// The file is made whole under a temporary name beside its own and then renamed, so that nobody sees half a store; on
/// any failure the temporary file is gone again.
enum StoreCreation {
  /// Creates the file at `path`. Throws `.alreadyExists` unless `replacing`, `.outOfSpace` when the disk has no room,
  /// and the errors of `StoreLayout` for sizes outside their ranges. O(blocks): every page of the tables is written.
  static func create(at path: String, _ options: StoreOptions, replacing: Bool) throws(NanoTSError) {
    precondition(LayoutCheck.isDone)
    let layout = try StoreLayout(
      blockSize: options.blockSize, blockCount: options.blockCount, streamCapacity: options.streamCapacity)
    let initial = options.initialBlockCount ?? options.blockCount
    guard (1...options.blockCount).contains(initial) else {
      throw NanoTSError(
        .invalidBlockCount, "initial block count \(initial) is outside 1...\(options.blockCount), the block count")
    }
    _ = try options.compression.layout(blockSize: options.blockSize)
    try publishing(at: path, replacing: replacing) { temporary throws(NanoTSError) in
      try write(temporary, layout, initial, options)
    }
  }

  /// Runs `write` with a temporary name beside `path`; the file that it makes there, whole and synced, is then given its
  /// own name.
  static func publishing<R>(
    at path: String, replacing: Bool, _ write: (_ temporary: String) throws(NanoTSError) -> R
  ) throws(NanoTSError) -> R {
    if replacing { _ = try FileDescriptor.checkPlace(path, for: nil) } else { try refuseExisting(path) }
    let temporary = "\(path).\(Machine.processID)-\(String(Entropy.next(), radix: 16)).new"
    do throws(NanoTSError) {
      let result = try write(temporary)
      try publish(temporary, as: path, replacing: replacing)
      return result
    } catch {
      // The first error is the one to report; a file that was never created cannot be removed and need not be.
      unsafe nts_unlink(temporary)
      throw error
    }
  }

  /// A look ahead, so that a large file is not written in vain; the rename decides.
  private static func refuseExisting(_ path: String) throws(NanoTSError) {
    do throws(NanoTSError) {
      _ = try FileDescriptor(opening: path, .read)
    } catch  where error.code == .notFound {
      return
    } catch  where error.code == .invalidArgument || error.code == .ioFailure {
      throw error
    } catch {}
    throw SystemCall.failure(ErrorNumber.exists, "create", path)
  }

  private static func write(
    _ path: String, _ layout: StoreLayout, _ initial: Int, _ options: StoreOptions
  ) throws(NanoTSError) {
    let descriptor = try create(path)
    try descriptor.reserve(0..<layout.fileSize(blocks: initial))
    let header = FileHeader(
      uuid: StoreUUID(high: Entropy.next(), low: Entropy.next()), layout: layout, initialBlockCount: initial,
      timeUnit: options.timeUnit.rawValue, payloadChecksums: options.checksums,
      writeIncompatibleFeatures: options.pins == .hold ? FileHeader.pinsHold : 0, compression: options.compression)
    let mapped = try MappedFile(mapping: descriptor, byteCount: layout.dataOffset, writable: true)
    // The blocks are not brought in with the header: see `MappedFile.populatePages`.
    mapped.beginPages(alone: 0..<layout.dataOffset)
    unsafe header.write(to: UnsafeMutableRawBufferPointer(start: mapped.base, count: FileHeader.byteCount))
    let shared = unsafe SharedState(base: mapped.base + FileHeader.byteCount)
    shared.availableBlocks.storeRelaxed(UInt32(initial))
    shared.closedCleanly.storeRelaxed(1)
    try descriptor.sync()
  }

  /// Makes a file that was not there. Throws `.notFound` when its directory is not there.
  static func create(_ path: String) throws(NanoTSError) -> FileDescriptor {
    do throws(NanoTSError) {
      return try FileDescriptor(opening: path, .createExclusively)
    } catch {
      guard error.code == .notFound else { throw error }
      throw NanoTSError(
        .notFound, "\(path) cannot be created: its directory does not exist; make the directory first",
        systemError: error.systemError)
    }
  }

  private static func publish(_ temporary: String, as path: String, replacing: Bool) throws(NanoTSError) {
    if replacing {
      try unsafe SystemCall.check(nts_rename(temporary, path), "rename", path)
    } else {
      try unsafe SystemCall.check(nts_rename_new(temporary, path), "rename", path)
    }
    do throws(NanoTSError) {
      try unsafe SystemCall.check(nts_sync_directory_of(path), "fsync of the directory", path)
    } catch {
      // A name that may not survive power loss is no success, and what fails leaves nothing behind. A file that was
      // replaced does not come back.
      if !replacing { unsafe nts_unlink(path) }
      throw error
    }
  }
}
