internal import NanoTS

/// Opens what a crash left as the next boot would, and holds it to what was promised.
struct CrashChecker {
  /// Where images are made.
  let path: String
  private(set) var framesChecked: UInt64 = 0

  init(path: String) { self.path = path }

  /// The frames that were there when the crash came, by stream. What one process stored, others see, whatever reached
  /// the disk: these are the frames that nobody had recycled or freed.
  mutating func alive(in state: CrashState, _ moment: Moment) throws -> [String: [UInt64]] {
    if let alive = moment.alive { return alive }
    try RawFile.write(state.live, to: path)
    let store = try Store(at: path, .readOnly)
    var alive: [String: [UInt64]] = [:]
    for promise in moment.promises {
      alive[promise.name] = try StreamReading.forward(store, promise.name, promise.log)
    }
    return alive
  }

  /// Checks one image. Returns what is left of each stream when the store has been opened for writing.
  mutating func check(
    _ image: [UInt8], _ moment: Moment, alive: [String: [UInt64]], _ random: inout SeededRandom
  ) throws -> [String: [UInt64]] {
    try RawFile.write(CrashImage.ofAnotherBoot(image), to: path)
    let reading = try lookOnly(moment, alive, &random)
    let store = try Store(at: path)
    let settled = try naming("settled") { try read(store, moment, &random) }
    try judge(settled, moment, alive, isSettled: true)
    for promise in moment.promises {
      let seen = Set(reading[promise.name]!)
      guard let more = settled[promise.name]!.first(where: { !seen.contains($0) }) else { continue }
      throw BrokenPromise("\(promise.name): frame \(more) is there after settling and was not read before")
    }
    try requireClean(store, "settled")
    try goOn(store, settled, moment, &random)
    return settled
  }

  /// Reads the store without leave to change it.
  private mutating func lookOnly(
    _ moment: Moment, _ alive: [String: [UInt64]], _ random: inout SeededRandom
  ) throws -> [String: [UInt64]] {
    let store = try Store(at: path, .readOnly)
    let reading = try naming("read-only") { try read(store, moment, &random) }
    try judge(reading, moment, alive, isSettled: false)
    return reading
  }

  private mutating func read(
    _ store: Store, _ moment: Moment, _ random: inout SeededRandom
  ) throws -> [String: [UInt64]] {
    let known = Set(moment.promises.map(\.name))
    for name in try store.streams() where !known.contains(name) {
      throw BrokenPromise("there is a stream '\(name)' that nobody made")
    }
    var found: [String: [UInt64]] = [:]
    for promise in moment.promises {
      found[promise.name] = try StreamReading(store, promise.name, promise.log, &random).ordinals
      framesChecked += UInt64(found[promise.name]!.count)
      try checkTerms(store, promise, moment)
    }
    return found
  }

  /// Says when a promise was found to be broken.
  private func naming<R>(_ state: String, _ body: () throws -> R) throws -> R {
    do {
      return try body()
    } catch let broken as BrokenPromise {
      throw BrokenPromise("\(state): \(broken.description)")
    }
  }

  private func checkTerms(_ store: Store, _ promise: StreamPromise, _ moment: Moment) throws {
    guard moment.freeing != promise.name else { return }
    let terms = try Terms(of: promise.name, in: store)
    guard terms != promise.terms, terms != moment.laterTerms[promise.name] else { return }
    throw BrokenPromise("\(promise.name): in force are \(terms), promised were \(promise.terms)")
  }

  /// All that was promised is left of each stream, and in a settled store there is no hole. Readers that may not settle the
  /// store come to what is behind a hole as well, and are told of the hole.
  private func judge(
    _ found: [String: [UInt64]], _ moment: Moment, _ alive: [String: [UInt64]], isSettled: Bool
  ) throws {
    for promise in moment.promises {
      let ordinals = found[promise.name]!
      let left = Set(ordinals)
      var holes = HoleFinder(ordinals)
      for ordinal in alive[promise.name] ?? [] {
        let isLeft = left.contains(ordinal)
        guard isLeft || ordinal >= promise.end else {
          throw BrokenPromise(
            "\(promise.name): frame \(ordinal) is lost; all before \(promise.end) were promised; left are "
              + "\(Runs(ordinals)) of \(Runs(alive[promise.name] ?? []))")
        }
        guard let hole = holes.see(ordinal, isLeft: isLeft), isSettled else { continue }
        throw BrokenPromise(
          "\(promise.name): frame \(hole) is lost and frame \(ordinal) behind it is there; left are \(Runs(ordinals)) "
            + "of \(Runs(alive[promise.name] ?? []))")
      }
      if let back = ordinals.first(where: { ordinal in promise.gone.contains { $0.contains(ordinal) } }) {
        throw BrokenPromise("\(promise.name): frame \(back) was gone for good and is back")
      }
    }
  }

  private func requireClean(_ store: Store, _ when: String) throws {
    let report = try store.verify()
    guard !report.isClean else { return }
    throw BrokenPromise("verify of the \(when) store finds: \(report.findings)")
  }

  /// Writers go on in the store, and what was left stays right.
  private mutating func goOn(
    _ store: Store, _ settled: [String: [UInt64]], _ moment: Moment, _ random: inout SeededRandom
  ) throws {
    var moment = moment
    var store = store
    var appended: [String: Range<UInt64>] = [:]
    var clock = moment.clock
    for index in moment.promises.indices where appended.isEmpty || random.oneIn(2) {
      let promise = moment.promises[index]
      let continued = try Continuation(store, promise, settled[promise.name]!, &clock, &random)
      guard let range = continued.appended else { continue }
      appended[promise.name] = range
      moment.promises[index] = StreamPromise(name: promise.name, log: continued.log)
    }
    try store.close()
    store = try Store(at: path)
    try requireClean(store, "continued")
    let keepsMuch = try moment.promises.contains { try Terms(of: $0.name, in: store) != Terms() }
    for promise in moment.promises {
      let ordinals = try StreamReading(store, promise.name, promise.log, &random).ordinals
      framesChecked += UInt64(ordinals.count)
      try judgeContinued(
        promise, ordinals, settled[promise.name]!, appended[promise.name], keepsMuch: keepsMuch)
    }
    for promise in moment.promises { try keepsProtected(store, promise, settled[promise.name]!) }
  }

  /// What is there now was there before or was appended since; the end is whole.
  private func judgeContinued(
    _ promise: StreamPromise, _ ordinals: [UInt64], _ before: [UInt64], _ appended: Range<UInt64>?, keepsMuch: Bool
  ) throws {
    let known = Set(before)
    for ordinal in ordinals where !known.contains(ordinal) && !(appended?.contains(ordinal) ?? false) {
      throw BrokenPromise("\(promise.name): frame \(ordinal) came back while writers went on")
    }
    guard let appended else { return }
    // Where much is kept for others, even the newest block may have been the oldest one that another writer could take.
    guard ordinals.last == appended.upperBound - 1 || keepsMuch else {
      throw BrokenPromise(
        "\(promise.name): \(appended) were appended after the crash, and it ends at "
          + "\(ordinals.last.map { "\($0)" } ?? "nothing")")
    }
    for (index, ordinal) in ordinals.enumerated() where index > 0 && appended.contains(ordinal) {
      let previous = ordinals[index - 1]
      // Of a stream with a maximum, whose older blocks are protected, the first of those that were appended go.
      let makesRoom = keepsMuch && !appended.contains(previous)
      guard previous == ordinal - 1 || !appended.contains(ordinal - 1) || makesRoom else {
        throw BrokenPromise("\(promise.name): frame \(ordinal - 1), appended after the crash, is not there")
      }
    }
  }

  private func keepsProtected(_ store: Store, _ promise: StreamPromise, _ before: [UInt64]) throws {
    let ranges = try store.protectedRanges(of: promise.name)
    guard !ranges.isEmpty else { return }
    let left = Set(try StreamReading.forward(store, promise.name, promise.log))
    for ordinal in before where !left.contains(ordinal) {
      let timestamp = promise.log.entries[Int(ordinal)].timestamp
      guard ranges.contains(where: { $0.contains(timestamp) }) else { continue }
      throw BrokenPromise("\(promise.name): frame \(ordinal) at \(timestamp) is protected and was recycled")
    }
  }
}
