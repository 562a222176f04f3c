internal import CNanoTS

/// A thread of the engine's own, for what must not block a caller's.
enum WorkThread {
  private final class Body {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
  }

  /// Runs `body` on a new thread, which ends with it. Throws `.ioFailure` when the system has no thread left.
  static func start(_ body: @escaping @Sendable () -> Void) throws(NanoTSError) {
    let context = unsafe Unmanaged.passRetained(Body(body))
    let result = unsafe nts_start_thread(
      { context in
        let body = unsafe Unmanaged<Body>.fromOpaque(context!).takeRetainedValue()
        body.run()
      }, context.toOpaque())
    guard result == 0 else {
      unsafe context.release()
      throw SystemCall.failure(-result, "pthread_create", "a thread of the engine")
    }
  }

  /// The thread that asks.
  static var current: Int32 { nts_thread_id() }
}

/// A counter on which threads of one process wait for each other.
@safe
final class WaitCounter: Sendable {
  /// Bound: one word, allocated and initialised here, freed with this object.
  nonisolated(unsafe) private let cell: UnsafeMutableRawPointer

  init() {
    unsafe cell = .allocate(byteCount: 8, alignment: 8)
    word.storeRelaxed(0)
  }

  deinit { unsafe cell.deallocate() }

  private var word: AtomicUInt32 { unsafe AtomicUInt32(cell, 0) }

  var value: UInt32 { word.acquired }

  /// Counts up and wakes every waiter.
  func increment() {
    word.increment()
    Futex.wake(word)
  }

  /// Sleeps while the counter is `expected`, at most until `deadline` of the monotonic clock. May return early.
  func wait(while expected: UInt32, until deadline: UInt64 = Deadline.never.time) {
    Futex.wait(word, while: expected, bits: Futex.allBits, until: deadline)
  }
}
