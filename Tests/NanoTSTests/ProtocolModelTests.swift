import Foundation
import Testing

/// The protocols hold in every state of their models, and no longer once an ordering or a check is taken out.
///
/// Needs Spin and gcc (`apt-get install -y spin gcc`).
@Suite(
  .serialized,
  .enabled(if: ModelChecker.isInstalled, "spin and gcc are not both installed: the protocol models are not searched"))
struct ProtocolModelTests {
  /// A switch that takes one thing out of a model, and a part of what then fails, an assertion or that everybody comes to an
  /// end; nil: any assertion, because several say the same.
  struct Mutant: CustomTestStringConvertible {
    let model: String
    let bounds: [String]
    let name: String
    let assertion: String?

    var testDescription: String { "\(model) \(name)" }
  }

  struct Model: CustomTestStringConvertible {
    let name: String
    /// The bounds of each search.
    let searches: [[String]]
    /// The bounds in which mutants are looked at, when the model's own are not needed for them.
    var bounds: [String] = []
    /// What must fail, by a part of its assertion.
    let mutants: KeyValuePairs<String, String?>
    /// What holds also without: other orderings give the same.
    let needless: [String]

    var testDescription: String { name }

    var allMutants: [Mutant] {
      mutants.map { Mutant(model: name, bounds: bounds, name: $0.key, assertion: $0.value) }
    }
  }

  static let models = [
    Model(
      name: "block", searches: [[]],
      mutants: [
        "REACHES_THE_END": "life==1",
        "WITHOUT_RELEASE_FENCE": "bytes==life",
        "WITHOUT_ACQUIRE_FENCE": "bytes==life",
        "WITHOUT_ODD": "bytes==life",
        "PREAMBLE_BEFORE_ODD": "bytes==life",
        "EVEN_RELAXED": "first==life",
        "SAME_GENERATION_TWICE": "bytes==life",
        "COMMIT_BEFORE_ENTRY": "entry==life",
        "COMMIT_BEFORE_PAYLOAD": "bytes==life",
        "COMMIT_RELAXED": "bytes==life",
        "SEAL_RELAXED": "last==commit",
        "STATE_LOADED_RELAXED": "last==commit",
        "GENERATION_LOADED_RELAXED": "first==life",
        "WITHOUT_HEADER_CHECK": "first==life",
        "WITHOUT_COMMIT_CHECK": "(commit/4)==life",
        "WITHOUT_ENTRY_CHECK": "entry==life",
        "WITHOUT_LAST_CHECK": "bytes==life",
      ],
      needless: ["COMMIT_LOADED_RELAXED"]),
    Model(
      name: "handover", searches: [["KILLS=2", "LIMIT=2"], ["KILLS=1", "LIMIT=3"]],
      mutants: [
        "REACHES_THE_END": "kills<2",
        "WITHOUT_REBUILD": nil,
        "WITHOUT_RECOVERY": nil,
        "NEXT_ORDINAL_AFTER_SEAL": nil,
        "SYNCED_COUNT_AFTER_SEAL": "synced<=",
        "BELIEVES_SPARE": nil,
        "SPARE_WITHOUT_LOCK": nil,
        "RECOVERS_WITHOUT_LOCK": nil,
        "RECOVERS_ITS_OWN": nil,
        "TAKES_OPEN_BLOCKS": nil,
        "COUNTED_AFTER_THE_END": "reclaimed",
        "UNLINKED_BEFORE_THE_END": "told",
        "SEQUENCE_NOT_GIVEN_BACK": nil,
      ],
      needless: []),
    Model(
      name: "lock", searches: [["KILLS=2"]],
      mutants: [
        "REACHES_THE_END": "kills<2",
        "AT_ONCE_WITHOUT_THE_WORD": "inside==3",
        "AT_ONCE_WITHOUT_THE_EPOCH": "broken",
        "IN_TURN_WITHOUT_THE_WORD": "inside==3",
        "TAKEN_BY_A_STORE": "inside==3",
        "STEALS_FROM_THE_LIVING": "inside==3",
        "WAITS_FOR_THE_DEAD": "invalid end state",
        "GIVEN_BACK_BEFORE_THE_EPOCH": "broken",
        "KEEPS_THE_WORD": "invalid end state",
        "WITHOUT_REBUILD": "broken",
      ],
      needless: []),
    Model(
      name: "follow", searches: [["KILLS=2"]], bounds: ["KILLS=0"],
      mutants: [
        "REACHES_THE_END": "violated 0",
        "WITHOUT_MEMBARRIER": "read[0]==committed[0]",
        "WITHOUT_FENCE": "read[1]==committed[1]",
        "LOOK_BEFORE_COMMIT": "read[0]==committed[0]",
        "WORD_AFTER_WAKE": "committed",
        "WITHOUT_WORD": "committed",
        "BIT_CLEARED_AFTER_WAKE": "committed",
        "WORD_AFTER_BIT": "committed",
        "WORD_AFTER_LOOK": "committed",
        "WITHOUT_LOOK": "committed",
        "LOOK_BEFORE_BIT": "committed",
        "WITHOUT_SLOTS_CHECK": "read[1]==committed[1]",
        "WITHOUT_OWN_LOOK": "committed",
      ],
      needless: ["BIT_NOT_CLEARED"]),
    Model(
      name: "directory", searches: [[]],
      mutants: [
        "REACHES_THE_END": "looks<2",
        "TAIL_RELAXED": "owed[block]",
        "REBUILT_TAIL_RELAXED": "owed[block]",
        "NEXT_RELAXED": "owed[block]",
        "REMOVALS_BEFORE_THE_END": "gone[block]",
        "REMOVALS_LOADED_LAST": "gone[block]",
        "WITHOUT_REMOVALS": nil,
        "MARK_LOADED_LAST": "owed[block]",
        "WITHOUT_LINK_CHECK": "owed[block]",
      ],
      needless: ["REMOVALS_RELAXED"]),
  ]

  @Test(arguments: models) func holdsInEveryState(_ model: Model) async throws {
    for bounds in model.searches {
      let verdict = try await onThread { try ModelChecker.search(model.name, bounds, thorough: true) }
      #expect(verdict.errors == 0 && verdict.isComplete, "\(bounds): \(verdict.output)")
    }
  }

  @Test(arguments: models.flatMap(\.allMutants)) func failsWithout(_ mutant: Mutant) async throws {
    // Without a kill nothing is owed.
    let bounds = mutant.name == "WITHOUT_OWN_LOOK" ? ["KILLS=1"] : mutant.bounds
    let verdict = try await onThread {
      try ModelChecker.search(mutant.model, bounds + [mutant.name], thorough: false)
    }
    #expect((verdict.errors ?? 0) > 0, "\(verdict.output)")
    let violated = verdict.output.split(separator: "\n").first { $0.starts(with: "pan:1: ") }
    #expect(violated?.contains(mutant.assertion ?? "assertion violated") == true, "\(verdict.output)")
  }

  /// These orderings are stronger than the model asks for. The table in Protocols says which others cover for them.
  @Test(arguments: models) func holdsWithoutWhatIsNotNeeded(_ model: Model) async throws {
    for name in model.needless {
      let verdict = try await onThread {
        try ModelChecker.search(model.name, model.bounds + [name], thorough: true)
      }
      #expect(verdict.errors == 0 && verdict.isComplete, "\(name): \(verdict.output)")
    }
  }

  /// A switch in a model that no test sets would be a claim that nobody checks.
  @Test(arguments: models) func everySwitchIsTested(_ model: Model) throws {
    let switches = try ModelChecker.source(model.name).matches(of: /(?:#ifdef |#ifndef |defined\()([A-Z_]+)/)
      .map { String($0.1) }
    let bounds = model.searches.joined().map { String($0.prefix { $0 != "=" }) }
    #expect(Set(switches) == Set(model.mutants.map(\.key) + model.needless + bounds))
  }
}
