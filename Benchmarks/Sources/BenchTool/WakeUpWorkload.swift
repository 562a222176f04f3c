internal import CLimit
internal import NanoTS

/// From the commit of a frame to the moment at which a follower in another process has it, beside a bare futex that does
/// nothing but wake. One sender and one sleeper, a pause before each, so that the sleeper sleeps. Both are pinned: where the
/// kernel is free to choose, it puts them on one processor or on two, and a wake across two takes several times as long.
struct WakeUpWorkload: Workload {
  let name = "follow"
  static let wakesInRun: UInt64 = 1_000
  private static let pause: UInt64 = 400_000

  func run(_ options: RunOptions, _ scratch: Scratch) throws -> [Comparison] {
    let path = scratch.path()
    let store = try Store.create(at: path, StoreOptions(blockSize: 1 << 20, blockCount: 16))
    let writer = try store.writer(for: Peer.stream, options: WriterOptions(durability: .none))
    try writer.append(value: UInt64(0), at: Int64(limit_clock()))
    let bare = try PeerProcess(.futex, path, scratch)
    let follower = try PeerProcess(.follow, path, scratch)
    let exchanges = [
      Exchange("bare futex", bare) { bare.bareWake() },
      Exchange("follower", follower) {
        let now = limit_clock()
        try writer.append(value: now, at: Int64(now))
      },
    ]
    defer { peer_unpin() }
    return try [(Int32(0), "on one processor"), (1, "on two processors")].flatMap { sleeper, place in
      for (process, processor) in [(Int32(0), Int32(0)), (bare.process, sleeper), (follower.process, sleeper)] {
        guard peer_pin(process, processor) == 0 else {
          throw BenchmarkError("process \(process) cannot be kept to processor \(processor)")
        }
      }
      return try compare(exchanges, place, options)
    }
  }

  private func compare(_ exchanges: [Exchange], _ place: String, _ options: RunOptions) throws -> [Comparison] {
    for exchange in exchanges { exchange.tails = [] }
    let title = "from commit to wake-up in another process, \(place)"
    let medians = try Comparison.interleaved(
      "\(title), median", rounds: options.rounds,
      exchanges.map { exchange in Contender(name: exchange.name) { try exchange.run() } })
    let tails = exchanges.map { exchange in
      Series(name: exchange.name, samples: Array(exchange.tails.dropFirst()), fewestFaults: 0, mostFaults: 0)
    }
    return [medians, Comparison(title: "\(title), p99", series: tails)]
  }

  /// Rounds of sending and waking up with one peer.
  private final class Exchange {
    let name: String
    /// The 99th percentile of each round.
    var tails: [Double] = []
    private let peer: PeerProcess
    private let send: () throws -> Void
    /// What the peer has counted when the round begins: it counts its start and each sample.
    private var expected: UInt64 = 1

    init(_ name: String, _ peer: PeerProcess, send: @escaping () throws -> Void) {
      self.name = name
      self.peer = peer
      self.send = send
    }

    func run() throws -> Sample {
      for _ in 0..<wakesInRun {
        peer.waitForProgress(expected)
        peer_pause(pause)
        try send()
        expected += 1
      }
      peer.waitForProgress(expected)
      expected += 1
      let samples = peer.samples
      tails.append(Statistics.quantile(0.99, of: samples))
      return Sample(value: Statistics.median(samples), faults: 0)
    }
  }
}
