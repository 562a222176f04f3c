//  The columns of a chunk, before compression. Numbers are LEB128; signed ones are folded (0, -1, 1, -2, …) first.
//
//    timestamps   of each frame but the first, the signed change of its distance from the frame before
//    lengths      1 + the length that all payloads have, if they have one and none is clamped; else 0, and for each frame
//                 twice its length, + 1 where the timestamp was clamped
//    flags        1 and the flags that all frames have; else 0 and those of each
//    keys         only with 32-byte entries: of each frame but the first, the signed change from the frame before
//    payloads     one behind the other, filtered; they begin at the raw length less the payload bytes

/// What all frames of a chunk have in common, as the columns say it.
struct ChunkShape {
  /// Nil where payloads differ in length, or a timestamp was clamped.
  let uniformLength: Int?
  let uniformFlags: UInt32?
  let payloadBytes: Int

  /// O(frames).
  init(of frames: PlainFrames) {
    let first = frames.entry(0)
    var (sameLength, sameFlags) = (!first.isClamped, true)
    var bytes = 0
    for slot in 0..<frames.count {
      let entry = frames.entry(slot)
      sameLength = sameLength && entry.lengthAndMarks == first.lengthAndMarks
      sameFlags = sameFlags && entry.flags == first.flags
      bytes += entry.length
    }
    uniformLength = sameLength ? first.length : nil
    uniformFlags = sameFlags ? first.flags : nil
    payloadBytes = bytes
  }
}

enum ChunkColumns {
  /// The most bytes that the columns of `count` frames with `payloadBytes` can take.
  static func capacity(count: Int, payloadBytes: Int) -> Int {
    4 * (count + 1) * ColumnWriter.mostBytes + payloadBytes
  }

  /// Writes every column but the payloads; returns how many bytes that took. Bound: `target` has the capacity. O(frames).
  static func writeNumbers(
    of frames: PlainFrames, _ shape: ChunkShape, to target: UnsafeMutableRawBufferPointer
  ) -> Int {
    var writer = unsafe ColumnWriter(target)
    var (before, distance) = (frames.entry(0).timestamp, Int64(0))
    for slot in 1..<max(frames.count, 1) {
      let timestamp = frames.entry(slot).timestamp
      let next = timestamp &- before
      writer.add(signed: next &- distance)
      (before, distance) = (timestamp, next)
    }
    if let length = shape.uniformLength {
      writer.add(UInt64(length) + 1)
    } else {
      writer.add(0)
      for slot in 0..<frames.count {
        let entry = frames.entry(slot)
        writer.add(UInt64(entry.length) << 1 | (entry.isClamped ? 1 : 0))
      }
    }
    if let flags = shape.uniformFlags {
      writer.add(1)
      writer.add(UInt64(flags))
    } else {
      writer.add(0)
      for slot in 0..<frames.count { writer.add(UInt64(frames.entry(slot).flags)) }
    }
    guard frames.isKeyed else { return writer.count }
    var key = frames.entry(0).key
    for slot in 1..<max(frames.count, 1) {
      let next = frames.entry(slot).key
      writer.add(signed: next &- key)
      key = next
    }
    return writer.count
  }

  /// Writes the payloads one behind the other. Bound: `target` has the shape's payload bytes. O(bytes).
  static func writePayloads(
    of frames: PlainFrames, _ shape: ChunkShape, to target: UnsafeMutableRawBufferPointer
  ) {
    // Equal payloads of whole words lie without gaps already.
    if let length = shape.uniformLength, length % 8 == 0 {
      let start = unsafe frames.payload(of: frames.entry(0)).baseAddress
      return unsafe target.copyMemory(from: UnsafeRawBufferPointer(start: start, count: shape.payloadBytes))
    }
    var place = 0
    for slot in 0..<frames.count {
      let payload = unsafe frames.payload(of: frames.entry(slot))
      unsafe UnsafeMutableRawBufferPointer(rebasing: target[place...]).copyMemory(from: payload)
      place += payload.count
    }
  }
}
