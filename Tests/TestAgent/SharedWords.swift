import Glibc
import Synchronization

/// A file of words that a test and its agents have mapped: it outlives every kill.
///
/// The first says "stop" when it is not 0, the second after how many seconds an agent ends by itself. The others belong
/// to one agent or thread each: a writer stores how many frames were acknowledged, a reader how many it has checked.
@safe
public final class SharedWords: @unchecked Sendable {
  public static let count = 64
  /// The first word that is an agent's own.
  public static let firstOwn = 2

  public let path: String
  private let cells: UnsafeMutablePointer<Atomic<UInt64>>

  public struct Failure: Error {
    let path: String
    let systemError: Int32
  }

  /// Maps the words at `path`, all zero if the file is new.
  public init(at path: String) throws {
    self.path = path
    let descriptor = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    defer { close(descriptor) }
    guard descriptor >= 0, ftruncate(descriptor, SharedWords.count * 8) == 0,
      let base = unsafe mmap(nil, SharedWords.count * 8, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0),
      unsafe base != MAP_FAILED
    else { throw Failure(path: path, systemError: errno) }
    unsafe cells = base.assumingMemoryBound(to: Atomic<UInt64>.self)
  }

  deinit { unsafe munmap(cells, SharedWords.count * 8) }

  public subscript(index: Int) -> UInt64 {
    @inline(__always) get {
      precondition(index >= 0 && index < SharedWords.count)
      return unsafe cells[index].load(ordering: .acquiring)
    }
    @inline(__always) set {
      precondition(index >= 0 && index < SharedWords.count)
      unsafe cells[index].store(newValue, ordering: .releasing)
    }
  }

  /// True when everybody is to stop.
  @inline(__always)
  public var isOver: Bool { self[0] != 0 }

  public func stop() { self[0] = 1 }

  /// Whatever goes wrong with a test, its agents end.
  public var secondsLeft: UInt32 {
    get { self[1] == 0 ? 300 : UInt32(self[1]) }
    set { self[1] = UInt64(newValue) }
  }
}
