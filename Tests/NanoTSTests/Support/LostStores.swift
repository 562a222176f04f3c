@testable import NanoTS

extension TemporaryDirectory {
  /// The file as a power loss in an earlier boot leaves it, everything written so far included; its path.
  func lostStore(of store: Store, unordered: Bool = false) throws -> String {
    let path = path("lost-\(UInt64.random(in: 0...UInt64.max)).nts")
    try StoreBytes.write(StoreBytes.read(store.path), to: path)
    try StoreBytes.patch(path, at: 4096 + 192, StoreBytes.little(UInt64(1)) + StoreBytes.little(UInt64(2)))
    try StoreBytes.patch(
      path, at: 4096 + 208, StoreBytes.little(UInt32(0)) + StoreBytes.little(UInt32(unordered ? 1 : 0)))
    return path
  }
}
