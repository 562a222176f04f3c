internal import CNanoTS

/// What a recorder keeps of its file, behind its lock.
struct Recording: Sendable {
  struct Mapping: Sendable {
    let address: UInt
    let length: Int
    let offset: Int
  }

  /// What a sync will have made durable when it is done.
  struct Underway: Sendable {
    let pages: Range<Int>
    let sequence: UInt64
    let size: Int
    let isWholeFile: Bool
  }

  var file: WatchedFile
  var mappings: [Mapping] = []
  var moment = 0
  /// True while nothing is looked at.
  var isBlind = false
  var taken: [CrashState] = []
  private(set) var syncs = 0
  private var pages: [PageHistory]
  private var size: Int
  private var durableSize: Int
  private var sizes: [Int] = []
  /// Counts the versions of all pages, so that they can be put in order.
  private var sequence: UInt64 = 0
  private var underway: [UInt: Underway] = [:]
  private var random: SeededRandom
  private var spacing = 0
  private var countdown = 0

  init(_ file: WatchedFile, seed: UInt64) {
    self.file = file
    random = SeededRandom(seed: seed)
    size = file.size
    durableSize = file.size
    let count = (file.byteCount + CrashState.pageSize - 1) / CrashState.pageSize
    pages = Array(repeating: PageHistory(durable: CrashState.zeroPage), count: count)
    for index in 0..<pageCount(size) {
      if let page = file.page(index, of: size, ifNot: CrashState.zeroPage) { pages[index].durable = page }
    }
  }

  /// For a recording that takes this one's place.
  mutating func nextSeed() -> UInt64 { random.next() }

  private func pageCount(_ size: Int) -> Int { (size + CrashState.pageSize - 1) / CrashState.pageSize }

  mutating func takeCrashes(every spacing: Int) {
    self.spacing = spacing
    countdown = spacing == 0 ? 0 : random.int(1...(2 * spacing))
  }

  func state(_ call: String) -> CrashState {
    CrashState(pages: pages, durableSize: durableSize, sizes: sizes, call: call, moment: moment)
  }

  /// Notes what the file holds now. False when nothing had changed: then it held the same at one moment since the sample
  /// before.
  @discardableResult
  mutating func sample() -> Bool {
    let now = file.size
    var isChanged = now != size
    if isChanged {
      size = now
      sizes.append(now)
    }
    for index in 0..<pageCount(now) {
      guard let page = file.page(index, of: now, ifNot: pages[index].latest) else { continue }
      sequence += 1
      pages[index].add(PageVersion(sequence: sequence, bytes: page), &random)
      isChanged = true
    }
    return isChanged
  }

  /// Notes what the file holds at one moment, though a thread of the engine may be writing.
  mutating func sampleWhole() { while sample() {} }

  mutating func see(_ call: SeenCall) {
    guard !isBlind else { return }
    // A later one may promise what is not yet in the samples.
    let moment = moment
    let changes = call.kind == NTS_CALL_RESERVE || call.kind == NTS_CALL_TRUNCATE || call.kind == NTS_CALL_WRITE
    if call.matters || changes { sample() }
    switch call.kind {
    case NTS_CALL_MAP where call.isDone && file.isBehind(call.file): map(call)
    case NTS_CALL_UNMAP where call.isDone: mappings.removeAll { $0.address == call.address }
    case NTS_CALL_SYNC_RANGE, NTS_CALL_SYNC_FILE:
      if call.isDone { finishSync(call) } else { beginSync(call) }
    default: break
    }
    guard spacing > 0, call.matters else { return }
    countdown -= 1
    guard countdown <= 0 else { return }
    // Another thread may be writing: only what was there at one moment is what it had stored. Else the next call will do.
    guard !sample() else { return }
    countdown = random.int(1...(2 * spacing))
    taken.append(
      CrashState(
        pages: pages, durableSize: durableSize, sizes: sizes, call: call.description, moment: moment))
  }

  /// Whatever was mapped there before was unmapped unseen.
  private mutating func map(_ call: SeenCall) {
    mappings.removeAll { $0.address < call.address + UInt(call.length) && call.address < $0.address + UInt($0.length) }
    mappings.append(Mapping(address: call.address, length: call.length, offset: call.offset))
  }

  /// What the call will sync of the file; nil when it is another file's.
  private func sync(of call: SeenCall) -> Underway? {
    if call.kind == NTS_CALL_SYNC_FILE {
      guard file.isBehind(call.file) else { return nil }
      return Underway(pages: 0..<pages.count, sequence: sequence, size: size, isWholeFile: true)
    }
    let mapping = mappings.first { $0.address <= call.address && call.address < $0.address + UInt($0.length) }
    guard let mapping else { return nil }
    let start = Int(call.address - mapping.address) + mapping.offset
    let first = start / CrashState.pageSize
    return Underway(
      pages: first..<max(first, pageCount(start + call.length)), sequence: sequence, size: size, isWholeFile: false)
  }

  private mutating func beginSync(_ call: SeenCall) {
    let sync = sync(of: call)
    underway[call.thread] = sync
    for index in sync?.pages.clamped(to: 0..<pages.count) ?? 0..<0 { pages[index].keepLatest() }
  }

  private mutating func finishSync(_ call: SeenCall) {
    guard let sync = underway.removeValue(forKey: call.thread) else { return }
    syncs += 1
    for index in sync.pages.clamped(to: 0..<pages.count) { pages[index].makeDurable(upTo: sync.sequence) }
    // What is needed to read a page again is synced with it: the file's length, if the page lies beyond it.
    guard sync.isWholeFile || sync.pages.upperBound > pageCount(durableSize) else { return }
    durableSize = sync.size
    sizes = sizes.lastIndex(of: sync.size).map { Array(sizes[($0 + 1)...]) } ?? sizes
  }
}

/// One page: what of it is on the disk for certain, and what may be there instead.
struct PageHistory: Sendable {
  var durable: Page
  /// What the page was seen to hold since, in order.
  private(set) var since: [PageVersion] = []
  private var durableSequence: UInt64 = 0
  /// Versions that a sync which is under way will have made durable.
  private var kept: [UInt64] = []

  /// More versions than these are thinned out; the first and the last one stay.
  private static let mostVersions = 16

  init(durable: Page) { self.durable = durable }

  var latest: Page { since.last?.bytes ?? durable }

  mutating func add(_ version: PageVersion, _ random: inout SeededRandom) {
    if since.count >= PageHistory.mostVersions {
      let spare = since.indices.dropFirst().dropLast().filter { !kept.contains(since[$0].sequence) }
      if !spare.isEmpty { since.remove(at: random.pick(spare)) }
    }
    since.append(version)
  }

  mutating func keepLatest() {
    if let last = since.last { kept.append(last.sequence) }
  }

  mutating func makeDurable(upTo sequence: UInt64) {
    kept.removeAll { $0 <= sequence }
    guard let last = since.lastIndex(where: { $0.sequence <= sequence }), since[last].sequence > durableSequence else {
      return
    }
    durable = since[last].bytes
    durableSequence = since[last].sequence
    since.removeFirst(last + 1)
  }
}

/// What a page was seen to hold.
struct PageVersion: Sendable {
  let sequence: UInt64
  let bytes: Page
}
