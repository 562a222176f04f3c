import Glibc
import NanoTS

/// Which file a path leads to: a store that replaces another one under its name is another file.
struct FileIdentity: Equatable {
  private let device: UInt64
  private let number: UInt64

  /// Nil where there is nothing under that name.
  init?(of path: String) {
    var status = stat()
    // stat() writes one `stat`, which is what the pointer leads to.
    guard unsafe stat(path, &status) == 0 else { return nil }
    device = UInt64(status.st_dev)
    number = UInt64(status.st_ino)
  }
}

/// A store that is looked at for long, and whether its path still leads to it.
struct OpenedStore {
  /// What became of the path.
  enum Change {
    /// Nothing is there any more. The store can still be read, and perhaps is still written.
    case gone
    /// Another store is there now, and was opened.
    case replaced(OpenedStore)
    /// Another file is there now, which cannot be opened as a store.
    case refused(NanoTSError)
  }

  let store: Store
  private let identity: FileIdentity?
  /// What the last look found in place of the store, so that each finding is told once.
  private var found: (identity: FileIdentity?, isTold: Bool)

  init(at path: String, _ access: Store.Access) throws(NanoTSError) {
    var before = FileIdentity(of: path)
    var store = try Store(at: path, access)
    var after = FileIdentity(of: path)
    // Replaced while it was being opened: which of the two it is, nobody knows.
    while after != before {
      before = after
      store = try Store(at: path, access)
      after = FileIdentity(of: path)
    }
    self.store = store
    identity = after
    found = (after, false)
  }

  /// What has changed since the last look; nil when nothing has.
  mutating func change() -> Change? {
    let now = FileIdentity(of: store.path)
    if now != found.identity { found = (now, false) }
    guard now != identity else { return nil }
    let isNews = !found.isTold
    found.isTold = true
    guard now != nil else { return isNews ? .gone : nil }
    do throws(NanoTSError) {
      return .replaced(try OpenedStore(at: store.path, store.access))
    } catch {
      // It may still be in the making: each look tries again.
      return isNews ? .refused(error) : nil
    }
  }
}
