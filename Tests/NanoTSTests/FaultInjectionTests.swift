import CNanoTS
import Foundation
import Synchronization
import Testing

@testable import NanoTS

/// Every system call that the engine makes fails, one after the other, in each way that it may fail: alone, and with all
/// calls after it.
///
/// Whatever fails, nothing that was acknowledged is lost, no descriptor, mapping or lock is left, the error names call
/// and path, and the store goes on after it is opened anew.
@Suite struct FaultInjectionTests {
  /// What all scenarios came to.
  private struct Tally {
    var runs = 0
    var faults = 0
    /// With no failure.
    var made: Set<FaultInjector.Site> = []
    var failed: Set<FaultInjector.Site> = []
    var problems: [String] = []
  }

  private static func prepare(_ scenario: FaultScenario) throws -> FaultRun.Prepared {
    let run = try FaultRun(FaultInjector(nil))
    try scenario.prepare(run)
    return try run.prepared()
  }

  private static func run(
    _ scenario: FaultScenario, from prepared: FaultRun.Prepared, _ plan: FaultInjector.Plan?, into tally: inout Tally
  ) throws -> Int {
    let injector = FaultInjector(plan, lacking: scenario.lacking)
    let run = try FaultRun(injector, from: prepared)
    // Within it, so that what the scenario leaves behind is given up with failing calls as well.
    injector.interposed { scenario.act(run) }
    run.check()
    tally.runs += 1
    tally.faults += injector.faults.count
    if plan == nil { tally.made.formUnion(injector.made) }
    tally.failed.formUnion(injector.faults.map(\.site))
    let how = plan.map { "call \($0.index), failure \($0.variant)\($0.persists ? ", and all after it" : "")" }
    for problem in run.problems { tally.problems.append("\(scenario), \(how ?? "no failure"): \(problem)") }
    return injector.choices
  }

  /// Runs the scenario with its first call failing, then with its second, until there is none left to fail.
  private static func failEachCall(of scenario: FaultScenario) throws -> Tally {
    let prepared = try prepare(scenario)
    var tally = Tally()
    _ = try run(scenario, from: prepared, nil, into: &tally)
    for index in 0..<10_000 {
      var variant = 0
      while variant == 0 || variant < 3 {
        let choices = try run(
          scenario, from: prepared, FaultInjector.Plan(index: index, variant: variant, persists: false), into: &tally)
        guard choices > 0 else { return tally }
        variant += 1
        if variant >= choices { break }
      }
      let plan = FaultInjector.Plan(index: index, variant: 0, persists: true)
      _ = try run(scenario, from: prepared, plan, into: &tally)
    }
    return tally
  }

  @Test(.timeLimit(.minutes(10))) func everyCallFailsAndNothingIsLost() async throws {
    var total = Tally()
    for scenario in FaultScenario.all {
      let tally = try await onThread { try Self.failEachCall(of: scenario) }
      print("fault injection, \(scenario): \(tally.runs) runs, \(tally.faults) failed calls")
      let first = tally.problems.prefix(12).joined(separator: "\n")
      #expect(tally.problems.isEmpty, "\(scenario), \(tally.problems.count) problems: \(first)")
      #expect(tally.faults > 0, "\(scenario) made no call")
      total.runs += tally.runs
      total.faults += tally.faults
      total.made.formUnion(tally.made)
      total.failed.formUnion(tally.failed)
    }
    let spared = total.made.subtracting(total.failed)
    #expect(spared.isEmpty, "never failed: \(spared.sorted())")
    let unseen = Set(CallKind.allCases).subtracting(total.failed.map(\.call))
    #expect(unseen.isEmpty, "in no scenario fails \(unseen)")
    print(
      "fault injection: \(FaultScenario.all.count) scenarios, \(total.failed.count) call sites, \(total.runs) runs, "
        + "\(total.faults) failed calls")
    for site in total.failed.sorted() { print("  failed: \(site)") }
  }

  @Test func theKindsOfCallsAreThoseOfTheHeader() {
    #expect(UInt32(CallKind.allCases.count) == NTS_CALL_COUNT.rawValue)
    #expect(CallKind.syncFile.rawValue == NTS_CALL_SYNC_FILE.rawValue)
    #expect(CallKind.thread.rawValue == NTS_CALL_THREAD.rawValue)
    #expect(CallKind.unlock.rawValue == NTS_CALL_UNLOCK.rawValue)
  }
}
