import Foundation
import Testing

/// Random operations on the engine and on a model of plain arrays, which must agree after each.
///
/// `NANOTS_TEST_SEED=n` repeats one run; `NANOTS_MODEL_STEPS=n` sets how many steps all runs take together;
/// `NANOTS_MODEL_FIRST_SEED=n` takes the seeds from n on, for a series that can be repeated.
@Suite struct ModelTests {
  #if DEBUG
    private static let defaultSteps = 300_000
  #else
    private static let defaultSteps = 3_000_000
  #endif
  private static let stepsOfOneRun = 4_000

  @Test func engineAndModelAgree() throws {
    let directory = try TemporaryDirectory()
    let wanted = ProcessInfo.processInfo.environment["NANOTS_MODEL_STEPS"].flatMap { Int($0) } ?? Self.defaultSteps
    let first = ProcessInfo.processInfo.environment["NANOTS_MODEL_FIRST_SEED"].flatMap { UInt64($0) }
    var done = 0
    while done < wanted {
      let seed = first.map { $0 + UInt64(done / Self.stepsOfOneRun) } ?? TestSeed.next()
      var run = try ModelRun(SeededGenerator(seed: seed), path: directory.path("model.nts"))
      do {
        try run.run(steps: Self.stepsOfOneRun)
      } catch {
        Issue.record("NANOTS_TEST_SEED=\(seed), step \(run.steps): \(error)")
        return
      }
      done += run.steps
      if TestSeed.fromEnvironment != nil { return }
    }
  }
}
