import NanoTS

/// Looks at the streams of a store again and again, and goes on with a store that takes the file's place.
final class StoreProbe {
  private var opened: OpenedStore
  private var probes: [String: StreamProbe] = [:]
  /// What has become of the file, for people, until the next news.
  private(set) var notice: String?

  init(at path: String) throws(NanoTSError) {
    opened = try OpenedStore(at: path, .readOnly)
  }

  var store: Store { opened.store }

  /// O(streams + blocks).
  func look() throws -> StoreActivity {
    followPath()
    let store = opened.store
    var streams: [StreamActivity] = []
    var probes: [String: StreamProbe] = [:]
    for name in try store.streams() {
      var probe = try self.probes[name] ?? StreamProbe(name, in: store)
      guard let activity = try probe.look(in: store) else { continue }
      streams.append(activity)
      probes[name] = probe
    }
    self.probes = probes
    return StoreActivity(
      path: PrintableText.string(store.path), blockCount: store.blockCount, blockSize: store.blockSize,
      streams: streams)
  }

  private func followPath() {
    switch opened.change() {
    case .gone:
      notice = "the file is gone; a new store of that name is waited for"
    case .refused(let error):
      notice = PrintableText.string("the file was replaced by one that is no store to show: \(error.message)")
    case .replaced(let next):
      notice = "the file was replaced by a new store"
      opened = next
      probes = [:]
    case nil:
      break
    }
  }
}
