internal import CLimit
internal import NanoTS

/// Something that is appended to on and on, in a file that another process may read meanwhile.
protocol Appended {
  var name: String { get }
  var path: String { get }
  func append(_ count: Int) throws
}

/// A stream.
final class AppendingStream {
  private let writer: Writer
  private let payload: [UInt8]
  private var timestamp: Int64 = 0

  init(_ writer: Writer, size: Int) {
    self.writer = writer
    payload = Array(repeating: 7, count: size)
  }

  func append(_ count: Int) throws {
    try AppendLoop.buffer(writer, payload, timestamp, count)
    timestamp += Int64(count)
  }
}

/// A store with one stream.
final class AppendingStore: Appended {
  let name = "NanoTS"
  let store: Store
  private let stream: AppendingStream
  var path: String { store.path }

  init(_ path: String, _ shape: StoreOptions, size: Int) throws {
    store = try Store.create(at: path, shape)
    stream = AppendingStream(
      try store.writer(for: Peer.stream, options: WriterOptions(durability: .none)), size: size)
  }

  func append(_ count: Int) throws { try stream.append(count) }

  /// Has every block in use, and its pages touched.
  func fill() throws {
    while try store.statistics().freeBlocks > 0 { try append(10_000) }
  }
}

/// A ring of the C limit.
@safe
final class AppendingRing: Appended {
  let name = "C"
  let path: String
  private let ring: LimitRing
  private var writer: limit_writer
  private let payload: [UInt8]
  private var timestamp: Int64 = 0

  init(_ ring: LimitRing, size: Int) {
    self.ring = ring
    path = ring.path
    unsafe writer = unsafe limit_writer_make(ring.ring)
    payload = Array(repeating: 7, count: size)
  }

  func append(_ count: Int) {
    unsafe limit_append_called(&writer, payload, payload.count, timestamp, count)
    timestamp += Int64(count)
  }
}
