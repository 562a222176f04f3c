/// What the simulator knows of the format (Format.md).
package enum CrashImage {
  /// Offset of the boot id in the file, 16 bytes of SharedState.
  private static let bootID = 4096 + 192
  private static let streamTable = 8192
  private static let slotByteCount = 512
  /// Offsets in a stream's slot.
  private static let (identifier, nameLength, nextOrdinal, name) = (8, 24, 88, 320)

  /// The image as it is found when the machine has started again. A store that knows of no boot stays so.
  package static func ofAnotherBoot(_ image: [UInt8]) -> [UInt8] {
    let place = bootID..<(bootID + 16)
    guard image.count >= place.upperBound, image[place].contains(where: { $0 != 0 }) else { return image }
    var image = image
    image.replaceSubrange(place, with: (1...16).map { UInt8($0) })
    return image
  }

  /// The ordinal that the next frame gets of a stream that nobody writes: not always the one behind its last frame. Nil
  /// when the store at `path` does not have the stream.
  static func nextOrdinal(of stream: String, at path: String, streams: Int) throws -> UInt64? {
    let table = try RawFile.read(path, at: streamTable, count: streams * slotByteCount)
    let wanted = Array(stream.utf8)
    for slot in stride(from: 0, to: table.count, by: slotByteCount) {
      guard number(table, slot + identifier, 8) != 0, number(table, slot + nameLength, 2) == UInt64(wanted.count),
        Array(table[(slot + name)..<(slot + name + wanted.count)]) == wanted
      else { continue }
      return number(table, slot + nextOrdinal, 8)
    }
    return nil
  }

  private static func number(_ bytes: [UInt8], _ place: Int, _ count: Int) -> UInt64 {
    bytes[place..<(place + count)].reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }
}
