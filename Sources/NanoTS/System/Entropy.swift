internal import CNanoTS
import Synchronization

/// Random words for identifiers and generations: splitmix64 (Steele, Lea, Flood 2014) over a counter that the kernel
/// seeds once for each process. Not for secrets.
enum Entropy {
  private static let state: Atomic<UInt64> = Atomic(seed())

  private static func seed() -> UInt64 {
    var seed: UInt64 = 0
    // Without getrandom (a kernel before 3.17) the address of a stack variable and the process id must do: the words
    // have to differ between processes, not to be unpredictable.
    if unsafe nts_random(&seed, 8) != 0 {
      seed = unsafe withUnsafePointer(to: &seed) { UInt64(UInt(bitPattern: $0)) ^ UInt64(Machine.processID) << 48 }
    }
    return seed
  }

  /// A random word. One atomic addition, no system call after the first.
  static func next() -> UInt64 {
    var word = state.wrappingAdd(0x9E37_79B9_7F4A_7C15, ordering: .relaxed).newValue
    word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
    word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
    return word ^ (word >> 31)
  }

  /// A random word that is not 0.
  static func nextNonZero() -> UInt64 {
    let word = next()
    return word == 0 ? 1 : word
  }
}

/// What the engine asks of the machine it runs on.
enum Machine {
  static var processID: Int32 { nts_process_id() }

  /// The identity of this boot, or `.unknown`.
  static func bootID() -> BootID {
    var id = BootID.unknown
    let result = unsafe withUnsafeMutableBytes(of: &id) { bytes in
      unsafe nts_boot_id(bytes.baseAddress!.assumingMemoryBound(to: UInt8.self))
    }
    return result == 0 ? id : .unknown
  }
}
