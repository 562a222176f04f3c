import CrashSimulator
import Testing

@testable import NanoTS

/// The simulator itself, and by its images the losses that it once found: it loses what was not synced and keeps what was.
@Suite struct CrashSimulatorTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  /// Runs `body` with a new store that is watched. Returns what a crash afterwards may leave.
  private func crash(after body: (Store) throws -> Void) throws -> CrashState {
    let path = try directory.store().path
    let recorder = try FileRecorder(path: path, maximumByteCount: 65_536 + 16 * 4096, seed: 1)
    recorder.attach()
    defer { FileRecorder.detach() }
    // Mapped while the recorder looks: it knows a sync of a range by its address.
    let store = try Store(at: path)
    try body(store)
    return recorder.crash()
  }

  private func opened(_ state: CrashState, _ kind: ImageKind, seed: UInt64 = 1) throws -> Store {
    var random = SeededRandom(seed: seed)
    let path = directory.path("\(kind.rawValue)-\(seed).nts")
    try RawFile.write(CrashImage.ofAnotherBoot(state.image(kind, &random)), to: path)
    return try Store(at: path)
  }

  private func append(
    _ times: Range<Int64>, to store: Store, _ durability: Durability, closing: Bool = true
  ) throws {
    let writer = try store.writer(for: "s", options: WriterOptions(durability: durability))
    for time in times { try writer.append(value: time, at: time) }
    if closing { try writer.close() } else { try writer.abandon() }
  }

  @Test func losesWhatWasNotSyncedAndKeepsWhatWas() throws {
    let state = try crash { store in
      try append(0..<10, to: store, .everyFrame)
      try append(10..<20, to: store, .none, closing: false)
    }
    #expect(state.dirtyPages > 0)
    #expect(try opened(state, .allOld).timestamps(of: "s") == Array(0..<10))
    #expect(try opened(state, .allNew).timestamps(of: "s") == Array(0..<20))
  }

  @Test func imagesComeAgainFromTheirSeed() throws {
    let state = try crash { store in try append(0..<300, to: store, .none, closing: false) }
    for kind in ImageKind.allCases {
      var (one, same, other) = (SeededRandom(seed: 5), SeededRandom(seed: 5), SeededRandom(seed: 6))
      let image = state.image(kind, &one)
      #expect(image == state.image(kind, &same))
      if kind == .tornSectors { #expect(image != state.image(kind, &other)) }
    }
  }

  @Test func aSyncIsOfThePagesThatItNames() throws {
    let state = try crash { store in
      try store.file.mapped.sync(0..<4096)
      unsafe store.file.body(0).storeBytes(of: 1, as: UInt64.self)
      unsafe store.file.body(1).storeBytes(of: 2, as: UInt64.self)
      try store.file.syncBody(1, 0..<8)
      unsafe store.file.body(1).storeBytes(of: 3, as: UInt64.self)
    }
    var random = SeededRandom(seed: 1)
    let image = state.image(.allOld, &random)
    #expect(image[65_536] == 0)
    #expect(image[65_536 + 4096] == 2)
  }

  @Test(arguments: [true, false])
  func whatIsAcknowledgedSurvivesWhateverWriterCameBefore(closing: Bool) throws {
    let state = try crash { store in
      try append(0..<200, to: store, .none, closing: closing)
      try append(200..<201, to: store, .everyFrame, closing: false)
    }
    #expect(try opened(state, .allOld).timestamps(of: "s") == Array(0..<201))
  }

  @Test func aStreamGoesOnBehindTheLastFrameThatIsLeftWhereTheSlotIsOld() throws {
    let store = try directory.store()
    let early = try StoreBytes.read(store.path)
    try append(0..<300, to: store, .none, closing: false)
    let second = try #require(try store.blocks().first { $0.sequence == 1 }?.firstTimestamp)
    var cursor = try store.cursor(of: "s")
    let frame = try #require(try cursor.seek(to: second))
    try StoreBytes.flip(
      store.path, at: unsafe frame.unvalidatedBytes.baseAddress! - UnsafeRawPointer(store.file.mapped.base))
    let path = try directory.lostStore(of: store, unordered: true)
    try StoreBytes.patch(path, at: 8192 + 64, Array(early[(8192 + 64)..<(8192 + 128)]))
    let opened = try Store(at: path)
    try opened.writer(for: "s").append(value: second, at: second)
    #expect(try opened.contents(of: "s").map(\.ordinal) == Array(0...UInt64(second)))
    #expect(try opened.verify().isClean)
  }

  @Test func aHeaderPastTheEndOfTheFileBringsNoBlockBack() throws {
    let store = try directory.store(blocks: 8, initial: 2)
    let size = try StoreBytes.read(store.path).count
    try append(0..<400, to: store, .none, closing: false)
    let lost = try directory.lostStore(of: store, unordered: true)
    let path = directory.path("cut.nts")
    try StoreBytes.write(Array(StoreBytes.read(lost).prefix(size)), to: path)
    let opened = try Store(at: path)
    let left = try opened.timestamps(of: "s")
    #expect(left == Array(0..<Int64(left.count)))
    #expect(!left.isEmpty && left.count < 400)
    try opened.writer(for: "t").append(value: 1, at: 1)
    #expect(try opened.timestamps(of: "s") == left)
    let report = try opened.verify()
    #expect(report.isClean, "\(report.findings)")
  }

  /// On the disk, the epoch of a store that was left cleanly is odd: whoever opens it makes its lists anew.
  @Test func aStoreWhoseListsAreMadeAnewIsNotCleanMeanwhile() throws {
    let path = directory.path("a.nts")
    let store = try directory.store()
    try append(0..<300, to: store, .onSeal)
    try store.free("s", in: 0...200)
    try store.close()
    let epoch = StoreBytes.load(try StoreBytes.read(path), at: 4096, as: UInt64.self)
    try StoreBytes.patch(path, at: 4096, unsafe withUnsafeBytes(of: epoch | 1) { unsafe Array($0) })
    #expect(store.file.shared.closedCleanly.relaxed == 1)
    let opened = try Store(at: path)
    #expect(opened.file.shared.closedCleanly.relaxed == 0)
    #expect(try opened.verify().isClean)
    try opened.close()
    #expect(store.file.shared.closedCleanly.relaxed == 1)
  }
}
