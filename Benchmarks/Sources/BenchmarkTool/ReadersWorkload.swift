internal import CLimit
internal import NanoTS

/// What readers in other processes cost a writer: readers of the tail, and readers that are lapped while blocks are
/// recycled.
///
/// Two figures of each: the time that passes, in which readers that want a processor take the writer's share where there
/// are fewer processors than processes; and the processor time of the writer's thread, in which only what a reader
/// really does to it shows. Processes that only use a processor are the measure of the former.
struct ReadersWorkload: Workload {
  let name = "readers"

  func run(_ options: RunOptions, _ scratch: Scratch) throws -> [Comparison] {
    let tail = try compare(
      "append 64 B, 64 blocks of 1 MiB, with readers of the tail", framesInRun: 4_000_000, payload: 64,
      StoreOptions(blockSize: 1 << 20, blockCount: 64),
      [(.tail, 0), (.tail, 1), (.tail, 4), (.tail, 16), (.spin, 1), (.spin, 4), (.spin, 16)], options, scratch)
    let lapped = try compare(
      "handover in a full ring of 1,000 blocks of 4 KiB, with lapped readers", framesInRun: 20_000, payload: 2_100,
      StoreOptions(blockSize: 4_096, blockCount: 1_000), [(.lapped, 0), (.lapped, 4), (.spin, 4)], options, scratch)
    return tail + lapped
  }

  private func compare(
    _ title: String, framesInRun: Int, payload byteCount: Int, _ shape: StoreOptions, _ crowds: [(PeerRole, Int)],
    _ options: RunOptions, _ scratch: Scratch
  ) throws -> [Comparison] {
    let path = scratch.path()
    let store = try Store.create(at: path, shape)
    let writer = try store.writer(for: Peer.stream, options: WriterOptions(durability: .none))
    let payload: [UInt8] = Array(repeating: 7, count: byteCount)
    var timestamp: Int64 = 0
    let append = {
      for _ in 0..<framesInRun {
        timestamp += 1
        try writer.append(payload, at: timestamp)
      }
    }
    // The whole ring is in use and its pages are touched before anything counts.
    while try store.statistics().freeBlocks > 0 { try append() }
    var processorTimes: [[Double]] = Array(repeating: [], count: crowds.count)
    let elapsed = try Comparison.interleaved(
      title + ", time passed", rounds: options.rounds,
      crowds.indices.map { index in
        Contender(name: "\(crowds[index].1) × \(crowds[index].0.rawValue)") {
          let peers = try (0..<crowds[index].1).map { _ in try PeerProcess(crowds[index].0, path, scratch) }
          let before = peer_thread_time()
          let sample = try Stopwatch.time(operations: framesInRun) { try append() }
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
    try writer.close()
    try scratch.remove(path)
    return [elapsed, Comparison(title: title + ", processor time of the writer", series: series)]
  }
}
