import CrashSimulator
import Foundation
import Testing

/// The power-loss simulator on the real engine: whatever pages reach the disk, nothing is lost that was promised.
///
/// `NANOTS_CRASH_IMAGES=n` sets how many crash images are checked; `NANOTS_TEST_SEED=n` repeats the run with that seed.
@Suite struct PowerLossTests {
  #if DEBUG
    private static let defaultImages = 3_000
  #else
    private static let defaultImages = 30_000
  #endif

  @Test func whatWasPromisedComesThroughEveryCrash() async throws {
    let wanted = ProcessInfo.processInfo.environment["NANOTS_CRASH_IMAGES"].flatMap { Int($0) } ?? Self.defaultImages
    let seed = TestSeed.next()
    try await onThread {
      let directory = try RawFile.scratchDirectory(or: NSTemporaryDirectory())
      defer { RawFile.removeDirectory(directory) }
      var simulation = Simulation(directory: directory)
      do {
        print("power loss, seeds from \(seed) on: \(try simulation.run(images: wanted, seed: seed))")
      } catch let failure as SimulationFailure {
        Issue.record("NANOTS_TEST_SEED=\(failure.seed): \(failure)")
        if let image = failure.image {
          let kept = NSTemporaryDirectory() + "/crash-\(failure.seed).nts"
          try RawFile.write(image, to: kept)
          print("the image is kept: \(kept)")
        }
        print("power loss until then: \(failure.report)")
      }
    }
  }
}
