import Glibc

/// Writes inputs for a fuzzer to begin with, where it was started for that: `NANOTS_FUZZ_SEEDS=DIRECTORY FuzzOpen`.
package enum SeedWriter {
  package static func writeIfAsked(_ seeds: [[UInt8]]) {
    guard let directory = unsafe getenv("NANOTS_FUZZ_SEEDS").map({ unsafe String(cString: $0) }) else { return }
    for (index, seed) in seeds.enumerated() {
      let path = "\(directory)/valid-\(index)"
      guard let file = unsafe fopen(path, "w"), unsafe fwrite(seed, 1, seed.count, file) == seed.count,
        unsafe fclose(file) == 0
      else { fatalError("cannot write \(path): errno \(errno)") }
    }
    exit(0)
  }
}
