package import NanoTS

/// Changes a store that was opened for writing, as the input says. Whatever is thrown, each call must come back.
package struct StoreChanging {
  private let store: Store
  private var time: Int64 = 100
  /// Enough for a writer to come through every block of the template.
  private static let maximumSteps = 8

  package init(_ store: Store) { self.store = store }

  package mutating func change(_ input: inout FuzzInput) {
    // One step at least, so that each opening for writing is followed by an append.
    repeat {
      let name = input.element(of: ["a", "keyed", "kept", "new"])
      switch input.choice(10) {
      case 0..<5: append(name, &input)
      case 5: attempt { () throws(NanoTSError) in _ = try store.free(name, in: Int64(input.byte())...(.max)) }
      case 6: attempt { () throws(NanoTSError) in try store.free(stream: name) }
      case 7: protect(name, &input)
      case 8:
        let quota = StreamQuota(minimumBlocks: input.choice(4), maximumBlocks: 1 + input.choice(3))
        attempt { () throws(NanoTSError) in _ = try store.setQuota(quota, of: name) }
      default: attempt { () throws(NanoTSError) in _ = try store.verify() }
      }
      steps += 1
    } while !input.isOver && steps < Self.maximumSteps
  }

  private var steps = 0

  private func attempt(_ body: () throws(NanoTSError) -> Void) { try? body() }

  private mutating func append(_ name: String, _ input: inout FuzzInput) {
    let options = WriterOptions(
      durability: input.flag() ? .onSeal : .none, outOfOrder: input.flag() ? .reject : .clamp)
    guard let writer = try? store.writer(for: name, metadata: "fuzz", options: options) else { return }
    let size = input.choice(3) * 700
    for _ in 0..<(1 + input.choice(8)) {
      time += 1
      attempt { () throws(NanoTSError) in
        try writer.append([UInt8](repeating: 1, count: size), at: time, key: input.flag() ? 1 : 0)
      }
    }
    if input.flag() { attempt { () throws(NanoTSError) in try writer.flush() } }
    if input.flag() { attempt { () throws(NanoTSError) in try writer.close() } }
  }

  private func protect(_ name: String, _ input: inout FuzzInput) {
    let low = Int64(input.byte())
    let range = low...(low + Int64(input.byte()))
    attempt { () throws(NanoTSError) in
      if input.flag() { try store.protect(name, in: range) } else { try store.releaseProtection(of: name, in: range) }
    }
  }
}
