internal import NanoTS

/// One run of the engine on one thread, drawn from a seed, with crashes taken all along.
final class Scenario {
  let shape: ScenarioShape
  var random: SeededRandom
  var streams: [ScenarioStream]
  var store: Store?
  let recorder: FileRecorder
  /// Each moment that a crash may be in.
  var moments: [Moment] = []
  var clock: Int64 = 1000
  /// Frames appended.
  private(set) var frames: UInt64 = 0
  private var files = 0
  private static let crashSpacing = 5
  private let path: String

  /// A new store, in files whose names begin with `path`.
  init(seed: UInt64, path: String) throws {
    random = SeededRandom(seed: seed)
    shape = ScenarioShape(&random)
    let unpromisedBlocks = shape.unpromisedBlocks
    streams = shape.streams.enumerated().map {
      ScenarioStream("s\($0.offset)", $0.element, unpromisedBlocks: unpromisedBlocks)
    }
    self.path = path
    RawFile.remove(path + "0")
    try Store.create(at: path + "0", shape.options).close()
    // The tables of a small store end before byte 65,536.
    let most = 65_536 + shape.options.blockCount * shape.options.blockSize
    recorder = try FileRecorder(path: path + "0", maximumByteCount: most, seed: random.next())
    recorder.takeCrashes(every: Scenario.crashSpacing)
    enter("creating")
  }

  deinit {
    FileRecorder.detach()
    RawFile.remove(file)
  }

  private var file: String { path + "\(files)" }

  /// From here on a crash meets these promises.
  func enter(_ underway: String) {
    moments.append(Moment(promises: streams.map(\.promise), underway: underway, clock: clock))
    recorder.setMoment(moments.count - 1)
  }

  /// Makes one step and returns crashes taken in it: none most of the time, so that many runs are seen.
  func step() throws -> [CrashState] {
    recorder.attach()
    defer { FileRecorder.detach() }
    try makeStep()
    enter("nothing")
    let taken = recorder.takenCrashes()
    var crashes: [CrashState] = []
    if !taken.isEmpty, random.oneIn(3) { crashes.append(random.pick(taken)) }
    if random.oneIn(8) { crashes.append(recorder.crash()) }
    return crashes
  }

  private func makeStep() throws {
    let index = random.int(0...(streams.count - 1))
    switch random.int(0...99) {
    case 0..<60: try appendSome(to: index)
    case 60..<72: try appendBatch(to: index)
    case 72..<79: try closeWriter(of: index)
    case 79..<84: try flush(index)
    case 84..<87: try closeStore(storeFirst: random.oneIn(2))
    case 87..<91: if shape.hasTerms { try setQuota(of: index) }
    case 91..<95: if shape.hasTerms { try changeProtection(of: index) }
    case 95..<97: if shape.hasFreeing { try freeRange(of: index) }
    case 97: if shape.hasFreeing { try freeStream(index) }
    case 98: try killAll()
    default: recorder.sample()
    }
  }

  // MARK: The store

  func opened() throws -> Store {
    if let store { return store }
    enter("opening the store")
    let opened = try Store(at: file)
    store = opened
    return opened
  }

  private func closeStore(storeFirst: Bool) throws {
    guard let open = store else { return }
    if storeFirst {
      enter("closing the store")
      try open.close()
    }
    for index in streams.indices { try closeWriter(of: index) }
    enter("closing the store")
    try open.close()
    store = nil
  }

  /// The process dies: its locks are gone, and what it stored is there. Everything that was open is opened anew on a copy
  /// of the file, which stands for the page cache.
  private func killAll() throws {
    // What the engine's threads do from here on is nothing that the process did.
    let live = recorder.kill().live
    FileRecorder.detach()
    leaveAll()
    try take(live)
    try recorder.goOn(with: file)
    recorder.attach()
  }

  private func leaveAll() {
    for index in streams.indices { streams[index].closed(isDurable: false) }
    store = nil
  }

  private func take(_ content: [UInt8]) throws {
    let before = file
    files += 1
    try RawFile.write(content, to: file)
    RawFile.remove(before)
  }

  /// The machine loses power and starts again with `image`. Crashes are taken while the store is settled as well: what
  /// was promised before still is. Returns those.
  func goOn(
    from image: [UInt8], _ moment: Moment, alive: [String: [UInt64]]
  ) throws -> [CrashState] {
    leaveAll()
    try take(CrashImage.ofAnotherBoot(image))
    try recorder.restart(with: file)
    recorder.attach()
    defer { FileRecorder.detach() }
    var settling = moment
    settling.alive = alive
    moments.append(settling)
    recorder.setMoment(moments.count - 1)
    recorder.takeCrashes(every: 2)
    let opened = try Store(at: file)
    recorder.takeCrashes(every: Scenario.crashSpacing)
    store = opened
    for index in streams.indices {
      let promise = moment.promises[index]
      streams[index].promise = promise
      let left = try StreamReading.forward(opened, promise.name, promise.log)
      let next = try CrashImage.nextOrdinal(of: promise.name, at: file, streams: shape.options.streamCapacity)
      streams[index].wasLeft(with: left, next: next, try Terms(of: promise.name, in: opened))
    }
    enter("nothing")
    return Array(recorder.takenCrashes().suffix(2))
  }

  func note(frames count: Int) { frames += UInt64(count) }
}
