import Foundation
import NanoTS

/// One run of a scenario, in which a system call fails: what was acknowledged, and what is wrong afterwards.
final class FaultRun {
  let directory: TemporaryDirectory
  let injector: FaultInjector
  var path: String { directory.path("a.nts") }
  var copyPath: String { directory.path("copy.nts") }

  private(set) var problems: [String] = []
  private var acknowledged: [String: [Int64]] = [:]
  private var attempted: [String: Set<Int64>] = [:]
  /// Streams of which everything may be gone: they were to be freed, or their store to be replaced.
  private var mayBeGone: Set<String> = []
  /// The step that a sync failed in, from which on nothing is called durable.
  private var failedSync: String?
  /// Older blocks were kept, so that younger ones were reclaimed.
  var keepsOlderFrames = false
  /// Streams with a writer of which a sync has failed.
  private var unsyncedStreams: Set<String> = []

  /// What a preparation left, to begin later runs with.
  struct Prepared: Sendable {
    fileprivate let files: [String: [UInt8]]
    fileprivate let acknowledged: [String: [Int64]]
  }

  init(_ injector: FaultInjector, from prepared: Prepared? = nil) throws {
    self.injector = injector
    directory = try TemporaryDirectory(inMemory: true)
    guard let prepared else { return }
    acknowledged = prepared.acknowledged
    for (name, bytes) in prepared.files { try StoreBytes.write(bytes, to: directory.path(name)) }
  }

  func prepared() throws -> Prepared {
    var files: [String: [UInt8]] = [:]
    for name in try directory.contents() { files[name] = try StoreBytes.read(directory.path(name)) }
    return Prepared(files: files, acknowledged: acknowledged)
  }

  func note(_ problem: String) { problems.append(problem) }

  // MARK: Steps

  /// Makes one use of the engine, which may fail because a call of it does; then its error must say so, and why.
  @discardableResult
  func step<R>(_ operation: String, _ body: () throws -> R) -> R? {
    let before = injector.faults.count
    injector.begin(operation)
    defer { injector.begin("left over") }
    do {
      let result = try body()
      let untold = injector.faults[before...].filter { !ToleratedFault.covers($0) }
      if !untold.isEmpty { note("\(operation) succeeded although \(untold)") }
      noteFailedSync(since: before, operation)
      return result
    } catch let error as NanoTSError {
      let here = injector.faults[before...]
      // A failure may come up again in later uses of what it has spoiled.
      let causes = here.isEmpty ? injector.faults[...] : here
      if !causes.contains(where: { explains($0, error) || ToleratedFault.covers($0) }) {
        note("\(operation) threw \(error.code) with errno \(error.systemError), '\(error.message)', after \(causes)")
      }
      noteFailedSync(since: before, operation)
    } catch {
      note("\(operation): \(error)")
    }
    return nil
  }

  private func noteFailedSync(since before: Int, _ operation: String) {
    if failedSync == nil, injector.faults[before...].contains(where: { $0.site.call.isSync }) { failedSync = operation }
  }

  private func explains(_ fault: FaultInjector.Fault, _ error: NanoTSError) -> Bool {
    guard error.message.contains(directory.path) || fault.site.call == .thread else { return false }
    guard fault.result < 0 else { return error.code == .notAStore || error.code == .truncated }
    return error.systemError == -fault.result && fault.site.call.names.contains { error.message.contains($0) }
  }

  /// Appends a frame of half a block at each of `times`; a writer with a sync that failed may not go on.
  func append(_ times: ClosedRange<Int64>, to stream: String, _ writer: Writer?, _ operation: String = "append") {
    guard let writer else { return }
    for time in times {
      let hadFailed = unsyncedStreams.contains(stream)
      let before = injector.faults.count
      attempted[stream, default: []].insert(time)
      let isDone: ()? = step(operation) { try writer.appendHalfBlock(at: time) }
      noteUnsynced(stream, since: before)
      guard isDone != nil else { continue }
      acknowledged[stream, default: []].append(time)
      if hadFailed { note("frame \(time) of '\(stream)' was acknowledged after a sync of its writer had failed") }
    }
  }

  /// Appends a frame of half a block at each of `times`, within a step, and makes them durable.
  func appendUnchecked(_ times: ClosedRange<Int64>, to stream: String, _ writer: Writer) throws {
    for time in times {
      attempted[stream, default: []].insert(time)
      try writer.appendHalfBlock(at: time)
      acknowledged[stream, default: []].append(time)
    }
    try writer.flush()
  }

  func flush(_ writer: Writer?, of stream: String) {
    let before = injector.faults.count
    step("flush") { try writer?.flush() }
    noteUnsynced(stream, since: before)
  }

  private func noteUnsynced(_ stream: String, since before: Int) {
    if injector.faults[before...].contains(where: { $0.site.call.isSync }) { unsyncedStreams.insert(stream) }
  }

  /// Notes what a preparation has stored.
  func hasStored(_ times: ClosedRange<Int64>, in stream: String) { acknowledged[stream, default: []] += Array(times) }

  func mayLose(_ stream: String) { mayBeGone.insert(stream) }

  // MARK: Afterwards

  /// Checks what is left when everything of the run is gone.
  func check() {
    do {
      try checkLeaks()
      checkCleanMark()
      try checkContents()
      if FileManager.default.fileExists(atPath: copyPath) { try checkCopy() }
    } catch {
      note("afterwards: \(error)")
    }
    checkFiles()
  }

  private func checkLeaks() throws {
    // A thread of the engine's may be about to end, and hold the store until then.
    var left = try leaks()
    var looks = 0
    while !left.isEmpty, looks < 2_000 {
      usleep(2_000)
      left = try leaks()
      looks += 1
    }
    for leak in left { note("left behind: \(leak)") }
  }

  /// Descriptors and mappings of this process in the run's directory.
  private func leaks() throws -> [String] {
    let names = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")
    let targets = names.compactMap { try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)") }
    return try targets.filter { $0.hasPrefix(directory.path) }
      + ProcessMappings.lines(of: directory.path).map(String.init)
  }

  /// After a sync that failed no store may be called clean, whatever sync succeeds later.
  private func checkCleanMark() {
    let marked: Set<String> = [
      "append", "append with a thread", "flush", "open a writer", "free a range", "set a quota", "protect",
    ]
    guard let failedSync, marked.contains(failedSync), let bytes = try? StoreBytes.read(path) else { return }
    if StoreBytes.load(bytes, at: 4096 + 208, as: UInt32.self) == 1 {
      note("marked clean after a failed \(failedSync)")
    }
  }

  private func checkContents() throws {
    guard FileManager.default.fileExists(atPath: path) else {
      if acknowledged.keys.contains(where: { !mayBeGone.contains($0) }) { note("the store is gone") }
      return
    }
    try checkFrames(Store(at: path, .readOnly), "read-only")
    let store = try Store(at: path)
    let report = try store.verify()
    if !report.isClean { note("verify: \(report.findings.map(\.description))") }
    try checkFrames(store, "reopened")
    for stream in Set(try store.streams()).union(["new"]) {
      let writer = try writer(for: stream, of: store)
      try writer.appendHalfBlock(at: 1_000_000)
      try writer.close()
      if try store.provenTimes(of: stream).last != 1_000_000 { note("'\(stream)' takes no frame") }
    }
    if try !store.verify().isClean { note("verify after writing: not clean") }
    try store.close()
  }

  /// Where unlocking failed as well, the lock goes with the descriptor: a process that another test is starting has that too
  /// until its program begins.
  private func writer(for stream: String, of store: Store) throws -> Writer {
    for _ in 0..<2_000 {
      do {
        return try store.writer(for: stream)
      } catch {
        guard error.code == .streamBusy else { throw error }
      }
      usleep(2_000)
    }
    return try store.writer(for: stream)
  }

  private func checkFrames(_ store: Store, _ when: String) throws {
    for (stream, times) in acknowledged where !mayBeGone.contains(stream) {
      let left = try store.provenTimes(of: stream)
      let missing = times.filter { !left.contains($0) }
      let reclaimed = try store.statistics(of: stream)?.reclaimedFrames ?? 0
      let isInOrder = keepsOlderFrames || missing == Array(times.prefix(missing.count))
      if missing.count > Int(reclaimed) || !isInOrder {
        note("\(when): of '\(stream)' \(missing) are missing, \(reclaimed) were reclaimed")
      }
      let known = Set(times).union(attempted[stream] ?? [])
      if let strange = left.first(where: { !known.contains($0) }) {
        note("\(when): frame \(strange) was never appended")
      }
    }
  }

  private func checkCopy() throws {
    let copy = try Store(at: copyPath)
    if try !copy.verify().isClean { note("the copy is not clean") }
    for stream in try copy.streams() where try copy.provenTimes(of: stream) != (acknowledged[stream] ?? []) {
      note("the copy of '\(stream)' is not whole")
    }
    try copy.close()
  }

  /// A temporary file is left only when it could not be removed.
  private func checkFiles() {
    let files = (try? directory.contents()) ?? []
    let wasUnlinked = !injector.faults.contains { $0.site.call == .unlink }
    for name in files where name.hasSuffix(".new") && wasUnlinked { note("\(name) was left behind") }
  }
}
