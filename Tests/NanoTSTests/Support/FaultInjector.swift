import CNanoTS
import Synchronization

/// The system calls of the engine, in the order of `nts_call`.
enum CallKind: UInt32, CaseIterable, Sendable {
  case open, close, stat, chmod, truncate, reserve, write, read, map, unmap, syncRange, syncFile
  case syncDirectory, rename, unlink, lock, unlock, findLock, thread

  /// How messages name the call: one of these.
  var names: [String] {
    switch self {
    case .open: ["open"]
    case .close: ["close"]
    case .stat: ["fstat", "stat"]
    case .chmod: ["fchmod"]
    case .truncate: ["ftruncate"]
    case .reserve: ["posix_fallocate"]
    case .write: ["write"]
    case .read: ["pread"]
    case .map: ["mmap"]
    case .unmap: ["munmap"]
    case .syncRange: ["msync"]
    case .syncFile: ["fdatasync"]
    case .syncDirectory: ["fsync of the directory"]
    case .rename: ["rename"]
    case .unlink: ["unlink"]
    case .lock, .unlock: ["fcntl(F_OFD_SETLK"]
    case .findLock: ["fcntl(F_OFD_GETLK)"]
    case .thread: ["pthread_create"]
    }
  }

  /// What the call may return instead of success: negated error numbers, and for a read how few bytes come. EINTR is not
  /// among them: the call is made again where it is made.
  var failures: [Int32] {
    switch self {
    case .open: [-13, -24, -5]
    case .close, .stat, .syncDirectory: [-5]
    case .chmod: [-1, -5]
    case .truncate: [-5, -28]
    case .reserve, .write, .rename: [-28, -5]
    case .syncRange, .syncFile: [-5, -28]
    case .read: [-5, 3, 100]
    case .map: [-12, -13]
    case .unmap: [-12]
    case .unlink: [-13]
    case .lock, .unlock, .findLock: [-37]
    case .thread: [-11]
    }
  }

  var isSync: Bool { [.syncRange, .syncFile, .syncDirectory].contains(self) }
}

/// Makes the system calls of one thread fail, and of those threads that the engine starts for it.
///
/// Calls are counted as they come, so a plan needs no trace that stays the same from run to run: it fails the call that
/// is the n-th in this run.
final class FaultInjector: Sendable {
  /// Which call fails.
  struct Plan: Sendable {
    let index: Int
    /// Which of the call's failures.
    let variant: Int
    /// Whether every later call fails as well, each with one of its own failures.
    let persists: Bool
  }

  /// Where the engine made a call: for which operation of the test.
  struct Site: Hashable, Comparable, Sendable, CustomStringConvertible {
    let operation: String
    let call: CallKind

    var description: String { "\(operation): \(call)" }

    static func < (a: Site, b: Site) -> Bool { (a.operation, a.call.rawValue) < (b.operation, b.call.rawValue) }
  }

  struct Fault: Sendable, CustomStringConvertible {
    let site: Site
    let result: Int32
    /// True for the file that says in which boot the machine is.
    let isBootFile: Bool

    var description: String { "\(site) = \(result)\(isBootFile ? " (boot id)" : "")" }
  }

  private struct State {
    var operation = "before"
    var count = 0
    var choices = 0
    var made: Set<Site> = []
    var faults: [Fault] = []
  }

  private let plan: Plan?
  /// Calls that this system is to lack, whatever the plan.
  private let lacking: [CallKind: Int32]
  private let state: Mutex<State> = Mutex(State())

  init(_ plan: Plan?, lacking: [CallKind: Int32] = [:]) {
    self.plan = plan
    self.lacking = lacking
  }

  /// Names what the calls from now on are made for.
  func begin(_ operation: String) { state.withLock { $0.operation = operation } }

  var faults: [Fault] { state.withLock { $0.faults } }
  var made: Set<Site> { state.withLock { $0.made } }
  /// How many failures the call that the plan names has; 0 when the run did not come to it.
  var choices: Int { state.withLock { $0.choices } }

  /// Runs `body` with this injector between the thread and its calls.
  func interposed<R>(_ body: () throws -> R) rethrows -> R {
    // Threads that the engine starts may call it until the process ends.
    let context = unsafe Unmanaged.passRetained(self).toOpaque()
    unsafe nts_interpose(
      { context, request in
        let injector = unsafe Unmanaged<FaultInjector>.fromOpaque(context!).takeUnretainedValue()
        return unsafe injector.result(of: request!.pointee)
      }, context)
    defer { nts_interpose(nil, nil) }
    return try body()
  }

  private func result(of request: nts_request) -> Int32 {
    guard unsafe request.is_done == 0, let call = unsafe CallKind(rawValue: request.call.rawValue) else { return 0 }
    let isBootFile = unsafe request.path.map { unsafe String(cString: $0).hasSuffix("boot_id") } ?? false
    return state.withLock { state in
      let site = Site(operation: state.operation, call: call)
      state.made.insert(site)
      if let missing = lacking[call] { return missing }
      let index = state.count
      state.count += 1
      guard let plan, index == plan.index || (plan.persists && index > plan.index) else { return 0 }
      let failures = call.failures
      if index == plan.index { state.choices = failures.count }
      guard plan.variant < failures.count || index > plan.index else { return 0 }
      let result = failures[plan.variant % failures.count]
      // So many bytes are no fewer than were asked for.
      if call == .read, result > 0, unsafe request.length <= Int(result) { return 0 }
      state.faults.append(Fault(site: site, result: result, isBootFile: isBootFile))
      return result
    }
  }
}
