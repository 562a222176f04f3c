internal import CEngines
internal import NanoTS

/// Frames that are appended in one go, the same for every contender.
///
/// The bytes lie at the same place of a page in every run. A processor takes a load for one that depends on an earlier
/// store when the low 12 bits of their addresses agree; a payload that lies a few bytes before the place in its page to
/// which frames of a page are copied makes the copy take more than twice as long.
@safe
final class FrameRun {
  let name: String
  let count: Int
  /// Every frame is the first bytes of it.
  let payload: UnsafeMutableRawBufferPointer
  /// Bytes of each frame; empty when all have `size`.
  let lengths: [UInt32]
  let size: Int
  private let isNumbered: Bool
  private let page: UnsafeMutableRawBufferPointer
  private static let placeInPage = 64

  /// Numbered, the first 8 bytes of a frame are its timestamp, where an engine appends it.
  init(size: Int, count: Int, numbered: Bool = false) {
    name = "\(FrameRun.text(size)) frames"
    self.size = size
    self.count = count
    lengths = []
    unsafe (page, payload) = FrameRun.bytes(size)
    isNumbered = numbered
  }

  /// Sizes as of a video: every 30th frame has 60 to 160 KiB, the others have 2 to 20 KiB.
  init(videoOf count: Int) {
    var generator = SplitMix64(seed: 30)
    name = "frames as of a video (2 to 160 KiB)"
    lengths = (0..<count).map { frame in
      UInt32.random(in: frame % 30 == 0 ? 60 << 10...160 << 10 : 2 << 10...20 << 10, using: &generator)
    }
    self.count = count
    size = 0
    unsafe (page, payload) = FrameRun.bytes(160 << 10)
    isNumbered = false
  }

  deinit { unsafe page.deallocate() }

  private static func bytes(_ count: Int) -> (UnsafeMutableRawBufferPointer, UnsafeMutableRawBufferPointer) {
    let page = UnsafeMutableRawBufferPointer.allocate(byteCount: placeInPage + count, alignment: 4096)
    for (index, place) in page.indices.enumerated() { unsafe page[place] = UInt8(truncatingIfNeeded: index) }
    return unsafe (page, UnsafeMutableRawBufferPointer(rebasing: page[placeInPage...]))
  }

  /// As many frames of `size` bytes as fill `byteCount` bytes of blocks, at most a million.
  static func filling(_ byteCount: Int, size: Int) -> FrameRun {
    FrameRun(size: size, count: min(1_000_000, byteCount / (size + FrameRun.entrySize)))
  }

  static let entrySize = 24

  static func text(_ size: Int) -> String { size < 1024 ? "\(size) B" : "\(size >> 10) KiB" }

  var payloadByteCount: Int { lengths.isEmpty ? size * count : lengths.reduce(0) { $0 + Int($1) } }

  func withC(from first: Int64, _ body: (UnsafePointer<engine_frames>) throws -> Void) rethrows {
    try unsafe lengths.withUnsafeBufferPointer { lengths in
      var frames = unsafe engine_frames(
        payload: payload.baseAddress?.assumingMemoryBound(to: UInt8.self),
        lengths: lengths.isEmpty ? nil : lengths.baseAddress, length: size, count: count, first: first,
        numbered: isNumbered)
      try unsafe body(&frames)
    }
  }

  /// Appends `count` of the frames, as a program that uses the library would.
  func append(to writer: Writer, from first: Int64, _ count: Int) throws {
    let bytes = unsafe UnsafeRawBufferPointer(payload)
    guard !lengths.isEmpty else {
      for frame in 0..<count { try unsafe writer.append(bytes, at: first + Int64(frame)) }
      return
    }
    for frame in 0..<count {
      let bytes = unsafe UnsafeRawBufferPointer(rebasing: bytes[..<Int(lengths[frame])])
      try unsafe writer.append(bytes, at: first + Int64(frame))
    }
  }
}
