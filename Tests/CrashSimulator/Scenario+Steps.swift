internal import NanoTS

// What a run does, step by step. What a call promises counts from its return on.
extension Scenario {
  /// The stream's writer, opened if it has none.
  private func writer(of index: Int) throws -> Writer {
    if let writer = streams[index].writer { return writer }
    let store = try opened()
    let policy = shape.mixesPolicies ? random.pick(ScenarioShape.Policy.allCases) : streams[index].shape.policy
    enter("opening the writer of \(streams[index].name)")
    let writer = try store.writer(
      for: streams[index].name, metadata: random.oneIn(2) ? "" : "run \(moments.count)",
      options: WriterOptions(durability: policy.durability, compression: streams[index].shape.compression))
    try streams[index].opened(writer, policy, in: store)
    return writer
  }

  /// The next frame's time; keyed streams have up to four frames of one time.
  private func newFrame(of index: Int) -> FrameLog.Entry {
    let (log, shape) = (streams[index].log, streams[index].shape)
    let byteCount = random.int(shape.byteCounts)
    if shape.isKeyed, let last = log.entries.last, last.timestamp == clock, last.key < 3 {
      return log.add(at: clock, key: last.key + 1, byteCount: byteCount)
    }
    clock += Int64(random.int(1...3))
    return log.add(at: clock, key: 0, byteCount: byteCount)
  }

  func appendSome(to index: Int) throws {
    let writer = try writer(of: index)
    let name = streams[index].name
    let most = 4 * shape.options.blockSize / max(64, streams[index].shape.byteCounts.upperBound)
    for _ in 0..<random.int(1...min(60, most)) {
      let ordinal = streams[index].log.next
      let entry = newFrame(of: index)
      enter("appending frame \(ordinal) to \(name)")
      let start = ScenarioStream.now
      do throws(NanoTSError) {
        try writer.append(entry.payload, at: entry.timestamp, key: entry.key, flags: entry.flags)
      } catch {
        streams[index].log.removeAll(from: ordinal)
        guard error.code == .noFreeBlocks, shape.hasTerms else { throw error }
        return
      }
      try streams[index].appended(startingAt: start)
      note(frames: 1)
      if random.oneIn(16) { recorder.sample() }
    }
  }

  func appendBatch(to index: Int) throws {
    let writer = try writer(of: index)
    let first = streams[index].log.next
    let count = random.int(2...24)
    let entries = (0..<count).map { _ in newFrame(of: index) }
    enter("appending a batch of \(count) from \(first) on to \(streams[index].name)")
    let start = ScenarioStream.now
    do throws(NanoTSError) {
      try append(entries, writer)
    } catch {
      guard error.code == .noFreeBlocks, shape.hasTerms else { throw error }
      // The frames before the one that found no block are stored.
      let end = writer.last.map { last in
        first + UInt64(entries.prefix { ($0.timestamp, $0.key) <= (last.timestamp, last.key) }.count)
      }
      streams[index].log.removeAll(from: end ?? first)
      return
    }
    try streams[index].appended(startingAt: start)
    note(frames: count)
  }

  private func append(_ entries: [FrameLog.Entry], _ writer: Writer) throws(NanoTSError) {
    var bytes: [UInt8] = []
    for entry in entries { bytes += entry.payload }
    let result: Result<Void, NanoTSError> = unsafe bytes.withUnsafeBytes { all in
      var frames: [NewFrame] = []
      var start = 0
      for entry in entries {
        let end = start + entry.payload.count
        unsafe frames.append(
          NewFrame(
            timestamp: entry.timestamp, key: entry.key, flags: entry.flags,
            payload: UnsafeRawBufferPointer(rebasing: all[start..<end])))
        start = end
      }
      return Result { () throws(NanoTSError) in try writer.append(contentsOf: frames) }
    }
    try result.get()
  }

  func closeWriter(of index: Int) throws {
    guard let writer = streams[index].writer else { return }
    enter("closing the writer of \(streams[index].name)")
    try writer.close()
    streams[index].closed(isDurable: streams[index].policy != .none)
  }

  func flush(_ index: Int) throws {
    guard let writer = streams[index].writer else { return }
    enter("flushing \(streams[index].name)")
    try writer.flush()
    streams[index].flushed()
  }

  // MARK: Terms

  func setQuota(of index: Int) throws {
    let minimum = random.oneIn(2) ? 0 : random.int(0...2)
    let quota = StreamQuota(
      minimumBlocks: minimum, maximumBlocks: random.oneIn(2) ? nil : random.int(max(1, minimum)...6),
      maximumAge: random.oneIn(3) ? Int64(random.int(50...400)) : nil)
    try changeTerms(of: index, "setting the quota") { (store, name) throws(NanoTSError) in
      do throws(NanoTSError) {
        try store.setQuota(quota, of: name)
      } catch  where error.code == .invalidArgument {}
    }
  }

  func changeProtection(of index: Int) throws {
    let isRelease = random.oneIn(2)
    let entries = streams[index].log.entries
    let from = entries.isEmpty || random.oneIn(5) ? clock + 20 : entries[random.int(0...(entries.count - 1))].timestamp
    let range = from...(from + Int64(random.int(0...40)))
    let isWhole = random.oneIn(2)
    try changeTerms(of: index, isRelease ? "releasing" : "protecting") { (store, name) throws(NanoTSError) in
      do throws(NanoTSError) {
        if !isRelease {
          try store.protect(name, in: range)
        } else if isWhole {
          try store.releaseProtection(of: name)
        } else {
          try store.releaseProtection(of: name, in: range)
        }
      } catch  where error.code == .invalidArgument || error.code == .notFound {}
    }
  }

  /// While the call is going on, earlier and later terms may both be found.
  private func changeTerms(
    of index: Int, _ what: String, _ change: (Store, String) throws(NanoTSError) -> Void
  ) throws {
    let store = try opened()
    let name = streams[index].name
    enter("\(what) of \(name)")
    let moment = moments.count - 1
    try change(store, name)
    let terms = try Terms(of: name, in: store)
    moments[moment].laterTerms[name] = terms
    streams[index].promise.terms = terms
  }

  // MARK: Freeing

  func freeRange(of index: Int) throws {
    let store = try opened()
    let (name, entries) = (streams[index].name, streams[index].log.entries)
    guard !entries.isEmpty else { return }
    // Most of what was ever written is not there any more.
    let recent = max(0, entries.count - 200)
    let one = entries[random.int(recent...(entries.count - 1))].timestamp
    let other = entries[random.int(recent...(entries.count - 1))].timestamp
    enter("freeing \(min(one, other)) to \(max(one, other)) of \(name)")
    try store.free(name, in: min(one, other)...max(one, other))
    streams[index].noteGone(besides: try StreamReading.forward(store, name, streams[index].log))
  }

  func freeStream(_ index: Int) throws {
    try closeWriter(of: index)
    let store = try opened()
    let name = streams[index].name
    enter("releasing \(name) to free it")
    try store.releaseProtection(of: name)
    streams[index].promise.terms.protected = []
    moments[moments.count - 1].laterTerms[name] = streams[index].promise.terms
    enter("freeing \(name)")
    moments[moments.count - 1].freeing = name
    try store.free(stream: name)
    streams[index].wasFreed()
  }
}
