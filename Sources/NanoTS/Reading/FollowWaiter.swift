/// Lets a task wait for frames while a thread sleeps in its place. The thread is started by the first wait and ends with
/// the waiter.
final class FollowWaiter {
  /// What the thread is to do.
  private enum Order {
    case none
    case wait(WatchList, WaitInterrupt, CheckedContinuation<Void, Never>)
    case stop
  }

  /// What waiter and thread share; it outlives the waiter until the thread has seen the stop.
  private final class Desk: Sendable {
    private let order = ProcessLock<Order>(.none)
    private let orders = WaitCounter()

    func put(_ next: sending Order) {
      order.withLock { $0 = next }
      orders.increment()
    }

    /// The next order, waited for.
    func take() -> Order {
      while true {
        let seen = orders.value
        let taken = order.withLock { order -> sending Order in
          let taken = order
          order = .none
          return taken
        }
        if case .none = taken { orders.wait(while: seen) } else { return taken }
      }
    }
  }

  private let file: StoreFile
  private let desk = Desk()
  private var isStarted = false

  init(_ file: StoreFile) { self.file = file }

  deinit { desk.put(.stop) }

  /// Returns when one of the streams may have new frames, or when the task is cancelled. Throws `.ioFailure` when no thread
  /// could be started.
  func wait(for list: WatchList, isolation actor: isolated (any Actor)?) async throws(NanoTSError) {
    try start()
    let interrupt = WaitInterrupt(file)
    await withTaskCancellationHandler {
      await withCheckedContinuation(isolation: actor) { continuation in
        desk.put(.wait(list, interrupt, continuation))
      }
    } onCancel: {
      interrupt.raise()
    }
  }

  private func start() throws(NanoTSError) {
    guard !isStarted else { return }
    let (file, desk) = (file, desk)
    try WorkThread.start {
      while case .wait(var list, let interrupt, let continuation) = desk.take() {
        _ = list.next(in: file, until: .never, or: interrupt)
        continuation.resume()
      }
    }
    isStarted = true
  }
}
