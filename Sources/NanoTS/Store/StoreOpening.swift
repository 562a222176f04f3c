/// Opening a store file: every claim of its header is checked before anything relies on it.
enum StoreOpening {
  /// Maps the store at `path`. Throws, naming the values: `.notFound`, `.cannotOpen`, `.notAStore`,
  /// `.unsupportedVersion`, `.unsupportedFeature`, `.corrupt`, `.truncated`, `.readOnly`, `.ioFailure`. O(1).
  static func open(_ path: String, _ access: Store.Access) throws(NanoTSError) -> StoreFile {
    precondition(LayoutCheck.isDone)
    let descriptor = try FileDescriptor(opening: path, access == .readWrite ? .readWrite : .read)
    let header = try readHeader(descriptor)
    try checkFeatures(of: header, access, path)
    let layout = try checkedLayout(of: header, path)
    let size = try descriptor.size()
    let promised = layout.fileSize(blocks: Int(header.initialBlockCount))
    guard size >= UInt64(promised) else {
      throw NanoTSError(
        .truncated,
        "\(path) is \(size) bytes long and its header promises at least \(promised); part of it was cut off: restore it "
          + "from a copy")
    }
    if access == .snapshot {
      let copy = try MetadataCopy(of: descriptor, layout)
      return StoreFile(
        mapped: MappedFile(copy.bytes, of: descriptor), layout: layout, header: header, blocks: copy.blocks)
    }
    let mapped = try MappedFile(
      mapping: descriptor, byteCount: layout.fileSize(blocks: layout.blockCount), writable: access == .readWrite)
    if access == .readWrite {
      // The blocks behind the tables are not brought in with them: see `MappedFile.populatePages`.
      mapped.beginPages(alone: 0..<layout.dataOffset)
      mapped.bringPages(0..<layout.dataOffset)
    }
    let window = access == .following ? sharedWindow(of: descriptor, header) : nil
    return StoreFile(mapped: mapped, sharedWindow: window, layout: layout, header: header)
  }

  /// What a follower needs to be woken; nil where it may not have it, and polls.
  private static func sharedWindow(of descriptor: FileDescriptor, _ header: FileHeader) -> MappedWindow? {
    guard header.writeIncompatibleFeatures & ~FileHeader.knownWriteIncompatibleFeatures == 0 else { return nil }
    return try? MappedWindow(mapping: StoreFile.sharedRange, of: descriptor)
  }

  /// Reads the header through the descriptor, not the mapping: a file may be shorter than a page.
  private static func readHeader(_ descriptor: FileDescriptor) throws(NanoTSError) -> FileHeader {
    let path = descriptor.path
    var page: [UInt8] = Array(repeating: 0, count: FileHeader.byteCount)
    let result: Result<Int, NanoTSError> = unsafe page.withUnsafeMutableBytes { buffer in
      Result { () throws(NanoTSError) in try unsafe descriptor.read(into: buffer, at: 0) }
    }
    let count = try result.get()
    guard count >= 8 else {
      throw NanoTSError(.notAStore, "\(path) is no store: it has only \(count) bytes")
    }
    let checked: Result<FileHeader, NanoTSError> = unsafe page.withUnsafeBytes { bytes in
      Result { () throws(NanoTSError) in try unsafe check(bytes, count, path) }
    }
    return try checked.get()
  }

  static func check(_ page: UnsafeRawBufferPointer, _ count: Int, _ path: String) throws(NanoTSError)
    -> FileHeader
  {
    let header = unsafe FileHeader(reading: page)
    guard header.magic == FileHeader.magic else {
      throw NanoTSError(
        .notAStore,
        "\(path) is no store: it begins with \(hex(header.magic.byteSwapped)) and a store with "
          + "\(hex(FileHeader.magic.byteSwapped))")
    }
    guard count == FileHeader.byteCount else {
      throw NanoTSError(.truncated, "\(path) ends inside its header, at byte \(count) of \(FileHeader.byteCount)")
    }
    guard header.byteOrder == FileHeader.byteOrderMark else {
      throw NanoTSError(
        .corrupt,
        "\(path): byte order mark \(hex(UInt64(header.byteOrder))) is not \(hex(UInt64(FileHeader.byteOrderMark)))")
    }
    guard header.version == FileHeader.version else {
      throw NanoTSError(
        .unsupportedVersion,
        "\(path) has format version \(header.version) and this build reads version \(FileHeader.version); use a later "
          + "release")
    }
    let (stored, computed) = unsafe (FileHeader.storedChecksum(of: page), FileHeader.checksum(of: page))
    guard stored == computed else {
      throw NanoTSError(
        .corrupt,
        "\(path): the header's checksum is \(hex(UInt64(stored))) and its bytes give \(hex(UInt64(computed))); the "
          + "header is damaged")
    }
    return header
  }

  static func checkFeatures(
    of header: FileHeader, _ access: Store.Access, _ path: String
  ) throws(NanoTSError) {
    let unknown = header.incompatibleFeatures & ~FileHeader.knownIncompatibleFeatures
    guard unknown == 0 else {
      throw NanoTSError(
        .unsupportedFeature,
        "\(path) uses features that this build does not know (bits \(hex(unknown))); use a later release")
    }
    let unknownToWrite = header.writeIncompatibleFeatures & ~FileHeader.knownWriteIncompatibleFeatures
    guard unknownToWrite == 0 || access != .readWrite else {
      throw NanoTSError(
        .unsupportedFeature,
        "\(path) uses features that this build can read but not write (bits \(hex(unknownToWrite))); open it read-only "
          + "or use a later release")
    }
  }

  static func checkedLayout(of header: FileHeader, _ path: String) throws(NanoTSError) -> StoreLayout {
    guard let blockSize = Int(exactly: header.blockSize), let blockCount = Int(exactly: header.blockCount) else {
      throw NanoTSError(
        .corrupt, "\(path): the header names \(header.blockCount) blocks of \(header.blockSize) bytes")
    }
    let layout: StoreLayout
    do throws(NanoTSError) {
      layout = try StoreLayout(
        blockSize: blockSize, blockCount: blockCount, streamCapacity: Int(header.streamCapacity))
    } catch {
      throw NanoTSError(.corrupt, "\(path): the header is impossible: \(error.message)")
    }
    guard header.streamTableOffset == UInt64(layout.streamTableOffset),
      header.blockTableOffset == UInt64(layout.blockTableOffset), header.dataOffset == UInt64(layout.dataOffset),
      (1...header.blockCount).contains(header.initialBlockCount), header.payloadChecksums <= 1,
      TimeUnit(rawValue: header.timeUnit) != nil
    else {
      throw NanoTSError(
        .corrupt,
        "\(path): the header's offsets \(header.streamTableOffset), \(header.blockTableOffset), \(header.dataOffset), "
          + "initial blocks \(header.initialBlockCount), time unit \(header.timeUnit) or checksum mode "
          + "\(header.payloadChecksums) are not those of format \(FileHeader.version)")
    }
    return layout
  }

  private static func hex(_ value: UInt64) -> String { "0x" + String(value, radix: 16) }
}
