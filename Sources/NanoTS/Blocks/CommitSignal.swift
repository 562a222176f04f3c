internal import CNanoTS
import Synchronization

/// The writer's half of following: after each commit, wakes the followers that asked for it.
///
/// A stream in slot s has bit s mod 32. Followers set it in `wanted wakes` before they sleep, and the writer that finds
/// it clears it and wakes them: it makes one system call for all, and none until one of them asks again. A follower that
/// died leaves a bit behind, which costs the writer one needless wake.
///
/// Commit and the look at `wanted wakes` must not change places, or both sides could miss each other. A full fence would
/// cost more than the rest of an append; the follower makes the writer's processor take one instead
/// (`ProcessBarrier`), and only a writer whose process cannot take part has its own.
@safe
struct CommitSignal {
  private let shared: SharedState
  private let bit: UInt32
  private let fences: Bool

  init(_ file: StoreFile, slot: Int) {
    shared = file.shared
    bit = CommitSignal.bit(ofSlot: slot)
    fences = !ProcessBarrier.isRegistered
  }

  static func bit(ofSlot slot: Int) -> UInt32 { 1 << UInt32(slot % SharedState.wakeBitCount) }

  /// Called after the store of the commit word.
  @inline(__always)
  func didCommit() {
    if isWaitedFor { wake() }
  }

  /// Asked after the store of the commit word: true when `wake` is to be called.
  @inline(__always)
  var isWaitedFor: Bool {
    if fences { atomicMemoryFence(ordering: .sequentiallyConsistent) }
    nts_compiler_barrier()
    return shared.wantedWakes.relaxed & bit != 0
  }

  /// Cleared before the wake: a follower that asks in between is woken by this wake or asks for the next one. Killed in
  /// between, nobody wakes the sleepers: they look by themselves before long (`CommitWait.longestSleep`).
  @inline(never)
  func wake() {
    shared.wantedWakes.subtract(bit)
    CommitSignal.wake(shared, bits: bit)
  }

  private static func wake(_ shared: SharedState, bits: UInt32) {
    shared.wakeWord.increment()
    Futex.wake(shared.wakeWord, bits: bits)
  }

  /// Wakes all followers of the store: one of them waits for a stream that has just been made, or is to stop waiting.
  static func wakeAll(_ file: StoreFile) {
    if let shared = file.wakeable { wake(shared, bits: Futex.allBits) }
  }
}
