internal import CInterface
internal import NanoTS

/// Bytes that the library owns and hands out: they change only when it is asked for others.
@safe
struct OwnBuffer {
  private var base: UnsafeMutableRawPointer?
  private var capacity = 0

  /// The address, never nil: what is handed out for a frame of no bytes is an address too.
  private mutating func room(_ byteCount: Int) -> UnsafeMutableRawPointer? {
    if unsafe base == nil || capacity < byteCount {
      guard unsafe nanots_internal_grow(&base, &capacity, byteCount) != 0 else { return nil }
    }
    return unsafe base
  }

  /// A copy of the frame's bytes, checked; nil and a code when there is none. Bound: `frame.byteCount` bytes, until the
  /// next copy.
  mutating func copy(_ frame: Frame) -> (UnsafePointer<UInt8>?, nanots_ec_t) {
    guard let room = unsafe room(frame.byteCount) else { return (nil, noMemory(frame.byteCount)) }
    do throws(NanoTSError) {
      try unsafe frame.withUnsafeBytes { bytes in
        if bytes.count > 0 { unsafe room.copyMemory(from: bytes.baseAddress!, byteCount: bytes.count) }
      }
      return unsafe (UnsafePointer(room.assumingMemoryBound(to: UInt8.self)), NANOTS_EC_OK)
    } catch {
      return (nil, note(error))
    }
  }

  /// The text with a byte of 0 at its end; nil without memory for it. Valid until the next copy.
  mutating func copy(_ text: String) -> UnsafePointer<CChar>? {
    var text = text
    let place = text.withUTF8 { utf8 -> UnsafeMutableRawPointer? in
      guard let room = unsafe room(utf8.count + 1) else { return nil }
      // Bound: the buffer has room for one more than the text.
      if utf8.count > 0 { unsafe room.copyMemory(from: utf8.baseAddress!, byteCount: utf8.count) }
      unsafe room.storeBytes(of: 0, toByteOffset: utf8.count, as: UInt8.self)
      return unsafe room
    }
    guard let place = unsafe place else {
      _ = noMemory(text.utf8.count)
      return nil
    }
    return unsafe UnsafePointer(place.assumingMemoryBound(to: CChar.self))
  }

  /// The text that was copied last. Bound: as for the copy.
  var text: UnsafePointer<CChar>? { unsafe UnsafePointer(base?.assumingMemoryBound(to: CChar.self)) }

  private func noMemory(_ byteCount: Int) -> nanots_ec_t {
    note(NANOTS_EC_OUT_OF_MEMORY, "there is no memory for a copy of \(byteCount) bytes")
  }

  mutating func free() {
    unsafe nanots_internal_free(base)
    unsafe base = nil
    capacity = 0
  }
}
