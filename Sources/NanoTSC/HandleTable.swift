internal import CInterface
internal import NanoTS
import Synchronization

/// Every handle that C has, by number.
///
/// A handle is not the address of anything: it is the index of a slot, what kind of thing is there, and how many handles
/// the slot has had. So a handle that was ended, made up, or of another kind is found out without touching memory that
/// is gone, and nothing about it is undefined.
///
///     bits 0–19 slot   20–23 kind   24–61 number of the handle in its slot, from 1
///
/// Slots are never given back to the system. A slot's word is the handle of the thing in it, shifted left, with bit 0
/// set while a call is at work on it; or 0 when it is empty. One compare-and-exchange asks whether the handle lives, and
/// keeps other threads out.
enum HandleTable {
  /// What is behind a handle.
  enum Kind: UInt64 {
    case store = 1
    case writer
    case context
    case reader
    case iterator
    case follower
    case pin
  }

  /// A slot. Bound: `base` begins 64 bytes, one cache line, so that two threads at work on two handles do not meet.
  @safe
  struct Slot {
    let base: UnsafeMutableRawPointer
    static let byteCount = 64

    @inline(__always)
    var word: UnsafeMutablePointer<Atomic<UInt64>> { unsafe base.assumingMemoryBound(to: Atomic<UInt64>.self) }

    /// What the slot holds: read by whoever has the slot to itself, or the table's lock.
    @inline(__always)
    var thing: UnsafeMutableRawPointer {
      unsafe base.load(fromByteOffset: 8, as: UnsafeMutableRawPointer.self)
    }

    func set(_ thing: UnsafeMutableRawPointer) {
      unsafe base.storeBytes(of: thing, toByteOffset: 8, as: UnsafeMutableRawPointer.self)
    }

    /// How many handles the slot has had; under the table's lock.
    func nextNumber() -> UInt64 {
      let number = unsafe base.load(fromByteOffset: 16, as: UInt64.self) &+ 1
      unsafe base.storeBytes(of: number, toByteOffset: 16, as: UInt64.self)
      return number & HandleTable.numberMask
    }
  }

  private static let slotBits: UInt64 = 20
  private static let kindBits: UInt64 = 4
  private static let numberMask: UInt64 = 1 << 38 - 1
  private static let slotsInChunk = 1 << 10
  private struct Supply: Sendable {
    var used: UInt64 = 0
    var empty: [UInt64] = []
  }

  private static let supply = ProcessLock(Supply())

  /// The slot that `handle` names, if there is one. It may hold another handle, or none.
  @inline(__always)
  static func slot(_ handle: UInt64) -> Slot? {
    let index = Int(truncatingIfNeeded: handle & (1 << slotBits - 1))
    // Bound: the index has 20 bits, so that the chunk's has 10.
    guard let base = unsafe nanots_internal_chunk(index / slotsInChunk) else { return nil }
    return unsafe Slot(base: base + index % slotsInChunk * Slot.byteCount)
  }

  @inline(__always)
  static func kind(_ handle: UInt64) -> UInt64 { handle >> slotBits & (1 << kindBits - 1) }

  /// A handle for `thing`, or nil when a million are alive.
  static func make(_ kind: Kind, _ thing: UnsafeMutableRawPointer) -> OpaquePointer? {
    unsafe supply.withLock { supply in
      guard let index = supply.empty.popLast() ?? addSlot(&supply), let slot = slot(index) else { return nil }
      let handle = slot.nextNumber() << (slotBits + kindBits) | kind.rawValue << slotBits | index
      unsafe slot.set(thing)
      unsafe slot.word.pointee.store(handle << 1, ordering: .releasing)
      return unsafe OpaquePointer(bitPattern: UInt(handle))
    }
  }

  private static func addSlot(_ supply: inout Supply) -> UInt64? {
    let index = supply.used
    guard index < 1 << slotBits else { return nil }
    let chunk = Int(index) / slotsInChunk
    if unsafe nanots_internal_chunk(chunk) == nil {
      let bytes = slotsInChunk * Slot.byteCount
      let base = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: Slot.byteCount)
      unsafe base.initializeMemory(as: UInt64.self, repeating: 0, count: bytes / 8)
      unsafe nanots_internal_set_chunk(chunk, base)
    }
    supply.used += 1
    return index
  }

  /// What became of an attempt to end a handle.
  @safe
  enum Ending {
    case ended(UnsafeMutableRawPointer)
    case inUse
    case unknown
  }

  /// Ends `handle`: the caller gets what was behind it, and nobody else does.
  static func end(_ handle: UInt64, _ kind: Kind) -> Ending {
    guard self.kind(handle) == kind.rawValue, let slot = slot(handle) else { return .unknown }
    return supply.withLock { supply in
      let (isTaken, found) = unsafe slot.word.pointee.compareExchange(
        expected: handle << 1, desired: 0, ordering: .acquiringAndReleasing)
      guard isTaken else { return found == handle << 1 | 1 ? .inUse : .unknown }
      supply.empty.append(handle & (1 << slotBits - 1))
      return unsafe .ended(slot.thing)
    }
  }

  /// Calls `body` with what is behind a handle that is used without having it alone; nil when it does not live. It
  /// cannot be ended meanwhile, so that `body` can retain it.
  static func look<R>(_ handle: UInt64, _ kind: Kind, _ body: (UnsafeMutableRawPointer) -> R) -> R? {
    guard self.kind(handle) == kind.rawValue, let slot = slot(handle) else { return nil }
    return supply.withLock { _ in
      guard isAlive(handle, slot) else { return nil }
      return unsafe body(slot.thing)
    }
  }

  @inline(__always)
  static func isAlive(_ handle: UInt64, _ slot: Slot) -> Bool {
    unsafe slot.word.pointee.load(ordering: .relaxed) == handle << 1
  }
}
