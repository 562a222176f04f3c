internal import CLimit
internal import NanoTS

/// What a second process does for a measurement. Its side of the exchange is counted in the mailbox.
enum PeerRole: String {
  /// Follows the stream and looks at each frame.
  case tail
  /// The same in a ring of the C limit.
  case limitTail
  /// Reads from the oldest frame on, so slowly that the ring laps it again and again.
  case lapped
  /// Copies the store, again and again.
  case copier
  /// Appends to the stream, as fast as it can.
  case writer
  /// Uses a processor and touches nothing of the store.
  case spin
  /// Follows the stream and stores how long each frame took from the time in its payload.
  case follow
  /// The same exchange over a bare futex.
  case futex
}

/// The peer's side.
enum Peer {
  static let stream = "frames"

  static func run(_ role: PeerRole, _ path: String, _ mailboxPath: String) throws {
    guard let mailbox = unsafe peer_mailbox_map(mailboxPath) else {
      throw BenchmarkError("\(mailboxPath) cannot be mapped")
    }
    switch role {
    case .tail: try unsafe tail(path, mailbox)
    case .limitTail: try unsafe limitTail(path, mailbox)
    case .lapped: try unsafe beLapped(path, mailbox)
    case .copier: try unsafe copy(path, mailbox)
    case .writer: try unsafe write(path, mailbox)
    case .spin: unsafe spin(mailbox)
    case .follow: try unsafe follow(path, mailbox)
    case .futex: while true { unsafe peer_bare_wait(mailbox, WakeUpWorkload.wakesInRun) }
    }
  }

  private static func count(_ mailbox: UnsafeMutablePointer<peer_mailbox>) {
    unsafe mailbox.pointee.progress &+= 1
  }

  private static func tail(_ path: String, _ mailbox: UnsafeMutablePointer<peer_mailbox>) throws {
    var follower = try Store(at: path).follow([stream])
    unsafe count(mailbox)
    var sum: UInt64 = 0
    while let followed = try follower.next() { sum &+= firstWord(followed.frame) }
    _ = sum
  }

  private static func limitTail(_ path: String, _ mailbox: UnsafeMutablePointer<peer_mailbox>) throws {
    let ring = try ReadersWorkload.sharedRing(at: path)
    unsafe count(mailbox)
    var shape = unsafe ring.ring
    unsafe limit_tail(&shape, &mailbox.pointee.progress)
  }

  private static func beLapped(_ path: String, _ mailbox: UnsafeMutablePointer<peer_mailbox>) throws {
    var cursor = try Store(at: path, .readOnly).cursor(of: stream)
    unsafe count(mailbox)
    var sum: UInt64 = 0
    while true {
      if let frame = try? cursor.first() { sum &+= firstWord(frame) }
      peer_pause(1_000_000)
      // The block in which the cursor stands is gone by now: this step finds that out and looks for the oldest one left.
      if let frame = try? cursor.next() { sum &+= firstWord(frame) }
    }
  }

  private static func copy(_ path: String, _ mailbox: UnsafeMutablePointer<peer_mailbox>) throws {
    let store = try Store(at: path, .readOnly)
    unsafe count(mailbox)
    while true { try store.copy(to: "\(path).copy", replacing: true) }
  }

  private static func write(_ path: String, _ mailbox: UnsafeMutablePointer<peer_mailbox>) throws {
    let writer = try Store(at: path).writer(for: stream, options: WriterOptions(durability: .none))
    let payload: [UInt8] = Array(repeating: 7, count: 64)
    var timestamp = (writer.last?.timestamp ?? 0) + 1
    unsafe count(mailbox)
    while true {
      try writer.append(payload, at: timestamp)
      timestamp += 1
    }
  }

  private static func firstWord(_ frame: Frame) -> UInt64 { (try? frame.load(as: UInt64.self)) ?? 0 }

  private static func spin(_ mailbox: UnsafeMutablePointer<peer_mailbox>) {
    unsafe count(mailbox)
    while true { _ = unsafe peer_load(&mailbox.pointee.sent) }
  }

  private static func follow(_ path: String, _ mailbox: UnsafeMutablePointer<peer_mailbox>) throws {
    var cursor = try Store(at: path).cursor(of: stream)
    try cursor.seekToEnd()
    while true {
      unsafe count(mailbox)
      for index in 0..<WakeUpWorkload.wakesInRun {
        guard let frame = try cursor.next(waitingMilliseconds: .max) else { return }
        let woken = limit_clock()
        let sent = try frame.load(as: UInt64.self)
        unsafe peer_set_sample(mailbox, index, woken - sent)
        unsafe peer_store(&mailbox.pointee.progress, mailbox.pointee.progress + 1)
      }
    }
  }
}

/// The measuring process's side: a peer that runs from here on.
@safe
final class PeerProcess {
  let process: Int32
  private let mailbox: UnsafeMutablePointer<peer_mailbox>

  /// Starts the peer and waits until it is at work.
  init(_ role: PeerRole, _ path: String, _ scratch: Scratch) throws {
    let mailboxPath = scratch.path()
    guard let mailbox = unsafe peer_mailbox_map(mailboxPath) else {
      throw BenchmarkError("\(mailboxPath) cannot be mapped")
    }
    unsafe self.mailbox = unsafe mailbox
    process = unsafe peer_start(role.rawValue, path, mailboxPath)
    guard process > 0 else { throw BenchmarkError("a second process cannot be started: errno \(-process)") }
    waitForProgress(1)
  }

  deinit {
    peer_end(process)
    unsafe peer_mailbox_unmap(mailbox)
  }

  var progress: UInt64 { unsafe peer_load(&mailbox.pointee.progress) }

  func waitForProgress(_ count: UInt64) {
    while progress < count { peer_pause(20_000) }
  }

  func bareWake() { unsafe peer_bare_wake(mailbox) }

  /// The times that the peer measured in its last round.
  var samples: [Double] {
    (0..<WakeUpWorkload.wakesInRun).map { unsafe Double(peer_sample(mailbox, $0)) }
  }
}
