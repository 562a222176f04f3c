/// The syncs through one open file description, and the first of them that failed.
///
/// The kernel tells of a lost write once to each description, whichever sync asks first and whoever's write it was, and
/// calls the next sync a success. So after one has failed no other counts, neither a later one nor one that was underway
/// at the same time, whose write the failed one may have been told of. (Linux: `errseq_t`, lib/errseq.c.)
final class SyncHistory: Sendable {
  enum Call {
    case file
    case range

    fileprivate var name: StaticString {
      switch self {
      case .file: "fdatasync"
      case .range: "msync"
      }
    }
  }

  private struct Failure {
    let call: Call
    let result: Int32
  }

  private struct State {
    var begun: UInt64 = 0
    /// The numbers of those that have begun and not ended.
    var underway: Set<UInt64> = []
    var failure: Failure?
  }

  private let state = ProcessLock(State())
  private let changes = WaitCounter()

  /// Makes the sync call `body`, which returns a negated error number when it fails. After a failure every call throws that
  /// one's error, and is not made. Waits for those underway when it is done. Any thread.
  func record(_ call: Call, _ path: String, _ body: () -> Int32) throws(NanoTSError) {
    let (mine, earlier) = state.withLock { state -> (UInt64, Failure?) in
      guard state.failure == nil else { return (0, state.failure) }
      state.begun += 1
      state.underway.insert(state.begun)
      return (state.begun, nil)
    }
    try SyncHistory.check(earlier, path)
    let result = body()
    let others = state.withLock { state -> Set<UInt64> in
      state.underway.remove(mine)
      if result < 0, state.failure == nil { state.failure = Failure(call: call, result: result) }
      return state.underway
    }
    changes.increment()
    try SystemCall.check(result, call.name, path)
    try wait(for: others, path)
  }

  private func wait(for others: Set<UInt64>, _ path: String) throws(NanoTSError) {
    while true {
      let seen = changes.value
      let (areOver, failure) = state.withLock { state -> (Bool, Failure?) in
        (state.underway.isDisjoint(with: others), state.failure)
      }
      try SyncHistory.check(failure, path)
      if areOver { return }
      changes.wait(while: seen)
    }
  }

  private static func check(_ failure: Failure?, _ path: String) throws(NanoTSError) {
    if let failure { try SystemCall.check(failure.result, failure.call.name, path) }
  }
}
