import FuzzKit

/// One input of this fuzzer: what is done, and then the file.
///
/// The first byte says how many of the next ones belong to what is done, so that the file can be of any length.
enum OpenRun {
  // Bound: libFuzzer runs one input at a time, on one thread.
  nonisolated(unsafe) private static let file = MemoryFile(capacity: HostileImage.capacity)

  static func run(_ input: inout FuzzInput) {
    var actions = input.part(input.choice(32))
    let byteCount = HostileImage.write(&input, to: unsafe file)
    StoreUse.run(unsafe file, byteCount: byteCount, &actions)
  }
}
