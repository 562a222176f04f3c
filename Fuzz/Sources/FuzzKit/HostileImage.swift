@testable import NanoTS

/// A store file made of arbitrary bytes.
///
/// Most of a small store is padding, where a change of a byte says nothing. So the input has only what is read of a store
/// with the template's layout, one part after the other; the rest of the file is zeros. One flag takes the input as the
/// file, byte by byte, instead.
package enum HostileImage {
  /// Room for every file that comes of it.
  package static let capacity = 1 << 20

  private static let parts: [Range<Int>] = {
    let layout = TemplateStore.layout
    var parts = [
      0..<(FileHeader.Offset.data + 8), FileHeader.Offset.checksum..<FileHeader.byteCount,
      FileHeader.byteCount..<(FileHeader.byteCount + SharedState.Offset.wakeBudgets + SharedState.wakeBitCount * 8),
      layout.streamTableOffset..<(layout.streamTableOffset + layout.streamCapacity * StreamSlot.byteCount),
      layout.blockTableOffset..<(layout.blockTableOffset + layout.blockCount * BlockHeader.byteCount),
    ]
    for block in 0..<layout.blockCount {
      let (start, end) = (layout.fileSize(blocks: block), layout.fileSize(blocks: block + 1))
      parts += [start..<(start + 256), (end - 192)..<end]
    }
    return parts
  }()

  /// Gives `file` the bytes that `input` says; returns its length.
  package static func write(_ input: inout FuzzInput, to file: MemoryFile) -> Int {
    let (flags, cut) = (input.byte(), input.byte())
    let content = input.rest()
    guard flags & 1 == 0 else {
      unsafe file.withBytes(min(content.count, capacity)) { bytes in
        unsafe bytes.copyBytes(from: content.prefix(bytes.count))
      }
      return min(content.count, capacity)
    }
    let size = TemplateStore.layout.fileSize(blocks: TemplateStore.blocks)
    unsafe file.withBytes(size) { bytes in
      unsafe scatter(content, over: bytes)
      if flags & 2 == 0 {
        unsafe HostileFields.fixFileHeader(bytes)
      } else if flags & 16 == 0 {
        unsafe bytes.copyBytes(from: TemplateStore.fixed.prefix(FileHeader.byteCount))
      }
      if flags & 4 == 0 { unsafe HostileFields.setBoot(bytes) }
    }
    guard flags & 8 != 0 else { return size }
    unsafe file.withBytes(size * Int(cut) / 256) { _ in }
    return size * Int(cut) / 256
  }

  private static func scatter(_ content: ArraySlice<UInt8>, over bytes: UnsafeMutableRawBufferPointer) {
    var place = content.startIndex
    var end = 0
    for part in parts {
      // Bound: parts are in order and the last one ends with the file.
      unsafe UnsafeMutableRawBufferPointer(rebasing: bytes[end..<part.lowerBound]).initializeMemory(
        as: UInt8.self, repeating: 0)
      let taken = content[place..<min(place + part.count, content.endIndex)]
      let room = unsafe UnsafeMutableRawBufferPointer(rebasing: bytes[part])
      unsafe room.copyBytes(from: taken)
      unsafe UnsafeMutableRawBufferPointer(rebasing: room[taken.count...]).initializeMemory(
        as: UInt8.self, repeating: 0)
      place = taken.endIndex
      end = part.upperBound
    }
  }

  /// Inputs from which valid stores come, fixed and growable, behind a zero that says what is done with them.
  package static var seeds: [[UInt8]] {
    [TemplateStore.fixed, TemplateStore.growable].map { store in
      [0, 2, 0] + parts.flatMap { store[$0] }
    }
  }
}
