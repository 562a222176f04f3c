internal import CEngines

/// Frames that are appended in one go, the same for every contender.
final class FrameRun {
  let name: String
  let count: Int
  /// Every frame is the first bytes of it.
  private(set) var payload: [UInt8]
  /// Bytes of each frame; empty when all have `size`.
  let lengths: [UInt32]
  let size: Int
  private let isNumbered: Bool

  /// Numbered, the first 8 bytes of a frame are its timestamp, where an engine appends it.
  init(size: Int, count: Int, numbered: Bool = false) {
    name = "\(FrameRun.text(size)) frames"
    self.size = size
    self.count = count
    lengths = []
    payload = (0..<size).map { UInt8(truncatingIfNeeded: $0) }
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
    payload = (0..<(160 << 10)).map { UInt8(truncatingIfNeeded: $0) }
    isNumbered = false
  }

  /// As many frames of `size` bytes as fill `byteCount` bytes of blocks, at most a million.
  static func filling(_ byteCount: Int, size: Int) -> FrameRun {
    FrameRun(size: size, count: min(1_000_000, byteCount / (size + FrameRun.entrySize)))
  }

  static let entrySize = 24

  static func text(_ size: Int) -> String { size < 1024 ? "\(size) B" : "\(size >> 10) KiB" }

  var payloadByteCount: Int { lengths.isEmpty ? size * count : lengths.reduce(0) { $0 + Int($1) } }

  func withC(from first: Int64, _ body: (UnsafePointer<engine_frames>) throws -> Void) rethrows {
    try unsafe payload.withUnsafeMutableBufferPointer { payload in
      try unsafe lengths.withUnsafeBufferPointer { lengths in
        var frames = unsafe engine_frames(
          payload: payload.baseAddress, lengths: lengths.isEmpty ? nil : lengths.baseAddress, length: size,
          count: count, first: first, numbered: isNumbered)
        try unsafe body(&frames)
      }
    }
  }
}
