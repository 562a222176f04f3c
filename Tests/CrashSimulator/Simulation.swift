/// Runs of the engine, each with many crashes, each crash with many images of what it may leave.
package struct Simulation {
  private let directory: String
  private var report = SimulationReport()
  private var checker: CrashChecker

  /// Files are made in `directory`.
  package init(directory: String) {
    self.directory = directory
    checker = CrashChecker(path: directory + "/image.nts")
  }

  /// Checks at least `images` crash images, in runs with the seeds from `seed` on. Throws `SimulationFailure` at the
  /// first broken promise.
  package mutating func run(images: Int, seed: UInt64) throws -> SimulationReport {
    defer { RawFile.remove(checker.path) }
    var next = seed
    while report.images < images {
      try runOne(seed: next)
      next &+= 1
    }
    report.framesChecked = checker.framesChecked
    return report
  }

  /// One crash with what it needs to be judged.
  private struct Crash {
    let state: CrashState
    let moment: Moment
    let alive: [String: [UInt64]]
  }

  private mutating func runOne(seed: UInt64) throws {
    let scenario = try Scenario(seed: seed, path: directory + "/run-")
    // Apart from the run's own draws: what is checked changes nothing of what is run.
    var random = SeededRandom(seed: ~seed)
    report.runs += 1
    var step = 0
    var place = "while it was made"
    var underCheck: [UInt8]?
    do {
      while step < scenario.shape.steps {
        place = "step \(step)"
        var states = try scenario.step()
        step += 1
        var lastCrash: (crash: Crash, image: [UInt8])?
        while let state = states.popLast() {
          place = "step \(step - 1), \(state.call), \(scenario.moments[state.moment].underway)"
          let moment = scenario.moments[state.moment]
          let crash = Crash(state: state, moment: moment, alive: try checker.alive(in: state, moment))
          report.crashes += 1
          for kind in kinds(&random) {
            place = "step \(step - 1), \(state.call), \(moment.underway), image \(kind.rawValue)"
            let image = state.image(kind, &random)
            underCheck = image
            _ = try checker.check(image, moment, alive: crash.alive, &random)
            underCheck = nil
            lastCrash = (crash, image)
            count(kind, scenario.shape)
          }
          guard states.isEmpty, let (crash, image) = lastCrash, random.oneIn(6) else { continue }
          place += ", going on with it"
          lastCrash = nil
          report.restarts += 1
          states = try scenario.goOn(from: image, crash.moment, alive: crash.alive)
        }
      }
    } catch {
      report.framesWritten += scenario.frames
      report.framesChecked = checker.framesChecked
      throw SimulationFailure(
        seed: seed, report: report, image: underCheck,
        description: """
          \(error)
          after \(report.images) images, in the run with seed \(seed), \(place)
          \(scenario.shape)
          """)
    }
    report.framesWritten += scenario.frames
  }

  /// Every kind once, and those again that differ from time to time.
  private func kinds(_ random: inout SeededRandom) -> [ImageKind] {
    let various: [ImageKind] = [.randomPages, .tornSectors, .anyVersions, .anySectorVersions]
    return ImageKind.allCases + (0..<3).map { _ in random.pick(various) }
  }

  private mutating func count(_ kind: ImageKind, _ shape: ScenarioShape) {
    report.images += 1
    report.imagesByKind[kind, default: 0] += 1
    for policy in shape.policies { report.imagesByPolicy[policy.rawValue, default: 0] += 1 }
  }
}
