import Foundation
import NanoTS

/// A store of 16 blocks with one stream, in a file that has no name any more.
final class HotStore {
  /// What the store holds at most.
  static let byteCount = 16 << 20
  private let store: Store
  private let writer: Writer
  private let payload: [UInt8]
  private var timestamp: Int64 = 0

  init(frames: Int, _ size: Int) throws {
    let path = NSTemporaryDirectory() + "nanots-micro-\(UInt64.random(in: 0...UInt64.max))"
    store = try Store.create(at: path, StoreOptions(blockSize: 1 << 20, blockCount: HotStore.byteCount >> 20))
    try FileManager.default.removeItem(atPath: path)
    writer = try store.writer(for: "frames", options: WriterOptions(durability: .none))
    payload = Array(repeating: 7, count: size)
    for _ in 0..<frames { try append() }
  }

  func append() throws {
    try writer.append(payload, at: timestamp)
    timestamp += 1
  }

  /// Before the first frame.
  func cursor() throws -> Cursor { try store.cursor(of: "frames") }
}
