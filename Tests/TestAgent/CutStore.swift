import Glibc
import NanoTS

/// Goes on using a store that was cut while it was open, beside one that was not, and says what became of it.
struct CutStore {
  private let path: String
  private let otherPath: String

  init(_ path: String, _ otherPath: String) {
    self.path = path
    self.otherPath = otherPath
  }

  func run(_ use: String, isGuarded: Bool) throws {
    if use == "chained" { CutStore.installEarlierHandler() }
    // Before and after a store is opened are the same to it.
    let early = try Store(at: path, use.hasPrefix("write") ? .readWrite : use == "copied" ? .snapshot : .readOnly)
    if isGuarded {
      try Store.installBusErrorGuard()
      try Store.installBusErrorGuard()
    }
    let other = try Store(at: otherPath)
    let otherWriter = try other.writer(for: "s")
    switch use {
    case "read": try read(early)
    case "copied": try readCopied(early)
    case "ask": try ask(early)
    case "write": try write(early, WriterOptions())
    case "write-none": try write(early, WriterOptions(durability: .none))
    case "write-on": try writeAndStay(early)
    case "write-every": try write(early, WriterOptions(durability: .everyFrame))
    case "raise", "chained":
      Agent.awaitLine()
      raise(SIGBUS)
      print("the signal was lost")
    case "elsewhere": try touchAnotherFile()
    default: print("no such use")
    }
    try otherWriter.append([7], at: 1000)
    try otherWriter.flush()
    print("other \(try other.frames(of: "s").reduce(0) { count, _ in count + 1 })")
  }

  private func tell(_ what: String, _ body: () throws(NanoTSError) -> Void) {
    do throws(NanoTSError) {
      try body()
      print("\(what): fine")
    } catch {
      print("\(what): \(error.code) \(error.systemError) \(error)")
    }
  }

  private func read(_ store: Store) throws {
    var cursor = try store.cursor(of: "s")
    var frame = try cursor.next()
    Agent.awaitLine()
    tell("payload") { () throws(NanoTSError) in
      for _ in 0..<10_000 {
        // Zeros are nobody's frame.
        guard let here = frame else { return }
        if try here.copyBytes() != HostileContent.payload(here.timestamp, "s") { print("wrong bytes") }
        frame = try cursor.next()
      }
    }
    tell("step") { () throws(NanoTSError) in _ = try cursor.next() }
    tell("first") { () throws(NanoTSError) in _ = try cursor.first() }
    tell("new cursor") { () throws(NanoTSError) in _ = try store.cursor(of: "s") }
    tell("verify") { () throws(NanoTSError) in _ = try store.verify() }
    if let here = frame { tell("held frame") { () throws(NanoTSError) in _ = try here.copyBytes() } }
  }

  /// Steps through a snapshot: the block that was entered before is there, and each that could not be read is told of once.
  private func readCopied(_ store: Store) throws {
    var cursor = try store.cursor(of: "s")
    let held = try cursor.next()
    Agent.awaitLine()
    tell("held frame") { () throws(NanoTSError) in
      if try held!.copyBytes() != HostileContent.payload(0, "s") { print("wrong bytes") }
    }
    var (right, missed, failures) = (1, UInt64(0), 0)
    while failures < 100 {
      do throws(NanoTSError) {
        guard let frame = try cursor.next() else { break }
        if try frame.copyBytes() != HostileContent.payload(frame.timestamp, "s") { print("wrong bytes") }
        right += 1
      } catch {
        if failures == 0 { print("step: \(error.code) \(error.systemError) \(error)") }
        failures += 1
        missed += error.missedFrames
      }
    }
    print("right \(right)\nmissed \(missed)\nfailures \(failures)")
    let (times, left) = try store.frames(of: "s").reduce(into: (0, UInt64(0))) { sum, frame in
      sum.0 += 1
      sum.1 += frame.missed
    }
    print("sequence \(times) \(left)")
    let findings = try store.verify().findings
    print("findings \(findings.count { $0.kind == .file })")
  }

  private func ask(_ store: Store) throws {
    Agent.awaitLine()
    tell("verify") { () throws(NanoTSError) in _ = try store.verify() }
    tell("statistics") { () throws(NanoTSError) in _ = try store.statistics() }
    tell("copy") { () throws(NanoTSError) in _ = try store.copy(to: path + ".copy") }
  }

  private func write(_ store: Store, _ options: WriterOptions) throws {
    let writer = try store.writer(for: "w", options: options)
    for time in Int64(0)..<5 { try writer.append(HostileContent.payload(time, "w"), at: time) }
    Agent.awaitLine()
    var appended = 0
    tell("append") { () throws(NanoTSError) in
      for time in Int64(5)..<10_000 {
        try writer.append(HostileContent.payload(time, "w"), at: time)
        appended += 1
      }
    }
    tell("append again") { () throws(NanoTSError) in try writer.append([1], at: 20_000) }
    tell("flush") { () throws(NanoTSError) in try writer.flush() }
    tell("close") { () throws(NanoTSError) in try writer.close() }
    tell("new writer") { () throws(NanoTSError) in _ = try store.writer(for: "w2") }
    print("appended \(appended)")
  }

  /// Keeps the writer that has failed, and the store, until it is told to go on.
  private func writeAndStay(_ store: Store) throws {
    let writer = try store.writer(for: "w", options: WriterOptions(durability: .none))
    Agent.awaitLine()
    var time: Int64 = 0
    while (try? writer.append(HostileContent.payload(time, "w"), at: time)) != nil { time += 1 }
    Agent.awaitLine()
    tell("append again") { () throws(NanoTSError) in try writer.append([1], at: 20_000) }
  }

  /// A SIGBUS that concerns no store.
  private func touchAnotherFile() throws {
    let name = path + ".elsewhere"
    let descriptor = unsafe open(name, O_RDWR | O_CREAT, 0o600)
    guard ftruncate(descriptor, 8192) == 0,
      let base = unsafe mmap(nil, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0), unsafe base != MAP_FAILED
    else { throw SharedWords.Failure(path: name, systemError: errno) }
    _ = ftruncate(descriptor, 0)
    Agent.awaitLine()
    print(unsafe base.load(as: UInt8.self))
  }

  /// Ends the process with status 7 when it is called.
  private static func installEarlierHandler() {
    _ = signal(SIGBUS) { _ in _exit(7) }
  }
}
