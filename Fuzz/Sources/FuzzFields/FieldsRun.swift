import FuzzKit

/// One input of this fuzzer: what is done, and then the edits that make the file.
enum FieldsRun {
  // Bound: libFuzzer runs one input at a time, on one thread.
  nonisolated(unsafe) private static let file = MemoryFile(capacity: HostileImage.capacity)

  static func run(_ input: inout FuzzInput) {
    var actions = input.part(input.choice(32))
    let byteCount = HostileFields.write(&input, to: unsafe file)
    StoreUse.run(unsafe file, byteCount: byteCount, &actions)
  }
}
