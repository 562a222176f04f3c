/// A thread for what nobody need wait for: one for each opened store, which writers give tasks to.
///
/// It starts with the first task, ends when it has had none for a while, and starts again when one comes.
final class SyncThread: Sendable {
  private struct Task {
    let due: UInt64
    /// Who may cancel it.
    let owner: ObjectIdentifier?
    let run: @Sendable () -> Void
  }

  private struct State {
    var tasks: [Task] = []
    var isRunning = false
    var isStopping = false
    /// True while a task runs.
    var isBusy = false
    /// Until then the thread looks for tasks by itself, and need not be woken; 0: it sleeps.
    var alertUntil: UInt64 = 0
  }

  private enum Next {
    case run(Task)
    case sleep(until: UInt64)
    case end
  }

  private let state = ProcessLock(State())
  /// Counts what the thread, or one who waits for its end, may sleep for.
  private let changes = WaitCounter()

  /// How long the thread looks for a task that it was told to expect, and how often.
  private static let alertNanoseconds: UInt64 = 2_000_000
  private static let lookNanoseconds: UInt64 = 50_000

  /// How long the thread stays without a task.
  private static let idleNanoseconds: UInt64 = 2_000_000_000

  /// Runs `body` on the thread, not before `due` of the monotonic clock, and after what was due before: whatever is
  /// submitted meanwhile, each task has its turn. Throws `.ioFailure`, and does not run it, when the system has no thread
  /// left.
  func submit(
    at due: UInt64 = MonotonicClock.now, for owner: ObjectIdentifier? = nil, _ body: @escaping @Sendable () -> Void
  ) throws(NanoTSError) {
    let isAsleep = try state.withLock { state throws(NanoTSError) in
      if !state.isRunning {
        // Under the lock: others who find it running rely on it.
        try WorkThread.start { self.run() }
        state.isRunning = true
      }
      state.tasks.append(Task(due: due, owner: owner, run: body))
      return state.alertUntil == 0
    }
    if isAsleep { changes.increment() }
  }

  /// Says that a task will come soon. To wake a thread takes 15 µs and more of the one who does it, where its processor sleeps
  /// too: that is then done now, and not by `submit`. Nothing happens while the thread has something to do.
  func expectTask() {
    let isAsleep = state.withLock { state in
      guard state.isRunning, !state.isStopping, !state.isBusy else { return false }
      defer { state.alertUntil = MonotonicClock.now + SyncThread.alertNanoseconds }
      return state.alertUntil == 0
    }
    if isAsleep { changes.increment() }
  }

  /// Gives up the tasks of `owner` that were not begun.
  func cancel(_ owner: ObjectIdentifier) {
    state.withLock { state in state.tasks.removeAll { $0.owner == owner } }
    // The thread may sleep until one of them was due.
    changes.increment()
  }

  /// True while the thread looks for a task that it was told to expect.
  var isAlert: Bool { state.withLock { $0.alertUntil > 0 } }

  /// How many tasks have not begun.
  var waitingTasks: Int { state.withLock { $0.tasks.count } }

  /// Gives up what was not begun and waits until the thread has ended. Not called from a task.
  func stop() {
    state.withLock { $0.isStopping = true }
    changes.increment()
    while true {
      let seen = changes.value
      guard state.withLock({ $0.isRunning }) else { break }
      changes.wait(while: seen)
    }
    state.withLock { $0.isStopping = false }
  }

  private func run() {
    var idleSince = MonotonicClock.now
    while runNext(&idleSince) {}
  }

  /// A function of its own: what a task holds is let go before the thread may be seen to have ended.
  private func runNext(_ idleSince: inout UInt64) -> Bool {
    let seen = changes.value
    switch next(idleSince) {
    case .run(let task):
      task.run()
      idleSince = MonotonicClock.now
    case .sleep(let time):
      changes.wait(while: seen, until: time)
    case .end:
      changes.increment()
      return false
    }
    return true
  }

  private func next(_ idleSince: UInt64) -> Next {
    let now = MonotonicClock.now
    return state.withLock { state in
      if state.isStopping { state.tasks = [] }
      let first = state.tasks.indices.min { state.tasks[$0].due < state.tasks[$1].due }
      let due = first.map { state.tasks[$0].due } ?? idleSince + SyncThread.idleNanoseconds
      state.isBusy = first != nil && due <= now
      if let first, state.isBusy { return .run(state.tasks.remove(at: first)) }
      if !state.isStopping, now < state.alertUntil { return .sleep(until: min(due, now + SyncThread.lookNanoseconds)) }
      // From here on it must be woken: under the lock, under which there was no task.
      state.alertUntil = 0
      guard first == nil, state.isStopping || now >= due else { return .sleep(until: due) }
      state.isRunning = false
      return .end
    }
  }
}
