internal import CNanoTS
internal import Glibc
internal import Synchronization

/// Watches the system calls of a thread, and of those that it starts, and knows of one file what a loss of power would
/// leave of it: what was synced, and every version that each page was seen to have since.
///
/// It looks through a mapping of its own, which shows what any process stored. The content counts as durable that a page
/// had when the call began that synced it: what others store meanwhile may come too late.
package final class FileRecorder: Sendable {
  private let recording: Mutex<Recording>

  /// Watches the file at `path`, which is durable as it is and never comes to be longer than `maximumByteCount`.
  package init(path: String, maximumByteCount: Int, seed: UInt64) throws {
    let file = try WatchedFile(path, maximumByteCount)
    recording = Mutex(Recording(file, seed: seed))
  }

  deinit { recording.withLock { $0.file.close() } }

  /// Stands between this thread and its system calls from now on. The recorder must live until `detach`, and until the
  /// threads have ended that were started in between.
  package func attach() {
    unsafe nts_interpose(FileRecorder.see, Unmanaged.passUnretained(self).toOpaque())
  }

  /// Lets this thread's system calls go unseen again.
  package static func detach() { nts_interpose(nil, nil) }

  /// From now on the file at `path` is the one that is watched. It holds what the earlier one held; what of that is
  /// durable does not change. So a process that was killed has gone, with its locks, and the page cache is still there.
  package func goOn(with path: String) throws {
    try recording.withLock { recording in
      let file = try WatchedFile(path, recording.file.byteCount)
      recording.file.close()
      recording.file = file
      recording.mappings = []
      recording.isBlind = false
    }
  }

  /// From now on the file at `path` is watched, which is durable as it is: what was watched before is given up.
  package func restart(with path: String) throws {
    try recording.withLock { recording in
      let file = try WatchedFile(path, recording.file.byteCount)
      recording.file.close()
      recording = Recording(file, seed: recording.nextSeed())
    }
  }

  /// What crashes from here on are to be known by.
  package func setMoment(_ moment: Int) { recording.withLock { $0.moment = moment } }

  /// Takes a crash at one in about `spacing` of the calls that matter; never with 0.
  package func takeCrashes(every spacing: Int) { recording.withLock { $0.takeCrashes(every: spacing) } }

  /// Notes what the file holds now: the kernel may write any page back at any time.
  package func sample() { recording.withLock { _ = $0.sample() } }

  /// What a crash would leave now.
  package func crash() -> CrashState {
    recording.withLock { recording in
      recording.sampleWhole()
      return recording.state("between two calls")
    }
  }

  /// The process is gone: what is left of it. What others do is not looked at from here on until `goOn`.
  package func kill() -> CrashState {
    recording.withLock { recording in
      recording.sample()
      recording.isBlind = true
      return recording.state("when it was killed")
    }
  }

  /// The crashes taken since the last time.
  package func takenCrashes() -> [CrashState] {
    recording.withLock { recording in
      defer { recording.taken = [] }
      return recording.taken
    }
  }

  /// How many syncs of the file were done.
  package var syncs: Int { recording.withLock { $0.syncs } }

  private static let see: nts_interposer = { context, request in
    guard let context = unsafe context, let request = unsafe request else { return 0 }
    let recorder = unsafe Unmanaged<FileRecorder>.fromOpaque(context).takeUnretainedValue()
    let call = unsafe SeenCall(
      kind: request.pointee.call, isDone: request.pointee.is_done != 0, file: request.pointee.fd,
      offset: Int(request.pointee.offset), length: Int(request.pointee.length),
      address: UInt(bitPattern: request.pointee.address), thread: UInt(pthread_self()))
    recorder.recording.withLock { $0.see(call) }
    return 0
  }
}

/// One call, as values.
struct SeenCall: Sendable {
  let kind: nts_call
  let isDone: Bool
  let file: Int32
  let offset: Int
  let length: Int
  let address: UInt
  let thread: UInt

  /// True for the calls around which what a crash leaves differs.
  var matters: Bool {
    switch kind {
    case NTS_CALL_SYNC_RANGE, NTS_CALL_SYNC_FILE, NTS_CALL_RESERVE, NTS_CALL_TRUNCATE: true
    case NTS_CALL_LOCK: isDone
    case NTS_CALL_UNLOCK: !isDone
    default: false
    }
  }

  var description: String {
    let name =
      switch kind {
      case NTS_CALL_SYNC_RANGE: "the sync of a range"
      case NTS_CALL_SYNC_FILE: "the sync of the file"
      case NTS_CALL_RESERVE: "reserving space"
      case NTS_CALL_TRUNCATE: "setting the size"
      case NTS_CALL_LOCK: "locking"
      case NTS_CALL_UNLOCK: "unlocking"
      default: "call \(kind.rawValue)"
      }
    return (isDone ? "after " : "before ") + name
  }
}

/// The file that is watched, through a descriptor and a mapping of the simulator's own.
struct WatchedFile: Sendable {
  let descriptor: Int32
  /// Bytes that are mapped; what of them lies past the file's end is not touched.
  let byteCount: Int
  private let base: UInt
  private let device: UInt64
  private let inode: UInt64

  init(_ path: String, _ byteCount: Int) throws {
    let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { throw RawFile.Failure("open", path) }
    let mapped = unsafe mmap(nil, byteCount, PROT_READ, MAP_SHARED, file, 0)
    guard unsafe mapped != MAP_FAILED else { throw RawFile.Failure("mmap", path) }
    var status = stat()
    guard unsafe fstat(file, &status) == 0 else { throw RawFile.Failure("fstat", path) }
    descriptor = file
    self.byteCount = byteCount
    base = UInt(bitPattern: mapped)
    (device, inode) = (UInt64(status.st_dev), UInt64(status.st_ino))
  }

  func close() {
    unsafe _ = munmap(UnsafeMutableRawPointer(bitPattern: base), byteCount)
    _ = Glibc.close(descriptor)
  }

  func isBehind(_ other: Int32) -> Bool {
    var status = stat()
    guard other >= 0, unsafe fstat(other, &status) == 0 else { return false }
    return UInt64(status.st_dev) == device && UInt64(status.st_ino) == inode
  }

  /// The file's length, of which no more is looked at than is mapped.
  var size: Int {
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else { return 0 }
    return min(Int(status.st_size), byteCount)
  }

  /// The page's bytes if they are not `known`; what lies past the file's end is zero.
  func page(_ index: Int, of size: Int, ifNot known: Page) -> Page? {
    let count = min(CrashState.pageSize, size - index * CrashState.pageSize)
    let bytes = unsafe UnsafeRawBufferPointer(
      start: UnsafeRawPointer(bitPattern: base)! + index * CrashState.pageSize, count: count)
    let isSame = unsafe known.withUnsafeBytes { unsafe memcmp($0.baseAddress!, bytes.baseAddress!, count) == 0 }
    if isSame { return nil }
    var page = unsafe Page(bytes)
    if count < CrashState.pageSize { page += Page(repeating: 0, count: CrashState.pageSize - count) }
    return page
  }
}
