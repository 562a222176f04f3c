internal import CLimit
internal import NanoTS

/// What readers in other processes cost a writer: readers of the tail, and readers that are lapped while blocks are
/// recycled.
///
/// Two figures of each: the time that passes, in which readers that want a processor take the writer's share where there
/// are fewer processors than processes; and the processor time of the writer's thread, in which only what a reader
/// really does to it shows. Processes that only use a processor are the measure of the former, and so is a C loop with
/// readers of its ring that look again and again.
struct ReadersWorkload: Workload {
  let name = "readers"
  private static let (blockSize, blockCount) = (1 << 20, 64)
  private static let size = 64

  func run(_ options: RunOptions, _ scratch: Scratch) throws -> [Comparison] {
    try tails(options, scratch) + lapped(options, scratch)
  }

  private func tails(_ options: RunOptions, _ scratch: Scratch) throws -> [Comparison] {
    let (stream, ring) = (
      try AppendingStore(
        scratch.path(), StoreOptions(blockSize: Self.blockSize, blockCount: Self.blockCount), size: Self.size),
      AppendingRing(try Self.sharedRing(at: scratch.path()), size: Self.size)
    )
    try stream.fill()
    for _ in 0..<2 { ring.append(Self.blockSize * Self.blockCount / (Self.size + FrameRun.entrySize)) }
    let counts = [1, 4, 16]
    let crowds =
      ([0] + counts).map { Crowd(.tail, $0, stream) } + [Crowd(.copier, 1, stream)]
      + counts.map { Crowd(.spin, $0, stream) } + ([0] + counts).map { Crowd(.limitTail, $0, ring) }
    defer { for place in [stream.path, ring.path] { try? scratch.remove(place) } }
    return try compare(
      "append \(Self.size) B, 64 blocks of 1 MiB, with readers of the tail", framesInRun: 4_000_000, crowds, options,
      scratch)
  }

  static func sharedRing(at path: String) throws -> LimitRing {
    try LimitRing(at: path, blockSize: blockSize, blockCount: blockCount, isShared: true)
  }

  private func lapped(_ options: RunOptions, _ scratch: Scratch) throws -> [Comparison] {
    let stream = try AppendingStore(scratch.path(), StoreOptions(blockSize: 4_096, blockCount: 1_000), size: 2_100)
    try stream.fill()
    defer { try? scratch.remove(stream.path) }
    return try compare(
      "handover in a full ring of 1,000 blocks of 4 KiB, with lapped readers", framesInRun: 20_000,
      [Crowd(.lapped, 0, stream), Crowd(.lapped, 4, stream), Crowd(.spin, 4, stream)], options, scratch)
  }

  /// What the appending takes while each of the crowds is at work on the same file.
  private func compare(
    _ title: String, framesInRun: Int, _ crowds: [Crowd], _ options: RunOptions, _ scratch: Scratch
  ) throws -> [Comparison] {
    var processorTimes: [[Double]] = Array(repeating: [], count: crowds.count)
    let elapsed = try Comparison.interleaved(
      title + ", time passed", rounds: options.rounds,
      crowds.enumerated().map { index, crowd in
        Contender(name: crowd.name) {
          let peers = try (0..<crowd.count).map { _ in try PeerProcess(crowd.role, crowd.appended.path, scratch) }
          let before = peer_thread_time()
          let sample = try Stopwatch.time(operations: framesInRun) { try crowd.appended.append(framesInRun) }
          processorTimes[index].append(Double(peer_thread_time() - before) / Double(framesInRun))
          withExtendedLifetime(peers) {}
          return sample
        }
      })
    let series = zip(elapsed.series, processorTimes).map { series, times in
      Series(
        name: series.name, samples: Array(times.dropFirst()), fewestFaults: series.fewestFaults,
        mostFaults: series.mostFaults)
    }
    return [elapsed, Comparison(title: title + ", processor time of the writer", series: series)]
  }
}

/// Processes beside a writer.
private struct Crowd {
  let role: PeerRole
  let count: Int
  let appended: any Appended

  init(_ role: PeerRole, _ count: Int, _ appended: any Appended) {
    self.role = role
    self.count = count
    self.appended = appended
  }

  var name: String { "\(appended.name), \(count) × \(role.rawValue)" }
}
