internal import Glibc
internal import NanoTS

/// Every frame that was given to one stream, by ordinal: what a reader must find there, byte for byte.
///
/// Times come from one clock that never goes back, also where a loss of power gave ordinals back, so that a frame of an
/// earlier life, or of a stream that had the same name, differs from the one that has its ordinal now.
final class FrameLog {
  struct Entry {
    let timestamp: Int64
    let key: Int64
    let flags: UInt32
    let payload: [UInt8]

    init(ordinal: UInt64, timestamp: Int64, key: Int64, byteCount: Int) {
      self.timestamp = timestamp
      self.key = key
      flags = UInt32(truncatingIfNeeded: ordinal &* 0x9E37_79B9 ^ UInt64(bitPattern: timestamp))
      var words = SeededRandom(seed: ordinal &* 0xD6E8_FEB8_6659_FD93 ^ UInt64(bitPattern: timestamp))
      payload = Entry.bytes(byteCount, &words)
    }

    init(timestamp: Int64, payload: [UInt8]) {
      self.timestamp = timestamp
      key = 0
      flags = 0
      self.payload = payload
    }

    private static func bytes(_ count: Int, _ words: inout SeededRandom) -> [UInt8] {
      unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
        var place = 0
        while place < count {
          var word = words.next()
          for _ in 0..<min(8, count - place) {
            unsafe buffer[place] = UInt8(truncatingIfNeeded: word)
            word >>= 8
            place += 1
          }
        }
        filled = count
      }
    }
  }

  private(set) var entries: [Entry] = []

  /// The ordinal of the next frame.
  var next: UInt64 { UInt64(entries.count) }

  init() {}

  /// The first frames of another log, those that a loss of power left; `next` comes after them, and nothing may be found
  /// in between.
  init(of log: FrameLog, upTo end: UInt64, next: UInt64?) {
    entries = Array(log.entries.prefix(Int(end)))
    let missing = max(0, Int(next ?? end) - entries.count)
    entries += Array(repeating: Entry(timestamp: .min, payload: []), count: missing)
  }

  func add(at timestamp: Int64, key: Int64, byteCount: Int) -> Entry {
    let entry = Entry(ordinal: next, timestamp: timestamp, key: key, byteCount: byteCount)
    entries.append(entry)
    return entry
  }

  /// Takes back frames that were refused.
  func removeAll(from ordinal: UInt64) { entries.removeLast(entries.count - Int(ordinal)) }

  /// What is wrong with the frame; nil when it is the one that was given.
  func fault(of frame: Frame) throws(NanoTSError) -> String? {
    guard frame.ordinal < next else {
      return "frame \(frame.ordinal) at \(frame.timestamp) was never written: there are \(entries.count)"
    }
    let entry = entries[Int(frame.ordinal)]
    guard frame.timestamp == entry.timestamp, frame.key == entry.key, frame.flags == entry.flags else {
      return "frame \(frame.ordinal) at (\(frame.timestamp), \(frame.key)) with flags \(frame.flags) is not the one "
        + "that was written, at (\(entry.timestamp), \(entry.key)) with flags \(entry.flags)"
    }
    let isSame = try unsafe frame.withUnsafeBytes { bytes in
      unsafe bytes.count == entry.payload.count
        && entry.payload.withUnsafeBytes {
          unsafe bytes.isEmpty || memcmp($0.baseAddress!, bytes.baseAddress!, bytes.count) == 0
        }
    }
    return isSame ? nil : "frame \(frame.ordinal) at \(frame.timestamp) does not have the bytes that were written"
  }
}
