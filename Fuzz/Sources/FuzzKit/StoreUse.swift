import NanoTS

/// Everything that one does with a store file, in the three ways of opening it.
package enum StoreUse {
  package static func run(_ file: MemoryFile, byteCount: Int, _ input: inout FuzzInput) {
    let access: Store.Access = input.element(of: [.readOnly, .readWrite, .following, .snapshot])
    guard let store = try? Store(at: file.path, access) else { return }
    var reading = StoreReading(store, fileByteCount: byteCount)
    reading.read(&input)
    guard access == .readWrite else { return }
    var changing = StoreChanging(store)
    changing.change(&input)
    reading.read(&input)
    try? store.close()
  }
}
