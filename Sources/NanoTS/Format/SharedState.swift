//  SharedState: the second 4 KiB of the file. Mutable words shared by every process that has the store open, apart
//  from each other by cache line (64 B) where different parties change them.
//
//     0  allocation epoch        u64   odd while the holder of the allocation lock changes lists
//     8  fresh blocks            u32   blocks from this index on were never used
//    12  free list head          u32   block index + 1; 0: empty
//    16  available blocks        u32   blocks that the file has room for now
//    20  free list count         u32
//    24  used stream slots       u32   slots from this index on were never used
//    32  allocation holder       u64   who changes lists: 0 nobody, else AllocationHolder
//
//    64  wanted wakes            u32   bit s mod 32: somebody waits for a frame of the stream in slot s
//   128  wake word               u32   futex on which they wait; counts the wakes
//
//   192  boot id                16 B   the boot in which a writer last had the store open
//   208  closed cleanly          u32   1: everything was synced when the last writer left
//   212  unordered reuse         u32   1: a writer without durability may have recycled blocks in that boot
//
//   256  wake budgets            32 × u64   for each bit: the time window (high 56 bits) in which so many (low 8 bits)
//                                      followers have asked for a wake

/// A view of the SharedState page. Bound: `base` is the page's first byte in a mapping that holds the whole page.
@safe
struct SharedState {
  static let byteCount = 4096
  /// What holders of the allocation lock change when blocks change hands comes first.
  static let listsByteCount = 64
  let base: UnsafeMutableRawPointer

  enum Offset {
    static let allocationEpoch = 0
    static let freshBlocks = 8
    static let freeListHead = 12
    static let availableBlocks = 16
    static let freeListCount = 20
    static let usedStreamSlots = 24
    static let allocationHolder = 32
    static let wantedWakes = 64
    static let wakeWord = 128
    static let bootID = 192
    static let closedCleanly = 208
    static let unorderedReuse = 212
    static let wakeBudgets = 256
  }

  static let wakeBitCount = 32

  var allocationEpoch: AtomicUInt64 { unsafe AtomicUInt64(base, Offset.allocationEpoch) }
  var freshBlocks: AtomicUInt32 { unsafe AtomicUInt32(base, Offset.freshBlocks) }
  var freeListHead: AtomicUInt32 { unsafe AtomicUInt32(base, Offset.freeListHead) }
  var availableBlocks: AtomicUInt32 { unsafe AtomicUInt32(base, Offset.availableBlocks) }
  var freeListCount: AtomicUInt32 { unsafe AtomicUInt32(base, Offset.freeListCount) }
  var usedStreamSlots: AtomicUInt32 { unsafe AtomicUInt32(base, Offset.usedStreamSlots) }
  var allocationHolder: AtomicUInt64 { unsafe AtomicUInt64(base, Offset.allocationHolder) }
  var closedCleanly: AtomicUInt32 { unsafe AtomicUInt32(base, Offset.closedCleanly) }
  var unorderedReuse: AtomicUInt32 { unsafe AtomicUInt32(base, Offset.unorderedReuse) }

  var wantedWakes: AtomicUInt32 { unsafe AtomicUInt32(base, Offset.wantedWakes) }
  var wakeWord: AtomicUInt32 { unsafe AtomicUInt32(base, Offset.wakeWord) }

  /// Bound: `bit` is below `wakeBitCount`.
  func wakeBudget(_ bit: Int) -> AtomicUInt64 {
    precondition(bit >= 0 && bit < SharedState.wakeBitCount)
    return unsafe AtomicUInt64(base, Offset.wakeBudgets + bit * 8)
  }

  var bootID: BootID {
    get {
      unsafe BootID(
        high: AtomicUInt64(base, Offset.bootID).relaxed, low: AtomicUInt64(base, Offset.bootID + 8).relaxed)
    }
    nonmutating set {
      unsafe AtomicUInt64(base, Offset.bootID).storeRelaxed(newValue.high)
      unsafe AtomicUInt64(base, Offset.bootID + 8).storeRelaxed(newValue.low)
    }
  }
}

/// The identity of one boot of the machine; all zero where the system does not tell it.
struct BootID: Equatable {
  var high: UInt64
  var low: UInt64
  static let unknown = BootID(high: 0, low: 0)
}

extension SharedState {
  static func checkLayout() {
    LayoutCheck.requireTiling(
      "SharedState", byteCount,
      [
        (Offset.allocationEpoch, 8), (Offset.freshBlocks, 4), (Offset.freeListHead, 4), (Offset.availableBlocks, 4),
        (Offset.freeListCount, 4), (Offset.usedStreamSlots, 4), (28, 4), (Offset.allocationHolder, 8), (40, 24),
        (Offset.wantedWakes, 4), (68, 60), (Offset.wakeWord, 4), (132, 60), (Offset.bootID, 16),
        (Offset.closedCleanly, 4), (Offset.unorderedReuse, 4), (216, 40), (Offset.wakeBudgets, 8 * wakeBitCount),
        (512, 3584),
      ])
  }
}
